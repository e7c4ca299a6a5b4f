"""Which crops make a training batch: seeded samples of crops or of sequences of them."""

import abc
import collections
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from data.contract import Label
from data.utils.errors import UsageError
from models.config import ModelConfig
from models.inputs.crop_source import CropIndex, require_both_classes

PADDING = -1
"""Fills a sample whose track has fewer crops than the sequence length."""

Samples = npt.NDArray[np.int64]
"""Rows of the index, [g, f]: g samples that belong together, of f crops in the order of time."""


class Sampler(abc.ABC):
    """Draws samples of the crops of a split, in an order of its own.

    Args:
        index: of the split's crops.
        crops: int64 [k], rows of the index to draw from.
        length: f, crops of a sample; sequences are spread evenly over their track.
        seed: the same seed gives the same samples in the same order.
    """

    def __init__(
        self, index: CropIndex, crops: npt.NDArray[np.int64], length: int, seed: int
    ) -> None:
        self._index = index
        self._length = length
        self._seed = seed
        crops = np.sort(crops)
        self._videos, starts = np.unique(index.video[crops], return_index=True)
        self._crops = dict(zip(self._videos.tolist(), np.split(crops, starts[1:]), strict=True))
        self._labels = index.label[self._videos]

    @abc.abstractmethod
    def __len__(self) -> int:
        """Samples in an epoch."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Samples]:
        """Endless samples [g, f]."""

    def _draw(self, video: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """Draws crops [f], evenly spaced over a random track of the video.

        The track is cut into f equal parts, and of each the crop at the same place is taken.
        """
        crops = self._crops[video]
        crop = int(random.integers(len(crops)))
        if self._length == 1:
            return crops[crop : crop + 1]
        track = crops[self._index.track[crops] == self._index.track[crops[crop]]]
        place = random.random()
        if len(track) <= self._length:
            return self._padded(track)
        places = (np.arange(self._length) + place) * len(track) / self._length
        return track[places.astype(np.int64)]

    def _padded(self, crops: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.pad(crops, (0, self._length - len(crops)), constant_values=PADDING)


class PairSampler(Sampler):
    """Draws pairs of a real and a fake of the same source group, close in time.

    The two show the same person and scene, so that only the manipulation tells them apart.
    An epoch goes once, in random order, through all fakes, and through those reals whose
    source group holds no fake. Each gets a partner of the other class: a random video of its
    own group; if that has none, a random one of the other groups with only one class; if these
    have none, a random one of any group. Crops of the video are drawn at random, and of the
    partner the crops nearest in time, from the track of the same number if there is one.
    """

    def __init__(
        self, index: CropIndex, crops: npt.NDArray[np.int64], length: int, seed: int
    ) -> None:
        super().__init__(index, crops, length, seed)
        videos, labels = self._videos, self._labels
        groups = index.group[videos]
        fakes, reals = labels == Label.FAKE, labels == Label.REAL
        lonely = ~(np.isin(groups, groups[fakes]) & np.isin(groups, groups[reals]))
        self._anchors = videos[fakes | lonely]
        # Anchors share arrays: with a copy each, memory would grow by the square of the videos.
        members = collections.defaultdict(list)
        for video, group, label in zip(
            videos.tolist(), groups.tolist(), labels.tolist(), strict=True
        ):
            members[group, label].append(video)
        by_group_and_label = {key: np.array(rows) for key, rows in members.items()}
        strangers = {
            label: videos[of_label & lonely] if np.any(of_label & lonely) else videos[of_label]
            for label, of_label in ((Label.FAKE, fakes), (Label.REAL, reals))
        }
        self._partners = {}
        for video in self._anchors.tolist():
            other = Label.REAL if index.label[video] == Label.FAKE else Label.FAKE
            self._partners[video] = by_group_and_label.get(
                (int(index.group[video]), int(other)), strangers[other]
            )

    def __len__(self) -> int:
        """Pairs in an epoch."""
        return len(self._anchors)

    def __iter__(self) -> Iterator[Samples]:
        """Endless pairs [2, f]: crops of a real, crops of a fake."""
        epoch = 0
        while True:
            random = np.random.default_rng((self._seed, epoch))
            for anchor in random.permutation(self._anchors).tolist():
                crops = self._draw(anchor, random)
                partner = int(random.choice(self._partners[anchor]))
                crops, others = self._match(crops[crops != PADDING], self._crops[partner])
                pair = [self._padded(others), self._padded(crops)]
                is_fake = self._index.label[anchor] == Label.FAKE
                yield np.stack(pair if is_fake else pair[::-1])
            epoch += 1

    def _match(
        self, crops: npt.NDArray[np.int64], candidates: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Crops [m] and their nearest candidates in time [m], of one track, each candidate once.

        Both have the same length, because a sequence's length must not tell its label.
        """
        tracks = self._index.track[candidates]
        wanted = self._index.track[crops[0]]
        # Without such a track the first is taken, which is the longest.
        candidates = candidates[tracks == (wanted if wanted in tracks else tracks[0])]
        times = self._index.time_s
        distance = np.abs(times[candidates][np.newaxis] - times[crops][:, np.newaxis])
        nearest, first = np.unique(np.argmin(distance, axis=1), return_index=True)
        return crops[first], candidates[nearest]


class BalancedSampler(Sampler):
    """Draws as many reals as fakes, each class in a random order of its own."""

    def __len__(self) -> int:
        """Samples until every video of the larger class has been drawn."""
        return 2 * int(np.bincount(self._labels).max())

    def __iter__(self) -> Iterator[Samples]:
        """Endless samples [1, f], reals and fakes alternating."""
        random = np.random.default_rng(self._seed)
        orders = [self._endless(label, random) for label in (Label.REAL, Label.FAKE)]
        while True:
            for order in orders:
                yield self._draw(next(order), random)[np.newaxis]

    def _endless(self, label: Label, random: np.random.Generator) -> Iterator[int]:
        videos = self._videos[self._labels == label]
        while True:
            yield from random.permutation(videos).tolist()


class NaturalSampler(Sampler):
    """Draws every video once an epoch, in random order; class frequencies stay as they are."""

    def __len__(self) -> int:
        """Samples in an epoch."""
        return len(self._videos)

    def __iter__(self) -> Iterator[Samples]:
        """Endless samples [1, f]."""
        random = np.random.default_rng(self._seed)
        while True:
            for video in random.permutation(self._videos).tolist():
                yield self._draw(video, random)[np.newaxis]


def make_sampler(index: CropIndex, crops: npt.NDArray[np.int64], config: ModelConfig) -> Sampler:
    """Makes the sampler of a config.

    Args:
        index: of the training split.
        crops: int64 [k], rows of the index to draw from.
        config: `fakes`, `sampling`, head, sequence length and seed are used.

    Raises:
        UsageError: a class is missing; with `fakes: self_blended`, no real crop has its landmarks.
    """
    length = config.sequence_length if config.head == "lstm" else 1
    if config.fakes == "self_blended":
        return NaturalSampler(index, _blendable(index, crops), length, config.seed)
    require_both_classes(index.label[np.unique(index.video[crops])], "train")
    kinds: dict[str, type[Sampler]] = {
        "paired": PairSampler,
        "balanced": BalancedSampler,
        "natural": NaturalSampler,
    }
    return kinds[config.sampling](index, crops, length, config.seed)


def _blendable(index: CropIndex, crops: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The crops that can be blended with themselves: those of reals with known landmarks."""
    is_real = index.label[index.video[crops]] == Label.REAL
    is_known = np.isfinite(index.landmarks[crops]).all(axis=(1, 2))
    if not np.any(is_real & is_known):
        raise UsageError(
            f"none of the train split's {int(is_real.sum())} real crops has its five landmarks, "
            "which `fakes: self_blended` needs; extract with --detector mtcnn or retinaface, or "
            "set `fakes: dataset`"
        )
    return crops[is_real & is_known]

"""Which crops make a training batch: seeded pairs of a real and a fake, or reals alone."""

import collections
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from data.contract import Label
from data.errors import UsageError
from models.crop_store import CropIndex, require_both_classes


class PairSampler:
    """Draws pairs of a real and a fake crop of the same source, close in time.

    Compared side by side, what tells the two apart is the manipulation, not person or scene.
    An epoch goes once, in random order, through all fakes, and through those reals whose
    source group holds no fake. Each gets a partner of the other class: a random video of its
    own group; if there is none, a random one of the groups that lack a class too; if there is
    none either, of any group. One crop of the video is drawn at random, and the partner's
    crop nearest to it in time, on the track of the same number where the partner has it.

    Args:
        index: of the split's crops.
        crops: int64 [k], rows of the index to draw from.
        seed: the same seed gives the same pairs in the same order.

    Raises:
        UsageError: there is no real or no fake video.
    """

    def __init__(self, index: CropIndex, crops: npt.NDArray[np.int64], seed: int) -> None:
        self._index = index
        self._seed = seed
        crops = np.sort(crops)
        videos, starts = np.unique(index.video[crops], return_index=True)
        self._crops = dict(zip(videos.tolist(), np.split(crops, starts[1:]), strict=True))
        labels, groups = index.label[videos], index.group[videos]
        require_both_classes(labels, "train")
        fakes, reals = labels == Label.FAKE, labels == Label.REAL
        lonely = ~(np.isin(groups, groups[fakes]) & np.isin(groups, groups[reals]))
        self._anchors = videos[fakes | lonely]
        # Anchors share arrays: a copy for each would take memory by the square of the videos.
        members = collections.defaultdict(list)
        for video, group, label in zip(
            videos.tolist(), groups.tolist(), labels.tolist(), strict=True
        ):
            members[group, label].append(video)
        by_group_and_label = {key: np.array(found) for key, found in members.items()}
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

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Endless pairs of rows of the index: a real crop, a fake crop."""
        epoch = 0
        while True:
            random = np.random.default_rng((self._seed, epoch))
            for anchor in random.permutation(self._anchors).tolist():
                crop = int(random.choice(self._crops[anchor]))
                partner = int(random.choice(self._partners[anchor]))
                other = self._nearest(crop, self._crops[partner])
                is_fake = self._index.label[anchor] == Label.FAKE
                yield (other, crop) if is_fake else (crop, other)
            epoch += 1

    def _nearest(self, crop: int, candidates: npt.NDArray[np.int64]) -> int:
        same_track = candidates[self._index.track[candidates] == self._index.track[crop]]
        if len(same_track):
            candidates = same_track
        distance = np.abs(self._index.time_s[candidates] - self._index.time_s[crop])
        return int(candidates[np.argmin(distance)])


class RealSampler:
    """Draws real crops whose landmarks are known, to be blended with themselves.

    An epoch goes once, in random order, through all real videos that have such a crop; one of
    these is drawn at random. Crops without landmarks are left out, and so are all fakes.

    Args:
        index: of the split's crops.
        crops: int64 [k], rows of the index to draw from.
        seed: the same seed gives the same crops in the same order.

    Raises:
        UsageError: no real crop has all its landmarks.
    """

    def __init__(self, index: CropIndex, crops: npt.NDArray[np.int64], seed: int) -> None:
        self._seed = seed
        is_real = index.label[index.video[crops]] == Label.REAL
        is_known = np.isfinite(index.landmarks[crops]).all(axis=(1, 2))
        if not np.any(is_real & is_known):
            raise UsageError(
                f"none of the train split's {int(is_real.sum())} real crops has its five "
                "landmarks, which `fakes: self_blended` needs; extract with --detector mtcnn or "
                "retinaface, or set `fakes: dataset`"
            )
        usable = np.sort(crops[is_real & is_known])
        _, starts = np.unique(index.video[usable], return_index=True)
        self._videos = np.split(usable, starts[1:])

    def __len__(self) -> int:
        """Crops in an epoch."""
        return len(self._videos)

    def __iter__(self) -> Iterator[tuple[int]]:
        """Endless rows of the index, one at a time."""
        epoch = 0
        while True:
            random = np.random.default_rng((self._seed, epoch))
            for video in random.permutation(len(self._videos)).tolist():
                yield (int(random.choice(self._videos[video])),)
            epoch += 1

"""All usable crops of a split on the local disk, with random access and an index in memory.

TFX hands the Trainer gzipped TFRecords, which can only be read from front to back. They are read
once and their crops written into one plain file. From there crops can be drawn in any order, for
seeded shuffling and for pairs of a real and a fake, without the dataset in memory.
"""

import dataclasses
import fnmatch
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from data import contract, example_encoding
from data.faces import cropping
from data.utils.errors import UsageError
from data.utils.evenly_spread import evenly_spread

_CHUNK = 64  # Examples transformed at a time

_CROP = np.dtype(
    [
        ("offset", np.int64),
        ("length", np.int32),
        ("video", np.int32),
        ("track", np.int32),
        ("time_s", np.float32),
        ("landmarks", np.float32, (contract.LANDMARK_COUNT, 2)),
    ]
)
"""What the index knows of a crop."""


@dataclasses.dataclass(frozen=True)
class CropIndex:
    """Where each crop's JPEG lies and what it shows; m crops of v videos.

    Attributes:
        offset: int64 [m], first byte in the file.
        length: int32 [m], bytes.
        video: int32 [m], row in label, group and weight.
        track: int32 [m], number of the face's track within its video.
        time_s: float32 [m].
        landmarks: float32 [m, 5, 2], x and y in pixels of the crop, in the order of
            `data.contract`; NaN where unknown or beyond the crop.
        label: int8 [v], `data.contract.Label`.
        group: int32 [v], number of the source group.
        weight: float32 [v]; over the training split both classes have the same total.
    """

    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]
    video: npt.NDArray[np.int32]
    track: npt.NDArray[np.int32]
    time_s: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float32]
    label: npt.NDArray[np.int8]
    group: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]


class CropSource:
    """Crops in one file, made by `CropSource.write`; a context manager that closes the file.

    Attributes:
        index: where each crop is.
        video_ids: names of the v videos.
        fingerprint: 16 hexadecimal digits that depend on the videos' ids, hashes and labels,
            not on their order.
    """

    def __init__(
        self, path: str, index: CropIndex, video_ids: Sequence[str], fingerprint: str
    ) -> None:
        self.index = index
        self.video_ids = video_ids
        self.fingerprint = fingerprint
        self._file = os.open(path, os.O_RDONLY)

    @classmethod
    def write(
        cls,
        file_patterns: Sequence[str],
        path: str,
        transform: Callable[[tf.Tensor], Mapping[str, tf.Tensor]] | None = None,
        *,
        compression: str = "GZIP",
    ) -> "CropSource":
        """Reads Examples once and writes their usable crops.

        Args:
            file_patterns: of TFRecords of Examples, each a folder and a pattern of names in it.
            path: of the file to write.
            transform: from serialised Examples, string [n], to their `weight`, [n], among
                others; None for weights of 1.
            compression: of the TFRecords; `GZIP` as TFX writes them, or empty as
                `unmask extract` does.

        Returns:
            The source, open.

        Raises:
            UsageError: there are no files or no videos in them.
            ValueError: an Example is incomplete.
        """
        files = sorted(path for pattern in file_patterns for path in _matching(pattern))
        if not files:
            raise UsageError(f"no file matches {', '.join(file_patterns)}")
        crops: list[tuple[Any, ...]] = []  # as _CROP
        weights: list[float] = []
        videos: list[tuple[str, str, int, str]] = []  # id, hash, label, source group
        # The order of files is kept, so that equal input gives an equal index.
        records = tf.data.TFRecordDataset(files, compression)
        with open(path, "wb") as file:
            for examples in records.batch(_CHUNK):
                if transform is not None:
                    weights.extend(transform(examples)["weight"].numpy())
                for video in map(example_encoding.parse, examples.numpy()):
                    for face in video.usable_faces:
                        place = (file.tell(), len(face.image), len(videos))
                        points = cropping.points_in_crop(
                            np.reshape(face.landmarks, (-1, 2)), face.box
                        )
                        crops.append((*place, face.track, face.time_s, points))
                        file.write(face.image)
                    identity = video.annotation.video_id, video.sha256, video.annotation.label
                    videos.append((*identity, video.annotation.source_group))
        if not videos:
            raise UsageError(f"there is no video in {', '.join(files)}")
        video_ids, _, labels, groups = zip(*videos, strict=True)
        columns = np.array(crops, _CROP)
        index = CropIndex(
            **{name: np.ascontiguousarray(columns[name]) for name in _CROP.names or ()},
            label=np.array(labels, np.int8),
            weight=np.array(weights or np.ones(len(videos)), np.float32),
            group=np.unique(groups, return_inverse=True)[1].astype(np.int32),
        )
        identities = sorted(f"{name}\n{sha256}\n{label}\n" for name, sha256, label, _ in videos)
        digest = hashlib.sha256("".join(identities).encode())
        return cls(path, index, list(video_ids), digest.hexdigest()[:16])

    def read(self, crop: int) -> bytes:
        """The JPEG of a crop; safe from several threads at once."""
        return os.pread(self._file, int(self.index.length[crop]), int(self.index.offset[crop]))

    def close(self) -> None:
        """Closes the file; the source cannot be read afterwards."""
        os.close(self._file)

    def __enter__(self) -> "CropSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sample_tracks(index: CropIndex, frames_per_video: int) -> npt.NDArray[np.int64]:
    """Chooses crops evenly spaced over each track.

    Args:
        index: of m crops, sorted by video, track and time as Examples are.
        frames_per_video: crops of each track at most.

    Returns:
        int64 [k], rows of the index, rising.
    """
    keys = np.stack([index.video, index.track])
    starts = np.flatnonzero(np.any(np.diff(keys, axis=1, prepend=-1) != 0, axis=0))
    chosen = []
    for start, stop in zip(starts, [*starts[1:], keys.shape[1]], strict=True):
        chosen.append(start + evenly_spread(stop - start, frames_per_video))
    return np.concatenate(chosen)


def require_both_classes(labels: npt.NDArray[np.int8], split: str) -> None:
    """Raises UsageError that names the split if its labels [v] lack reals or fakes.

    Example:
        >>> require_both_classes(np.array([0, 1], np.int8), "eval")
    """
    for label in contract.Label:
        if not np.any(labels == label):
            raise UsageError(f"the {split} split holds no {label.name.lower()} video; add some")


def _matching(pattern: str) -> list[str]:
    """Files by a pattern of their names; TensorFlow takes brackets in a folder for one too."""
    folder, names = os.path.split(pattern)
    if not tf.io.gfile.isdir(folder):
        return []
    matching = fnmatch.filter(tf.io.gfile.listdir(folder), names)
    return [os.path.join(folder, name) for name in matching]

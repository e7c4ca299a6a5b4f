"""A baseline without a network: extra-trees on colour and sharpness of a crop's centre and border.

If it does well on a dataset, the dataset has an easy cue, and a network's figures on it say little.
"""

import cv2
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import roc_auc_score

from data import example_encoding
from models.evaluation.split_examples import read_split

_SIDE = 64
_BORDER = 12
"""Pixels of a crop of `_SIDE` that count as border: with a margin of 30 % the face ends there."""


def trivial_baseline_auc(examples: str, *, seed: int = 0) -> float:
    """Fits the baseline on `train` and measures it on `test`.

    Args:
        examples: folder that the extraction job wrote.
        seed: of the trees.

    Returns:
        AUC over the videos of `test`, 0 to 1; a video's score is the mean of its crops'.

    Raises:
        UsageError: there is no such folder or split.
    """
    statistics, labels, _ = _read(examples, "train")
    trees = ExtraTreesClassifier(n_estimators=300, min_samples_leaf=2, random_state=seed, n_jobs=-1)
    trees.fit(statistics, labels)
    statistics, labels, videos = _read(examples, "test")
    scores = trees.predict_proba(statistics)[:, 1]
    numbers = np.unique(videos)
    return float(
        roc_auc_score(
            [labels[videos == number][0] for number in numbers],
            [scores[videos == number].mean() for number in numbers],
        )
    )


def crop_statistics(crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Describes a crop's colours and sharpness, not what it shows.

    Args:
        crop: uint8 [height, width, 3], RGB.

    Returns:
        float32 [14]: mean and standard deviation of each colour channel, then the log of the
        Laplacian's variance, first of the centre, then of the border.

    Example:
        >>> crop_statistics(np.full((90, 90, 3), 128, np.uint8))[:4]
        array([128., 128., 128.,   0.], dtype=float32)
    """
    small = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    laplacian = cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    centre = np.zeros((_SIDE, _SIDE), bool)
    centre[_BORDER:-_BORDER, _BORDER:-_BORDER] = True
    numbers = []
    for area in (centre, ~centre):
        pixels = small[area].astype(np.float32)
        numbers += [*pixels.mean(axis=0), *pixels.std(axis=0), np.log1p(laplacian[area].var())]
    return np.array(numbers, np.float32)


def _read(
    examples: str, split: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Statistics [n, 14], label [n] and number of the video [n] of every usable crop of a split."""
    rows = []
    for number, record in enumerate(read_split(examples, split).as_numpy_iterator()):
        video = example_encoding.parse(record)
        for face in video.usable_faces:
            crop = tf.io.decode_jpeg(face.image).numpy()
            rows.append((crop_statistics(crop), video.annotation.label, number))
    statistics, labels, numbers = zip(*rows, strict=True)
    return np.stack(statistics), np.array(labels), np.array(numbers)

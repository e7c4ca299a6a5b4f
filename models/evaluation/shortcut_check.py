"""Measures on a split of an extraction what a served model's scores owe to nuisances."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from data import example_encoding
from data.utils.errors import UsageError
from data.utils.progress import progress_bar
from models.evaluation.nuisances import Nuisances, measure_nuisances
from models.evaluation.shortcut import ShortcutReport, measure_shortcut
from models.evaluation.split_examples import read_split

_SIGNATURE = "serving_examples"
_BATCH = 8  # videos scored at a time


def check_shortcut(model: str, examples: str, split: str) -> tuple[ShortcutReport, int]:
    """Scores a split's videos and measures what the scores owe to nuisances; shows its progress.

    Args:
        model: folder of a served version.
        examples: folder that `unmask extract` wrote.
        split: one of `contract.SPLITS`.

    Returns:
        The report, and how many videos it leaves out because the model gave them no score.

    Raises:
        UsageError: there is no such model or split, or the model scored no video.
    """
    served = _load(model)
    serialized = read_split(examples, split)
    videos = 0
    scores: list[float] = []
    labels: list[int] = []
    groups: list[str] = []
    measured: list[Nuisances] = []
    with progress_bar("videos", transient=True) as bar:
        task = bar.add_task(split, total=None)
        for batch in serialized.batch(_BATCH):
            answer = served.signatures[_SIGNATURE](examples=batch)
            probabilities = answer["fake_probability"].numpy().tolist()
            for score, video in zip(
                probabilities, map(example_encoding.parse, batch.numpy()), strict=True
            ):
                videos += 1
                if math.isfinite(score):  # else one of its crops may be unreadable here too
                    scores.append(score)
                    labels.append(video.annotation.label)
                    groups.append(video.annotation.source_group)
                    measured.append(measure_nuisances(video))
            bar.update(task, completed=videos)
    if not scores:
        raise UsageError(f"{model}: scored none of the {videos} {split} videos of {examples}")
    report = measure_shortcut(
        np.array(scores),
        np.array(labels, np.int8),
        np.unique(groups, return_inverse=True)[1].reshape(-1),
        dict(zip(Nuisances._fields, np.array(measured).T, strict=True)),
    )
    return report, videos - len(scores)


def _load(model: str) -> Any:
    if not tf.io.gfile.exists(f"{model}/saved_model.pb"):
        raise UsageError(
            f"{model}: holds no saved_model.pb; name the folder of a version, "
            "<serving root>/<model>/<version>"
        )
    loaded = tf.saved_model.load(model)
    if _SIGNATURE not in loaded.signatures:
        raise UsageError(f"{model}: has no signature {_SIGNATURE}, so unmask did not export it")
    return loaded

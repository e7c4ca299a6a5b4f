"""Asks a served model about a split of an extraction, and what its answers owe to nuisances."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from data import contract
from data.extraction import output_layout
from data.utils import files
from data.utils.errors import UsageError
from data.utils.progress import progress_bar
from models.evaluation import nuisances, shortcut
from models.evaluation.shortcut import ShortcutReport

_SIGNATURE = "serving_examples"
_CHUNK = 8  # videos asked about at a time


def check(model: str, examples: str, split: str) -> tuple[ShortcutReport, int]:
    """Measures what the scores of a split's videos owe to nuisances; shows its progress.

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
    serialized = _find(examples, split)
    asked = 0
    scores: list[float] = []
    labels: list[int] = []
    groups: list[str] = []
    measures: list[npt.NDArray[np.float64]] = []
    with progress_bar("videos", transient=True) as bar:
        task = bar.add_task(split, total=None)
        for chunk in serialized.batch(_CHUNK):
            answer = served.signatures[_SIGNATURE](examples=chunk)
            found = answer["fake_probability"].numpy().tolist()
            for score, video in zip(found, map(contract.parse, chunk.numpy()), strict=True):
                asked += 1
                if math.isfinite(score):  # else a crop of it may be unreadable here as well
                    scores.append(score)
                    labels.append(video.label)
                    groups.append(video.source_group)
                    measures.append(nuisances.measure(video))
            bar.update(task, completed=asked)
    if not scores:
        raise UsageError(f"{model}: scored none of the {asked} {split} videos of {examples}")
    report = shortcut.measure(
        np.array(scores),
        np.array(labels, np.int8),
        np.unique(groups, return_inverse=True)[1].reshape(-1),
        dict(zip(nuisances.NAMES, np.stack(measures).T, strict=True)),
    )
    return report, asked - len(scores)


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


def _find(examples: str, split: str) -> tf.data.TFRecordDataset:
    if split not in contract.SPLITS:
        raise UsageError(f"--split {split}: choose one of {', '.join(contract.SPLITS)}")
    if not files.exists(examples):
        raise UsageError(f"{examples}: there is no such folder; `unmask extract` writes one")
    names = [name for name in output_layout.find_shards(examples) if name.startswith(f"{split}-")]
    if not names:
        raise UsageError(f"{examples}: holds no {split} split; `unmask extract` writes one")
    return tf.data.TFRecordDataset([files.join(examples, name) for name in names])

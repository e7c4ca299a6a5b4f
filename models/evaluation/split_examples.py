"""The Examples of one split of an extraction."""

import os
import re

import tensorflow as tf

from data import contract, ledger
from data.utils.errors import UsageError


def find_split(examples: str, split: str) -> list[str]:
    """Finds the shards of a split.

    Args:
        examples: folder that `unmask extract` wrote; path or URL.
        split: one of `contract.SPLITS`.

    Returns:
        Their paths, sorted.

    Raises:
        UsageError: there is no shard of that split, or no extraction.
    """
    shard = re.compile(rf"{split}-\d{{5}}-of-\d{{5}}")
    # Not by a pattern of TensorFlow's: it would take brackets in the folder's name for one.
    names = tf.io.gfile.listdir(examples) if tf.io.gfile.isdir(examples) else []
    shards = sorted(os.path.join(examples, name) for name in names if shard.fullmatch(name))
    if not shards and ledger.FILE_NAME in names:
        raise UsageError(
            f"{examples}: its {split} split is empty: {ledger.FILE_NAME} says what became of every "
            "video; add videos, or choose another split"
        )
    if not shards:
        raise UsageError(f"{examples}: holds no {split} split; `unmask extract` writes one")
    return shards


def read_split(examples: str, split: str) -> tf.data.TFRecordDataset:
    """Reads the Examples of a split.

    Args:
        examples: folder that `unmask extract` wrote; path or URL.
        split: one of `contract.SPLITS`.

    Returns:
        Serialised Examples, string scalars, in the order of the shards.

    Raises:
        UsageError: there is no such folder or split.
    """
    if split not in contract.SPLITS:
        raise UsageError(f"--split {split}: choose one of {', '.join(contract.SPLITS)}")
    if not tf.io.gfile.isdir(examples):
        raise UsageError(f"{examples}: there is no such folder; `unmask extract` writes one")
    return tf.data.TFRecordDataset(find_split(examples, split))

"""Verdicts as a table, and what all files of results are written by."""

import csv
import io
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from data.contract import SCOPE_SENTENCE
from data.ledger import percent_encode
from data.utils.errors import OutputError
from serving.prediction import VideoPrediction

COLUMNS = (
    *("path", "model", "model_version", "verdict", "fake_probability", "status", "reason"),
    *("tracks", "scope"),
)
"""Of the CSV."""


def write_csv(predictions: Sequence[VideoPrediction], path: pathlib.Path) -> None:
    """Writes one row a video, whole or not at all.

    Args:
        predictions: in the order to write.
        path: of the CSV. Video names that are not UTF-8 are percent-encoded.

    Raises:
        OutputError: the file cannot be written; one that was there before is unchanged.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for prediction in predictions:
        writer.writerow(
            (
                percent_encode(prediction.path),
                prediction.model,
                prediction.model_version,
                prediction.verdict.value,
                prediction.fake_probability,
                prediction.status.value,
                percent_encode(prediction.reason),
                len(prediction.tracks),
                SCOPE_SENTENCE,
            )
        )
    write_whole(path, file.getvalue())


def write_whole(path: pathlib.Path, text: str) -> None:
    """Writes a file aside first, as UTF-8, then renames it.

    Raises:
        OutputError: the file cannot be written; one that was there before is unchanged.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            aside.write_text(text, encoding="utf-8", newline="")
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def canonical_json(content: Any) -> bytes:
    """The one JSON text of some content: sorted keys, no blanks, UTF-8; what hashes are of."""
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()

"""Verdicts as a file: CSV with one row a video, or JSON with every track and frame."""

import csv
import dataclasses
import io
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from data.ledger import percent_encode
from serving.prediction import SCOPE, VideoPrediction

SUFFIXES = (".csv", ".json")


def write(predictions: Sequence[VideoPrediction], path: pathlib.Path) -> None:
    """Writes predictions whole or not at all: aside first, then renamed.

    Args:
        predictions: in the order to write.
        path: ends in one of `SUFFIXES`, which decides the form. Video names that are not UTF-8
            are percent-encoded.

    Raises:
        OSError: the file cannot be written; one that was there before is unchanged.
    """
    text = _to_json(predictions) if path.suffix.lower() == ".json" else _to_csv(predictions)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8", newline="")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _to_csv(predictions: Sequence[VideoPrediction]) -> str:
    columns = [field.name for field in dataclasses.fields(VideoPrediction)]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*columns, "scope"])
    for record in map(_to_record, predictions):
        record["tracks"] = len(record["tracks"])
        writer.writerow([*(record[column] for column in columns), SCOPE])
    return file.getvalue()


def _to_json(predictions: Sequence[VideoPrediction]) -> str:
    content = {"scope": SCOPE, "videos": [_to_record(prediction) for prediction in predictions]}
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _to_record(prediction: VideoPrediction) -> dict[str, Any]:
    """A prediction by field name, in types and text that every format takes."""
    return dataclasses.asdict(prediction) | {
        "path": percent_encode(prediction.path),
        "verdict": prediction.verdict.value,
        "status": prediction.status.value,
        "reason": percent_encode(prediction.reason),
    }

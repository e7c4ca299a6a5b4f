"""Verdicts as a table."""

import csv
import io
import pathlib
from collections.abc import Sequence

from data.ledger import percent_encode
from data.unjudged import Unjudged
from data.utils import atomic_file
from data.utils.errors import OutputError
from serving.prediction import VideoPrediction, scope_sentences

COLUMNS = (
    *("path", "model", "model_version", "verdict", "fake_probability", "status", "reason"),
    *("tracks_judged", "tracks_not_judged"),
    *(reason.name.lower() for reason in Unjudged),
    *("crowded", "scope"),
)
"""Columns of the CSV."""


def write_csv(predictions: Sequence[VideoPrediction], path: pathlib.Path) -> None:
    """Writes a CSV with one row per video, whole or not at all.

    Args:
        predictions: in the order of the rows.
        path: of the CSV. Video names that are not UTF-8 are percent-encoded.

    Raises:
        OutputError: the file cannot be written; one that was there before is unchanged.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for prediction in predictions:
        counts = prediction.facts.unjudged_counts if prediction.facts else {}
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
                sum(counts.values()),
                *(counts.get(reason, 0) for reason in Unjudged),
                int(prediction.facts is not None and prediction.facts.crowded),
                " ".join(scope_sentences(prediction.model_version, prediction.scope)),
            )
        )
    write_whole(path, file.getvalue())


def write_whole(path: pathlib.Path, text: str) -> None:
    """Writes a file as UTF-8, whole or not at all.

    Raises:
        OutputError: the file cannot be written; one that was there before is unchanged.
    """
    try:
        atomic_file.write(path, text.encode())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error

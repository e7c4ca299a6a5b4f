"""Reads the sample dataset that `data.synthetic` makes."""

import csv
import pathlib

from data import contract
from data.datasets.base import SourceVideo
from data.errors import UsageError
from data.synthetic import METADATA_NAME

DATASET = "synthetic"


def read(root: pathlib.Path) -> list[SourceVideo]:
    """Lists the dataset's videos.

    Args:
        root: the folder that `data.synthetic.generate` filled.

    Returns:
        One entry for each row of the metadata, in its order.

    Raises:
        UsageError: there is no complete sample dataset in the folder.
    """
    metadata = root / METADATA_NAME
    if not metadata.is_file():
        raise UsageError(
            f"{root} holds no complete sample dataset ({METADATA_NAME} is missing): "
            "make one with `unmask demo`, or give the folder that it made"
        )
    with metadata.open(newline="", encoding="utf-8") as file:
        return [
            SourceVideo(
                video_id=f"{DATASET}/{row['file']}",
                path=str(root / row["file"]),
                label=contract.Label[row["label"]],
                dataset=DATASET,
                method=row["method"],
                compression=row["compression"],
                sources=(f"{DATASET}/{row['identity']}",),
                split=row["split"],
            )
            for row in csv.DictReader(file)
        ]

"""Reads the sample dataset that `data.synthetic.generator` makes."""

from collections.abc import Mapping

from data import contract
from data.datasets import options
from data.datasets.base import Listing, SourceVideo
from data.datasets.clips import clip_id, deduplicate_rows
from data.datasets.metadata_file import read_csv
from data.synthetic import generator
from data.utils import files
from data.utils.errors import UsageError

DATASET = "synthetic"

_CURE = "make a sample dataset with `unmask demo`, or give the folder that it made"


def read(root: str, *, splits: str | None, official: bool) -> Listing:
    """Lists the dataset's videos.

    Args:
        root: the folder that `data.synthetic.generator.generate` filled.
        splits: must be None: the metadata says the splits.
        official: must be False.

    Returns:
        One video for each row of the metadata.

    Raises:
        UsageError: there is no complete sample dataset in the folder, or an option is given
            that it has no use for.
    """
    options.reject(DATASET, "whose splits are its own", splits=splits, official=official)
    path = files.join(root, generator.METADATA_NAME)
    columns, rows = read_csv(path, _CURE)
    if columns != generator.COLUMNS:
        raise UsageError(f"{path}: its columns must be {','.join(generator.COLUMNS)}; {_CURE}")
    records = [row.by_column(columns) for row in rows]
    for row, record in zip(rows, records, strict=True):
        is_known = (
            record["label"] in contract.Label.__members__ and record["split"] in contract.SPLITS
        )
        if len(row.cells) != len(columns) or not is_known:
            raise UsageError(
                f"{path}, line {row.line}: not a row of {','.join(generator.COLUMNS)}; {_CURE}"
            )
    reals = {r["identity"]: r["file"] for r in records if r["label"] == contract.Label.REAL.name}
    videos = deduplicate_rows(
        (_source_video(root, record, reals), record["file"], f"line {row.line}")
        for row, record in zip(rows, records, strict=True)
    )
    return Listing(tuple(sorted(videos, key=lambda video: video.video_id)))


def _source_video(root: str, record: Mapping[str, str], reals: Mapping[str, str]) -> SourceVideo:
    """Turns a row into a video; `reals` are the files of the reals by identity."""
    label = contract.Label[record["label"]]
    identity, key = record["identity"], clip_id(DATASET, record["identity"])
    # Both clips of an identity show the same frames, except for what the fake blends in.
    has_original = label == contract.Label.FAKE and identity in reals
    return SourceVideo(
        video_id=clip_id(DATASET, record["file"]),
        path=files.join(root, record["file"]),
        label=label,
        dataset=DATASET,
        method=record["method"],
        compression=record["compression"],
        sources=(key,),
        split=record["split"],
        original=clip_id(DATASET, reals[identity]) if has_original else "",
        identities=(key,),
    )

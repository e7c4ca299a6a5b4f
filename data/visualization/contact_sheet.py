"""The contact sheet of an extraction: one picture that shows what a model would see.

Chooses videos that represent the whole output (`data.visualization.selection`), reads their crops
from the shards, and draws them (`data.visualization.rendering`).
"""

import collections
import itertools
from collections.abc import Mapping, Sequence

from data import contract, example_encoding
from data.datasets import UNKNOWN_LABEL
from data.extraction import output_layout
from data.ledger import LedgerRow, Status
from data.utils import files, tfrecord
from data.utils.errors import UsageError
from data.visualization import rendering, selection
from data.visualization.rendering import RowGroup, VideoCells

FILE_NAME = "sheet.png"


def draw(
    output: str,
    picture: str | None = None,
    *,
    videos: int = 24,
    split: str | None = None,
    status: str | None = None,
) -> str:
    """Draws the contact sheet of an extraction. The same output gives the same picture.

    Holds only the crops that are shown, at the size at which they are shown, and one Example.

    Args:
        output: folder or URL that `unmask extract` wrote.
        picture: PNG file to write, replaced if it exists; None for `sheet.png` in `output`.
        videos: rows of the sheet, at most.
        split: shows only videos of this one of `data.contract.SPLITS`.
        status: shows only videos of this `data.ledger.Status`.

    Returns:
        The picture's path.

    Raises:
        UsageError: `output` holds no finished extraction or one that is damaged, no video is of
            the split and status, or the picture cannot be written.
    """
    path = picture or files.join(output, FILE_NAME)
    if not path.lower().endswith(".png"):
        raise UsageError(f"{path}: a sheet is a PNG; let --picture end in .png")
    rows = _read_ledger(output)
    chosen = selection.choose(_filter(rows, split, status), videos)
    if not chosen:
        counts = collections.Counter(
            f"{row.split or 'no split'} {row.status.value}" for row in rows
        )
        held = ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"
        raise UsageError(
            f"{output}: no video is of split {split or 'any'} and status {status or 'any'}; the "
            f"ledger holds {held}"
        )
    content = rendering.render(
        output, _summary(rows, len(chosen)), _groups(rows, chosen, _read_videos(output, chosen))
    )
    try:
        files.write(path, content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error}; choose another --picture") from error
    return path


def _filter(rows: Sequence[LedgerRow], split: str | None, status: str | None) -> list[LedgerRow]:
    if split is not None and split not in contract.SPLITS:
        raise UsageError(f"--split {split}: choose one of {', '.join(contract.SPLITS)}")
    statuses = [known.value for known in Status]
    if status is not None and status not in statuses:
        raise UsageError(f"--status {status}: choose one of {', '.join(statuses)}")
    return [row for row in rows if split in (None, row.split) and status in (None, row.status)]


def _read_ledger(output: str) -> list[LedgerRow]:
    """The ledger of a finished extraction."""
    if not files.exists(output):
        raise UsageError(f"{output}: there is no such folder; name one that `unmask extract` wrote")
    if output_layout.read_description(output) is None:
        raise UsageError(
            f"{output}: holds no finished extraction, for it has no "
            f"{output_layout.DESCRIPTION_FILE}; `unmask extract` writes one, and finishes one that "
            "was interrupted"
        )
    return output_layout.read_ledger(output)


def _read_videos(output: str, chosen: Sequence[LedgerRow]) -> dict[str, VideoCells]:
    """What is shown of the chosen videos that have an Example, by `video_id`."""
    by_shard: dict[str, set[str]] = collections.defaultdict(set)
    for row in chosen:
        if row.used:
            by_shard[row.shard].add(row.video_id)
    videos = {}
    for shard, wanted in by_shard.items():
        path = files.join(output, shard)
        try:
            with files.open_to_read(path) as file:
                for record in tfrecord.read(file):
                    example = example_encoding.parse(record)
                    video_id = example.annotation.video_id
                    if video_id in wanted:
                        wanted.remove(video_id)
                        faces = selection.choose_faces(example.usable_faces, rendering.CELLS)
                        videos[video_id] = rendering.prepare(example, faces)
                    if not wanted:
                        break
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: cannot be read ({error}); extract again") from error
        if wanted:
            names = ", ".join(map(repr, sorted(wanted)))
            raise UsageError(f"{path}: does not hold {names}, as the ledger says; extract again")
    return videos


def _groups(
    rows: Sequence[LedgerRow], chosen: Sequence[LedgerRow], videos: Mapping[str, VideoCells]
) -> list[RowGroup]:
    """The chosen rows with a heading for each split, and for what was left out."""

    def place(row: LedgerRow) -> str:
        return row.split if row.used else "left out"

    everyone = collections.defaultdict(list)
    for row in rows:
        everyone[place(row)].append(row)
    groups = []
    for name, members in itertools.groupby(chosen, key=place):
        shown = [(row, videos.get(row.video_id)) for row in members]
        groups.append(RowGroup(f"{name}: {len(shown)} of {_count(everyone[name])}", shown))
    return groups


def _count(rows: Sequence[LedgerRow]) -> str:
    labels = collections.Counter(row.label for row in rows)
    kinds = [f"{labels[contract.Label.REAL]:,} real", f"{labels[contract.Label.FAKE]:,} fake"]
    if labels[UNKNOWN_LABEL]:
        kinds.append(f"{labels[UNKNOWN_LABEL]:,} without a label")
    return f"{len(rows):,} videos ({', '.join(kinds)})"


def _summary(rows: Sequence[LedgerRow], shown: int) -> list[str]:
    statuses = collections.Counter(row.status.value for row in rows).most_common()
    used = sum(row.used for row in rows)
    return [
        f"{len(rows):,} videos, of which {used:,} were used, {shown:,} shown",
        "Statuses: " + ", ".join(f"{count:,} {name}" for name, count in statuses),
    ]

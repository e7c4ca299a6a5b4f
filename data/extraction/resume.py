"""What earlier jobs left in an output, and what of it the next job can use."""

import dataclasses
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from data import ledger
from data.extraction import output_layout
from data.extraction.output_layout import WORK_FOLDER, Description
from data.extraction.result_store import FINAL
from data.ledger import LedgerRow, Status
from data.utils import files
from data.utils.errors import UsageError


@dataclasses.dataclass(frozen=True)
class PreviousResult:
    """What earlier jobs left in an output.

    Attributes:
        fingerprint: of the inputs, options and code that it was made from; empty if there is none.
        crop_fingerprint: of what decided its crops; empty if there is none.
        rows: of its ledger.
        is_whole: whether all that its ledger names is there.
        kept: the split of each of its videos that keeps it.
        notice: what people should know about it; empty if there is nothing.
    """

    fingerprint: str
    crop_fingerprint: str
    rows: tuple[LedgerRow, ...]
    is_whole: bool
    kept: Mapping[str, str]
    notice: str

    @property
    def is_final(self) -> bool:
        """Whether it is whole, and none of its videos should be tried again.

        Those that timed out, crashed, or could not be opened should be.
        """
        return self.is_whole and all(
            row.status is Status.MISSING
            or (row.status in FINAL and (row.sha256 or row.status is not Status.UNREADABLE))
            for row in self.rows
        )


def read_previous(
    output: str, video_ids: Collection[str], options: Mapping[str, Any], crop_fingerprint: str
) -> PreviousResult:
    """Reads what is in an output; opens no video and changes nothing.

    Args:
        output: folder or URL; need not exist.
        video_ids: of the next job's inputs.
        options: of the next job.
        crop_fingerprint: of what decides the next job's crops.

    Returns:
        What is there.

    Raises:
        UsageError: the output was written by something else.
    """
    works = output_layout.find_work(output)
    description = output_layout.read_description(output)
    has_ledger = files.exists(files.join(output, ledger.FILE_NAME))
    if output_layout.find_shards(output) and not (has_ledger or works or description):
        raise UsageError(
            f"{output}: holds TFRecords that no extraction wrote, and this one would replace; "
            "name another --output"
        )
    # A job that was killed while it put its result in place has moved the earlier description.
    replaced = [
        output_layout.read_description(files.join(output, WORK_FOLDER, work)) for work in works
    ]
    known = next(filter(None, [description, *replaced]), None)
    if known is None or not has_ledger:
        dropped = "an unfinished extraction with other options or code is dropped"
        return PreviousResult("", "", (), False, {}, dropped if works - {crop_fingerprint} else "")
    rows = tuple(output_layout.read_ledger(output))
    is_whole = description is not None and output_layout.has_all_shards(output)
    redrawn = bool(_differing(known.options, options, ("fractions", "salt")))
    return PreviousResult(
        fingerprint=known.fingerprint,
        crop_fingerprint=known.crop_fingerprint,
        rows=rows,
        is_whole=is_whole,
        kept={} if redrawn else {row.video_id: row.split for row in rows if row.split},
        notice="; ".join(
            _notices(known, options, crop_fingerprint, rows, video_ids, redrawn, is_whole)
        ),
    )


def _notices(
    known: Description,
    options: Mapping[str, Any],
    crop_fingerprint: str,
    rows: Collection[LedgerRow],
    video_ids: Collection[str],
    redrawn: bool,
    is_whole: bool,
) -> Iterable[str]:
    """Says what of an earlier result is not kept, and why; one sentence each."""
    if redrawn:
        yield "fractions or salt changed: splits are drawn anew"
    if known.crop_fingerprint != crop_fingerprint:
        changed = _differing(known.options, options, ("detector", "faces", "boxes_from"))
        what = ", ".join(changed) or "what makes crops of the code or its libraries"
        yield f"{what} changed: every video is extracted afresh"
    gone = {row.video_id for row in rows} - set(video_ids)
    if gone:
        yield f"{len(gone)} earlier videos are no longer in the input: they go"
    if rows and not is_whole:
        yield "the earlier result is not whole: what it lacks is extracted again"


def _differing(
    earlier: Mapping[str, Any], options: Mapping[str, Any], names: Iterable[str]
) -> list[str]:
    """The named options that have changed; nested ones by their own name."""
    now = json.loads(json.dumps(options))
    differing = []
    for name in names:
        before, after = earlier.get(name), now[name]
        if isinstance(before, dict) and isinstance(after, dict):
            differing += [
                f"{key} ({before.get(key)} -> {value})"
                for key, value in after.items()
                if before.get(key) != value
            ]
        elif before != after:
            differing.append(f"{name} ({before} -> {after})")
    return differing

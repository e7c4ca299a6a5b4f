"""Which videos and which of their crops a contact sheet shows."""

import collections
import hashlib
import itertools
import posixpath
from collections.abc import Iterable, Sequence

from data import contract
from data.contract import FaceCrop
from data.ledger import LedgerRow

Traits = tuple[str, str, str, str, str]
"""Split, label, status, dataset and folder of a video."""

_LEFT_OUT_SHARE = 1 / 3
"""Greatest share of the rows for videos without crops, as long as there are others."""


def choose(rows: Sequence[LedgerRow], count: int) -> list[LedgerRow]:
    """Chooses videos that represent all of them; the same rows give the same choice.

    Spreads the choice as evenly as possible over splits, labels, statuses, datasets and folders
    (which separate methods and compressions in most layouts). A third are videos that were not
    used, the others were used.

    Args:
        rows: of the ledger.
        count: how many to choose, at most.

    Returns:
        Used ones by split, label and id; then the others by status and id.
    """
    used = [row for row in rows if row.used]
    left_out = [row for row in rows if not row.used]
    shown_left_out = min(len(left_out), max(int(count * _LEFT_OUT_SHARE), count - len(used)))
    splits = ("", *contract.SPLITS)
    return sorted(
        _spread(used, count - shown_left_out),
        key=lambda row: (splits.index(row.split), row.label, row.video_id),
    ) + sorted(_spread(left_out, shown_left_out), key=lambda row: (row.status.value, row.video_id))


def choose_faces(faces: Sequence[FaceCrop], count: int) -> list[FaceCrop]:
    """Chooses faces evenly in time, more of the longer tracks.

    Args:
        faces: sorted by track, then by time.
        count: how many to choose, at most.

    Returns:
        At least one of each of the first `count` tracks, in the same order.
    """
    tracks = [list(group) for _, group in itertools.groupby(faces, key=lambda face: face.track)]
    places = [1] * min(len(tracks), count)
    while sum(places) < min(count, len(faces)):
        # The track whose shown faces represent the most others each (D'Hondt's method).
        places[max(range(len(places)), key=lambda i: len(tracks[i]) / (places[i] + 1))] += 1
    return [
        track[(2 * i + 1) * len(track) // (2 * shown)]
        for track, shown in zip(tracks, places, strict=False)
        for i in range(shown)
    ]


def _spread(rows: Iterable[LedgerRow], count: int) -> list[LedgerRow]:
    """Takes rows one by one, each with the traits that were taken least so far."""
    by_traits: dict[Traits, list[LedgerRow]] = collections.defaultdict(list)
    for row in sorted(rows, key=lambda row: hashlib.sha256(row.video_id.encode()).digest()):
        folder = posixpath.dirname(row.video_id)
        dataset = folder.partition("/")[0]
        own = (row.split, f"label {row.label}", row.status.value)
        traits = (*own, f"in {dataset}", f"at {folder}")
        by_traits[traits].append(row)
    taken: collections.Counter[str] = collections.Counter()
    chosen: list[LedgerRow] = []
    while by_traits and len(chosen) < count:
        traits = min(
            by_traits, key=lambda traits: (sorted(taken[trait] for trait in traits), traits)
        )
        chosen.append(by_traits[traits].pop(0))
        taken.update(traits)
        if not by_traits[traits]:
            del by_traits[traits]
    return chosen

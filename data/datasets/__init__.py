"""Readers of dataset layouts, one file each.

Open `base.py` first: it says what a reader returns. `read_listing` finds the reader by the
dataset's name; `uadfv.py` is the shortest one, `clips.py` holds what they share.
"""

from data.datasets.base import UNKNOWN_LABEL, Listing, Refusal, SourceVideo, collect_notes
from data.datasets.registry import READERS, read_listing

__all__ = [
    "READERS",
    "UNKNOWN_LABEL",
    "Listing",
    "Refusal",
    "SourceVideo",
    "collect_notes",
    "read_listing",
]

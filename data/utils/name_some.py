"""Names in a message, of which there may be thousands."""

from collections.abc import Sequence

NAMED_IN_MESSAGE = 3
"""Names that a message gives before it counts the rest."""


def name_some(names: Sequence[str]) -> str:
    """Names the first few and counts the rest.

    Example:
        >>> name_some(["a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"])
        'a.mp4, b.mp4, c.mp4 and 2 more'
    """
    more = len(names) - NAMED_IN_MESSAGE
    shown = ", ".join(names[:NAMED_IN_MESSAGE])
    return f"{shown} and {more} more" if more > 0 else shown

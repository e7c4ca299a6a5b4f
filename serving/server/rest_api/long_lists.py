"""The one long list of a request, read piece by piece.

A piece is read and becomes numbers before the next one is touched. So the objects of a body never
stand in memory all at once, and other threads run between two pieces. That the cuts are right need
not be known beforehand: `[a,b]` is a list exactly if `[a]` and `[b]` are, and not empty.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from serving.server.errors import invalid_argument
from serving.server.rest_api import json_documents

PIECE_BYTES = 2**18
"""Length of a piece: two milliseconds of reading."""

_OPENING = re.compile(rb"\s*\[")


class LongList:
    """The elements of a JSON list; every iteration yields them again, in lists.

    Attributes:
        nesting: lists of one element that lie around these elements.

    Args:
        body: JSON.
        start: where the list's elements begin.
        end: where they end.
    """

    def __init__(self, body: bytes | bytearray, start: int, end: int) -> None:
        self._body = body
        self.nesting = -1
        opening: re.Match | None
        while True:
            self.nesting += 1
            self._start, self._end = start, end
            tail = bytes(body[max(start, end - 100) : end]).rstrip()
            # Elements end alike, and within an element nothing does.
            self._closing = tail[len(tail.rstrip(b'"]} \t\r\n')) :]
            opening = _OPENING.match(body, start, end)
            one = body.find(self._closing + b",", start, end) < 0
            if not (one and opening and tail.endswith(b"]")):
                break
            start, end = opening.end(), body.rindex(b"]", start, end)

    def __iter__(self) -> Iterator[list[Any]]:
        """Yields the elements.

        Raises:
            StatusError: INVALID_ARGUMENT, this is no list, or was cut within an element.
        """
        position = self._start
        while position <= self._end:
            cut = self._body.find(self._closing + b",", position + PIECE_BYTES, self._end)
            end = self._end if cut < 0 else cut + len(self._closing)
            yield _read(b"[%b]" % self._body[position:end])
            position = end + 1


def split(body: bytes | bytearray) -> dict[str, Any]:
    """Reads a document whose only list is the value of `instances`, `inputs` or an input.

    Example:
        >>> list(split(b'{"instances": [1, 2, 3]}')["instances"])
        [[1, 2, 3]]

    Returns:
        The document with a `LongList` in place of the list.

    Raises:
        StatusError: INVALID_ARGUMENT, there is no such list.
    """
    start, end = body.find(b"["), body.rfind(b"]")
    if not 0 <= start < end:
        raise invalid_argument("No list")
    document = json_documents.parse(body[:start] + b"[]" + body[end + 1 :])
    holders: list[Any] = [document, document.get("inputs")]
    for holder in holders:
        for key, value in holder.items() if isinstance(holder, dict) else ():
            if value == [] and (holder is not document or key in ("instances", "inputs")):
                holder[key] = LongList(body, start + 1, end)
                return document
    raise invalid_argument("No list to be read in pieces")


def _read(text: bytes) -> list[Any]:
    """Reads a list that is not empty.

    orjson does not read NaN, and takes the last of equal keys. There are none if there are as
    many colons as keys.
    """
    try:
        with json_documents.without_collection():
            values: list[Any] = orjson.loads(text)
        colons = text.count(b":")
        right = not colons or colons == sum(len(v) for v in values if type(v) is dict)
    except ValueError:
        right = False
    if not right:
        values = json_documents.load(text)
    if not values:
        raise invalid_argument("A list ends with a comma")
    return values

"""TFRecord files without TensorFlow, whose import costs seconds and half a gigabyte a process.

The format: tensorflow.org/tutorials/load_data/tfrecord. A record is its length (uint64, little
endian), the masked CRC-32C of these bytes, the content, and the masked CRC-32C of the content.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import google_crc32c

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8


def write(file: BinaryIO, records: Iterable[bytes]) -> None:
    """Writes records, one after the other.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> write(file, [b"first", b"second"])
        >>> list(read(io.BytesIO(file.getvalue())))
        [b'first', b'second']
    """
    for record in records:
        length = struct.pack("<Q", len(record))
        file.write(length + _CHECKSUM.pack(_masked_checksum(length)))
        file.write(record)
        file.write(_CHECKSUM.pack(_masked_checksum(record)))


def read(file: BinaryIO) -> Iterator[bytes]:
    """Reads what `write` or TensorFlow wrote, uncompressed.

    Yields:
        The records, in order.

    Raises:
        ValueError: the file is cut short or damaged.
    """
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise ValueError("a TFRecord is cut short")
        length, checksum = _HEADER.unpack(header)
        if checksum != _masked_checksum(header[:8]):
            raise ValueError("the length of a TFRecord is damaged")
        record = file.read(length)
        footer = file.read(_CHECKSUM.size)
        if len(record) < length or len(footer) < _CHECKSUM.size:
            raise ValueError("a TFRecord is cut short")
        if _CHECKSUM.unpack(footer)[0] != _masked_checksum(record):
            raise ValueError("a TFRecord is damaged")
        yield record


def _masked_checksum(content: bytes) -> int:
    checksum = google_crc32c.value(content)
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & 0xFFFFFFFF

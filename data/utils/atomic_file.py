"""Local files that appear whole or not at all."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def create(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a new file, which replaces one at `path` when the block ends.

    It is written beside `path`, and deleted if the block fails; then a file that was at `path`
    before is unchanged.

    Args:
        path: in a folder that exists.

    Yields:
        The file.

    Raises:
        OSError: it cannot be written.
    """
    folder, name = os.path.split(os.fspath(path))
    # A file system takes names of 255 bytes; what stands before the number is for people alone.
    aside = os.path.join(folder, f".{name[:50]}.{uuid.uuid4().hex}.partial")
    try:
        with open(aside, "wb") as file:
            yield file
        os.replace(aside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        raise


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes a file that appears whole or not at all; see `create`.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(f"{folder}/a.txt", b"content")
        ...     [(path.name, path.read_bytes()) for path in pathlib.Path(folder).iterdir()]
        [('a.txt', b'content')]
    """
    with create(path) as file:
        file.write(content)

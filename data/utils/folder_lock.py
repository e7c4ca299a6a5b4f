"""Keeps a second process out of a folder that one writes."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from data.utils.errors import OutputError


@contextlib.contextmanager
def lock_folder(folder: str, in_use: str) -> Iterator[None]:
    """Makes a local folder if it is missing, and holds it alone for as long as the context lasts.

    The kernel lifts the lock however this process ends.

    Args:
        folder: a local path.
        in_use: what to say if another process holds it; follows the folder's name.

    Raises:
        OutputError: another process holds the folder, or it cannot be written.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise OutputError(f"{folder}: {in_use}") from None
    finally:
        os.close(descriptor)

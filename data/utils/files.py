"""Files by path or URL: one way for local disks, object stores and whatever else Beam mounts.

Every room that reads a dataset or writes an extraction goes through here, so that `gs://`, `s3://`
and `hdfs://` work wherever their Beam file system is installed. A URL has a scheme; all else is a
local path, for which Beam is not loaded.

Not fsspec: it deletes `set 1` when asked for `set [1]`, does not follow links, and reads gs:// and
s3:// with further packages and credentials beside those that Beam needs to stage a job's files.
"""

import contextlib
import errno
import hashlib
import os
import pathlib
import posixpath
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, TYPE_CHECKING, BinaryIO

from data.utils import atomic_file, local_folder
from data.utils.errors import OutputError, UsageError

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata, FileSystem

_BLOCK_BYTES = 1 << 20
_AS_IT_IS = "uncompressed"  # or Beam would unpack a file in .gz while it is read
_SCHEME = re.compile(r"\s*([a-zA-Z][-a-zA-Z0-9+.]*)://")


def is_local(path: str) -> bool:
    """Whether `path` is a local path and not a URL.

    Example:
        >>> is_local("/data/a.mp4"), is_local("gs://bucket/a.mp4")
        (True, False)
    """
    return _SCHEME.match(path) is None


def join(root: str, *parts: str) -> str:
    """Path of a file below `root`; the parts are relative, with `/` between folders.

    Raises:
        UsageError: no file system for such URLs is installed.
    """
    if is_local(root):
        return os.path.join(root, *parts)
    return str(_file_system(root).join(root, *parts)) if parts else root


def parent(path: str) -> str:
    """The folder that holds a file, for use with `join`.

    Example:
        >>> parent("/data/clips.csv"), parent("gs://bucket/clips.csv"), parent("clips.csv")
        ('/data', 'gs://bucket', '.')
    """
    return posixpath.dirname(path) or "."


def exists(path: str) -> bool:
    """Whether there is a file or folder at `path`.

    Object stores know no folders: there, a folder exists if something lies in it.

    Raises:
        UsageError: no file system for such URLs is installed.
    """
    if is_local(path):
        return os.path.exists(path)
    file_system = _file_system(path)
    if file_system.exists(path):
        return True
    return not file_system.has_dirs() and any(_list_level(path.rstrip("/") + "/"))


def find(
    root: str, depth: int = 8, *, closed: Callable[[str], bool] = lambda name: False
) -> list[str]:
    """Lists the files below a folder, however they are named.

    Links are followed: large datasets are put together by them; but not one that leads back to a
    folder on the way to it. Dangling links are listed too, so that whoever reads them can say what
    is wrong.

    Args:
        root: the folder; it need not exist.
        depth: levels below it that are searched: 1 is its own files.
        closed: tells by their names which folders are listed as if they were files, for example
            those that are named like videos.

    Returns:
        Paths relative to `root`, `/` between folders, sorted.

    Raises:
        UsageError: a folder cannot be listed.
    """
    if is_local(root):
        return local_folder.find(root, depth, closed)
    if not exists(root):
        return []
    try:
        return sorted(_list_url(root.rstrip("/") + "/", "", depth, closed))
    except OSError as error:
        raise UsageError(f"{root}: cannot be listed: {error}") from error


def read_bytes(path: str) -> bytes:
    """The content of a file.

    Raises:
        OSError: it cannot be read.
    """
    with open_to_read(path) as file:
        return file.read()


def open_to_read(path: str) -> BinaryIO:
    """Opens a file, whose content is read as it is; use it as a context.

    Raises:
        OSError: it cannot be read.
    """
    if is_local(path):
        return open(path, "rb")
    return _file_system(path).open(path, compression_type=_AS_IT_IS)


def write(path: str, content: bytes) -> None:
    """Writes a file that appears whole or not at all; see `create`."""
    with create(path) as file:
        file.write(content)


@contextlib.contextmanager
def create(path: str) -> Iterator[BinaryIO]:
    """Opens a new file that appears whole when the block ends, and not at all if that fails.

    Locally it is written aside and renamed; objects of a store appear when they are closed.

    Args:
        path: replaced if it exists; a local one's folder is made if it does not.

    Yields:
        The file.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        with _create(path) as file:
            yield file
    except BaseException as error:
        if not is_local(path):
            with contextlib.suppress(OSError):
                delete(path)
        if isinstance(error, OSError):
            raise OutputError(
                f"{path}: cannot be written ({error.strerror or error}); make room or allow it, "
                "and start again: what is finished is kept"
            ) from error
        raise


def _create(path: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if not is_local(path):
        return _file_system(path).create(path, compression_type=_AS_IT_IS)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    return atomic_file.create(path)


def move(source: str, destination: str) -> None:
    """Renames a file; what was at `destination` is replaced."""
    if is_local(source):
        os.makedirs(os.path.dirname(destination) or ".", exist_ok=True)
        os.replace(source, destination)
    else:
        _file_system(source).rename([source], [destination])


def delete(*paths: str) -> None:
    """Deletes files, and folders with all that is in them; absent ones are passed over."""
    for path in filter(exists, paths):
        if not is_local(path):
            file_system = _file_system(path)
            is_folder = not file_system.has_dirs() and not file_system.exists(path)
            file_system.delete([path.rstrip("/") + "/" if is_folder else path])
        # Not by Beam, which takes brackets in a name for a glob.
        elif os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def metadata(path: str) -> "FileMetadata | None":
    """Path, size and time of the last change of a file; None if there is none to be seen."""
    try:
        return _file_system(path).metadata(path)
    except OSError:
        return None


@contextlib.contextmanager
def local_copy(path: str) -> Iterator[tuple[str, str]]:
    """Provides a local path to read a file from, and the file's SHA-256.

    The path of a local file is yielded as it is. Another file is downloaded, and the download is
    deleted when the block ends.

    Args:
        path: of a file.

    Yields:
        The local path, and the SHA-256 of the content, 64 hexadecimal digits.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it is not a file, or cannot be read.
    """
    if is_local(path):
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(errno.EINVAL, "not a file", path)  # reading a pipe would wait for ever
        with open(path, "rb") as file:
            sha256 = _copy_hashed(file, None)
        yield path, sha256
        return
    if not _file_system(path).exists(path):
        raise FileNotFoundError(errno.ENOENT, "there is no such file", path)
    suffix = pathlib.PurePosixPath(path).suffix
    with tempfile.NamedTemporaryFile(prefix="unmask-", suffix=suffix) as copy:
        with open_to_read(path) as file:
            sha256 = _copy_hashed(file, copy.file)
        copy.flush()
        yield copy.name, sha256


def _copy_hashed(source: IO[bytes], destination: IO[bytes] | None) -> str:
    digest = hashlib.sha256()
    while block := source.read(_BLOCK_BYTES):
        digest.update(block)
        if destination is not None:
            try:
                destination.write(block)
            except OSError as error:
                raise OutputError(
                    f"{tempfile.gettempdir()}: no video can be fetched to it ({error.strerror}); "
                    "make room, or set TMPDIR, and start again: what is finished is kept"
                ) from error
    return digest.hexdigest()


def _list_url(root: str, below: str, depth: int, closed: Callable[[str], bool]) -> Iterator[str]:
    """What lies below the folder `root + below`; both end with a slash or are empty."""
    if not _file_system(root).has_dirs():  # an object store lists all levels at once
        names = (entry.path.removeprefix(root) for entry in _list_level(root))
        # Some tools mark folders by objects whose names end with a slash.
        yield from (n for n in names if n and not n.endswith("/") and n.count("/") < depth)
        return
    level = list(_list_level(root + below))  # folders are listed like empty files
    for entry in level if depth > 0 else ():
        relative = entry.path.removeprefix(root)
        inside = [relative]
        if entry.size_in_bytes == 0 and not closed(relative):
            with contextlib.suppress(OSError):  # raised if it is an empty file
                inside = list(_list_url(root, relative + "/", depth - 1, closed))
        yield from inside


def _list_level(folder: str) -> "Iterable[FileMetadata]":
    """What Beam lists of a folder; its public `match` would take brackets in a name for a glob."""
    file_system = _file_system(folder)
    return file_system._list(folder.rstrip("/") if file_system.has_dirs() else folder)


def _file_system(path: str) -> "FileSystem":
    from apache_beam.io.filesystems import FileSystems  # takes seconds

    try:
        return FileSystems.get_filesystem(path)
    except ValueError as error:
        scheme = FileSystems.get_scheme(path)
        raise UsageError(
            f"{path}: no file system for {scheme}:// is installed; apache-beam's extras bring "
            f"gs:// (gcp), s3:// (aws) and azfs:// (azure)"
        ) from error

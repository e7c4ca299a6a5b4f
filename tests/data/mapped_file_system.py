"""Two Beam file systems for tests: URLs that stand for local files.

`test:///folder/file` behaves like an object store, which knows no folders;
`testdirs:///folder/file` like HDFS, which lists one level at a time, folders among the files.
The local path stands in the URL, so that any process that imports this module can read it.
"""

import os
import posixpath
import shutil

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem


class ObjectStore(FileSystem):
    """`test://` and an absolute local path."""

    @classmethod
    def scheme(cls):
        return "test"

    @classmethod
    def url(cls, path) -> str:
        """The URL of a local path, which is absolute."""
        return f"{cls.scheme()}://{path}"

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *(path.strip("/") for path in paths)])

    def split(self, path):
        return posixpath.split(path)

    def mkdirs(self, path):
        pass

    def has_dirs(self):
        return False

    def _list(self, dir_or_prefix):
        folder = posixpath.dirname(self._local(dir_or_prefix))
        for parent, _, names in os.walk(folder):
            for name in names:
                url = self.url(posixpath.join(parent, name))
                if url.startswith(dir_or_prefix):
                    yield self.metadata(url)

    def create(self, path, mime_type="", compression_type=CompressionTypes.UNCOMPRESSED):
        os.makedirs(posixpath.dirname(self._local(path)), exist_ok=True)
        return open(self._local(path), "wb")

    def open(self, path, mime_type="", compression_type=CompressionTypes.UNCOMPRESSED):
        return open(self._local(path), "rb")

    def copy(self, source_file_names, destination_file_names):
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            with self.open(source) as file, self.create(destination) as copy:
                shutil.copyfileobj(file, copy)

    def rename(self, source_file_names, destination_file_names):
        self.copy(source_file_names, destination_file_names)
        self.delete(source_file_names)

    def exists(self, path):
        return os.path.isfile(self._local(path))

    def size(self, path):
        return self.metadata(path).size_in_bytes

    def last_updated(self, path):
        return self.metadata(path).last_updated_in_seconds

    def metadata(self, path):
        if not self.exists(path):
            raise BeamIOError(f"there is no such object: {path}")
        status = os.stat(self._local(path))
        return FileMetadata(path, status.st_size, status.st_mtime)

    def delete(self, paths):
        for path in paths:
            files = self._list(path) if path.endswith("/") else self.match([path])[0].metadata_list
            for file in list(files):
                os.unlink(self._local(file.path))

    @classmethod
    def _local(cls, url):
        return url.removeprefix(f"{cls.scheme()}://")


class FoldersStore(ObjectStore):
    """`testdirs://` and an absolute local path."""

    @classmethod
    def scheme(cls):
        return "testdirs"

    def mkdirs(self, path):
        os.makedirs(self._local(path))

    def has_dirs(self):
        return True

    def _list(self, dir_or_prefix):
        try:
            for entry in os.scandir(self._local(dir_or_prefix)):
                size = 0 if entry.is_dir() else entry.stat().st_size
                yield FileMetadata(self.url(entry.path), size, entry.stat().st_mtime)
        except OSError as error:
            raise BeamIOError("List operation failed", {dir_or_prefix: error}) from error

    def exists(self, path):
        return os.path.exists(self._local(path))

    def delete(self, paths):
        for path in map(self._local, paths):
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

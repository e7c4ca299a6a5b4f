"""Which row of a manifest a cell `source` means, however the file is written there."""

import collections
import posixpath
import unicodedata
from collections.abc import Iterable


def plain_path(path: str, folder: str) -> str:
    r"""A path in the one form by which files of a manifest are compared.

    Args:
        path: with `/` or, as Windows writes it, with `\`; relative to the manifest's folder, or
            absolute.
        folder: of the manifest.

    Returns:
        The shortest form, composed (NFC), relative if it lies in the folder.

    Example:
        >>> plain_path("real\\a.mp4", "/data"), plain_path("/data/real/./a.mp4", "/data")
        ('real/a.mp4', 'real/a.mp4')
    """
    path = posixpath.normpath(unicodedata.normalize("NFC", path.replace("\\", "/")))
    folder = posixpath.normpath(unicodedata.normalize("NFC", folder))
    return path.removeprefix(f"{folder}/")


class SourceMatcher:
    """Finds the file that a source names: by its path, else by its name, else by its stem.

    Case is ignored where no path is the same otherwise. A name counts only if one file has it.

    Args:
        paths: of the manifest's files, each in the form of `plain_path`.
        folder: of the manifest.

    Example:
        >>> matcher = SourceMatcher(["real/Ann 1.mp4", "real/bob.mp4"], "/data")
        >>> matcher.find("BOB"), matcher.find("ann 1.mp4"), matcher.find("carl")
        ('real/bob.mp4', 'real/Ann 1.mp4', None)
        >>> matcher.sources("ann 1, bob; person 7")
        ['real/Ann 1.mp4', 'real/bob.mp4', 'person 7']
    """

    def __init__(self, paths: Iterable[str], folder: str) -> None:
        self._folder = folder
        self._paths = frozenset(paths)
        self._by_name: dict[str, set[str]] = collections.defaultdict(set)
        for path in self._paths:
            name = posixpath.basename(path)
            for key in (path, name, posixpath.splitext(name)[0]):
                self._by_name[key.lower()].add(path)

    def find(self, source: str) -> str | None:
        """The path of the file that a source names without doubt, or None."""
        path = plain_path(source, self._folder)
        if path in self._paths:
            return path
        named = self._by_name.get(path.lower()) or self._by_name.get(
            posixpath.basename(path).lower(), set()
        )
        return next(iter(named)) if len(named) == 1 else None

    def sources(self, cell: str) -> list[str]:
        """The sources that a cell lists: paths of files, or else what it says.

        Args:
            cell: names separated by `;`, or by `,` where that makes one of them a file.
        """
        listed: list[str] = []
        for entry in cell.split(";"):
            parts = [part.strip() for part in entry.split(",")]
            if self.find(entry.strip()) is None and any(self.find(part) for part in parts if part):
                listed += parts
            else:
                listed.append(entry.strip())
        return [
            self.find(source) or plain_path(source, self._folder) for source in listed if source
        ]

"""The results of a running job, one file a video, so that a job that was killed can be resumed.

The faces of a video depend on its content and on the options alone, not on what its dataset says
of it. So a result is stored under a key of just these, and what the dataset says is added when the
shards are written.
"""

import hashlib

from data import contract, example_encoding, ledger
from data.ledger import LedgerRow, Status
from data.utils import files

FINAL = frozenset(Status) - {Status.TIMEOUT, Status.CRASHED, Status.MISSING}
"""Outcomes that another attempt at the same file would only repeat."""


class ResultStore:
    """A folder of results, each of which appears whole or not at all.

    Args:
        work: the job's work folder, a path or URL; made when the first result is written.
    """

    def __init__(self, work: str) -> None:
        self._folder = files.join(work, "videos")

    def write(self, key: str, row: LedgerRow, content: contract.VideoContent | None) -> None:
        """Stores the result of one video.

        Args:
            key: of its content and of what decides the faces taken from it.
            row: of the ledger.
            content: its faces and measurements; None if no face of it is used.
        """
        if content is not None:
            files.write(self._path(key, "example"), example_encoding.encode(content))
        # The row comes last: where there is a row, all is there.
        files.write(self._path(key, "json"), ledger.to_json(row).encode())

    def read_row(self, key: str) -> LedgerRow | None:
        """The row of a finished video; None if it is not finished."""
        path = self._path(key, "json")
        if not files.exists(path):
            return None
        return ledger.from_json(files.read_bytes(path).decode())

    def read_content(self, key: str) -> contract.VideoContent:
        """The content of a finished video that has faces."""
        return example_encoding.parse_content(files.read_bytes(self._path(key, "example")))

    def _path(self, key: str, suffix: str) -> str:
        # Folders of a hundred thousand files are slow to list and to copy.
        return files.join(self._folder, key[:2], f"{key}.{suffix}")


def result_key(sha256: str, original_key: str) -> str:
    """Names the result of a file, among results of the same options.

    Args:
        sha256: of the file, hexadecimal.
        original_key: of the result whose boxes are used; empty if its own are.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> result_key("ab12", "")
        'ab12'
        >>> result_key("ab12", "cd34")[:8]
        '8967cc81'
    """
    if not original_key:
        return sha256
    return hashlib.sha256(f"{sha256}:{original_key}".encode()).hexdigest()

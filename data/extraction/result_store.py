"""What a running job has finished, video by video, so that it can be killed and go on.

What is found in a video depends on its content and on the options alone, not on what its dataset
says of it: so results are kept under a key of just these, and what the dataset says is added when
the shards are assembled.
"""

from data import contract, ledger
from data.ledger import LedgerRow, Status
from data.utils import files

FINAL = frozenset(Status) - {Status.TIMEOUT, Status.CRASHED, Status.MISSING}
"""Outcomes that another attempt at the same file would only repeat."""


class Commits:
    """A folder of results, each of which appears whole or not at all.

    Args:
        folder: a path or URL; made when the first result is written.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def write(self, key: str, row: LedgerRow, example: contract.VideoExample | None) -> None:
        """Keeps the result of one video.

        Args:
            key: of its content and of what decides the faces taken from it.
            row: of the ledger.
            example: its faces; None if it has none that are used.
        """
        if example is not None:
            files.write(self._path(key, "example"), contract.encode(example))
        # The row comes last: where there is a row, all is there.
        files.write(self._path(key, "json"), ledger.to_json(row).encode())

    def read_row(self, key: str) -> LedgerRow | None:
        """The row of a finished video; None if it is not finished."""
        path = self._path(key, "json")
        if not files.exists(path):
            return None
        return ledger.from_json(files.read_bytes(path).decode())

    def read_example(self, key: str) -> contract.VideoExample:
        """The faces of a finished video that has some."""
        return contract.parse(files.read_bytes(self._path(key, "example")))

    def _path(self, key: str, suffix: str) -> str:
        # Folders of a hundred thousand files are slow to list and to copy.
        return files.join(self._folder, key[:2], f"{key}.{suffix}")

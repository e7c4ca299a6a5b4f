"""Bearer tokens from a file: which clients may send requests."""

import hashlib
import hmac
import logging
import os
import pathlib
import threading

from data.utils.errors import UsageError

logger = logging.getLogger(__name__)

REFUSAL = "A valid bearer token is required."
"""The message for every request without a valid token, whatever it asks for."""

_SCHEME = "bearer"


class BearerTokens:
    """The tokens that a file lists, one a line; blank lines and lines with `#` are skipped.

    Every request checks whether the file has changed, and reads it again if so. If it cannot be
    read, the last tokens stay valid. A file that has become empty allows no request. Only
    digests are kept, and a comparison takes the same time for every token.

    Example:
        tokens = BearerTokens("tokens.txt")
        tokens.allows("Bearer 3q2-7w")  # value of the header `authorization`

    Args:
        path: of the file; only the server's user should be able to read it.

    Raises:
        UsageError: the file cannot be read, or lists no token.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = pathlib.Path(path)
        self._lock = threading.Lock()
        try:
            self._stamp = self._read_stamp()
            self._digests = self._read()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot read the file of bearer tokens: {error}") from error
        if not self._digests:
            raise UsageError(
                f"{path}: lists no bearer token, so nobody could ask; write one a line, for "
                "example of `openssl rand -hex 32`"
            )

    def allows(self, authorization: str | None) -> bool:
        """Whether a request carries a valid token.

        Args:
            authorization: value of its `authorization` header or metadata, `Bearer TOKEN`;
                None if there is none.
        """
        self._reload_if_changed()
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != _SCHEME:
            return False
        digest = _digest(token.strip())
        # No early end: the time must not reveal which token matched.
        return sum(hmac.compare_digest(digest, known) for known in self._digests) > 0

    def _reload_if_changed(self) -> None:
        try:
            stamp = self._read_stamp()
            if stamp == self._stamp:
                return
            with self._lock:
                if stamp == self._stamp:
                    return
                self._stamp = stamp
                self._digests = self._read()
                logger.info("%s: %d bearer tokens are valid", self._path, len(self._digests))
        except (OSError, UnicodeDecodeError) as error:
            if self._stamp is not None:
                logger.error("%s: cannot be read, the last tokens hold: %s", self._path, error)
            self._stamp = None

    def _read_stamp(self) -> tuple[int, int, int] | None:
        status = self._path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _read(self) -> list[bytes]:
        lines = (line.strip() for line in self._path.read_text("utf-8").splitlines())
        return [_digest(line) for line in lines if line and not line.startswith("#")]


def _digest(token: str) -> bytes:
    """A token's SHA-256; tokens are random, so that a slow hash would add nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()

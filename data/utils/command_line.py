"""How a command ends: a mistake, an interrupt and a full disk are one line and an exit code."""

import contextlib
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

import typer

from data.utils.errors import OutputError, UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

WRONG_USE = 2
"""Exit code after a user's mistake."""

_SIGNALS = 128
"""Exit code of a shell for a process that a signal ended, without the signal's number."""


def run(app: Callable[[], object]) -> None:
    """Runs a command line, and ends the process however that ends.

    A `UsageError` is its message and exit code 2. SIGINT and SIGTERM raise a KeyboardInterrupt, so
    that the command can keep what it has and its children end, and become one line and 128 plus
    their number: 130 and 143. That holds whatever a library made of the interrupt; Beam makes a
    RuntimeError of it. A command that handles these signals itself installs handlers of its own.
    Where nobody reads standard output any more, the process ends with 141 and without a word, as
    others in a pipe do; where it cannot be written for another reason, that is a `UsageError`.

    Args:
        app: the command line; ends by a SystemExit, or returns.

    Raises:
        SystemExit: with the exit code.
    """
    received: list[signal.Signals] = []

    def interrupt(number: int, frame: object) -> None:
        received.append(signal.Signals(number))
        # What other threads say while all is taken down, Beam's above all, helps nobody.
        logging.disable()
        threading.excepthook = lambda _: None
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # by nohup, or a script's `&`
            signal.signal(number, interrupt)
    sys.stdout = _checked(sys.stdout, "standard output")
    sys.stderr = _checked(sys.stderr, "standard error")
    try:
        app()
    except BaseException as error:
        if received:
            _say(f"interrupted by {received[0].name}")
            sys.exit(_SIGNALS + received[0])
        if not isinstance(error, UsageError):
            raise
        _say(str(error))
        sys.exit(WRONG_USE)


class _CheckedFile(io.FileIO):
    """Standard output or error, whose failures end the command.

    Args:
        number: its file descriptor.
        name: for people.
    """

    def __init__(self, number: int, name: str) -> None:
        super().__init__(number, "w", closefd=False)
        self._name = name

    def write(self, content: "ReadableBuffer") -> int:
        """Writes; after a failure everything further goes nowhere, as it could only fail again."""
        try:
            return super().write(content)
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if isinstance(error, BrokenPipeError):
                raise SystemExit(_SIGNALS + signal.SIGPIPE) from None
            raise OutputError(f"{self._name} cannot be written: {error.strerror}") from None


def _checked(stream: TextIO, name: str) -> TextIO:
    if stream is None:  # closed by whoever started this process
        return stream
    file = io.BufferedWriter(_CheckedFile(stream.fileno(), name))
    return io.TextIOWrapper(
        file, encoding=stream.encoding, errors=stream.errors, line_buffering=True
    )


def _say(message: str) -> None:
    with contextlib.suppress(OutputError, SystemExit):  # then the exit code must do
        # Not wrapped, so that paths in it can be copied.
        typer.echo(f"{typer.style('unmask:', fg='red')} {message}", err=True)

import os
import signal

import pytest

from serving.server.process import ShutdownSignal


@pytest.fixture(autouse=True)
def _handlers():
    """The handlers as they were before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_the_wait(number):
    shutdown_signal = ShutdownSignal()
    os.kill(os.getpid(), number)
    shutdown_signal.wait()

import pytest

from serving.client.operations import Returned, resume
from serving.client.retries import Sleep


def operation():
    try:
        first = yield Sleep(1.0)
    except ValueError as error:
        return f"handled {error}"
    second = yield Sleep(2.0)
    return first + second


def test_results_are_sent_and_the_return_value_is_an_object():
    running = operation()
    assert resume(running) == Sleep(1.0)
    assert resume(running, 3) == Sleep(2.0)
    assert resume(running, 4) == Returned(7)


def test_errors_are_raised_where_the_operation_waits():
    running = operation()
    resume(running)
    assert resume(running, error=ValueError("odd")) == Returned("handled odd")
    running = operation()
    resume(running)
    with pytest.raises(KeyError):
        resume(running, error=KeyError("unhandled"))

import threading

import pytest

from data.utils.errors import UsageError
from serving.server.admission.limits import Admission, Limits, ReceiveWatch, Turnstile


@pytest.mark.parametrize(
    "wrong", [{"max_requests": 0}, {"max_message_bytes": -1}, {"max_wait_s": 0.0}]
)
def test_limits_must_be_positive(wrong):
    (name,) = wrong
    with pytest.raises(UsageError, match=f"{name} is"):
        Limits(**wrong)


def test_admission_lets_in_as_many_as_there_is_room_for():
    admission = Admission(2)
    assert [admission.enter() for _ in range(3)] == [True, True, False]
    admission.leave()
    assert admission.enter()


def test_admission_tells_when_nobody_is_inside(wait_until):
    admission = Admission(2)
    assert admission.wait_until_empty(0.0)
    admission.enter()
    assert not admission.wait_until_empty(0.01)
    threading.Timer(0.05, admission.leave).start()
    assert admission.wait_until_empty(60)


class Queue:
    """Threads that go through a turnstile one after the other."""

    def __init__(self, turnstile, wait_until):
        self.turnstile, self.wait_until = turnstile, wait_until
        self.wake = {}
        self.turns = []
        self.threads = []

    def join(self, name, timeout_s=None):
        def go():
            def remember(wake):
                self.wake[name] = wake
                return True

            with self.turnstile.turn(timeout_s, remember) as granted:
                self.turns.append((name, granted))

        thread = threading.Thread(target=go)
        thread.start()
        self.threads.append(thread)
        self.wait_until(lambda: name in self.wake)

    def end(self):
        for thread in self.threads:
            thread.join(60)
        return self.turns


def test_turns_are_given_in_order_to_those_who_still_wait(wait_until):
    turnstile = Turnstile(1)
    queue = Queue(turnstile, wait_until)
    with turnstile.turn(None, pytest.fail) as granted:
        assert granted
        queue.join("first")
        queue.join("hangs up")
        queue.join("second")
        queue.wake["hangs up"]()
        wait_until(lambda: queue.turns == [("hangs up", False)])
        queue.join("has no time", timeout_s=0.01)
        wait_until(lambda: ("has no time", False) in queue.turns)
        queue.join("third")
    assert queue.end()[2:] == [("first", True), ("second", True), ("third", True)]
    with turnstile.turn(0.0, pytest.fail) as granted:
        assert granted


def test_who_has_gone_before_it_could_be_told_does_not_wait():
    turnstile = Turnstile(1)
    with (
        turnstile.turn(None, pytest.fail) as first,
        turnstile.turn(None, lambda wake: False) as second,
    ):
        assert (first, second) == (True, False)


def test_an_error_gives_the_turn_on():
    turnstile = Turnstile(1)
    with pytest.raises(KeyError), turnstile.turn(0.0, pytest.fail):
        raise KeyError
    with turnstile.turn(0.0, pytest.fail) as granted:
        assert granted


def test_only_what_arrives_too_late_is_hung_up_on():
    watch = ReceiveWatch(10.0)
    hung_up = []
    with watch.receiving(lambda: hung_up.append("arrived"), 0.0):
        pass
    with (
        watch.receiving(lambda: hung_up.append("late"), 1.0),
        watch.receiving(lambda: hung_up.append("in time"), 2.0),
    ):
        watch.hang_up_late(10.9)
        assert hung_up == []
        watch.hang_up_late(11.0)
        assert hung_up == ["late"]
        watch.hang_up_late(11.5)
        assert hung_up == ["late"]

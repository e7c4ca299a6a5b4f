import threading

import pytest

from serving.server.admission.fair_semaphore import FairSemaphore


class Queue:
    """Threads that go through a semaphore one after the other."""

    def __init__(self, semaphore, wait_until):
        self.semaphore, self.wait_until = semaphore, wait_until
        self.wake = {}
        self.results = []
        self.threads = []

    def join(self, name, timeout_s=None):
        def go():
            def remember(wake):
                self.wake[name] = wake
                return True

            with self.semaphore.acquired(timeout_s, remember) as acquired:
                self.results.append((name, acquired))

        thread = threading.Thread(target=go)
        thread.start()
        self.threads.append(thread)
        self.wait_until(lambda: name in self.wake)

    def end(self):
        for thread in self.threads:
            thread.join(60)
        return self.results


def test_slots_are_given_in_order_to_threads_that_still_wait(wait_until):
    semaphore = FairSemaphore(1)
    queue = Queue(semaphore, wait_until)
    with semaphore.acquired(None, pytest.fail) as acquired:
        assert acquired
        queue.join("first")
        queue.join("hangs up")
        queue.join("second")
        queue.wake["hangs up"]()
        wait_until(lambda: queue.results == [("hangs up", False)])
        queue.join("has no time", timeout_s=0.01)
        wait_until(lambda: ("has no time", False) in queue.results)
        queue.join("third")
    assert queue.end()[2:] == [("first", True), ("second", True), ("third", True)]
    with semaphore.acquired(0.0, pytest.fail) as acquired:
        assert acquired


def test_a_client_that_has_gone_already_does_not_wait():
    semaphore = FairSemaphore(1)
    with (
        semaphore.acquired(None, pytest.fail) as first,
        semaphore.acquired(None, lambda wake: False) as second,
    ):
        assert (first, second) == (True, False)


def test_an_error_releases_the_slot():
    semaphore = FairSemaphore(1)
    with pytest.raises(KeyError), semaphore.acquired(0.0, pytest.fail):
        raise KeyError
    with semaphore.acquired(0.0, pytest.fail) as acquired:
        assert acquired

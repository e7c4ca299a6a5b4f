import threading

from serving.server.admission.capacity import Capacity


def test_as_many_requests_are_admitted_as_there_is_room_for():
    capacity = Capacity(2)
    assert [capacity.acquire() for _ in range(3)] == [True, True, False]
    capacity.release()
    assert capacity.acquire()


def test_waiting_ends_when_no_request_is_under_way(wait_until):
    capacity = Capacity(2)
    assert capacity.wait_until_idle(0.0)
    capacity.acquire()
    assert not capacity.wait_until_idle(0.01)
    threading.Timer(0.05, capacity.release).start()
    assert capacity.wait_until_idle(60)

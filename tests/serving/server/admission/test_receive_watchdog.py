from serving.server.admission.receive_watchdog import ReceiveWatchdog


def test_only_calls_whose_message_is_late_are_cancelled():
    watchdog = ReceiveWatchdog(10.0)
    cancelled = []
    with watchdog.receiving(lambda: cancelled.append("arrived"), 0.0):
        pass
    with (
        watchdog.receiving(lambda: cancelled.append("late"), 1.0),
        watchdog.receiving(lambda: cancelled.append("in time"), 2.0),
    ):
        watchdog.cancel_late(10.9)
        assert cancelled == []
        watchdog.cancel_late(11.0)
        assert cancelled == ["late"]
        watchdog.cancel_late(11.5)
        assert cancelled == ["late"]

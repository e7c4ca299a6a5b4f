from prometheus_client import CollectorRegistry, Counter, Gauge

from serving.server.monitoring import metric_types
from serving.server.monitoring.prometheus_text import render


class Collector:
    def __init__(self, *metrics):
        self._metrics = metrics

    def collect(self):
        return [metric.metric() for metric in self._metrics]


def test_a_counter_is_declared_under_the_name_of_its_samples():
    registry = CollectorRegistry()
    without_suffix = metric_types.Counter(":requests", "Requests.", ("model",))
    without_suffix.add(("m",), 2)
    registry.register(Collector(without_suffix))
    Counter("seconds", "Time.", registry=registry, namespace="process").inc(1.5)
    lines = render(registry).decode().splitlines()
    assert lines[:5] == [
        "# HELP :requests Requests.",
        "# TYPE :requests counter",
        ':requests{model="m"} 2.0',
        "# HELP process_seconds_total Time.",
        "# TYPE process_seconds_total counter",
    ]
    assert lines[5] == "process_seconds_total 1.5"


def test_what_would_end_a_line_or_a_label_is_escaped():
    registry = CollectorRegistry()
    gauge = Gauge("g", "two\nlines, a \\", ["name"], registry=registry)
    gauge.labels('a"b\\c\nd').set(1)
    assert render(registry).decode().splitlines() == [
        r"# HELP g two\nlines, a \\",
        "# TYPE g gauge",
        r'g{name="a\"b\\c\nd"} 1.0',
    ]

"""Prometheus' text format of metrics."""

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(registry: CollectorRegistry) -> bytes:
    """Writes every metric of a registry, declared by the name of its samples.

    `prometheus_client.generate_latest` declares every counter with the suffix `_total`. TensorFlow
    Serving's counters have no such suffix, so that Prometheus would take them for untyped.
    """
    lines: list[str] = []
    for metric in registry.collect():
        documentation = metric.documentation.replace("\\", r"\\").replace("\n", r"\n")
        name = _declared_name(metric)
        lines += [f"# HELP {name} {documentation}", f"# TYPE {name} {metric.type}"]
        lines += [_line(sample) for sample in metric.samples]
    return ("\n".join(lines) + "\n").encode()


def _declared_name(metric: Metric) -> str:
    total = f"{metric.name}_total"
    return total if any(sample.name == total for sample in metric.samples) else metric.name


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escape(value)}"' for name, value in sample.labels.items())
    braces = f"{{{labels}}}" if labels else ""
    return f"{sample.name}{braces} {floatToGoString(sample.value)}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

"""Counters and histograms under TensorFlow Serving's names; not safe to use without a lock.

`prometheus_client` has these types too, but ends the names of counters in `_total`, and counts a
value that equals a limit in the bucket below it.
"""

import bisect
import itertools
from collections.abc import Sequence

from prometheus_client import Metric

Labels = tuple[str, ...]


def exponential_buckets(start: float, factor: float, count: int) -> list[float]:
    """Upper limits of a histogram's buckets: `start * factor ** n`, without the infinite last one.

    Example:
        >>> exponential_buckets(1, 2, 4)
        [1, 2, 4, 8]
    """
    return [start * factor**power for power in range(count)]


class Counter:
    """A number for each combination of labels that only grows.

    Args:
        name: of the metric and of its samples; no `_total` is added.
        documentation: what is counted.
        label_names: names of the labels.
    """

    def __init__(self, name: str, documentation: str, label_names: Labels) -> None:
        self._name = name
        self._documentation = documentation
        self._label_names = label_names
        self._values: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float = 1) -> None:
        """Adds to the number of one combination of labels."""
        self._values[labels] = self._values.get(labels, 0) + amount

    def metric(self) -> Metric:
        """The current numbers."""
        metric = Metric(self._name, self._documentation, "counter")
        for labels, value in self._values.items():
            named = dict(zip(self._label_names, labels, strict=True))
            metric.add_sample(self._name, named, value)
        return metric


class Histogram:
    """How many values fell below each limit, for each combination of labels.

    A value that equals a limit belongs to the bucket above it, as in TensorFlow.

    Args:
        name: of the metric; its samples add `_bucket`, `_sum`, `_count`.
        documentation: what is measured, and its unit.
        label_names: names of the labels.
        limits: of the buckets, ascending.
    """

    def __init__(
        self, name: str, documentation: str, label_names: Labels, limits: Sequence[float]
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._label_names = label_names
        self._limits = limits
        # As TensorFlow Serving writes them, in six digits: queries name them so.
        self._limit_texts = [*(f"{limit:g}" for limit in limits), "+Inf"]
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def add(self, labels: Labels, value: float) -> None:
        """Adds a value to one combination of labels."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * len(self._limit_texts)
        counts[bisect.bisect_right(self._limits, value)] += 1
        self._sums[labels] = self._sums.get(labels, 0.0) + value

    def metric(self) -> Metric:
        """The current distribution."""
        metric = Metric(self._name, self._documentation, "histogram")
        for labels, counts in self._counts.items():
            named = dict(zip(self._label_names, labels, strict=True))
            below = list(itertools.accumulate(counts))
            for limit, count in zip(self._limit_texts, below, strict=True):
                metric.add_sample(f"{self._name}_bucket", {**named, "le": limit}, count)
            metric.add_sample(f"{self._name}_sum", named, self._sums[labels])
            metric.add_sample(f"{self._name}_count", named, below[-1])
        return metric

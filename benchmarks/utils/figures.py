"""Measured figures, as every benchmark prints them at its end."""

import json
import pathlib
from typing import Any


def print_figure(
    name: str, value: float, *, unit: str, target: float | None = None, **details: Any
) -> None:
    """Prints a figure as one line of JSON.

    Args:
        name: unique among all benchmarks.
        value: a count, or a number of which four digits are printed, as of the target.
        unit: of the value and of the target.
        target: what the value should reach; None where nothing is required.
        **details: further keys of the line.
    """
    figure = {"name": name, "value": _rounded(value), "target": _rounded(target), "unit": unit}
    print(json.dumps(figure | details), flush=True)


def memory_mib(field: str, process: int | str = "self") -> float:
    """Memory of a process by a field of Linux's status: `VmRSS` resident now, `VmHWM` at its peak.

    `getrusage` names the peak of the process that started this one, if that was higher.
    """
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def _rounded(number: float | None) -> float | None:
    return float(f"{number:.4g}") if isinstance(number, float) else number

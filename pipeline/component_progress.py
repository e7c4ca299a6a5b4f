"""A line when a component starts and a line when it ends, instead of TFX's own log."""

import logging
import re
import time
import warnings

import absl.logging
import rich
import tensorflow as tf

_PROGRESS = re.compile(r"Component (\S+) is (running|finished)\.")
"""What LocalDagRunner logs about a component."""


class ComponentProgress(logging.Filter):
    """A context in which the components' progress is printed and TFX logs only errors.

    TFX resets handlers when its modules are imported, but a filter on its logger stays.
    """

    def __init__(self, components: int) -> None:
        super().__init__()
        self._components = components
        self._number = 0
        self._started = 0.0

    def __enter__(self) -> None:
        self._verbosity = absl.logging.get_verbosity()
        absl.logging.set_verbosity(absl.logging.INFO)
        absl.logging.get_absl_logger().addFilter(self)
        # TFMA reads its own files in a deprecated way, and divides by zero in empty bins.
        tf.get_logger().setLevel(logging.ERROR)
        warnings.filterwarnings(
            "ignore", category=RuntimeWarning, module="tensorflow_model_analysis"
        )

    def __exit__(self, *_: object) -> None:
        absl.logging.get_absl_logger().removeFilter(self)
        absl.logging.set_verbosity(self._verbosity)

    def filter(self, record: logging.LogRecord) -> bool:
        """Prints the runner's two messages about a component; lets only errors pass."""
        if progress := _PROGRESS.fullmatch(record.getMessage()):
            component, state = progress.groups()
            if state == "running":
                self._number += 1
                self._started = time.monotonic()
                rich.print(f"({self._number}/{self._components}) {component} ...")
            else:
                seconds = time.monotonic() - self._started
                rich.print(f"({self._number}/{self._components}) {component}: {seconds:.0f} s")
        return record.levelno >= logging.ERROR

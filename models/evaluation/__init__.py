"""How well scores tell fakes from reals, and what else explains them.

Begin with `metrics.py`. `shortcut.py` says how much of a score the measures in `nuisances.py`
explain. `shortcut_check.py`, `split_examples.py` and `trivial_baseline.py` load TensorFlow: they
are imported from their file.
"""

from models.evaluation.metrics import (
    RELIABILITY_BINS,
    Reliability,
    auc_interval,
    log_loss,
    reliability,
)
from models.evaluation.nuisances import Nuisances, measure_nuisances
from models.evaluation.shortcut import Estimate, ShortcutReport, measure_shortcut

__all__ = [
    "RELIABILITY_BINS",
    "Estimate",
    "Nuisances",
    "Reliability",
    "ShortcutReport",
    "auc_interval",
    "log_loss",
    "measure_nuisances",
    "measure_shortcut",
    "reliability",
]

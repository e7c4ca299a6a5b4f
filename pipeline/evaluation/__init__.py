"""What TFMA is asked for and what it answers: metrics, slices and the gate.

Open `configuration.py` first. `exact_auc.py` is a metric of our own, `results.py` reads what the
Evaluator wrote.
"""

from pipeline.evaluation.configuration import eval_config
from pipeline.evaluation.results import SliceMetrics, read_metrics, read_refusals

__all__ = ["SliceMetrics", "eval_config", "read_metrics", "read_refusals"]

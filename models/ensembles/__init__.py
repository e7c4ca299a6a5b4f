"""Several networks that answer as one.

Begin with `building.py`: `build_ensemble` joins trained networks. `combination.py` says how their
scores become one score, `ensemble_scorer.py` computes it in the served graph.
"""

from models.ensembles.building import build_ensemble
from models.ensembles.combination import (
    Combination,
    Stacked,
    Weighted,
    fit_stack,
    fit_weights,
    fixed_weights,
)
from models.ensembles.ensemble_scorer import EnsembleScorer

__all__ = [
    "Combination",
    "EnsembleScorer",
    "Stacked",
    "Weighted",
    "build_ensemble",
    "fit_stack",
    "fit_weights",
    "fixed_weights",
]

"""Several networks that answer as one.

Begin with `building.py`: `build_ensemble` joins trained networks. `combination.py` says how their
scores become one score, `ensemble_scorer.py` computes it in the served graph.
"""

from models.ensembles.building import build_ensemble

__all__ = ["build_ensemble"]

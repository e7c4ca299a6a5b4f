"""The SavedModel that is evaluated, checked, pushed and served.

Begin with `served_model.py`, the graph and its signatures; `frame_faces.py` finds faces within it.
`saved_model.py` writes it with its side files, `calibrated_export.py` calibrates it before.
"""

from models.export.calibrated_export import EvalScores, export_calibrated
from models.export.saved_model import export, warmup_requests
from models.export.served_model import ServedModel

__all__ = ["EvalScores", "ServedModel", "export", "export_calibrated", "warmup_requests"]

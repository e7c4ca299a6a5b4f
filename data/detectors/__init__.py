"""Face detectors behind one interface.

Open `base.py` first: it says what a detector takes and returns. `registry.py` makes detectors by
name. MTCNN, the default, loads TensorFlow: import it from `data.detectors.mtcnn`.
"""

from data.detectors.base import MAX_FACES, Face, FaceDetector
from data.detectors.registry import create_detector, detector_fingerprint

__all__ = ["MAX_FACES", "Face", "FaceDetector", "create_detector", "detector_fingerprint"]

"""RetinaFace through the UniFace library; its weights must be fetched once.

Deng et al., "RetinaFace: Single-shot Multi-level Face Localisation in the Wild" (CVPR 2020), in
the networks of github.com/yakhyo/retinaface-pytorch as UniFace 4.1.0 (github.com/yakhyo/uniface)
runs them: frames fitted into 640 x 640 pixels, on the CPU. UniFace keeps its weights in the
folder that the environment variable `UNIFACE_CACHE_DIR` names, or in `~/.uniface/models`, and
knows the SHA-256 of each. It would fetch what is missing while a job runs; here that is an error.
"""

import hashlib
import pathlib
import sys
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from data.detectors.base import Face
from data.utils.errors import UsageError

if TYPE_CHECKING:
    from uniface.constants import RetinaFaceWeights

DEFAULT_WEIGHTS = "mnet_v2"
"""UniFace's own default: MobileNet V2."""

REQUIREMENTS = "requirements-retinaface.txt"

_PREFIX = "retinaface_"  # of the weights' names in UniFace
_LARGEST_ASPECT = 640  # a longer frame would be less than a pixel wide in 640 x 640


def weights_hash(weights: str) -> str:
    """SHA-256 of the weights' file, 64 hexadecimal digits.

    Args:
        weights: a name of UniFace's `RetinaFaceWeights` without its prefix, such as `mnet_v2`,
            `r18` or `r50`.

    Raises:
        UsageError: UniFace is not installed or knows no such weights, or their file is absent or
            is another.
    """
    name = _weights(weights)
    from uniface.constants import MODEL_REGISTRY
    from uniface.model_store import get_cache_dir

    path = pathlib.Path(get_cache_dir()) / f"{name.value}.onnx"
    fetch = (
        f"fetch it where there is a network with `{sys.executable} -c 'from uniface.constants "
        f"import RetinaFaceWeights; from uniface.model_store import verify_model_weights; "
        f'verify_model_weights(RetinaFaceWeights("{name.value}"))\'`'
    )
    if not path.is_file():
        raise UsageError(
            f"{path}: no such file, which retinaface needs; {fetch}, and set UNIFACE_CACHE_DIR if "
            f"it lies in another folder"
        )
    actual, expected = hashlib.sha256(path.read_bytes()).hexdigest(), MODEL_REGISTRY[name].sha256
    if actual != expected:
        raise UsageError(
            f"{path}: is not what UniFace publishes as {name.value}: its SHA-256 is {actual}, not "
            f"{expected}; delete it and {fetch}"
        )
    return actual


def _weights(weights: str) -> "RetinaFaceWeights":
    try:
        from uniface.constants import RetinaFaceWeights
    except ImportError as error:
        # Without --no-deps it would bring a second OpenCV that overwrites the headless one.
        raise UsageError(
            "retinaface needs the packages uniface and onnxruntime: install them with "
            f"`uv pip install --python {sys.executable} --no-deps --require-hashes "
            f"-r {REQUIREMENTS}`"
        ) from error
    try:
        return RetinaFaceWeights(_PREFIX + weights)
    except ValueError:
        known = ", ".join(name.value.removeprefix(_PREFIX) for name in RetinaFaceWeights)
        raise UsageError(f"unknown weights 'retinaface:{weights}': choose one of {known}") from None


class RetinaFace:
    """A `FaceDetector`: UniFace's `RetinaFace` at its own thresholds.

    Args:
        weights: see `weights_hash`.

    Raises:
        UsageError: as `weights_hash` does.
    """

    def __init__(self, weights: str = DEFAULT_WEIGHTS) -> None:
        weights_hash(weights)
        from uniface.detection import RetinaFace as Network

        # Other devices compute slightly different numbers.
        self._network = Network(model_name=_weights(weights), providers=["CPUExecutionProvider"])

    def detect(self, frames: npt.NDArray[np.uint8]) -> list[list[Face]]:
        """Finds the faces of each frame; see `FaceDetector.detect`."""
        height, width = frames.shape[1:3]
        if max(height, width) > _LARGEST_ASPECT * min(height, width):
            return [[] for _ in frames]
        limits = np.array([width - 1, height - 1] * 2)
        return [
            [
                Face(
                    box=np.clip(face.bbox, 0, limits).astype(np.float32),
                    landmarks=face.landmarks.reshape(10).astype(np.float32),
                    score=float(face.confidence),
                )
                for face in self._network.detect(np.ascontiguousarray(frame[..., ::-1]))
            ]
            for frame in frames
        ]

"""Face detectors by name."""

import importlib
import importlib.metadata

from data.detectors.base import FaceDetector
from data.utils.code_hash import code_hash
from data.utils.errors import UsageError

NAMES = ("mtcnn", "blazeface", "retinaface")


def create_detector(name: str) -> FaceDetector:
    """Makes a detector.

    Args:
        name: one of `NAMES`; `retinaface:` and weights, such as `retinaface:r50`; or the dotted
            name of a class of the user's, `package.module:Class`, which is called without
            arguments and has the methods of `FaceDetector`.

    Raises:
        UsageError: there is no detector of this name, or what it needs is not installed.
    """
    # Each library is imported only when it is used, so that `--help` stays fast.
    kind, argument = _split(name)
    if kind == "mtcnn":
        from data.detectors.mtcnn import Mtcnn

        return Mtcnn()
    if kind == "blazeface":
        from data.detectors.blazeface import BlazeFace

        return BlazeFace()
    if kind == "retinaface":
        from data.detectors import retinaface

        return retinaface.RetinaFace(argument or retinaface.DEFAULT_WEIGHTS)
    return _custom(kind, argument)


def detector_fingerprint(name: str) -> str:
    """Names what decides the faces besides our own code: the same text means the same faces.

    It does not make the detector, so that a wrong name or a missing package or file is found
    before a job starts.

    Args:
        name: see `create_detector`.

    Returns:
        The name with the release of the package that carries the weights, the SHA-256 of the
        weights' file, or, for a class of the user's, a hash of the source of its module
        and of the modules of its own package that it imports.

    Raises:
        UsageError: as `create_detector` does.
    """
    kind, argument = _split(name)
    if kind == "mtcnn":
        return f"mtcnn {importlib.metadata.version('mtcnn')}"
    if kind == "blazeface":
        from data.detectors import blazeface

        return f"blazeface {blazeface.model_hash()}"
    if kind == "retinaface":
        from data.detectors import retinaface

        return f"retinaface {retinaface.weights_hash(argument or retinaface.DEFAULT_WEIGHTS)}"
    try:
        return f"{name} {code_hash(kind)}"
    except ModuleNotFoundError as error:
        raise _not_found(name, error) from error


def _split(name: str) -> tuple[str, str]:
    """The detector or the user's module, and the weights or the user's class."""
    kind, _, argument = name.partition(":")
    dotted = all(part.isidentifier() for part in kind.split("."))
    if name in NAMES or (dotted and argument and kind not in ("mtcnn", "blazeface")):
        return kind, argument
    raise UsageError(
        f"unknown detector '{name}': choose one of {', '.join(NAMES)}, or name a class of your own "
        f"as package.module:Class"
    )


def _custom(module: str, class_name: str) -> FaceDetector:
    name = f"{module}:{class_name}"
    try:
        made = getattr(importlib.import_module(module), class_name, None)
    except ModuleNotFoundError as error:
        raise _not_found(name, error) from error
    if not callable(made):
        raise UsageError(f"detector '{name}': the module {module} has no class {class_name}")
    detector = made()
    if not callable(getattr(detector, "detect", None)):
        raise UsageError(
            f"detector '{name}': has no method `detect(frames)`; see data/detectors/base.py"
        )
    return detector


def _not_found(name: str, error: Exception) -> UsageError:
    return UsageError(f"detector '{name}': {error}; install it, or add its folder to PYTHONPATH")

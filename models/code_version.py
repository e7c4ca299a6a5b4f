"""Which code decides what a trained model is."""

from data.code_hash import code_hash

_MODULES = (
    "models",
    "data.contract",
    "data.cropping",
    "data.detectors",
    "data.self_blending",
    "data.tracking",
)


def code_version() -> str:
    """Changes with our code that reads Examples, trains, calibrates or exports."""
    return code_hash(*_MODULES)

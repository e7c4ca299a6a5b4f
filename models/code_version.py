"""Which code decides what a trained model is."""

from data.utils.code_hash import code_hash

_MODULES = (
    "models",
    "data.contract",
    "data.faces.cropping",
    "data.detectors",
    "data.synthetic.self_blending",
    "data.utils.evenly_spread",
)


def code_version() -> str:
    """Changes with our code that reads Examples, trains, calibrates or exports."""
    return code_hash(*_MODULES)

"""Which code decides what a trained model is."""

from data.utils.code_hash import code_hash


def code_version() -> str:
    """Changes with our code that reads Examples, searches, trains, combines or exports."""
    return code_hash(
        "models.training.run_fn", "models.training.tuner_fn", "models.ensembles.building"
    )

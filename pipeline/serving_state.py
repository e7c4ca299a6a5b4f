"""What was being served before and after the last run, which decides what may come from the cache.

A candidate is compared with the model being served. TFX's cache knows inputs and parameters
alone, so what is served must be among ServingBaseline's parameters; but a run that pushes changes
it, and an unchanged run must still find everything in the cache. So each run records, for each
model, the candidate, the parameter it gave and what was served in the end, and the next run gives
the same parameter exactly if candidate and served version are still those.
"""

import json
import pathlib

from components import served_versions
from models.code_version import code_version
from pipeline.config import RunConfig

FILE_NAME = "serving_state.json"


def baseline_key(output: pathlib.Path, config: RunConfig, model: str, fingerprint: str) -> str:
    """ServingBaseline's parameter for a model.

    Args:
        output: the run's folder.
        config: the run.
        model: the candidate's name.
        fingerprint: of the data that it is trained on.

    Returns:
        The last run's, if candidate and served version are what they were at its end; else one
        that no earlier run gave for this candidate.
    """
    served = served_versions.latest_version(config.serving_root, model)
    last = _read(output).get(model)
    if last is None:
        return str(served)
    if last["candidate"] == _candidate(config, model, fingerprint) and last["served"] == served:
        return str(last["key"])
    return f"{served} after {last['served']}"


def record(output: pathlib.Path, config: RunConfig, model: str, fingerprint: str, key: str) -> None:
    """Notes what is served at the end of a run.

    Args:
        output: the run's folder.
        config: the run.
        model: the candidate's name.
        fingerprint: of the data that it was trained on.
        key: what `baseline_key` gave for the run.
    """
    state = _read(output)
    state[model] = {
        "candidate": _candidate(config, model, fingerprint),
        "key": key,
        "served": served_versions.latest_version(config.serving_root, model),
    }
    (output / FILE_NAME).write_text(json.dumps(state, indent=2))


def _candidate(config: RunConfig, model: str, fingerprint: str) -> list[str]:
    return [*config.describe(model), fingerprint, code_version()]


def _read(output: pathlib.Path) -> dict[str, dict]:
    path = output / FILE_NAME
    return dict(json.loads(path.read_text())) if path.is_file() else {}

"""A cache key for ServingBaseline: it changes when somebody else changes what is served.

A candidate is compared with the served version. TFX's cache only knows inputs and parameters, so
the served version must be part of ServingBaseline's parameters. But a run that pushes changes the
served version, and running again unchanged must still take everything from the cache. So each run
records, for each model, the candidate, the key and the version that is served at its end. The
next run uses the same key if candidate and served version are still the same.
"""

import json
import pathlib

from components import served_versions
from data.utils import files
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
        The last run's key if candidate and served version are the same as at its end; else a
        key that no earlier run used for this candidate.
    """
    served = served_versions.latest_version(config.serving_root, model)
    last = _read(output).get(model)
    if last is None:
        return str(served)
    if last["candidate"] == _candidate(config, model, fingerprint) and last["served"] == served:
        return str(last["key"])
    return f"{served} after {last['served']}"


def record(output: pathlib.Path, config: RunConfig, model: str, fingerprint: str, key: str) -> None:
    """Records what is served at the end of a run.

    Args:
        output: the run's folder.
        config: the run.
        model: the candidate's name.
        fingerprint: of the data that it was trained on.
        key: the run's, by `baseline_key`.
    """
    state = _read(output)
    state[model] = {
        "candidate": _candidate(config, model, fingerprint),
        "key": key,
        "served": served_versions.latest_version(config.serving_root, model),
    }
    files.write(str(output / FILE_NAME), json.dumps(state, indent=2).encode())


def _candidate(config: RunConfig, model: str, fingerprint: str) -> list[str]:
    return [*config.settings_of(model), fingerprint, code_version()]


def _read(output: pathlib.Path) -> dict[str, dict]:
    path = output / FILE_NAME
    return dict(json.loads(path.read_text())) if path.is_file() else {}

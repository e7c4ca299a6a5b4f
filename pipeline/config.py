"""The configuration of a run: typed, validated, read from YAML.

An unknown key, a value out of range or a slice that nothing produces is a `UsageError` that names
the key's path in the file. Relative paths are taken from the current folder.
"""

import pathlib
from collections.abc import Sequence
from typing import Literal

import pydantic
import yaml
from pydantic import Field

from data.contract import SCOPE
from data.utils import yaml_config
from data.utils.yaml_config import Section
from models.config import EnsembleConfig, ModelConfig

FILE_NAME = "config.yaml"
"""The resolved configuration in a run's output folder."""

DIRECT_RUNNER = ("--direct_running_mode=in_memory", "--direct_num_workers=1")
"""Beam's options for work in this process: other processes would load TensorFlow each."""


class Threshold(Section):
    """One condition of the gate.

    Example:
        {metric: auc, slice: {slice/method: Deepfakes}, lower: 0.9, largest_drop: 0.01}
    """

    metric: Literal["auc", "log_loss", "accuracy"] = Field(
        description="`auc` and `accuracy` are better high, `log_loss` (nats) better low"
    )
    slice: dict[str, str] = Field(
        default_factory=dict, description="feature and value; empty for all videos"
    )
    lower: float | None = Field(None, description="the candidate's value may not be below this")
    upper: float | None = Field(None, description="the candidate's value may not be above this")
    largest_drop: float | None = Field(
        None, ge=0, description="how much worse than the served model the candidate may be"
    )

    @pydantic.model_validator(mode="after")
    def _bounded(self) -> "Threshold":
        if self.lower is None and self.upper is None:
            # Without a baseline TFMA passes over a change threshold that stands alone.
            raise ValueError("give lower or upper, also beside largest_drop")
        return self


class EvaluationConfig(Section):
    """What is measured on `test`, and the conditions under which a model is pushed."""

    slices: list[str] = Field(
        default_factory=lambda: [
            "dataset",
            "slice/method",
            "compression",
            "slice/face_size",
            "slice/sharpness",
            "slice/bit_rate",
        ],
        description="features whose values are reported as slices",
    )
    gate: list[Threshold] = Field(min_length=1, description="a candidate must meet every one")


class KubeflowConfig(Section):
    """Where a compiled pipeline reads and writes; all paths as its containers see them."""

    image: str = Field(description="container image that holds unmask")
    root: str = Field(
        pattern=r"^(gs|s3|minio)://.+", description="folder for artifacts on an object store"
    )
    examples: str = Field(description="folder with the shards that `unmask extract` wrote")
    schema_file: str = Field(description="where the schema that `unmask compile` writes is put")
    serving_root: str = Field(description="folder that TensorFlow Serving watches")


class RunConfig(Section):
    """A whole run of the pipeline."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]*$", description="of the pipeline in the metadata store"
    )
    examples: str = Field(description="folder that `unmask extract` wrote")
    output: str = Field(description="folder for artifacts, metadata and the resolved config")
    serving_root: str = Field(
        description="folder that TensorFlow Serving watches: <model>/<version>/"
    )
    models: list[ModelConfig] = Field(min_length=1, description="trained, gated, pushed one by one")
    ensembles: list[EnsembleConfig] = Field(
        default_factory=list, description="of these models; gated and pushed like them"
    )
    evaluation: EvaluationConfig
    beam: list[str] = Field(
        default=list(DIRECT_RUNNER),
        description="Beam's pipeline options: runner, workers, staging",
    )
    kubeflow: KubeflowConfig | None = Field(None, description="for `unmask compile` alone")

    @pydantic.model_validator(mode="after")
    def _distinct(self) -> "RunConfig":
        names = self.candidates
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"{', '.join(repeated)} stands twice; a served name must be unique")
        models = [model.name for model in self.models]
        narrow = {model.name for model in self.models if model.scope != SCOPE}
        for ensemble in self.ensembles:
            unknown = sorted(set(ensemble.members) - set(models))
            if unknown:
                raise ValueError(
                    f"ensemble {ensemble.name} names {', '.join(unknown)}, which no model of this "
                    f"run is called; there are {', '.join(models)}"
                )
            if ensemble.scope == SCOPE and (members := sorted(narrow & set(ensemble.members))):
                raise ValueError(
                    f"ensemble {ensemble.name} needs a scope: that of {', '.join(members)} is not "
                    "the default"
                )
        return self

    @property
    def candidates(self) -> list[str]:
        """Served names of all that a run makes: its models, then its ensembles."""
        return [
            *(model.name for model in self.models),
            *(ensemble.name for ensemble in self.ensembles),
        ]

    @property
    def reals_suffice(self) -> list[str]:
        """Splits that need no fakes: train, if every model makes its own."""
        makes_fakes = all(model.fakes == "self_blended" for model in self.models)
        return ["train"] if makes_fakes else []

    def settings_of(self, candidate: str) -> list[str]:
        """All settings, as JSON, that decide what a candidate becomes."""
        models = {model.name: model.model_dump_json() for model in self.models}
        if candidate in models:
            return [models[candidate]]
        (ensemble,) = (each for each in self.ensembles if each.name == candidate)
        return [ensemble.model_dump_json(), *(models[name] for name in ensemble.members)]


def load(path: pathlib.Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Reads a run's configuration.

    Args:
        path: a YAML file.
        overrides: `key=value` pairs, the key a path such as `models.0.steps`, the value YAML.

    Returns:
        The validated configuration.

    Raises:
        UsageError: the file cannot be read or does not describe a run.
    """
    return yaml_config.load(RunConfig, path, overrides)


def dump(config: RunConfig) -> str:
    """The configuration with every default written out, as YAML that `load` reads."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)

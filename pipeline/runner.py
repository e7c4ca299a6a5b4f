"""Running the graph on this machine, and what became of it."""

import dataclasses
import json
import logging
import os
import pathlib
import re
import time
import warnings
from collections.abc import Collection
from typing import Any

import absl.logging
import ml_metadata
import rich
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from data.extraction.output_layout import DESCRIPTION, find_shards
from data.utils.errors import UsageError
from models.backbones import registry
from models.backbones import weights as backbone_weights
from models.networks import saved_network
from pipeline import evaluation, graph, schema, serving_state
from pipeline.config import RunConfig, dump

CONFIG = "config.yaml"
METADATA = "metadata.db"
_SCHEMA = "schema/schema.pbtxt"
_ARTIFACTS = "artifacts"
_CHECKPOINTS = "checkpoints"

MEMORY_FACTOR = 5.0
"""Peak memory of TFX's Beam steps on the direct runner, over the size of the Examples (measured:
2.6 to 3.2 GB on 640 MB)."""

_PROGRESS = re.compile(r"Component (\S+) is (running|finished)\.")
"""What LocalDagRunner logs about a component."""

_BASE_MEMORY_BYTES = 2 * 1024**3


@dataclasses.dataclass(frozen=True)
class ModelOutcome:
    """What became of one candidate.

    Attributes:
        model: its name.
        pictures: folder with what was drawn while it was made: `reliability.png`, of a network
            `curves.png` and `tensorboard/` too.
        evaluation: folder of the Evaluator's output.
        refusals: conditions of the gate that it missed, and what ServingCheck found.
        version: the version that serves its content, or None if it was refused.
    """

    model: str
    pictures: str
    evaluation: str
    refusals: list[str]
    version: str | None


@dataclasses.dataclass(frozen=True)
class RunOutcome:
    """What became of a run.

    Attributes:
        ran: components that ran, in order.
        cached: components whose earlier results were taken.
        models: one a configured model.
    """

    ran: list[str]
    cached: list[str]
    models: list[ModelOutcome]


def run(config: RunConfig, *, use_cache: bool = True) -> RunOutcome:
    """Runs the pipeline with TFX's local runner.

    Writes the resolved configuration, the schema, ML Metadata and all artifacts below
    `config.output`, and pushes below `config.serving_root`.

    Args:
        config: the run.
        use_cache: whether unchanged components are skipped.

    Returns:
        What ran, and each candidate's fate.

    Raises:
        UsageError: the Examples are absent, too large for this machine, or lack a slice, what a
            model starts from is absent, or a folder's name is a pattern.
    """
    output = pathlib.Path(config.output)
    examples = pathlib.Path(config.examples)
    _check_names(config)
    _check_starting_points(config)
    dataset = read_dataset(examples, reals_suffice=config.reals_suffice)
    _check_memory(config, examples)
    output.mkdir(parents=True, exist_ok=True)
    schema_file = output / _SCHEMA
    schema.write(schema.resolve(dataset["slice_columns"]), schema_file)
    served_before = {
        model: serving_state.baseline_key(output, config, model, dataset["fingerprint"])
        for model in config.candidates
    }
    connection = metadata.sqlite_metadata_connection_config(str(output / METADATA))
    pipeline = graph.create(
        config,
        graph.Inputs(
            examples=str(examples.resolve()),
            schema=str(schema_file.resolve()),
            slice_columns=tuple(dataset["slice_columns"]),
            fingerprint=dataset["fingerprint"],
            root=str((output / _ARTIFACTS).resolve()),
            checkpoints=str((output / _CHECKPOINTS).resolve()),
            served_before=served_before,
        ),
        connection,
        use_cache=use_cache,
    )
    (output / CONFIG).write_text(dump(config))
    with _Narrator(len(pipeline.components)):
        LocalDagRunner().run(pipeline)
    for model in config.candidates:
        key = served_before[model]
        serving_state.record(output, config, model, dataset["fingerprint"], key)
    return read_outcome(output, config)


def read_outcome(output: pathlib.Path, config: RunConfig) -> RunOutcome:
    """Reads the latest run's outcome from ML Metadata: a cached component leaves no other trace.

    Args:
        output: the run's folder.
        config: its configuration.

    Raises:
        UsageError: there is no finished run in the folder.
    """
    if not (output / METADATA).is_file():
        raise UsageError(f"{output}: holds no run; `unmask run` writes one")
    store = ml_metadata.MetadataStore(
        metadata.sqlite_metadata_connection_config(str(output / METADATA))
    )
    runs = store.get_contexts_by_type("pipeline_run")
    if not runs:
        raise UsageError(f"{output}: no run in it got as far as its first component")
    latest = max(runs, key=lambda context: context.id)
    states: dict[str, int] = {}
    artifacts: dict[str, dict[str, metadata_store_pb2.Artifact]] = {}
    executions = sorted(
        store.get_executions_by_context(latest.id), key=lambda execution: execution.id
    )
    for execution in executions:
        (node,) = (
            context.name.removeprefix(f"{config.name}.")
            for context in store.get_contexts_by_execution(execution.id)
            if context.type == "node"
        )
        states[node] = execution.last_known_state
        events = [
            event
            for event in store.get_events_by_execution_ids([execution.id])
            if event.type == metadata_store_pb2.Event.OUTPUT
        ]
        found = store.get_artifacts_by_id([event.artifact_id for event in events])
        by_id = {artifact.id: artifact for artifact in found}
        artifacts[node] = {event.path.steps[0].key: by_id[event.artifact_id] for event in events}
    outcomes = []
    for model in config.candidates:
        evaluator = artifacts.get(f"Evaluator.{model}")
        pusher = artifacts.get(f"AtomicPusher.{model}")
        checked = artifacts.get(f"ServingCheck.{model}")
        maker = artifacts.get(f"Trainer.{model}") or artifacts.get(f"Ensemble.{model}")
        if not maker or not evaluator or not pusher or not checked:
            raise UsageError(
                f"{output}: its latest run ended before {model} was judged; run it again"
            )
        check = checked["blessing"]
        path = evaluator["evaluation"].uri
        refusals = evaluation.read_refusals(path)
        if not check.custom_properties["blessed"].int_value:
            refusals.append(f"ServingCheck: {check.custom_properties['problem'].string_value}")
        pushed = pusher["pushed_model"].custom_properties
        version = pushed["pushed_version"].string_value if "pushed_version" in pushed else None
        pictures = maker["model_run"].uri
        outcomes.append(ModelOutcome(model, pictures, path, refusals, version))
    cached = metadata_store_pb2.Execution.CACHED
    return RunOutcome(
        ran=[node for node, state in states.items() if state != cached],
        cached=[node for node, state in states.items() if state == cached],
        models=outcomes,
    )


def read_dataset(examples: pathlib.Path, *, reals_suffice: Collection[str] = ()) -> dict[str, Any]:
    """Reads what the extraction job says of its output.

    Args:
        examples: its folder.
        reals_suffice: splits that need no fakes.

    Raises:
        UsageError: it holds no finished extraction, or a split lacks a class.
    """
    path = examples / DESCRIPTION
    if not path.is_file():
        raise UsageError(
            f"{examples}: holds no {DESCRIPTION}, which a finished `unmask extract` writes; "
            "`examples` names its output folder"
        )
    dataset = dict(json.loads(path.read_text()))
    for split, counts in dataset["splits"].items():
        fakes, reals = counts["fakes"], counts["videos"] - counts["fakes"]
        if not reals or (not fakes and split not in reals_suffice):
            raise UsageError(
                f"{examples}: split {split} holds {reals} real and {fakes} fake videos, and every "
                "split needs both: see its ledger.csv for what was left out and why; only where "
                "all models have `fakes: self_blended`, train needs none"
            )
    return dataset


def _check_names(config: RunConfig) -> None:
    """TensorFlow and TFX take paths for patterns: they would write what they then do not find."""
    for key in ("examples", "output", "serving_root"):
        path = pathlib.Path(getattr(config, key)).resolve()
        if any(character in str(path) for character in "*?["):
            raise UsageError(
                f"{key}: {path}: no folder on the way may have *, ? or [ in its name, which "
                "TensorFlow takes for a pattern; rename it, or run elsewhere"
            )


def _check_starting_points(config: RunConfig) -> None:
    """Says what is missing before hours go into what comes before training."""
    for model in config.models:
        if model.warm_start is not None:
            saved_network.read_card(model.warm_start)
        elif model.weights not in (None, registry.IMAGENET):
            backbone_weights.require_file(str(model.weights), model.name)


def _check_memory(config: RunConfig, examples: pathlib.Path) -> None:
    """Says what the direct runner will need, and stops before the machine runs out of it."""
    if any(option.startswith("--runner=") and "Direct" not in option for option in config.beam):
        return
    size = sum((examples / name).stat().st_size for name in find_shards(str(examples)))
    needed = int(MEMORY_FACTOR * size) + _BASE_MEMORY_BYTES
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gib = 1024**3
    rich.print(
        f"Examples: {size / gib:.2f} GiB; the direct runner will need about {needed / gib:.1f} of "
        f"this machine's {total / gib:.1f} GiB of memory"
    )
    if needed > total:
        raise UsageError(
            "the Examples are too large for Beam's direct runner on this machine: set "
            "`beam: [--runner=FlinkRunner, ...]` (or SparkRunner, DataflowRunner) in the config"
        )


class _Narrator(logging.Filter):
    """Prints which component runs, and holds back TFX's own chatter below errors.

    TFX resets handlers when its modules are imported, but a filter on its logger stays.
    """

    def __init__(self, components: int) -> None:
        super().__init__()
        self._components = components
        self._number = 0
        self._started = 0.0

    def __enter__(self) -> None:
        self._verbosity = absl.logging.get_verbosity()
        absl.logging.set_verbosity(absl.logging.INFO)
        absl.logging.get_absl_logger().addFilter(self)
        # TFMA reads its own files in a deprecated way, and divides by zero in empty bins.
        tf.get_logger().setLevel(logging.ERROR)
        warnings.filterwarnings(
            "ignore", category=RuntimeWarning, module="tensorflow_model_analysis"
        )

    def __exit__(self, *_: object) -> None:
        absl.logging.get_absl_logger().removeFilter(self)
        absl.logging.set_verbosity(self._verbosity)

    def filter(self, record: logging.LogRecord) -> bool:
        """Turns the runner's two messages about a component into a line each."""
        message = record.getMessage()
        if found := _PROGRESS.fullmatch(message):
            component, what = found.groups()
            if what == "running":
                self._number += 1
                self._started = time.monotonic()
                rich.print(f"({self._number}/{self._components}) {component} ...")
            else:
                seconds = time.monotonic() - self._started
                rich.print(f"({self._number}/{self._components}) {component}: {seconds:.0f} s")
        return record.levelno >= logging.ERROR

"""The outcome of a run, as ML Metadata records it: a cached component leaves no other trace."""

import dataclasses
import pathlib
from collections.abc import Mapping

import ml_metadata
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from data.utils.errors import UsageError
from pipeline.config import RunConfig
from pipeline.evaluation import read_refusals

METADATA = "metadata.db"
"""The database of ML Metadata in a run's output folder."""


@dataclasses.dataclass(frozen=True)
class ModelOutcome:
    """The outcome for one candidate.

    Attributes:
        model: its name.
        plots: folder with what was drawn while it was made: `reliability.png`, of a network
            `curves.png` and `tensorboard/` too.
        evaluation: folder of the Evaluator's output.
        refusals: conditions of the gate that it missed, and what ServingCheck found.
        version: the version that serves its content, or None if it was refused.
    """

    model: str
    plots: str
    evaluation: str
    refusals: list[str]
    version: str | None


@dataclasses.dataclass(frozen=True)
class RunOutcome:
    """The outcome of a run.

    Attributes:
        ran: components that ran, in order.
        cached: components whose earlier results were taken.
        models: one a configured model.
        notes: what the datasets do not tell, where they were read with it.
    """

    ran: list[str]
    cached: list[str]
    models: list[ModelOutcome]
    notes: tuple[str, ...] = ()

    @property
    def all_pushed(self) -> bool:
        """Whether every candidate is served, so that the gate refused none."""
        return all(model.version is not None for model in self.models)


@dataclasses.dataclass(frozen=True)
class _Execution:
    """One component of a run: whether it came from the cache, and its outputs by name."""

    cached: bool
    outputs: Mapping[str, metadata_store_pb2.Artifact]


def read_outcome(output: pathlib.Path, config: RunConfig) -> RunOutcome:
    """Reads the outcome of the latest run.

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
    executions = _read_executions(store, max(run.id for run in runs), config.name)
    models = []
    for model in config.candidates:
        outcome = _model_outcome(model, executions)
        if outcome is None:
            raise UsageError(
                f"{output}: its latest run ended before {model} was judged; run it again"
            )
        models.append(outcome)
    return RunOutcome(
        ran=[component for component, execution in executions.items() if not execution.cached],
        cached=[component for component, execution in executions.items() if execution.cached],
        models=models,
    )


def _read_executions(
    store: ml_metadata.MetadataStore, run: int, pipeline_name: str
) -> dict[str, _Execution]:
    """The components of a run by their ids, in the order in which they started."""
    executions = {}
    for execution in sorted(store.get_executions_by_context(run), key=lambda each: each.id):
        (component,) = (
            context.name.removeprefix(f"{pipeline_name}.")
            for context in store.get_contexts_by_execution(execution.id)
            if context.type == "node"
        )
        events = [
            event
            for event in store.get_events_by_execution_ids([execution.id])
            if event.type == metadata_store_pb2.Event.OUTPUT
        ]
        artifacts = store.get_artifacts_by_id([event.artifact_id for event in events])
        by_id = {artifact.id: artifact for artifact in artifacts}
        executions[component] = _Execution(
            cached=execution.last_known_state == metadata_store_pb2.Execution.CACHED,
            outputs={event.path.steps[0].key: by_id[event.artifact_id] for event in events},
        )
    return executions


def _model_outcome(model: str, executions: Mapping[str, _Execution]) -> ModelOutcome | None:
    """The outcome for a candidate; None if the run did not get as far as judging it."""

    def outputs(component: str) -> Mapping[str, metadata_store_pb2.Artifact]:
        execution = executions.get(f"{component}.{model}")
        return {} if execution is None else execution.outputs

    trained = outputs("Trainer") or outputs("Ensemble")
    evaluated, checked, pushed = map(outputs, ("Evaluator", "ServingCheck", "AtomicPusher"))
    if not (trained and evaluated and checked and pushed):
        return None
    path = evaluated["evaluation"].uri
    refusals = read_refusals(path)
    check = checked["blessing"].custom_properties
    if not check["blessed"].int_value:
        refusals.append(f"ServingCheck: {check['problem'].string_value}")
    push = pushed["pushed_model"].custom_properties
    version = push["pushed_version"].string_value if "pushed_version" in push else None
    return ModelOutcome(model, trained["model_run"].uri, path, refusals, version)

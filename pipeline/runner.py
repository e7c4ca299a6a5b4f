"""Runs the graph on this machine."""

import dataclasses
import pathlib

from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from pipeline import graph, preflight, schema, serving_state
from pipeline.component_progress import ComponentProgress
from pipeline.config import FILE_NAME, RunConfig, dump
from pipeline.dataset import read_dataset
from pipeline.run_outcome import METADATA, RunOutcome, read_outcome

_SCHEMA = "schema/schema.pbtxt"
_ARTIFACTS = "artifacts"
_CHECKPOINTS = "checkpoints"


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
    preflight.check_folder_names(config)
    preflight.check_initial_weights(config)
    dataset = read_dataset(examples, reals_suffice=config.reals_suffice)
    preflight.check_memory(config)
    output.mkdir(parents=True, exist_ok=True)
    schema_file = output / _SCHEMA
    schema.write(schema.resolve(dataset.slice_columns), schema_file)
    served_before = {
        model: serving_state.baseline_key(output, config, model, dataset.fingerprint)
        for model in config.candidates
    }
    pipeline = graph.create(
        config,
        graph.Inputs(
            examples=str(examples.resolve()),
            schema=str(schema_file.resolve()),
            slice_columns=tuple(dataset.slice_columns),
            fingerprint=dataset.fingerprint,
            notes=tuple(dataset.notes),
            root=str((output / _ARTIFACTS).resolve()),
            checkpoints=str((output / _CHECKPOINTS).resolve()),
            served_before=served_before,
        ),
        metadata.sqlite_metadata_connection_config(str(output / METADATA)),
        use_cache=use_cache,
    )
    (output / FILE_NAME).write_text(dump(config))
    with ComponentProgress(len(pipeline.components)):
        LocalDagRunner().run(pipeline)
    for model, key in served_before.items():
        serving_state.record(output, config, model, dataset.fingerprint, key)
    return dataclasses.replace(read_outcome(output, config), notes=tuple(dataset.notes))

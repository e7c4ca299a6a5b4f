"""Runs the graph on this machine."""

import dataclasses
import pathlib

from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from data.extraction.output_layout import Description
from data.utils.folder_lock import lock_folder
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
        OutputError: another run writes to the output, or it cannot be written.
        UsageError: the Examples are absent, too large for this machine, or lack a slice, what a
            model starts from is absent, or a folder's name is a pattern.
    """
    preflight.check_folder_names(config)
    preflight.check_initial_weights(config)
    dataset = read_dataset(pathlib.Path(config.examples), reals_suffice=config.reals_suffice)
    preflight.check_memory(config)
    with lock_folder(config.output, "another run writes to it; wait, or set another `output`"):
        return _run(config, dataset, use_cache=use_cache)


def _run(config: RunConfig, dataset: Description, *, use_cache: bool) -> RunOutcome:
    output = pathlib.Path(config.output)
    schema_file = output / _SCHEMA
    schema.write(schema.resolve(dataset.slice_columns), schema_file)
    served_before = {
        model: serving_state.baseline_key(output, config, model, dataset.fingerprint)
        for model in config.candidates
    }
    pipeline = graph.create(
        config,
        graph.Inputs(
            examples=str(pathlib.Path(config.examples).resolve()),
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

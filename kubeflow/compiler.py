"""Compiles the graph for Kubeflow Pipelines."""

import pathlib

from tfx.v1.orchestration.experimental import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

from pipeline import graph, schema
from pipeline.config import KubeflowConfig, RunConfig
from pipeline.dataset import read_dataset


def compile_pipeline(
    config: RunConfig, kubeflow: KubeflowConfig, output: pathlib.Path
) -> pathlib.Path:
    """Writes the graph as a PipelineSpec, schema version 2.1.0, in YAML.

    Open-source Kubeflow Pipelines takes no other form: TFX's default, a JSON PipelineJob of
    schema 2.0.0, is refused.

    Args:
        config: the run.
        kubeflow: its `kubeflow` section.
        output: file to write, ending in `.yaml`.

    Returns:
        The file of the run's resolved schema, written beside `output`.

    Raises:
        UsageError: the Examples that `config.examples` names are absent, or lack a slice.
    """
    dataset = read_dataset(pathlib.Path(config.examples), reals_suffice=config.reals_suffice)
    columns = tuple(dataset.slice_columns)
    output.parent.mkdir(parents=True, exist_ok=True)
    schema_file = output.with_suffix(".schema.pbtxt")
    schema.write(schema.resolve(columns), schema_file)
    remote = config.model_copy(update={"serving_root": kubeflow.serving_root})
    pipeline = graph.create(
        remote,
        graph.Inputs(
            examples=kubeflow.examples,
            schema=kubeflow.schema_file,
            slice_columns=columns,
            fingerprint=dataset.fingerprint,
            notes=tuple(dataset.notes),
            root=kubeflow.root,
            checkpoints=f"{kubeflow.root}/checkpoints",
            # Which version will be served when the pipeline runs is not known yet.
            served_before=dict.fromkeys(config.candidates, ""),
        ),
        # Kubeflow keeps its own metadata.
        metadata_connection=None,
    )
    KubeflowV2DagRunner(
        config=KubeflowV2DagRunnerConfig(default_image=kubeflow.image, use_pipeline_spec_2_1=True),
        output_dir=str(output.parent),
        output_filename=output.name,
    ).run(pipeline)
    return schema_file

"""The command line of the Kubeflow room: `unmask compile`."""

import pathlib
from typing import Annotated

import rich
import typer


def compile(
    config: Annotated[pathlib.Path, typer.Option(help="YAML file with a `kubeflow` section.")],
    output: Annotated[pathlib.Path, typer.Option(help="File to write; it must end in .yaml.")],
    set: Annotated[
        list[str] | None,
        typer.Option(help="Override, as key=value; the key is a path: kubeflow.image=..."),
    ] = None,
) -> None:
    """Write the pipeline as a Kubeflow PipelineSpec: the same graph that `unmask run` runs.

    Everything is fixed here: compile again after changing the config. The run's schema is
    written beside OUTPUT; copy it to the place that `kubeflow.schema_file` names.

    Example: unmask compile --config configs/kubeflow.yaml --output runs/pipeline.yaml
    """
    from data.utils.errors import UsageError
    from pipeline.commands import silence_imports
    from pipeline.config import load

    if output.suffix != ".yaml":
        raise UsageError(f"{output}: Kubeflow takes a .yaml file; rename --output")
    loaded = load(config, set or ())
    if loaded.kubeflow is None:
        raise UsageError(
            f"{config}: kubeflow: is missing; it names the image, the artifacts' root and where "
            "the Examples lie, see configs/kubeflow.yaml"
        )

    silence_imports()
    from kubeflow.compiler import compile_pipeline

    schema_file = compile_pipeline(loaded, loaded.kubeflow, output)
    rich.print(f"Pipeline: {output}")
    rich.print(f"Schema:   {schema_file}, to be copied to {loaded.kubeflow.schema_file}")

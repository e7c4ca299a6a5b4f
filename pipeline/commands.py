"""The command line of the pipeline room: `unmask run`, `metrics`, `demo` and `import-weights`."""

import pathlib
from typing import Annotated

import rich
import typer

EXIT_REFUSED = 3
"""Exit code of a run whose gate refused a candidate; the other candidates are pushed."""


def run(
    config: Annotated[pathlib.Path, typer.Option(help="YAML file, see configs/.")],
    set: Annotated[
        list[str] | None,
        typer.Option(help="Override, as key=value; the key is a path: models.0.steps=100."),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Run every component, also unchanged ones.")
    ] = False,
) -> None:
    """Validate the Examples, train, evaluate, gate and push every configured model.

    Exits with 0 if every candidate is pushed or already served, and with 3 if the gate refused
    one. An unchanged run takes everything from the cache and pushes nothing.

    Example: unmask run --config configs/faceforensics.yaml --set models.0.steps=500
    """
    from pipeline.config import load

    loaded = load(config, set or ())

    silence_imports()
    from pipeline import runner
    from pipeline.report import report

    outcome = runner.run(loaded, use_cache=not no_cache)
    report(outcome, pathlib.Path(loaded.output), loaded.serving_root)
    if not outcome.all_pushed:
        raise typer.Exit(EXIT_REFUSED)


def metrics(
    folder: Annotated[pathlib.Path, typer.Argument(metavar="RUN", help="A run's `output` folder.")],
) -> None:
    """Show what the latest run measured on `test`: overall and slice by slice.

    Every figure counts videos. AUC is n/a where a slice holds one class only.

    Example: unmask metrics runs/demo
    """
    from data.utils.errors import UsageError
    from pipeline.config import FILE_NAME, load

    if not (folder / FILE_NAME).is_file():
        raise UsageError(f"{folder}: holds no run; `unmask run` writes one to its `output` folder")

    silence_imports()
    from pipeline.report import print_metrics
    from pipeline.run_outcome import read_outcome

    print_metrics(read_outcome(folder, load(folder / FILE_NAME)))


def demo(
    output: Annotated[pathlib.Path, typer.Option(help="Folder for all that the demo makes.")] = (
        pathlib.Path("runs/demo")
    ),
) -> None:
    """Run the whole road on a generated sample dataset, from clips to served verdicts.

    Generates clips from one portrait, extracts faces, trains EfficientNetV2-B0 and Xception,
    gates, pushes and serves them, and predicts held-out clips. It shows that everything works;
    its models know one face and detect nobody else's manipulation.
    """
    rich.print("Loading TensorFlow Extended ...")
    silence_imports()
    from pipeline.demo import run_demo

    outcome = run_demo(output)
    if not outcome.all_pushed:
        raise typer.Exit(EXIT_REFUSED)


def import_weights(
    file: Annotated[
        pathlib.Path,
        typer.Argument(
            metavar="FILE",
            help="A .h5 file that MesoNet's authors published.",
        ),
    ],
    model: Annotated[str, typer.Option(help="Its network: meso4 or mesoinception4.")],
    output: Annotated[
        str, typer.Option(help="Folder that the server watches; <name>/<version>/ appears in it.")
    ],
    calibrate_on: Annotated[
        str | None,
        typer.Option(
            help="Folder that `unmask extract` wrote: its eval split sets calibration and "
            "thresholds. Without it the model is marked as uncalibrated."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Served name; by default the network's.")] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            help="From scores to probabilities: automatic (the default), temperature, platt or "
            "isotonic."
        ),
    ] = None,
    false_positive_rate: Annotated[
        float | None,
        typer.Option(help="Share of real videos that may be called fake; 0.05 by default."),
    ] = None,
    false_negative_rate: Annotated[
        float | None,
        typer.Option(help="Share of fake videos that may be called real; 0.05 by default."),
    ] = None,
) -> None:
    """Make a served model from weights that were trained elsewhere.

    Example: unmask import-weights Meso4_DF.h5 --model meso4 --output runs/serving
    --calibrate-on runs/faceforensics/examples --calibration platt
    """
    import pydantic

    from data.utils.errors import UsageError
    from models.config import ModelConfig

    options = {
        "calibration": calibration,
        "false_positive_rate": false_positive_rate,
        "false_negative_rate": false_negative_rate,
    }
    settings = {key: value for key, value in options.items() if value is not None}
    if settings and calibrate_on is None:
        option = _option(next(iter(settings)))
        raise UsageError(f"{option}: there is nothing to calibrate on; give --calibrate-on")
    try:
        config = ModelConfig.model_validate(
            {"model": model, "name": name or "", "weights": None, **settings}
        )
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        option = _option(str(first["loc"][0]))
        raise UsageError(f"{option} {first['input']!r}: {first['msg']}") from error

    silence_imports()
    from pipeline import importing

    folder = importing.import_weights(str(file), config, serving_root=output, examples=calibrate_on)
    rich.print(f"{config.name} is in {folder}")


def _option(key: str) -> str:
    """The command-line option of a key of the config."""
    return f"--{key.replace('_', '-')}"


def silence_imports() -> None:
    """Keeps tensorflow-transform from warning of Keras 3, which we use on purpose."""
    import absl.logging

    absl.logging.set_verbosity(absl.logging.ERROR)

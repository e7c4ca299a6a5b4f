"""The command line of the models room: `networks`, `augmentations` and `shortcuts`."""

import pathlib
from typing import TYPE_CHECKING, Annotated

import rich
import typer
from rich.markup import escape

if TYPE_CHECKING:
    from models.evaluation import Estimate


def augmentations(
    config: Annotated[pathlib.Path, typer.Option(help="YAML file of a run, see configs/.")],
    model: Annotated[
        str | None, typer.Option(help="One of the config's models; by default its first.")
    ] = None,
    output: Annotated[pathlib.Path, typer.Option(help="PNG file to write.")] = (
        pathlib.Path("augmentations.png")
    ),
    videos: Annotated[
        int, typer.Option(min=1, max=100, help="Pairs at most, each of another video.")
    ] = 6,
) -> None:
    """Show what a network will see in training: pairs of a real and its fake, augmented.

    The sheet holds the first pairs of the training, real above fake: left as they were extracted
    (or self-blended), then as the config's augmentation changes them in several draws. With
    `sampling: paired` and `head: frame` the first draw is what the training's first batches hold.

    Example: unmask augmentations --config configs/faceforensics.yaml --output augmentations.png
    """
    from models.inputs import augmentation_sheet

    augmentation_sheet.write_sheet(config, model, output, videos)
    rich.print(f"Augmentations: {escape(str(output))}")


def networks() -> None:
    """Show the networks that a config's `models` can name.

    Input size is what the network's authors use, in pixels a side; in brackets the smallest that
    it takes. Parameters are counted without the top and with BatchNormalization's moving
    statistics. Without pretrained weights, `weights: imagenet` is an error.

    Example: unmask networks
    """
    from rich.console import Console
    from rich.table import Table

    from models.backbones import registry

    console = Console(highlight=False)
    table = Table("network", box=None, header_style="bold", pad_edge=False)
    for title in ("input", "parameters"):
        table.add_column(title, justify="right")
    table.add_column("pretrained")
    networks_by_paper: dict[str, list[str]] = {}
    for name in registry.names():
        entry = registry.find(name)
        table.add_row(
            name,
            f"{entry.image_size} ({entry.minimum_image_size})",
            f"{entry.parameters:,}",
            entry.pretrained or "none",
        )
        networks_by_paper.setdefault(entry.paper, []).append(name)
    console.print(table)
    for paper, names in networks_by_paper.items():
        # Not wrapped, which would break the links.
        console.print(f"\n[bold]{', '.join(names)}[/bold]\n{paper}", soft_wrap=True)


def shortcuts(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="Folder of a served version: <serving root>/<model>/<version>."
        ),
    ],
    examples: Annotated[str, typer.Option(help="Folder that `unmask extract` wrote.")],
    split: Annotated[str, typer.Option(help="train, eval or test.")] = "eval",
) -> None:
    """Show how much of a model's score compression, sharpness and face size explain.

    None of these is evidence of manipulation. One line each: the rank correlation of the score
    with it within reals and within fakes (Spearman; 0 if there is none), and how well it alone
    tells fakes from reals (AUC; 0.5 if it does not, below 0.5 if fakes have less of it). In
    brackets, intervals of 95 %.

    Example: unmask shortcuts runs/demo/serving/xception/1 --examples runs/demo/examples
    """
    from rich.console import Console
    from rich.table import Table

    from models.evaluation.shortcut_check import check_shortcut

    report, unscored = check_shortcut(model, examples, split)
    console = Console(highlight=False)
    table = Table("nuisance", box=None, header_style="bold", pad_edge=False)
    for title in ("score within reals", "score within fakes", "AUC of label"):
        table.add_column(title)
    for name, nuisance in report.nuisances.items():
        table.add_row(
            name,
            _format(nuisance.correlation_in_reals, sign="+"),
            _format(nuisance.correlation_in_fakes, sign="+"),
            _format(nuisance.label_auc),
        )
    console.print(table)
    summary = Table("all of them together", box=None, header_style="bold", pad_edge=False)
    summary.add_column(f"on {split}")
    for title, estimate in (
        ("explain of the score, within reals", report.explained_reals),
        ("explain of the score, within fakes", report.explained_fakes),
        ("explain of the score, over both (at most)", report.explained_all),
        ("tell fakes from reals, AUC", report.label_auc),
        ("the model tells fakes from reals, AUC", report.model_auc),
    ):
        summary.add_row(title, _format(estimate))
    console.print()
    console.print(summary)
    if unscored:
        console.print(f"left out: {unscored} videos that the model gave no score")
    console.print(
        "\nExplained: 1 is all, 0 and below is nothing. Well above 0 within a class, the model "
        "relies on nuisances. If these alone tell fakes nearly as well as the model does, its AUC "
        "on this dataset is no evidence that it sees manipulation."
    )


def _format(estimate: "Estimate", sign: str = "") -> str:
    if estimate.value is None or estimate.interval is None:
        return escape(f"n/a ({estimate.reason})")
    low, high = estimate.interval
    return escape(f"{estimate.value:{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]")

"""The command line of the models room: `unmask networks` and `unmask augmentations`."""

import pathlib
from typing import Annotated

import rich
import typer
from rich.markup import escape


def augmentations(
    config: Annotated[pathlib.Path, typer.Option(help="YAML file of a run, see configs/.")],
    model: Annotated[
        str | None, typer.Option(help="One of the config's models; its first if not said.")
    ] = None,
    output: Annotated[pathlib.Path, typer.Option(help="PNG file to write.")] = (
        pathlib.Path("augmentations.png")
    ),
    videos: Annotated[
        int, typer.Option(min=1, max=100, help="Pairs to draw, each of another video, at most.")
    ] = 6,
) -> None:
    """Draw what a network will see in training: pairs of a real and its fake, augmented.

    The first pairs that the training would draw, real above fake; left as they are extracted
    (or self-blended), then in several draws of the config's augmentation. The first draw is what
    the training's first batches hold.

    Example: unmask augmentations --config configs/faceforensics.yaml --output augmentations.png
    """
    from models import augmentation_sheet

    augmentation_sheet.draw(config, model, output, videos)
    rich.print(f"Augmentations: {escape(str(output))}")


def networks() -> None:
    """Show the networks that a config's `models` can name.

    Input size is that of the network's authors, in pixels a side, with the smallest that it
    takes in brackets. Parameters are those without the top, BatchNormalization's moving
    statistics among them. Where no pretrained weights are named, `weights: imagenet` is an error.

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
    of_paper: dict[str, list[str]] = {}
    for name in registry.names():
        entry = registry.find(name)
        table.add_row(
            name,
            f"{entry.image_size} ({entry.minimum_image_size})",
            f"{entry.parameters:,}",
            entry.pretrained or "none",
        )
        of_paper.setdefault(entry.paper, []).append(name)
    console.print(table)
    for paper, names in of_paper.items():
        # Not wrapped, which would break the links.
        console.print(f"\n[bold]{', '.join(names)}[/bold]\n{paper}", soft_wrap=True)

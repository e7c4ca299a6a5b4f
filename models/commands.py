"""The command line of the models room: `unmask augmentations`."""

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

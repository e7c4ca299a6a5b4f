"""The sheet of `unmask augmentations`: what a network will see in training, as one image."""

import dataclasses
import io
import pathlib
import tempfile
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image, ImageDraw
from pydantic import BaseModel, ConfigDict, Field

from data import contract
from data.utils import atomic_file, yaml_config
from data.utils.errors import UsageError
from data.visualization import drawing
from models.config import ModelConfig
from models.evaluation.split_examples import find_split
from models.inputs import sampling
from models.inputs.augmentation import augment
from models.inputs.crop_source import CropSource, sample_tracks
from models.inputs.input_pipeline import group_seed, unaugmented_groups

DRAWS = 8
"""Augmented images beside each original."""

_CELL = 148
_GAP = 6
_MARGIN = 28
_TEXT_WIDTH = 300
_HEAD = 130
_ROW_HEIGHT = 2 * (_CELL + _GAP) + 22
_WIDTH = 2 * _MARGIN + _TEXT_WIDTH + (DRAWS + 1) * (_CELL + _GAP) + _GAP


class SheetConfig(BaseModel):
    """The parts of a run's config that a sheet needs; the others are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    examples: str = Field(description="folder that `unmask extract` wrote")
    models: list[ModelConfig] = Field(min_length=1, description="one of them is shown")


@dataclasses.dataclass(frozen=True)
class AugmentedPair:
    """Two rows of the sheet.

    Attributes:
        names: of the real and the fake.
        real: uint8 [1 + DRAWS, size, size, 3]: the original, then its augmented versions.
        fake: of the same shape.
    """

    names: tuple[str, str]
    real: npt.NDArray[np.uint8]
    fake: npt.NDArray[np.uint8]


def write_sheet(config: pathlib.Path, model: str | None, output: pathlib.Path, videos: int) -> None:
    """Writes a sheet of the first pairs of a training. The same input gives the same sheet.

    Reads the whole `train` split and keeps its crops on the local disk until the sheet is done.

    Args:
        config: YAML file of a run.
        model: name of the model whose inputs are shown; None for the config's first.
        output: PNG file, replaced if it exists.
        videos: pairs at most, each of another video.

    Raises:
        UsageError: the config is wrong or does not name the model, its examples cannot be read,
            lack a class or landmarks, or the sheet cannot be written.
    """
    if output.suffix.lower() != ".png":
        raise UsageError(f"{output}: a sheet is a PNG; let --output end in .png")
    run = yaml_config.load(SheetConfig, config)
    models = {each.name: each for each in run.models}
    name = model or run.models[0].name
    if name not in models:
        raise UsageError(f"--model {name}: {config} names {', '.join(models)}; choose one of them")
    chosen = models[name]
    pairs = augmented_pairs(run.examples, chosen, videos)
    try:
        title = f"{name} at {chosen.image_size} pixels, fakes: {chosen.fakes}"
        output.parent.mkdir(parents=True, exist_ok=True)
        atomic_file.write(output, draw_sheet(title, chosen, pairs))
    except OSError as error:
        raise UsageError(
            f"{output}: cannot be written: {error}; choose another --output"
        ) from error


def augmented_pairs(examples: str, config: ModelConfig, videos: int) -> list[AugmentedPair]:
    """Reads and augments the first pairs of a training.

    They are pairs of single crops, whatever the config's sampling and head. Where these are
    `paired` and `frame`, the first augmented versions are what the first batches hold.

    Args:
        examples: folder that `unmask extract` wrote.
        config: of the model.
        videos: pairs at most.

    Raises:
        UsageError: there is no `train` split, or it lacks a class or landmarks.
    """
    config = config.model_copy(update={"sampling": "paired", "head": "frame"})
    shards = find_split(examples, contract.SPLITS[0])
    pairs = []
    with (
        tempfile.TemporaryDirectory(prefix="unmask-crops-") as folder,
        CropSource.write(shards, f"{folder}/crops", compression="") as source,
    ):
        crops = sample_tracks(source.index, config.frames_per_video)
        count = min(videos, len(sampling.make_sampler(source.index, crops, config)))
        for group in unaugmented_groups(source, crops, config).take(count):
            versions = [group.images]
            for draw_number in range(DRAWS):
                # The first seed is the training's own; the others occur once on the sheet.
                seed = group_seed(config, group.number + draw_number * count)
                images, _ = augment(group.images, group.landmarks, seed, config.augmentation)
                versions.append(images)
            real, fake = tf.cast(tf.round(tf.stack(versions, axis=1)), tf.uint8).numpy()
            real_name, fake_name = (source.video_ids[row] for row in group.videos.numpy())
            if config.fakes == "self_blended":
                fake_name = "blended of the real above"
            pairs.append(AugmentedPair((real_name, fake_name), real, fake))
    return pairs


def draw_sheet(title: str, config: ModelConfig, pairs: Sequence[AugmentedPair]) -> bytes:
    """Draws pairs, the real above its fake, the original left of its augmented versions.

    Args:
        title: of the sheet.
        config: of the model.
        pairs: from top to bottom.

    Returns:
        A PNG, dark on light.
    """
    sheet = Image.new("RGB", (_WIDTH, _HEAD + len(pairs) * _ROW_HEIGHT + _MARGIN), drawing.PAPER)
    pen = ImageDraw.Draw(sheet)
    width = _WIDTH - 2 * _MARGIN
    pen.text((_MARGIN, _MARGIN - 8), drawing.fit(title, 30, width), drawing.INK, drawing.font(30))
    values = config.augmentation.model_dump()
    settings = ", ".join(f"{name} {value:g}" for name, value in values.items())
    for number, line in enumerate(drawing.wrap(settings, 15, width, 2)):
        pen.text((_MARGIN, _MARGIN + 32 + 20 * number), line, drawing.FADED, drawing.font(15))
    for column in range(DRAWS + 1):
        heading = "original" if column == 0 else f"draw {column}"
        pen.text((_left(column), _HEAD - 24), heading, drawing.INK, drawing.font(16))
    for number, pair in enumerate(pairs):
        top = _HEAD + number * _ROW_HEIGHT
        for label, images, name in (
            (contract.Label.REAL, pair.real, pair.names[0]),
            (contract.Label.FAKE, pair.fake, pair.names[1]),
        ):
            _draw_name(pen, top, label, name)
            for column, image in enumerate(images):
                cell = Image.fromarray(image).resize((_CELL, _CELL), Image.Resampling.BICUBIC)
                sheet.paste(cell, (_left(column), top))
            top += _CELL + _GAP
        pen.line((_MARGIN, top + 6, _WIDTH - _MARGIN - 1, top + 6), drawing.LINE)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _left(column: int) -> int:
    """The left edge of a column, pixels; a wider gap follows the originals."""
    return _MARGIN + _TEXT_WIDTH + column * (_CELL + _GAP) + _GAP * min(column, 1)


def _draw_name(pen: ImageDraw.ImageDraw, top: int, label: contract.Label, name: str) -> None:
    text, colour = drawing.LABELS[label]
    width = drawing.text_width(text, 16) + 16
    pen.rounded_rectangle((_MARGIN, top, _MARGIN + width, top + 24), 4, colour)
    pen.text((_MARGIN + 8, top + 3), text, drawing.PAPER, drawing.font(16))
    for number, line in enumerate(drawing.wrap(name, 16, _TEXT_WIDTH - 2 * _GAP, 4)):
        pen.text((_MARGIN, top + 34 + 21 * number), line, drawing.INK, drawing.font(16))

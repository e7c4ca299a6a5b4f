import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from data.utils.errors import UsageError
from models.config import ModelConfig
from models.inputs import augmentation_sheet
from models.inputs.augmentation_sheet import AugmentedPair, draw_sheet
from models.inputs.crop_source import CropSource, sample_tracks
from models.inputs.input_pipeline import training_batches
from tests.tiny_dataset import make_split, write

GREEN, RED = (26, 127, 55), (198, 40, 40)
SETTINGS = {"image_size": 32, "weights": None, "batch_size": 8, "frames_per_video": 2}


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheet") / "examples [1]"
    write(folder)
    return folder


def run_config(folder, examples, *models):
    path = folder / "run.yaml"
    lines = "".join(f"  - {model}\n" for model in models)
    path.write_text(f"examples: {examples}\nevaluation: {{gate: []}}\nmodels:\n{lines}")
    return path


@pytest.mark.parametrize("fakes", ["dataset", "self_blended"])
def test_the_first_draw_is_what_training_sees(examples, tiny_backbone, tmp_path, fakes):
    config = ModelConfig(model=tiny_backbone, fakes=fakes, **SETTINGS)
    pairs = augmentation_sheet.augmented_pairs(str(examples), config, 4)

    shards = str(examples / "train-*")
    with CropSource.write([shards], str(tmp_path / "crops"), compression="") as source:
        batches = training_batches(source, sample_tracks(source.index, 2), config)
        faces = next(iter(batches)).images[:, 0]
    faces = tf.cast(tf.round(faces), tf.uint8).numpy()
    np.testing.assert_array_equal(faces[::2], [pair.real[1] for pair in pairs])
    np.testing.assert_array_equal(faces[1::2], [pair.fake[1] for pair in pairs])


def test_pairs_are_of_different_videos_and_named(examples, tiny_backbone):
    config = ModelConfig(model=tiny_backbone, **SETTINGS)
    pairs = augmentation_sheet.augmented_pairs(str(examples), config, 50)
    videos = {video.annotation.video_id: video for video in make_split("train", 16)}
    assert len(pairs) == 8  # as many as there are fakes
    assert len({pair.names for pair in pairs}) == 8
    for pair in pairs:
        real, fake = (videos[name] for name in pair.names)
        assert (real.annotation.label, fake.annotation.label) == (0, 1)
        assert real.annotation.source_group == fake.annotation.source_group
        assert pair.real.shape == pair.fake.shape == (1 + augmentation_sheet.DRAWS, 32, 32, 3)
        assert len({image.tobytes() for image in pair.real}) > augmentation_sheet.DRAWS // 2
        # The original fake has 40 more red than the real, and 40 less blue.
        redness = [(p[0].astype(int)[..., 0] - p[0][..., 2]).mean() for p in (pair.real, pair.fake)]
        assert 50 < redness[1] - redness[0] < 90


def colours(column):
    return [pixel for pixel in map(tuple, column.tolist()) if pixel in (GREEN, RED)]


def test_the_sheet_shows_reals_above_fakes_and_all_draws(examples, tiny_backbone):
    config = ModelConfig(model=tiny_backbone, **SETTINGS)
    shades = np.arange(1 + augmentation_sheet.DRAWS) * 20
    grey = np.ones((len(shades), 8, 8, 3), np.uint8) * shades[:, None, None, None].astype(np.uint8)
    pair = AugmentedPair(("a/real.mp4", "a/" + "fake" * 100), grey, 255 - grey)
    one, two = (
        np.asarray(Image.open(io.BytesIO(draw_sheet("a title", config, [pair] * n))))
        for n in (1, 2)
    )
    assert len(two) > len(one)
    labels = colours(two[:, 29])
    changes = [a for a, b in zip(labels, [*labels[1:], None], strict=True) if a != b]
    assert changes == [GREEN, RED, GREEN, RED]
    for shown in (shades, 255 - shades):
        rows = [row[np.ptp(row, axis=1) == 0][:, 0].tolist() for row in one[:, 328:]]
        assert any(
            shown.tolist() == [int(v) for v in dict.fromkeys(row) if v in shown] for row in rows
        )


def test_the_file_is_written_and_repeats(examples, tiny_backbone, tmp_path):
    first = f"{{model: {tiny_backbone}, image_size: 32, weights: null}}"
    config = run_config(tmp_path, examples, first)
    for name in ("a.png", "b.png"):
        augmentation_sheet.write_sheet(config, None, tmp_path / name, 2)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").format == "PNG"


@pytest.mark.parametrize(
    ("model", "output", "folder", "message"),
    [
        (None, "sheet.jpg", "examples", "let --output end in .png"),
        ("xception", "sheet.png", "examples", "--model xception: .* names tiny; choose one of"),
        (None, "absent/sheet.png", "absent", "absent: holds no train split"),
        (None, "run.yaml/sheet.png", "examples [1]", "sheet.png: cannot be written"),
    ],
)
def test_mistakes(examples, tiny_backbone, tmp_path, model, output, folder, message):
    first = f"{{model: {tiny_backbone}, image_size: 32, weights: null}}"
    config = run_config(tmp_path, examples.parent / folder, first)
    with pytest.raises(UsageError, match=message):
        augmentation_sheet.write_sheet(config, model, tmp_path / output, 1)

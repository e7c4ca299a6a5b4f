import dataclasses
import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from models.evaluation import nuisances
from tests.tiny_dataset import make_video

PORTRAIT = np.asarray(Image.fromarray(data.astronaut()[0:200, 120:320]).convert("L"))


def recompress(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def test_a_video_is_its_bit_rate_and_the_medians_of_its_usable_faces():
    video = make_video(3, 1, "group", frames=3)
    sharpness = (10.0, 30.0, 1000.0)
    faces = tuple(
        dataclasses.replace(face, sharpness=value, box=(0.0, 0.0, 40.0 + value, 900.0))
        for face, value in zip(video.faces, sharpness, strict=True)
    )
    broken = dataclasses.replace(video.faces[0], image=b"", sharpness=0.0, usable=False)
    measured = nuisances.measure_nuisances(dataclasses.replace(video, faces=(*faces, broken)))
    assert measured.bit_rate == 4000.0
    assert measured.sharpness == 30.0
    assert measured.face_size == 70.0
    sizes = [Image.open(io.BytesIO(face.image)).size for face in faces]
    bits = [8 * len(f.image) / (w * h) for f, (w, h) in zip(faces, sizes, strict=True)]
    assert measured.bits_per_pixel == np.median(bits)
    assert 0.9 < measured.blockiness < 1.5


@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 0), (0, 5), (6, 1)])
def test_blocks_are_found_wherever_their_grid_begins(top, left):
    by_quality = [
        nuisances.blockiness(recompress(PORTRAIT, quality)[top:, left:])
        for quality in (95, 60, 30, 10)
    ]
    assert by_quality == sorted(by_quality)
    assert nuisances.blockiness(PORTRAIT[top:, left:]) < 1.2
    assert by_quality[2] > 2


def test_blockiness_of_known_jumps():
    steps = np.repeat(np.arange(4) * 8, 8).astype(np.uint8)
    rows = np.tile(steps, (16, 1))
    assert nuisances.blockiness(rows) == nuisances.blockiness(rows.T) == pytest.approx(7.0)


@pytest.mark.parametrize("side", [1, 15, 64])
def test_a_picture_without_jumps_or_too_small_has_no_blocks(side):
    assert nuisances.blockiness(np.full((side, side), 90, np.uint8)) == 1.0

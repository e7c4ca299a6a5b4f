import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from data.ledger import LedgerRow, Status
from data.visualization import rendering
from data.visualization.rendering import Cell, RowGroup, VideoCells

BLUE, ORANGE, PINK = (0, 114, 178), (230, 159, 0), (204, 121, 167)
GREEN, RED = (26, 127, 55), (198, 40, 40)
LEFT = 448  # of the first crop


def video(*tracks):
    cells = tuple(
        Cell(Image.new("RGB", (132, 132), (number, 200, 50)), track, 0.5 * number, 0.987, 123.4)
        for number, track in enumerate(tracks)
    )
    return VideoCells(cells, "Deepfakes c23", "640 x 480, 25 fps, 10.0 s", "100 to 120 pixels")


def row(label, status=Status.OK, video_id="ff/a.mp4", reason=""):
    return LedgerRow(video_id, "/a", label, status, split="train", reason=reason)


def render(*rows, title="out"):
    content = rendering.render(title, ["a summary"], [RowGroup("train", rows)])
    return np.asarray(Image.open(io.BytesIO(content)))


def runs(line, colours):
    """Which of the colours a line of pixels shows, one after the other."""
    pixels = []
    for pixel in map(tuple, line.tolist()):
        pixels.append(pixel if pixel in colours else None)
    return [
        colour
        for number, colour in enumerate(pixels)
        if colour and (number == 0 or pixels[number - 1] != colour)
    ]


def test_labels_are_told_by_colour():
    picture = render((row(0), video(0)), (row(1), video(0)), (row(-1), None), (row(1), None))
    assert runs(picture[:, 31], {GREEN, RED}) == [GREEN, RED, RED]


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 0], [BLUE] * 8),
        ([0, 0, 0, 0, 0, 1, 1, 2], [BLUE] * 5 + [ORANGE] * 2 + [PINK]),
        ([0], [BLUE]),
    ],
)
def test_tracks_are_told_by_colour_and_gap(tracks, expected):
    picture = render((row(1), video(*tracks)))[:, LEFT:]
    bar = next(line for line in picture if (line[:132] == BLUE).all())
    assert runs(bar, {BLUE, ORANGE, PINK}) == expected
    drawn = np.flatnonzero((bar != 255).any(1))
    gaps = np.diff(drawn)[np.diff(drawn) > 1] - 1
    assert len(gaps) == len(tracks) - 1
    changes = np.diff(tracks) > 0
    assert (gaps[changes] > gaps[~changes].max(initial=0)).all()


def test_crops_stand_in_their_order():
    picture = render((row(1), video(*[0] * 8)))
    shown = [pixel for pixel in map(tuple, picture[250].tolist()) if pixel[1:] == (200, 50)]
    assert [pixel[0] for pixel in shown] == [number for number in range(8) for _ in range(132)]


@pytest.mark.parametrize("tracks", [range(8), [0] * 8, [0, 1, 2, 3, 4, 4, 5, 5]])
def test_nothing_reaches_the_margin(tracks):
    name = "ff/" + "long/" * 100 + "视频" * 100 + ".mp4"
    long = row(1, Status.DAMAGED, name, reason="a long reason " * 40)
    picture = render((long, video(*tracks)), (long, None), title="folder/" * 60)
    plain = {(255, 255, 255), (241, 241, 241)}
    assert set(map(tuple, picture[:, -28:].reshape(-1, 3))) == plain


def test_left_out_videos_take_less_room():
    one, two = render((row(1), None)), render((row(1), None), (row(1), None))
    with_crops = render((row(1), None), (row(1), video(0)))
    assert len(one) < len(two) < len(with_crops)


def test_an_example_is_prepared(shared_data):
    from data import contract

    jpeg = (shared_data / "mesonet" / "df00204.jpg").read_bytes()
    face = contract.FaceCrop(jpeg, 2, 1.5, (0.0,) * 4, (0.0,) * 10, 0.9, 55.0, 55.0, True)
    width = Image.open(io.BytesIO(jpeg)).width
    made = rendering.prepare(
        contract.VideoExample(
            "",
            contract.Measurements(640, 480, 9, 29.97003, 10.04, 1.0),
            (),
            contract.Annotation("ff/a.mp4", 0, "ff", "real", "c23", (), "g"),
        ),
        [face, dataclasses.replace(face, track=3)],
    )
    assert [cell.track for cell in made.cells] == [2, 3]
    assert {cell.picture.size for cell in made.cells} == {(132, 132)}
    assert made.measured == "640 x 480, 29.97 fps, 10.0 s"
    assert made.crop_sizes == f"{width} to {width} pixels"
    assert made.made == "c23"

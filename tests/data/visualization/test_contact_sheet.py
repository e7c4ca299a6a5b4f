import dataclasses
import json
import pathlib

import pytest
from PIL import Image, ImageDraw
from skimage import data as pictures

from data import contract, example_encoding, ledger
from data.faces import cropping
from data.ledger import LedgerRow, Status
from data.utils import tfrecord
from data.utils.errors import UsageError
from data.visualization import contact_sheet, rendering
from tests.data.mapped_file_system import ObjectStore


def row(video_id, label, status=Status.OK, split="train", **more):
    return LedgerRow(video_id, f"/clips/{video_id}", label, status, split=split, **more)


def used(video_id, label, split="train", **more):
    shard = f"{split}-00000-of-00001"
    return row(video_id, label, split=split, used=True, shard=shard, tracks_kept=1, **more)


ROWS = [
    used("tiny/fakes/a.mp4", 1),
    used("tiny/fakes/ви\n视频.mp4", 1, split="test"),
    row("tiny/fakes/c.mp4", 1, Status.MISSING, reason="there is no such file"),
    row("tiny/fakes/d.mp4", 1, Status.REFUSED_CROSS_SPLIT, "", reason="sources in two splits"),
    used("tiny/reals/a.mp4", 0),
    dataclasses.replace(
        used("tiny/reals/b.mp4", 0),
        status=Status.TRUNCATED,
        reason="the file ends early: 3 of 9 frames",
    ),
    row("tiny/reals/c.mp4", 0, Status.NO_FACE, "eval", reason="no face in 32 frames"),
    row("tiny/z.mp4", -1, Status.REFUSED_INPUT, "", reason="label 'maybe' is unknown"),
]


JPEG = cropping.encode_jpeg(pictures.astronaut()[0:224:3, 112:336:3])


def example(of):
    return contract.VideoExample(
        sha256="0" * 64,
        measurements=contract.Measurements(
            width=320,
            height=240,
            frames_decoded=50,
            fps=25.0,
            duration_s=2.0,
            bit_rate=1000.0,
        ),
        faces=tuple(
            contract.FaceCrop(
                image=JPEG,
                track=0,
                time_s=0.1 * number,
                box=(1.0, 2.0, 60.0, 70.0),
                landmarks=(0.0,) * 10,
                score=0.99,
                sharpness=100.0 if number % 2 else 7.0,
                raw_sharpness=60.0,
                usable=bool(number % 2),
            )
            for number in range(24)
        ),
        annotation=contract.Annotation(
            video_id=of.video_id,
            label=of.label,
            dataset="tiny",
            method="Redder" if of.label else contract.REAL_METHOD,
            compression="c23",
            slice_methods=("Redder",),
            source_group="g",
        ),
    )


def write_shard(path, rows):
    with open(path, "wb") as file:
        tfrecord.write(file, [example_encoding.encode(example(each)) for each in rows])


def write(folder, rows=ROWS):
    """Writes what an extraction leaves."""
    by_shard = {}
    for each in rows:
        if each.used:
            by_shard.setdefault(each.shard, []).append(each)
    for shard, members in by_shard.items():
        write_shard(folder / shard, members)
    (folder / ledger.FILE_NAME).write_text(ledger.to_csv(rows))
    description = {"fingerprint": "", "crops": "", "options": {}, "slice_columns": [], "splits": {}}
    (folder / "dataset.json").write_text(json.dumps(description))
    return str(folder)


@pytest.fixture
def drawn(monkeypatch):
    """Every text that is drawn, from first to last."""
    texts = []
    draw = ImageDraw.ImageDraw.text

    def record(pen, at, text, *arguments):
        texts.append(text)
        draw(pen, at, text, *arguments)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", record)
    return texts


def test_a_sheet_names_what_it_shows(tmp_path, drawn):
    path = contact_sheet.draw(write(tmp_path))
    assert path == str(tmp_path / "sheet.png")
    assert drawn[0].endswith(tmp_path.name)
    assert drawn[1:3] == [
        "8 videos, of which 4 were used, 8 shown",
        "Statuses: 3 ok, 1 missing, 1 refused_cross_split, 1 truncated, 1 no_face, 1 refused_input",
    ]
    for text in [
        "train: 3 of 3 videos (2 real, 1 fake)",
        "test: 1 of 1 videos (0 real, 1 fake)",
        "left out: 4 of 4 videos (1 real, 2 fake, 1 without a label)",
        "tiny Redder c23",
        r"fakes/\u0432\u0438\n\u89c6\u9891.mp4",
        "320 x 240, 25 fps, 2.0 s",
        "train, ok",
        "train, truncated (the file ends early: 3 of 9 frames)",
        "refused_cross_split",
        "sources in two splits",
        "no split",
        "no_face",
        "NO LABEL",
        "0.990",
    ]:
        assert text.strip() in [line.strip() for line in drawn], text
    assert drawn.count("track 0") == 4
    assert drawn.count("sharp 100") == 4 * rendering.CELLS, "usable faces alone"
    assert "sharp 7" not in drawn


def test_the_same_output_gives_the_same_picture(tmp_path):
    output = write(tmp_path)
    first, second = (
        contact_sheet.draw(output, str(tmp_path / name)) for name in ("a.png", "b.png")
    )
    assert pathlib.Path(first).read_bytes() == pathlib.Path(second).read_bytes()


def test_split_and_status_choose(tmp_path, drawn):
    output = write(tmp_path)
    contact_sheet.draw(output, split="test")
    headings = [text for text in drawn if " of " in text and "videos (" in text]
    assert headings == ["test: 1 of 1 videos (0 real, 1 fake)"]
    drawn.clear()
    contact_sheet.draw(output, status="missing")
    assert "there is no such file" in drawn
    assert not [text for text in drawn if text.startswith("track")]


def test_at_most_so_many_videos(tmp_path, drawn):
    contact_sheet.draw(write(tmp_path), videos=3)
    assert "8 videos, of which 4 were used, 3 shown" in drawn
    assert sum(text in ("REAL", "FAKE", "NO LABEL") for text in drawn) == 3


def test_outputs_may_be_urls(tmp_path, drawn):
    url = ObjectStore.url(write(tmp_path))
    assert contact_sheet.draw(url) == f"{url}/sheet.png"
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.format == "PNG"
    assert drawn.count("track 0") == 4


def damage(tmp_path):
    shard = tmp_path / "train-00000-of-00001"
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)


def lose_example(tmp_path):
    write_shard(tmp_path / "test-00000-of-00001", ROWS[:1])


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        pytest.param(
            lambda folder: (folder / "dataset.json").unlink(),
            {},
            "holds no finished extraction, .*`unmask extract` writes one",
            id="not finished",
        ),
        pytest.param(
            lambda folder: (folder / "ledger.csv").unlink(),
            {},
            "ledger.csv: there is no such ledger; `unmask extract` writes one",
            id="no ledger",
        ),
        pytest.param(
            lambda folder: (folder / "ledger.csv").write_text("a,b\n"),
            {},
            "ledger.csv: not a ledger",
            id="another ledger",
        ),
        pytest.param(
            lambda folder: (folder / "train-00000-of-00001").unlink(),
            {},
            r"train-00000-of-00001: cannot be read \(.*extract again",
            id="shard lost",
        ),
        pytest.param(
            damage, {}, r"train-00000-of-00001: cannot be read \(.*extract again", id="bit flipped"
        ),
        pytest.param(
            lose_example,
            {},
            "test-00000-of-00001: does not hold 'tiny/fakes/.*as the ledger says",
            id="example lost",
        ),
        pytest.param(
            None,
            {"split": "eval", "status": "missing"},
            "no video is of split eval and status missing; the ledger holds 1 eval no_face, 1 no "
            "split refused_cross_split, ",
            id="no such video",
        ),
        pytest.param(
            None, {"split": "val"}, "--split val: choose one of train, eval, test", id="split"
        ),
        pytest.param(None, {"status": "bad"}, "--status bad: choose one of ok, ", id="status"),
        pytest.param(
            None, {"picture": "sheet.jpg"}, "sheet.jpg: a sheet is a PNG", id="another format"
        ),
        pytest.param(
            None, {"picture": "/dev/null/sheet.png"}, "cannot be written: ", id="not writable"
        ),
    ],
)
def test_mistakes_are_named(spoil, options, message, tmp_path):
    output = write(tmp_path)
    if spoil:
        spoil(tmp_path)
    with pytest.raises(UsageError, match=message):
        contact_sheet.draw(output, **options)


def test_an_output_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="absent: there is no such folder"):
        contact_sheet.draw(str(tmp_path / "absent"))

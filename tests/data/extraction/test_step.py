"""The step that extracts one video, without a pipeline around it."""

import dataclasses
import shutil

import pytest

from data.contract import Annotation, Label
from data.extraction.result_store import ResultStore
from data.extraction.step import ExtractVideo, VideoTask
from data.faces import FaceOptions
from data.ledger import Status
from tests.data import bad_clips

pytestmark = pytest.mark.slow

ANNOTATION = Annotation(
    video_id="d/a.mp4",
    label=int(Label.FAKE),
    dataset="d",
    method="swap",
    compression="c23",
    slice_methods=("swap",),
    source_group="d/a",
    slices={"camera": "phone"},
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "good.mp4"
    bad_clips.make_good(path)
    return path


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def step(work):
    step = ExtractVideo(str(work), "mtcnn", FaceOptions(frames_per_video=2), 60.0)
    step.setup()
    yield step
    step.teardown()


def task(path, **changes):
    return dataclasses.replace(
        VideoTask(ANNOTATION, str(path), "train", ("d/a",), is_kept=False), **changes
    )


def test_a_task_survives_its_text():
    written = task("a.mp4", original="d/b.mp4")
    assert VideoTask.from_json(written.to_json()) == written


def test_a_video_is_extracted_once(step, work, clip, opened):
    (first,) = step.process(task(clip))
    (again,) = step.process(task(clip, split="test"))
    assert opened == ["good.mp4"]
    assert (first.row.status, first.row.used, first.row.split) == (Status.OK, True, "train")
    assert again == dataclasses.replace(first, row=dataclasses.replace(first.row, split="test"))
    assert first.annotation == ANNOTATION
    assert len(ResultStore(str(work)).read_content(first.key).faces) == first.row.faces


def test_a_fake_is_cropped_at_its_originals_boxes(step, clip, tmp_path):
    fake = shutil.copy(clip, tmp_path / "fake.mp4")
    with open(fake, "ab") as file:
        file.write(b"\0")  # another file of the same pictures
    (original,) = step.process(task(clip))
    (cropped,) = step.process(task(fake, original="d/b.mp4"), {"d/b.mp4": original.key})
    assert (cropped.row.original, cropped.row.boxes_from) == ("d/b.mp4", "d/b.mp4")
    assert cropped.key != original.key


def test_a_missing_file_has_a_row_and_no_result(step, tmp_path):
    (missing,) = step.process(task(tmp_path / "absent.mp4"))
    assert (missing.key, missing.row.status) == ("", Status.MISSING)

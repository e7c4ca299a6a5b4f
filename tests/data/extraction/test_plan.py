"""What a job is about to do, before any video is opened."""

import dataclasses

import pytest

from data.datasets import Listing, Refusal
from data.extraction.options import ExtractionOptions
from data.extraction.plan import divide, plan_extraction
from data.faces import FaceOptions
from data.ledger import Status
from tests.data.source_videos import video

REAL = video("demo/real", "a", split="train", slices={"camera": "phone"})
FAKE = video("demo/fake", "a", fake=True, original="demo/real")
OTHER = video("demo/other", "b", fake=True, method="other", split="train")
REFUSED = video("demo/refused", refused=Refusal(Status.REFUSED_INPUT, "not UTF-8"))
LISTING = Listing((FAKE, OTHER, REAL, REFUSED))


def plan(output, listing=LISTING, **options):
    return plan_extraction([listing], str(output), ExtractionOptions(**options))


def test_every_input_is_opened_or_refused(tmp_path):
    tasks, refused = divide(plan(tmp_path))
    assert {task.annotation.video_id for task in tasks} == {"demo/real", "demo/fake", "demo/other"}
    assert [(row.video_id, row.status) for row in refused] == [
        ("demo/refused", Status.REFUSED_INPUT)
    ]
    assert {task.split for task in tasks} == {"train"}


def test_what_the_dataset_says_is_annotated(tmp_path):
    tasks, _ = divide(plan(tmp_path))
    annotations = {task.annotation.video_id: task.annotation for task in tasks}
    assert annotations["demo/real"].slice_methods == ("other", "swap"), "a real is in every slice"
    assert annotations["demo/fake"].slice_methods == ("swap",)
    assert annotations["demo/real"].slices == {"camera": "phone"}
    assert annotations["demo/fake"].slices == {"camera": "unknown"}


@pytest.mark.parametrize(
    ("boxes_from", "original"),
    [pytest.param("own", "", id="own"), pytest.param("original", "demo/real", id="original")],
)
def test_boxes_of_the_original_are_used_where_asked_for(tmp_path, boxes_from, original):
    tasks, _ = divide(plan(tmp_path, boxes_from=boxes_from))
    assert {task.original for task in tasks if task.annotation.video_id == "demo/fake"} == {
        original
    }


@pytest.mark.parametrize(
    ("options", "changes_crops"),
    [
        pytest.param({"faces": FaceOptions(max_tracks=1)}, True, id="faces"),
        pytest.param({"boxes_from": "original"}, True, id="boxes"),
        pytest.param({"salt": "other"}, False, id="salt"),
        pytest.param({"balance": True}, False, id="balance"),
        pytest.param({"time_limit_s": 1.0}, False, id="time limit"),
    ],
)
def test_fingerprints_change_with_what_they_are_of(tmp_path, options, changes_crops):
    usual, changed = plan(tmp_path), plan(tmp_path, **options)
    assert usual.fingerprint != changed.fingerprint
    assert (usual.crop_fingerprint != changed.crop_fingerprint) is changes_crops


def test_a_file_that_changed_changes_the_fingerprint(tmp_path):
    clip = tmp_path / "real.mp4"
    listing = Listing((dataclasses.replace(REAL, path=str(clip)),))
    fingerprints = set()
    for content in (None, b"a", b"longer"):
        if content is not None:
            clip.write_bytes(content)
        fingerprints.add(plan(tmp_path / "out", listing).fingerprint)
    assert len(fingerprints) == 3


def test_balance_leaves_fakes_out(tmp_path):
    tasks, refused = divide(plan(tmp_path, balance=True))
    assert len(tasks) == 2
    assert {row.status for row in refused} == {Status.REFUSED_INPUT, Status.REFUSED_BALANCE}

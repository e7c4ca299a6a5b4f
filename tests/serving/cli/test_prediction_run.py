import pathlib

import pytest

from data.faces import FaceOptions
from data.utils.errors import OutputError
from serving.audit import record
from serving.audit.record import OptionsRecord
from serving.cli.prediction_run import PredictionRun
from tests.data.bad_clips import broken
from tests.serving.answers import answer, track

OPTIONS = OptionsRecord(
    server="host:1",
    model="tiny",
    detector="mtcnn",
    ask="tracks",
    faces=FaceOptions(),
    large_face_share=0.5,
)


def run_of(tmp_path, clip, **more):
    places = {
        "output": tmp_path / "record.json",
        "annotated": {clip: tmp_path / "out.mp4"},
        "timelines": {clip: tmp_path / "out.png"},
    }
    return PredictionRun(OPTIONS, **(places | {"models": None} | more))


def ended(run, clip):
    run.prepare(clip)
    run.add(clip, answer(track({0.0: 0.9}), path=str(clip)))
    return run


def test_a_file_that_goes_after_its_answer_is_recorded_and_its_timeline_drawn(tmp_path):
    run = ended(run_of(tmp_path, clip := tmp_path / "gone.mp4"), clip)
    assert [remark.partition("gone.mp4: ")[2][:23] for remark in run.remarks] == [
        "nothing is drawn over i"
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"out.png"}
    run.write([])
    (video,) = record.read_record(tmp_path / "record.json").videos
    assert video.input.unknown == "No such file or directory"


def test_what_an_annotated_video_lacks_is_reported(tmp_path):
    clip = tmp_path / "bad.mp4"
    broken.make_truncated(clip)
    run = ended(run_of(tmp_path, clip), clip)
    assert run.remarks[0] == f"{clip}: annotated video: the input ends early, and so does this"


def test_pictures_are_not_kept(tmp_path):
    clip = pathlib.Path("clip.mp4")
    run = ended(run_of(tmp_path, clip, annotated={}, timelines={}), clip)
    assert [person.picture for person in run.predictions[0].tracks] == [b""]


def test_an_answer_is_kept_if_its_drawing_cannot_be_written(tmp_path):
    clip = pathlib.Path("clip.mp4")
    (tmp_path / "out.png").mkdir()
    run = run_of(tmp_path, clip, annotated={})
    with pytest.raises(OutputError):
        ended(run, clip)
    run.write([])
    assert len(record.read_record(tmp_path / "record.json").videos) == 1

import dataclasses
import hashlib
import json
import os

import jsonschema
import pytest

from data.contract import SCOPE_SENTENCE
from data.faces import FaceOptions
from data.ledger import Status
from data.utils.errors import OutputError, UsageError
from serving.audit import record as audit
from serving.audit.model_card import ModelCard, Thresholds
from serving.audit.record import OptionsRecord
from serving.prediction import Verdict
from tests.serving.answers import answer, track

OPTIONS = OptionsRecord(
    server="host:1",
    model="tiny",
    detector="mtcnn",
    ask="tracks",
    faces=FaceOptions(),
    large_face_share=0.5,
)
CARD = ModelCard(
    name="tiny",
    thresholds=Thresholds(real_below=0.4, fake_above=0.6),
    calibration={"method": "temperature", "temperature": 1.5},
    variables_sha256="a" * 64,
    sha256="b" * 64,
)
SEEN = track({0.0: 0.8, 0.5: None}, faces_seen=7, perhaps_picture=True)


def record_of(tmp_path, *predictions, cards=None):
    (tmp_path / "clip.mp4").write_bytes(b"some video")
    videos = [
        audit.record_video(prediction, audit.fingerprint(prediction.path))
        for prediction in predictions
    ]
    return audit.make_record(videos, options=OPTIONS, cards=cards or {}, unanswered=["last.mp4"])


def test_a_record_says_what_was_asked_and_what_answered(tmp_path):
    path = str(tmp_path / "clip.mp4")
    audit.write_record(
        record_of(tmp_path, answer(SEEN, path=path, scope="knows nobody"), cards={3: CARD}),
        tmp_path / "record.json",
    )
    content = json.loads((tmp_path / "record.json").read_text())
    assert content["schema_version"] == "2"
    assert content["scope"] == SCOPE_SENTENCE
    assert content["created_at"].endswith("Z")
    assert content["versions"].keys() >= {"python", "tensorflow", "av", "unmask"}
    assert content["options"]["faces"]["frames_per_video"] == 32
    assert content["unanswered"] == ["last.mp4"]
    (model,) = content["models"]
    assert (model["name"], model["version"], model["unknown"]) == ("tiny", 3, None)
    assert model["card"]["thresholds"] == {"real_below": 0.4, "fake_above": 0.6}
    (video,) = content["videos"]
    assert video["input"] == {
        "path": path,
        "sha256": hashlib.sha256(b"some video").hexdigest(),
        "size_bytes": 10,
        "unknown": None,
    }
    assert video["facts"]["width"] == 160
    assert video["facts"]["times_s"] == [0.0, 0.5, 1.0, 1.5]
    assert (video["verdict"], video["fake_probability"], video["status"]) == ("fake", 0.9, "ok")
    assert video["scope"] == "knows nobody"
    (person,) = video["tracks"]
    assert person["faces_seen"] == 7
    assert person["perhaps_picture"] is True
    assert [face["fake_probability"] for face in person["faces"]] == [0.8, None]
    assert person["faces"][0]["box"] == [40.0, 30.0, 80.0, 90.0]
    assert len(person["faces"][0]["landmarks"]) == 10
    assert person["faces"][0]["detection_score"] == 0.99


def test_what_is_written_is_of_the_documented_schema_and_can_be_read(tmp_path):
    record = record_of(
        tmp_path, answer(SEEN, path=str(tmp_path / "clip.mp4")), answer(path="absent.mp4")
    )
    audit.write_record(record, tmp_path / "record.json")
    content = json.loads((tmp_path / "record.json").read_text())
    jsonschema.validate(content, audit.AuditRecord.model_json_schema())
    del content["videos"][0]["input"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, audit.AuditRecord.model_json_schema())
    assert audit.read_record(tmp_path / "record.json") == record


def test_what_no_server_states_is_null_with_a_reason(tmp_path):
    (model,) = record_of(tmp_path, answer(SEEN, path="absent.mp4")).models
    assert model.card is None
    assert model.unknown == "a server does not tell it; --models reads it from the serving root"


def test_an_abstention_is_recorded_without_a_model(tmp_path):
    nothing = answer(path="caf\udce9.mp4", facts=None, status=Status.MISSING, reason="no such file")
    record = record_of(tmp_path, nothing)
    assert record.models == ()
    (video,) = record.videos
    assert (video.verdict, video.fake_probability) == (Verdict.ABSTAIN, None)
    assert video.input.path == "caf%E9.mp4"
    assert video.input.unknown == "No such file or directory"


def test_landmarks_that_a_detector_does_not_know_are_null(tmp_path):
    face = dataclasses.replace(SEEN.frames[0], landmarks=(1.0, float("nan")))
    person = dataclasses.replace(SEEN, frames=(face,))
    (video,) = record_of(tmp_path, answer(person)).videos
    assert video.tracks[0].faces[0].landmarks == (1.0, None)


def test_a_file_that_changes_while_it_is_asked_about_has_no_fingerprint(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"before")
    before = audit.fingerprint(str(path))
    path.write_bytes(b"behind")
    video = audit.record_video(answer(SEEN, path=str(path)), before)
    assert video.input.sha256 is None
    assert video.input.unknown == "the file changed while it was asked about"


def test_what_is_no_regular_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("pipe", "it is no regular file"), ("", "Is a directory")):
        described = audit.fingerprint(str(tmp_path / name))
        assert (described.sha256, described.unknown) == (None, reason)
    assert audit.fingerprint("a\0b").sha256 is None


def test_the_hash_is_of_the_content_alone(tmp_path):
    record = record_of(tmp_path, answer(SEEN))
    content = record.model_dump(mode="json")
    stated = content.pop("content_sha256")
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert stated == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "Invalid JSON", id="no JSON"),
        pytest.param('{"schema_version": "3"}', "schema_version", id="another version"),
        pytest.param(
            '{"scope": "", "videos": []}', "is no audit record of schema version 2", id="old"
        ),
        pytest.param(None, "cannot be read (No such file", id="absent"),
    ],
)
def test_what_is_no_record_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    with pytest.raises(UsageError) as caught:
        audit.read_record(tmp_path / "record.json")
    assert "record.json" in str(caught.value)
    assert message in str(caught.value)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "record.json").mkdir()
    with pytest.raises(OutputError):
        audit.write_record(record_of(tmp_path, answer(SEEN)), tmp_path / "record.json")
    assert {path.name for path in tmp_path.iterdir()} == {"record.json", "clip.mp4"}

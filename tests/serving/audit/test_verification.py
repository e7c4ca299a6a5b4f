import dataclasses

import pytest

from data.contract import SCOPE
from serving.audit import record as audit
from serving.audit.verification import check_answer, check_input, check_record
from serving.prediction import Verdict
from tests.serving.answers import answer, track
from tests.serving.audit.test_record import CARD, OPTIONS

SEEN = track({0.0: 0.8, 0.5: 0.95})


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"some video")
    return str(path)


@pytest.fixture
def video(clip):
    return audit.record_video(answer(SEEN, path=clip), audit.fingerprint(clip))


def whats(differences):
    return [difference.what for difference in differences]


def test_the_same_file_wherever_it_lies(video, clip, tmp_path):
    assert check_input(video, clip) == []
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(b"some video")
    assert check_input(video, str(copy)) == []


def test_another_file_is_recognised_by_its_hash(video, clip, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"Some video")
    (what,) = whats(check_input(video, clip))
    assert f"recorded {video.input.sha256}, 10 bytes" in what
    (what,) = whats(check_input(video, str(tmp_path / "gone.mp4")))
    assert what.endswith("gone.mp4: cannot be read: No such file or directory")


def test_what_has_no_fingerprint_cannot_be_checked():
    gone = audit.record_video(answer(SEEN, path="gone"), audit.fingerprint("gone"))
    assert whats(check_input(gone, "gone")) == [
        "no SHA-256 was recorded: No such file or directory"
    ]


def moved(by):
    box = tuple(side + by for side in SEEN.frames[0].box)
    return dataclasses.replace(
        SEEN, frames=(dataclasses.replace(SEEN.frames[0], box=box), SEEN.frames[1])
    )


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        pytest.param(answer(SEEN), [], id="the same"),
        pytest.param(answer(track({0.0: 0.805, 0.5: 0.95}, probability=0.905)), [], id="close"),
        pytest.param(answer(moved(2.0)), [], id="boxes close"),
        pytest.param(
            answer(SEEN, scope=None),
            [f'scope: recorded "{SCOPE}", now null'],
            id="scope",
        ),
        pytest.param(
            answer(moved(4.0)),
            ["track 1: box of 1 of 2 faces differs, first at 0.00 s"],
            id="boxes apart",
        ),
        pytest.param(
            answer(track({0.0: 0.8, 0.5: 0.95}, probability=0.92)),
            [
                "fake_probability: recorded 0.9, now 0.92",
                "track 1: fake_probability: recorded 0.9, now 0.92",
            ],
            id="score",
        ),
        pytest.param(
            answer(track({0.0: 0.7, 0.5: None})),
            ["track 1: fake_probability of 2 of 2 faces differs, first at 0.00 s"],
            id="face scores",
        ),
        pytest.param(
            answer(track({0.0: 0.8, 0.6: 0.95})),
            ["track 1: time of 1 of 2 faces differs, first at 0.50 s"],
            id="times",
        ),
        pytest.param(answer(track({0.0: 0.8})), ["track 1: faces: recorded 2, now 1"], id="faces"),
        pytest.param(
            answer(SEEN, model_version=4), ["model_version: recorded 3, now 4"], id="version"
        ),
        pytest.param(
            answer(track({0.0: 0.8, 0.5: 0.95}, Verdict.UNCERTAIN)),
            [
                'verdict: recorded "fake", now "uncertain"',
                "track 1: verdict: recorded fake, now uncertain",
            ],
            id="verdict",
        ),
        pytest.param(answer(SEEN, SEEN), ["tracks: recorded 1, now 2"], id="tracks"),
    ],
)
def test_an_answer_is_compared_in_all_that_it_says(video, again, expected):
    assert whats(check_answer(video, again, tolerance=0.01)) == expected


def test_an_abstention_where_there_was_a_verdict(video):
    differences = whats(check_answer(video, answer(), tolerance=0.01))
    assert 'verdict: recorded "fake", now "abstain"' in differences
    assert "fake_probability: recorded 0.9, now null" in differences


def test_the_tolerance_is_the_callers(video):
    again = answer(track({0.0: 0.8, 0.5: 0.95}, probability=0.92))
    assert check_answer(video, again, tolerance=0.03) == []


def made(video, **changes):
    return audit.make_record([video.model_copy(update=changes)], options=OPTIONS, cards={3: CARD})


def test_a_record_that_agrees_with_itself(video):
    assert check_record(made(video)) == []


def test_a_changed_record_is_recognised_by_its_hash(video):
    record = made(video)
    changed = record.model_copy(update={"scope": "everything"})
    assert whats(check_record(changed)) == [
        "its content is not that which its content_sha256 is of"
    ]
    unhashed = record.model_copy(update={"content_sha256": None})
    assert len(check_record(unhashed)) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"fake_probability": 0.8},
            ["its fake probability is not the largest of its tracks'"],
            id="not the largest",
        ),
        pytest.param(
            {"verdict": Verdict.REAL},
            ["the video is called real, but by the recorded thresholds 0.900000 is fake"],
            id="thresholds",
        ),
        pytest.param(
            {"verdict": Verdict.ABSTAIN},
            [
                "it abstains, but has a fake probability",
                "the video is called abstain, but by the recorded thresholds 0.900000 is fake",
            ],
            id="abstains",
        ),
    ],
)
def test_a_record_whose_hash_was_made_anew_must_still_make_sense(video, changes, expected):
    assert whats(check_record(made(video, **changes))) == expected

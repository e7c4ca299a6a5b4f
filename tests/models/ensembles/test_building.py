"""Ensembles of two tiny networks of different input size and head, from files to files."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from data import example_encoding
from data.utils.errors import UsageError
from models.calibration import Calibrator, Decision, Platt, Temperature
from models.config import EnsembleConfig, ModelConfig
from models.ensembles import building, combination
from models.export import ServedModel, export
from models.networks import classifier, saved_network
from models.scoring import NetworkScorer
from models.transform import TransformFeatures
from tests.tiny_dataset import make_video

pytestmark = pytest.mark.slow

SIGNATURES = ("serving_default", "serving_tracks", "serving_examples", "serving_frames")


@pytest.fixture(scope="module")
def eval_videos():
    return [make_video(number, number % 2, f"group{number // 2}") for number in range(20)]


@pytest.fixture(scope="module")
def members(tiny_backbone, transform_output, tmp_path_factory):
    """Folders of two served models with random weights."""
    folders = []
    for head, size, calibrator in (
        ("frame", 32, Temperature(temperature=0.7)),
        ("lstm", 40, Platt(slope=1.5, intercept=0.3)),
    ):
        config = ModelConfig(
            model=tiny_backbone, image_size=size, weights=None, head=head, lstm_units=4, seed=5
        )
        network = classifier.build(config, "float32", weights=None)
        served = ServedModel(
            NetworkScorer(network),
            Decision(calibrator, 0.4, 0.6),
            track_length=2,
            transform=TransformFeatures(transform_output),
        )
        folders.append(str(tmp_path_factory.mktemp(head)))
        card = {
            "config": config.model_dump(mode="json"),
            "variables_sha256": saved_network.variables_sha256(network),
            "calibration": calibrator.to_json(),
            "data_fingerprint": {"train": "abc"},
            "evaluations": 3,
        }
        export(served, folders[-1], name=config.name, card=card)
    return folders


@pytest.fixture(scope="module")
def make(members, eval_videos, write_records, transform_output, tmp_path_factory):
    files = [write_records(eval_videos)]

    def make(parts=members, **changes):
        folder = tmp_path_factory.mktemp("ensemble")
        config = EnsembleConfig(
            **{"name": "both", "members": ["tiny", "tiny_lstm"], "track_length": 4, **changes}
        )
        building.build_ensemble(
            config,
            parts,
            files,
            transform_output,
            folder=str(folder / "model"),
            run_folder=str(folder / "run"),
            card={"code_version": "1"},
        )
        assert (folder / "run" / "reliability.png").is_file(), "reliability"
        card = json.loads((folder / "model" / "assets.extra" / "model.json").read_text())
        return str(folder / "model"), card

    return make


@pytest.fixture(scope="module")
def weighted(make):
    return make(weights=[0.46441, 0.52189])


def probabilities(folder, videos):
    signature = tf.saved_model.load(folder).signatures["serving_examples"]
    examples = tf.constant([example_encoding.encode(video) for video in videos])
    return signature(examples=examples)["fake_probability"].numpy().astype(float)


def test_fixed_weights_mean_what_the_members_say(weighted, members, eval_videos):
    folder, card = weighted
    np.testing.assert_allclose(
        card["ensemble"]["weights"], np.array([0.46441, 0.52189]) / (0.46441 + 0.52189)
    )
    first, second = (probabilities(member, eval_videos) for member in members)
    mean = (0.46441 * first + 0.52189 * second) / (0.46441 + 0.52189)
    expected = Calibrator.from_json(card["calibration"]).probability(logit(mean))
    np.testing.assert_allclose(probabilities(folder, eval_videos), expected, atol=1e-5)


def test_fitted_weights_have_the_least_log_loss(make, members, eval_videos):
    _, card = make()
    fitted = card["ensemble"]["weights"]
    assert card["ensemble"]["config"]["weights"] is None
    first, second = (probabilities(member, eval_videos) for member in members)
    labels = [video.annotation.label for video in eval_videos]

    def loss(weight):
        return log_loss(labels, weight * first + (1 - weight) * second)

    assert sum(fitted) == pytest.approx(1.0)
    assert loss(fitted[0]) <= min(map(loss, np.linspace(0, 1, 201))) + 1e-4


def test_a_stack_is_fitted_to_the_members_logits(make, members, eval_videos):
    folder, card = make(method="stacked", calibration="platt")
    calibrators = [Temperature(temperature=0.7), Platt(slope=1.5, intercept=0.3)]
    logits = np.stack(
        [
            logit(probabilities(members[0], eval_videos)) * calibrators[0].temperature,
            (logit(probabilities(members[1], eval_videos)) - 0.3) / 1.5,
        ],
        axis=1,
    )
    labels = [video.annotation.label for video in eval_videos]
    expected = LogisticRegression(class_weight="balanced").fit(logits, labels)
    stack = card["ensemble"]
    np.testing.assert_allclose(stack["coefficients"], expected.coef_[0], rtol=1e-2, atol=1e-3)
    stacked = logits @ stack["coefficients"] + stack["intercept"]
    expected = Calibrator.from_json(card["calibration"]).probability(stacked)
    np.testing.assert_allclose(probabilities(folder, eval_videos), expected, atol=1e-3)


def test_an_ensemble_has_the_signatures_of_a_single_model(weighted, members):
    folder, card = weighted
    loaded, single = tf.saved_model.load(folder), tf.saved_model.load(members[0])
    assert set(loaded.signatures) == set(single.signatures)
    for name in SIGNATURES:
        ours, theirs = loaded.signatures[name], single.signatures[name]
        assert set(ours.structured_outputs) == set(theirs.structured_outputs)
    config = card["ensemble"]["config"]
    assert config["members"] == ["tiny", "tiny_lstm"]
    assert config["weights"] == [0.46441, 0.52189]
    assert (config["false_positive_rate"], config["false_negative_rate"]) == (0.05, 0.05)
    assert [member["name"] for member in card["members"]] == ["tiny", "tiny_lstm"]
    assert "the best of 3 evaluations" in card["warnings"][-1]
    faces = [face.image for face in make_video(3, 1, "a").faces]
    rows = tf.constant([[faces[0], b"hello", b"", b""], [*faces[:2], b"", b""], [b""] * 4])
    answer = loaded.signatures["serving_tracks"](faces=rows)
    np.testing.assert_array_equal(np.isnan(answer["fake_probability"]), [True, False, True])
    np.testing.assert_array_equal(
        np.isnan(answer["face_probability"]),
        [[False, True, True, True], [False, False, True, True], [True] * 4],
    )


def test_what_is_fitted_is_calibrated_on_videos_it_was_not_fitted_to():
    groups = np.repeat(np.arange(10), 2).astype(np.int32)
    labels = np.tile([0, 1], 10).astype(np.int8)
    video_of_track = np.sort(np.concatenate([np.arange(20), [3, 7]])).astype(np.int32)
    track_logits = np.random.default_rng(0).normal(size=(2, 22)).astype(np.float32)

    class Counting:
        """Answers how many tracks it was fitted to, and that these are not those asked about."""

        def __init__(self, tracks):
            self.groups = set(groups[video_of_track[tracks]])
            self.count = int(tracks.sum())

        def logits(self, members):
            asked = [
                np.flatnonzero((track_logits == column[:, None]).all(axis=0))[0]
                for column in members.numpy().T
            ]
            assert self.groups.isdisjoint(groups[video_of_track[asked]])
            return tf.fill([members.shape[1]], float(self.count))

    video_logits, warnings = building._cross_fitted(
        Counting, track_logits, video_of_track, labels, groups
    )
    # Four videos are held out of each fit, and with videos 3 and 7 their second tracks.
    fold = groups % 5
    held_out = [4 + np.sum(fold[[3, 7]] == number) for number in fold]
    np.testing.assert_array_equal(video_logits, 22 - np.array(held_out))
    assert warnings == []
    # With two groups the other fold holds one class.
    _, warnings = building._cross_fitted(
        lambda tracks: combination.Stacked((1.0, 1.0), 0.0),
        track_logits,
        video_of_track,
        np.repeat([0, 1], 10).astype(np.int8),
        np.repeat([0, 1], 10).astype(np.int32),
    )
    assert warnings[0].startswith("eval has too few source groups")


def test_members_are_calibrated_anew_for_what_judges_them(make, members, eval_videos, monkeypatch):
    fitted_to = []
    original = building.fit_calibrator

    def fit_calibrator(method, logits, labels):
        fitted_to.append((method, len(labels)))
        return original(method, logits, labels)

    monkeypatch.setattr(building, "fit_calibrator", fit_calibrator)
    monkeypatch.setattr(building, "export_calibrated", lambda *args, **kwargs: [])
    with pytest.raises(AssertionError, match="reliability"):
        make(weights=[1, 1])
    assert fitted_to == [("temperature", 16), ("platt", 16)] * 5


def test_an_ensemble_is_no_member(make, weighted):
    folder, _ = weighted
    with pytest.raises(UsageError, match="both is not a single network; name one of its members"):
        make([folder, folder])


def test_the_files_are_a_whole_model(weighted):
    folder, _ = weighted
    names = {path.name for path in pathlib.Path(folder).rglob("*") if path.is_file()}
    assert {"saved_model.pb", "model.json", "tf_serving_warmup_requests"} <= names

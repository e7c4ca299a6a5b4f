"""A model that serves other answers than it gives, or lacks what clients ask, is not blessed."""

import pytest
import tensorflow as tf

from components import serving_check
from components.serving_check import SIGNATURES, ServingCheckError, find_difference
from data import example_encoding
from tests import tiny_dataset

pytestmark = pytest.mark.slow

WIDTH = 3


class Scores(tf.Module):
    """Answers every signature by the length of its strings; one output may be left to chance."""

    def __init__(self, by_chance):
        super().__init__()
        self.by_chance = by_chance

    def answer(self, strings):
        score = tf.cast(tf.strings.length(strings), tf.float32) / 1e6
        score = tf.reshape(score, [tf.shape(strings)[0], -1])[:, 0]
        if self.by_chance:
            # Other than tf.random.uniform, by seeds of 0 it follows no seed that others have set.
            score = tf.raw_ops.RandomUniform(shape=tf.shape(score), dtype=tf.float32)
        scope = tf.fill(tf.shape(score), "knows nobody")
        if self.by_chance == "scope":
            scope = tf.strings.as_string(score)
            score = tf.zeros_like(score)
        return {"fake_probability": score, "scope": scope}


def save(path, names=SIGNATURES, by_chance=(), output="fake_probability"):
    module = Scores(None)
    chance = Scores(output)
    inputs = {"serving_examples": "examples", "serving_frames": "frames"}
    signatures = {}
    for name in names:
        shape = [None, WIDTH] if name == "serving_tracks" else [None]
        spec = tf.TensorSpec(shape, tf.string, name=inputs.get(name, "faces"))
        answer = (chance if name in by_chance else module).answer
        signatures[name] = tf.function(answer).get_concrete_function(spec)
    module.chance = chance
    tf.saved_model.save(module, str(path), signatures=signatures)
    return str(path)


@pytest.fixture(scope="module")
def records():
    return [example_encoding.encode(video) for video in tiny_dataset.make_split("eval", 4)]


def test_a_model_that_serves_what_it_says_has_no_problem(tmp_path, records):
    assert find_difference(save(tmp_path / "model"), "tiny", records) == ""


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_signature_that_clients_ask_is_compared(signature, tmp_path, records):
    path = save(tmp_path / "model", by_chance=[signature])
    problem = find_difference(path, "tiny", records)
    assert problem.startswith(f"{signature}: fake_probability differs when served")


def test_text_is_compared_too(tmp_path, records):
    path = save(tmp_path / "model", by_chance=["serving_tracks"], output="scope")
    problem = find_difference(path, "tiny", records)
    assert problem.startswith("serving_tracks: scope differs when served")


def test_missing_signatures_are_named(tmp_path, records):
    path = save(tmp_path / "model", names=["serving_default", "serving_examples"])
    problem = find_difference(path, "tiny", records)
    assert problem == "it lacks the signatures serving_frames, serving_tracks"


def test_a_model_that_cannot_be_loaded_is_told(tmp_path, records):
    path = save(tmp_path / "model")
    extra = tmp_path / "model" / "assets.extra"
    extra.mkdir()
    with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
        writer.write(b"no PredictionLog")
    problem = find_difference(path, "tiny", records)
    assert problem.startswith("serving_default fails when served: ")


def test_a_model_that_could_not_be_asked_is_neither_blessed_nor_refused(
    tmp_path, records, monkeypatch
):
    path = save(tmp_path / "model")
    monkeypatch.setattr(serving_check, "_TIMEOUT_S", 1e-6)
    with pytest.raises(
        ServingCheckError, match=r"could not be asked, run again: .*DEADLINE_EXCEEDED"
    ):
        find_difference(path, "tiny", records)

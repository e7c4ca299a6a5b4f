import dataclasses

import pytest
import tensorflow as tf

from data import example_encoding
from data.utils.errors import UsageError
from models import commands
from models.evaluation.shortcut_check import check_shortcut
from tests import tiny_dataset

VIDEOS = 2 * 12


class ByBitRate(tf.Module):
    """A served model that scores videos by nothing but their bit rate."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serving_examples(self, examples):
        spec = {
            "video/bit_rate": tf.io.FixedLenFeature([], tf.float32),
            "video/id": tf.io.FixedLenFeature([], tf.string),
        }
        parsed = tf.io.parse_example(examples, spec)
        probability = tf.sigmoid(parsed["video/bit_rate"] / 1e4 - 101.0)
        unreadable = parsed["video/id"] == "tiny/1005.mp4"
        return {"fake_probability": tf.where(unreadable, float("nan"), probability)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    module = ByBitRate()
    tf.saved_model.save(module, folder, {"serving_examples": module.serving_examples})
    return folder


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    with tf.io.TFRecordWriter(str(folder / "eval-00000-of-00001")) as writer:
        for video in tiny_dataset.make_split("eval", VIDEOS):
            if video.annotation.video_id == "tiny/1005.mp4":  # to which the model gives no score
                damaged = dataclasses.replace(video.faces[0], image=b"x")
                video = dataclasses.replace(video, faces=(damaged, *video.faces[1:]))
            writer.write(example_encoding.encode(video))
    return str(folder)


def test_a_model_that_scores_by_bit_rate_is_found_out(model, examples):
    report, unscored = check_shortcut(model, examples, "eval")
    assert unscored == 1
    assert report.nuisances["bit_rate"].correlation_in_reals.value == pytest.approx(1)
    assert report.nuisances["bit_rate"].correlation_in_fakes.value == pytest.approx(1)
    assert report.explained_reals.value > 0.9
    assert report.explained_fakes.value > 0.9
    # A fake's bit rate is next above its real's.
    assert 0.5 < report.model_auc.value < 0.6
    assert report.model_auc == report.nuisances["bit_rate"].label_auc


def test_the_command_prints_a_line_for_each_nuisance(model, examples, capsys):
    commands.shortcuts(model, examples)
    lines = capsys.readouterr().out.splitlines()
    starts = [line.split()[0] for line in lines if line]
    at = starts.index("nuisance")
    assert starts[at + 1 : at + 6] == [
        "bit_rate",
        "sharpness",
        "face_size",
        "blockiness",
        "bits_per_pixel",
    ]
    assert any("+1.00 [+1.00, +1.00]" in line for line in lines)
    assert "left out: 1 videos that the model gave no score" in lines


def test_what_cannot_be_estimated_says_why(model, tmp_path, capsys):
    with tf.io.TFRecordWriter(str(tmp_path / "test-00000-of-00001")) as writer:
        writer.write(example_encoding.encode(tiny_dataset.make_video(0, 0, "group")))
    commands.shortcuts(model, str(tmp_path), "test")
    printed = " ".join(capsys.readouterr().out.split())
    assert "n/a (no fake video)" in printed
    assert "n/a (1 source groups, 10 needed)" in printed


def test_mistakes_are_named(model, examples, tmp_path):
    with pytest.raises(UsageError, match=r"holds no saved_model\.pb; name the folder"):
        check_shortcut(str(tmp_path), examples, "eval")
    with pytest.raises(UsageError, match="holds no test split"):
        check_shortcut(model, examples, "test")
    tf.saved_model.save(tf.Module(), str(tmp_path / "bare"))
    with pytest.raises(UsageError, match="has no signature serving_examples"):
        check_shortcut(str(tmp_path / "bare"), examples, "eval")


def test_a_model_without_a_score_is_an_error(model, tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "eval-00000-of-00001")) as writer:
        writer.write(example_encoding.encode(tiny_dataset.make_video(1005, 0, "group")))
    with pytest.raises(UsageError, match="scored none of the 1 eval videos"):
        check_shortcut(model, str(tmp_path), "eval")

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from data.utils.errors import UsageError
from models.inputs import sample_tracks
from models.networks import Classifier, classifier
from models.scoring import NetworkScorer, score_videos
from models.training.checkpoints import Checkpoints, best_of
from models.training.precision import Precision
from models.training.trainer import TrainingError
from tests.models.training.tiny_training import KillingLog, make_config, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source(videos, make_source):
    return make_source(videos)


@pytest.mark.parametrize("head", ["frame", "lstm"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_learns_what_separates_the_classes(source, tiny_backbone, policy, head, tmp_path):
    config = make_config(
        tiny_backbone,
        head=head,
        lstm_units=8,
        sequence_length=3,
        learning_rate=0.02,
        eval_interval=20,
    )
    network, history = run(config, source, tmp_path, Precision(policy, "test"))
    assert [evaluation.step for evaluation in history] == [20, 40]
    assert history[-1].loss < 0.3
    assert history[-1].auc == 1.0
    assert {weight.dtype for weight in network.get_weights()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_low_precision_follows_float32(source, tiny_backbone, policy, tmp_path):
    config = make_config(tiny_backbone, learning_rate=0.01, eval_interval=20)
    _, expected = run(config, source, tmp_path / "float32")
    _, history = run(config, source, tmp_path / policy, Precision(policy, "test"))
    for one, other in zip(history, expected, strict=True):
        # bfloat16 keeps 8 bits, and 40 steps follow each other.
        assert one.loss == pytest.approx(other.loss, abs=0.05)


@pytest.mark.parametrize("sampling", ["balanced", "natural"])
def test_other_samplings_learn_too(source, tiny_backbone, sampling, tmp_path):
    config = make_config(tiny_backbone, sampling=sampling, learning_rate=0.02, eval_interval=40)
    _, (evaluation,) = run(config, source, tmp_path)
    assert evaluation.auc == 1.0


def test_the_seed_decides_the_weights(source, tiny_backbone, tmp_path):
    config = make_config(tiny_backbone, steps=3)
    (first, _), (second, _) = (run(config, source, tmp_path / name) for name in "ab")
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_the_head_learns_first(source, tiny_backbone, tmp_path):
    config = make_config(
        tiny_backbone, steps=6, eval_interval=3, fine_tuning={"head_steps": 3}, learning_rate=0.01
    )
    initial = classifier.build(config, "float32", weights=None)
    backbone = [weight.copy() for weight in initial.backbone.get_weights()]
    head = [weight.copy() for weight in initial.head.get_weights()]
    log = KillingLog(4)
    with pytest.raises(KeyboardInterrupt):
        run(config, source, tmp_path, network=initial, log=log)
    state = tf.train.load_checkpoint(str(tmp_path / "last-3"))
    assert Checkpoints(str(tmp_path)).progress().step == 3
    saved = [
        state.get_tensor(f"network/{number}/.ATTRIBUTES/VARIABLE_VALUE")
        for number in range(len(initial.variables))
    ]
    names = [variable.path for variable in initial.variables]
    after = dict(zip(names, saved, strict=True))
    before = dict(zip([weight.path for weight in initial.backbone.weights], backbone, strict=True))
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)
    assert np.any(after[initial.head.weights[0].path] != head[0])
    # At the killed step the backbone has begun to learn.
    assert np.any(initial.backbone.get_weights()[0] != backbone[0])


def test_patience_counts_from_the_second_phase(source, tiny_backbone, tmp_path):
    config = make_config(
        tiny_backbone,
        steps=20,
        eval_interval=2,
        patience=2,
        learning_rate=1e-9,  # nothing gets better
        fine_tuning={"head_steps": 12},
    )
    _, history = run(config, source, tmp_path)
    assert history[-1].step == 12 + 2 * 3


def test_a_plateau_lowers_the_learning_rate(source, tiny_backbone, tmp_path):
    config = make_config(
        tiny_backbone,
        steps=12,
        eval_interval=2,
        learning_rate=1e-9,  # nothing gets better
        patience=6,
        schedule={
            "warmup_fraction": 0.0,
            "decay": "constant",
            "plateau_factor": 0.5,
            "plateau_patience": 2,
        },
    )
    log = KillingLog(None)
    run(config, source, tmp_path, log=log)
    rates = [rate / 1e-9 for _, _, rate in log.seen]
    np.testing.assert_allclose(rates, [1.0] * 6 + [0.5] * 4 + [0.25] * 2)


def test_stops_early_and_restores_the_best_weights(source, tiny_backbone, tmp_path):
    # Steps this wide soon make nothing better.
    config = make_config(
        tiny_backbone,
        learning_rate=1.0,
        eval_interval=2,
        patience=3,
        steps=400,
        schedule={"warmup_fraction": 0},
    )
    network, history = run(config, source, tmp_path)
    best = best_of(history)
    assert history[-1].step - best.step == 2 * 3
    assert history[-1].step < 400
    crops = sample_tracks(source.index, config.frames_per_video)
    scores = score_videos(NetworkScorer(network), source, crops)
    losses = np.logaddexp(0, np.where(source.index.label == 1, -scores, scores))
    assert losses.mean() == pytest.approx(best.eval_loss, rel=1e-4, abs=1e-6)


def test_a_loss_that_is_no_number_stops_with_its_videos_and_a_cure(source, tiny_backbone, tmp_path):
    config = make_config(tiny_backbone)
    network = classifier.build(config, "mixed_float16", weights=None)
    network.set_weights([np.full_like(w, np.nan) for w in network.get_weights()])
    message = (
        r"tiny: the loss became nan at step 1, loss scale 32768\. The batch held "
        r"tiny/\d\.mp4, tiny/\d\.mp4.*\. Lower `learning_rate`"
    )
    with pytest.raises(TrainingError, match=message):
        run(config, source, tmp_path, Precision("mixed_float16", "test"), network)


def test_scores_that_are_no_numbers_stop_with_a_cure(source, tiny_backbone, tmp_path):
    config = make_config(tiny_backbone, steps=1)
    network = classifier.build(config, "float32", weights=None)
    normalization = keras.layers.BatchNormalization()
    faces = keras.Input((32, 32, 3))
    features = normalization(keras.layers.GlobalAveragePooling2D()(faces))
    features = keras.layers.Dense(8)(features)
    network = Classifier(keras.Model(faces, features), network.head, config)
    # Training uses the batch's own statistics and does not notice; inference does.
    normalization.moving_variance.assign(np.full(normalization.moving_variance.shape, np.nan))
    message = (
        r"scores of 8 eval videos \(tiny/0\.mp4, tiny/1\.mp4, tiny/2\.mp4 and 5 more\) "
        r"are no longer numbers at step 1"
        r".* Lower `learning_rate`"
    )
    with pytest.raises(TrainingError, match=message):
        run(config, source, tmp_path, network=network)


class Overflowing(classifier.Classifier):
    """Of a loss that is a number, and gradients that are none."""

    def __call__(self, images, used, *, training):
        @tf.custom_gradient
        def overflow(logits):
            return logits, lambda gradient: gradient * float("inf")

        return overflow(super().__call__(images, used, training=training))


@pytest.mark.parametrize(
    ("policy", "step", "scale"), [("float32", 1, "1"), ("mixed_float16", 17, "0.5")]
)
def test_gradients_that_are_no_numbers_stop_training(
    source, tiny_backbone, policy, step, scale, tmp_path
):
    # float16 tries smaller and smaller scales first.
    config = make_config(tiny_backbone)
    built = classifier.build(config, policy, weights=None)
    network = Overflowing(built.backbone, built.head, config)
    message = (
        rf"a gradient became (nan|inf) at step {step}, loss scale {scale}\. The batch held tiny"
    )
    with pytest.raises(TrainingError, match=message):
        run(config, source, tmp_path, Precision(policy, "test"), network)


def test_every_device_gets_something_to_learn_from(source, tiny_backbone, tmp_path, monkeypatch):
    strategy = types.SimpleNamespace(num_replicas_in_sync=8)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: strategy)
    with pytest.raises(
        TrainingError, match=r"batch_size 4 leaves some of the 8 devices .* to 8 or"
    ):
        run(make_config(tiny_backbone), source, tmp_path)


def test_one_class_in_eval_is_an_error_before_training(
    videos, source, make_source, tiny_backbone, tmp_path
):
    with pytest.raises(UsageError, match="the eval split holds no fake video"):
        run(make_config(tiny_backbone), source, tmp_path, eval_source=make_source(videos[::2]))

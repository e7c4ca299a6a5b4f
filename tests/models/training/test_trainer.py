import dataclasses
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from data.utils.errors import UsageError
from models.config import ModelConfig
from models.inputs import Batch, sample_tracks
from models.networks import Classifier, classifier
from models.scoring import NetworkScorer, score_videos
from models.training import optimizer, trainer
from models.training.checkpoints import Checkpoints, Evaluation
from models.training.log import TrainingLog
from models.training.precision import Precision
from models.training.trainer import Trainer, TrainingError

pytestmark = pytest.mark.slow

FLOAT32 = Precision("float32", "test")


@pytest.fixture(scope="module")
def store(videos, make_source):
    return make_source(videos)


def make_config(name, **changes):
    values = {"image_size": 32, "weights": None, "batch_size": 4, "steps": 40, **changes}
    return ModelConfig(model=name, **values)


class KillingLog(TrainingLog):
    """A log that ends training at a step, as a kill would."""

    def __init__(self, last_step):
        super().__init__("tiny", 1, None)
        self._killed_at = last_step
        self.seen = []

    def step(self, step, loss, learning_rate, batch):
        self.seen.append((step, loss, learning_rate))
        if step == self._killed_at:
            raise KeyboardInterrupt


def run(config, store, folder, precision=FLOAT32, network=None, log=None, eval_source=None):
    network = network or classifier.build(config, precision.policy, weights=None)
    log = log or TrainingLog(config.name, config.steps, None)
    checkpoints = Checkpoints(str(folder))
    trainer = Trainer(network, store, eval_source or store, precision, checkpoints, log)
    return network, trainer.train()


@pytest.mark.parametrize("head", ["frame", "lstm"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_learns_what_separates_the_classes(store, tiny_backbone, policy, head, tmp_path):
    config = make_config(
        tiny_backbone,
        head=head,
        lstm_units=8,
        sequence_length=3,
        learning_rate=0.02,
        eval_interval=20,
    )
    network, history = run(config, store, tmp_path, Precision(policy, "test"))
    assert [evaluation.step for evaluation in history] == [20, 40]
    assert history[-1].loss < 0.3
    assert history[-1].auc == 1.0
    assert {weight.dtype for weight in network.get_weights()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_low_precision_follows_float32(store, tiny_backbone, policy, tmp_path):
    config = make_config(tiny_backbone, learning_rate=0.01, eval_interval=20)
    _, expected = run(config, store, tmp_path / "float32")
    _, found = run(config, store, tmp_path / policy, Precision(policy, "test"))
    for one, other in zip(found, expected, strict=True):
        # bfloat16 keeps 8 bits, and 40 steps follow each other.
        assert one.loss == pytest.approx(other.loss, abs=0.05)


@pytest.mark.parametrize("sampling", ["balanced", "natural"])
def test_other_samplings_learn_too(store, tiny_backbone, sampling, tmp_path):
    config = make_config(tiny_backbone, sampling=sampling, learning_rate=0.02, eval_interval=40)
    _, (evaluation,) = run(config, store, tmp_path)
    assert evaluation.auc == 1.0


def test_the_seed_decides_the_weights(store, tiny_backbone, tmp_path):
    config = make_config(tiny_backbone, steps=3)
    (first, _), (second, _) = (run(config, store, tmp_path / name) for name in "ab")
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.fixture(scope="module")
def undisturbed(store, tiny_backbone, tmp_path_factory):
    """A training of two phases with random layers, its log and its end."""
    config = make_config(
        tiny_backbone,
        steps=12,
        eval_interval=4,
        dropout=0.5,
        optimizer={"accumulate": 2},
        fine_tuning={"head_steps": 6},
    )
    log = KillingLog(None)
    network, history = run(config, store, tmp_path_factory.mktemp("undisturbed"), log=log)
    return config, log, network, history


@pytest.mark.parametrize("killed_at", [3, 7, 11])
def test_killed_and_started_again_ends_where_an_undisturbed_run_ends(
    store, undisturbed, killed_at, tmp_path
):
    config, expected_log, expected, history = undisturbed
    killed, resumed = KillingLog(killed_at), KillingLog(None)
    with pytest.raises(KeyboardInterrupt):
        run(config, store, tmp_path / "killed", log=killed)
    found, again = run(config, store, tmp_path / "killed", log=resumed)
    # Checkpoints are written after evaluations and at the end of a phase.
    first = max(step for step in (0, 4, 6, 8) if step < killed_at)
    assert [step for step, _, _ in resumed.seen] == list(range(first + 1, 13))
    np.testing.assert_allclose(resumed.seen, expected_log.seen[first:], rtol=1e-4)
    for one, other in zip(again, history, strict=True):
        np.testing.assert_allclose(dataclasses.astuple(one), dataclasses.astuple(other), rtol=1e-4)
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("policy", "changes"),
    [
        ("float32", {"optimizer": {"accumulate": 2, "clip_norm": 1.0}}),
        ("mixed_float16", {"sampling": "natural", "head": "lstm", "sequence_length": 2}),
        ("mixed_bfloat16", {"sampling": "balanced", "optimizer": {"algorithm": "adamw"}}),
    ],
)
def test_killed_between_two_evaluations(
    store, tiny_backbone, policy, changes, tmp_path, monkeypatch
):
    # A state after each step: at the odd one half of the gradients are accumulated.
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", -1.0)
    config = make_config(tiny_backbone, steps=8, eval_interval=4, lstm_units=4, **changes)
    precision = Precision(policy, "test")
    expected_log, killed, resumed = KillingLog(None), KillingLog(6), KillingLog(None)
    expected, history = run(config, store, tmp_path / "whole", precision, log=expected_log)
    with pytest.raises(KeyboardInterrupt):
        run(config, store, tmp_path / "killed", precision, log=killed)
    found, again = run(config, store, tmp_path / "killed", precision, log=resumed)
    assert [step for step, _, _ in resumed.seen] == [6, 7, 8]
    np.testing.assert_allclose(resumed.seen, expected_log.seen[5:], rtol=1e-2)
    assert [evaluation.step for evaluation in again] == [4, 8]
    for one, other in zip(again, history, strict=True):
        np.testing.assert_allclose(dataclasses.astuple(one), dataclasses.astuple(other), rtol=1e-2)
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-4)


def test_a_finished_training_is_not_repeated(store, tiny_backbone, tmp_path):
    config = make_config(tiny_backbone, steps=4, eval_interval=2)
    expected, history = run(config, store, tmp_path)
    log = KillingLog(None)
    found, again = run(config, store, tmp_path, log=log)
    assert log.seen == []
    assert again == history
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_head_learns_first(store, tiny_backbone, tmp_path):
    config = make_config(
        tiny_backbone, steps=6, eval_interval=3, fine_tuning={"head_steps": 3}, learning_rate=0.01
    )
    initial = classifier.build(config, "float32", weights=None)
    backbone = [weight.copy() for weight in initial.backbone.get_weights()]
    head = [weight.copy() for weight in initial.head.get_weights()]
    log = KillingLog(4)
    with pytest.raises(KeyboardInterrupt):
        run(config, store, tmp_path, network=initial, log=log)
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


def test_patience_counts_from_the_second_phase(store, tiny_backbone, tmp_path):
    config = make_config(
        tiny_backbone,
        steps=20,
        eval_interval=2,
        patience=2,
        learning_rate=1e-9,  # nothing gets better
        fine_tuning={"head_steps": 12},
    )
    _, history = run(config, store, tmp_path)
    assert history[-1].step == 12 + 2 * 3


def test_killed_between_the_best_weights_and_the_state(store, tiny_backbone, tmp_path, monkeypatch):
    config = make_config(tiny_backbone, steps=6, eval_interval=2, learning_rate=0.01)
    expected, history = run(config, store, tmp_path / "undisturbed")
    original = Checkpoints.save

    def killed(self, progress, variables, optimizer):
        if progress.step == 4:
            raise KeyboardInterrupt
        original(self, progress, variables, optimizer)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            run(config, store, tmp_path / "killed")
    assert Checkpoints(str(tmp_path / "killed")).progress().step == 2
    found, again = run(config, store, tmp_path / "killed")
    assert [e.step for e in again] == [e.step for e in history]
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_a_plateau_lowers_the_learning_rate(store, tiny_backbone, tmp_path):
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
    run(config, store, tmp_path, log=log)
    rates = [rate / 1e-9 for _, _, rate in log.seen]
    np.testing.assert_allclose(rates, [1.0] * 6 + [0.5] * 4 + [0.25] * 2)


def test_stops_early_and_restores_the_best_weights(store, tiny_backbone, tmp_path):
    # Steps this wide soon make nothing better.
    config = make_config(
        tiny_backbone,
        learning_rate=1.0,
        eval_interval=2,
        patience=3,
        steps=400,
        schedule={"warmup_fraction": 0},
    )
    network, history = run(config, store, tmp_path)
    best = history[0]
    for evaluation in history[1:]:
        best = evaluation if evaluation.better_than(best) else best
    assert history[-1].step - best.step == 2 * 3
    assert history[-1].step < 400
    crops = sample_tracks(store.index, config.frames_per_video)
    scores = score_videos(NetworkScorer(network), store, crops)
    losses = np.logaddexp(0, np.where(store.index.label == 1, -scores, scores))
    assert losses.mean() == pytest.approx(best.eval_loss, rel=1e-4, abs=1e-6)


def test_a_loss_that_is_no_number_stops_with_its_videos_and_a_cure(store, tiny_backbone, tmp_path):
    config = make_config(tiny_backbone)
    network = classifier.build(config, "mixed_float16", weights=None)
    network.set_weights([np.full_like(w, np.nan) for w in network.get_weights()])
    message = (
        r"tiny: the loss became nan at step 1, loss scale 32768\. The batch held "
        r"tiny/\d\.mp4, tiny/\d\.mp4.*\. Lower `learning_rate`"
    )
    with pytest.raises(TrainingError, match=message):
        run(config, store, tmp_path, Precision("mixed_float16", "test"), network)


def test_scores_that_are_no_numbers_stop_with_a_cure(store, tiny_backbone, tmp_path):
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
        run(config, store, tmp_path, network=network)


class Overflowing(classifier.Classifier):
    """Of a loss that is a number, and gradients that are none."""

    def __call__(self, pictures, used, *, training):
        @tf.custom_gradient
        def overflow(logits):
            return logits, lambda gradient: gradient * float("inf")

        return overflow(super().__call__(pictures, used, training=training))


@pytest.mark.parametrize(
    ("policy", "step", "scale"), [("float32", 1, "1"), ("mixed_float16", 17, "0.5")]
)
def test_gradients_that_are_no_numbers_stop_training(
    store, tiny_backbone, policy, step, scale, tmp_path
):
    # float16 tries smaller and smaller scales first.
    config = make_config(tiny_backbone)
    built = classifier.build(config, policy, weights=None)
    network = Overflowing(built.backbone, built.head, config)
    message = (
        rf"a gradient became (nan|inf) at step {step}, loss scale {scale}\. The batch held tiny"
    )
    with pytest.raises(TrainingError, match=message):
        run(config, store, tmp_path, Precision(policy, "test"), network)


def test_the_loss_weighs_videos(store, tiny_backbone, tmp_path):
    config = make_config(tiny_backbone, learning_rate=1e-9)
    network = classifier.build(config, "float32", weights=None)
    learner = optimizer.create(config, FLOAT32, network.trainable_variables)
    step = trainer._train_step(network, learner, tf.distribute.get_strategy())
    random = np.random.default_rng(0)
    pictures = random.uniform(0, 255, (4, 1, 32, 32, 3)).astype(np.float32)
    labels, weights = np.float32([0, 1, 0, 1]), np.float32([0.5, 2.0, 0.5, 0.0])
    batch = Batch(pictures, np.ones((4, 1), bool), labels, weights, np.arange(4))
    network.head.get_layer("dropout").rate = 0.0
    logits = network(tf.constant(pictures), tf.ones((4, 1), tf.bool), training=True).numpy()
    losses = np.logaddexp(0, np.where(labels == 1, -logits, logits))
    found, _ = step(Batch(*map(tf.constant, batch)))
    assert float(found) == pytest.approx(float(np.sum(losses * weights) / 4), rel=1e-4)


def test_every_device_gets_something_to_learn_from(store, tiny_backbone, tmp_path, monkeypatch):
    strategy = types.SimpleNamespace(num_replicas_in_sync=8)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: strategy)
    with pytest.raises(
        TrainingError, match=r"batch_size 4 leaves some of the 8 devices .* to 8 or"
    ):
        run(make_config(tiny_backbone), store, tmp_path)


def test_one_class_in_eval_is_an_error_before_training(
    videos, store, make_source, tiny_backbone, tmp_path
):
    with pytest.raises(UsageError, match="the eval split holds no fake video"):
        run(make_config(tiny_backbone), store, tmp_path, eval_source=make_source(videos[::2]))


def test_ties_in_auc_are_broken_by_loss():
    worse, better = Evaluation(1, 0.5, 0.9, 0.4, 0.1), Evaluation(2, 0.5, 0.9, 0.3, 0.1)
    assert better.better_than(worse)
    assert not worse.better_than(better)
    assert not worse.better_than(worse)
    assert Evaluation(3, 0.5, 0.91, 0.9, 0.1).better_than(better)
    assert worse.better_than(None)

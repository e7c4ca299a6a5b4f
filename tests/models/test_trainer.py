import keras
import numpy as np
import pytest

from data.errors import UsageError
from models import classifier
from models.config import ModelConfig
from models.crop_store import evenly_spread
from models.precision import Precision
from models.progress import TrainingProgress
from models.scoring import inference, score_videos
from models.trainer import Evaluation, TrainingError, learning_rate, train

FLOAT32 = Precision("float32", "test")


@pytest.fixture(scope="module")
def store(videos, make_store):
    return make_store(videos)


def make_config(name, **changes):
    values = {"image_size": 32, "weights": None, "batch_size": 2, "steps": 40, **changes}
    return ModelConfig(name=name, **values)


def run(config, store, precision=FLOAT32, spoil=False):
    network = classifier.build(config, precision.policy, weights=None)
    if spoil:
        network.set_weights([np.full_like(w, np.nan) for w in network.get_weights()])
    progress = TrainingProgress(config.name, config.steps, 2 * config.batch_size)
    return network, train(network, store, store, config, precision, progress)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_learns_what_separates_the_classes(store, tiny_backbone, policy):
    config = make_config(tiny_backbone, learning_rate=0.02, eval_interval=20)
    _, history = run(config, store, Precision(policy, "test"))
    assert [evaluation.step for evaluation in history] == [20, 40]
    assert history[-1].loss < 0.3
    assert history[-1].auc == 1.0


def test_the_seed_decides_the_weights(store, tiny_backbone):
    config = make_config(tiny_backbone, steps=3)
    (first, _), (second, _) = run(config, store), run(config, store)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_stops_early_and_restores_the_best_weights(store, tiny_backbone):
    # Steps this wide soon make nothing better.
    config = make_config(
        tiny_backbone, learning_rate=1.0, eval_interval=2, patience=3, steps=400, warmup_fraction=0
    )
    network, history = run(config, store)
    best = history[0]
    for evaluation in history[1:]:
        best = evaluation if evaluation.better_than(best) else best
    assert history[-1].step - best.step == 2 * 3
    assert history[-1].step < 400
    crops = evenly_spread(store.index, config.frames_per_video)
    scores = score_videos(inference(network), store, crops, 32)
    losses = np.logaddexp(0, np.where(store.index.label == 1, -scores, scores))
    assert losses.mean() == pytest.approx(best.eval_loss, rel=1e-4, abs=1e-6)


def test_a_loss_that_is_no_number_stops_with_a_cure(store, tiny_backbone):
    with pytest.raises(TrainingError, match=r"loss became nan at step 1\. Lower `learning_rate`"):
        run(make_config(tiny_backbone), store, spoil=True)


def test_scores_that_are_no_numbers_stop_with_a_cure(store, tiny_backbone):
    config = make_config(tiny_backbone, steps=1)
    normalization = keras.layers.BatchNormalization()
    faces = keras.Input((32, 32, 3))
    features = normalization(keras.layers.GlobalAveragePooling2D()(faces))
    logits = keras.layers.Reshape(())(keras.layers.Dense(1)(features))
    network = keras.Model(faces, logits)
    # Training uses the batch's own statistics and does not notice; inference does.
    normalization.moving_variance.assign(np.full(normalization.moving_variance.shape, np.nan))
    progress = TrainingProgress(config.name, 1, 1)
    message = r"scores of eval videos are no longer numbers at step 1\. Lower `learning_rate`"
    with pytest.raises(TrainingError, match=message):
        train(network, store, store, config, FLOAT32, progress)


def test_one_class_in_eval_is_an_error_before_training(videos, store, make_store, tiny_backbone):
    config = make_config(tiny_backbone)
    network = classifier.build(config, "float32", weights=None)
    with pytest.raises(UsageError, match="the eval split holds no fake video"):
        train(
            network,
            store,
            make_store(videos[::2]),
            config,
            FLOAT32,
            TrainingProgress("tiny", 1, 1),
        )


def test_ties_in_auc_are_broken_by_loss():
    worse, better = Evaluation(1, 0.5, 0.9, 0.4), Evaluation(2, 0.5, 0.9, 0.3)
    assert better.better_than(worse)
    assert not worse.better_than(better)
    assert not worse.better_than(worse)
    assert Evaluation(3, 0.5, 0.91, 0.9).better_than(better)
    assert worse.better_than(None)


@pytest.mark.parametrize(
    ("warmup_fraction", "step", "expected"),
    [
        pytest.param(0.1, 0, 0.0, id="starts at 0"),
        pytest.param(0.1, 5, 0.5e-3, id="rises linearly"),
        pytest.param(0.1, 10, 1e-3, id="peak"),
        pytest.param(0.1, 55, 0.5e-3, id="half of the cosine"),
        pytest.param(0.1, 100, 0.0, id="ends at 0"),
        pytest.param(0.0, 0, 1e-3, id="no warm-up"),
    ],
)
def test_learning_rate(warmup_fraction, step, expected):
    config = ModelConfig(name="xception", weights=None, steps=100, warmup_fraction=warmup_fraction)
    assert float(learning_rate(config)(step)) == pytest.approx(expected, abs=1e-9)

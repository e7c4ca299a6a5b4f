import keras
import numpy as np
import pytest
import tensorflow as tf

from models.config import ModelConfig
from models.training import optimizer
from models.training.checkpoints import Evaluation
from models.training.precision import Precision

FLOAT32 = Precision("float32", "test")


def config(**changes):
    return ModelConfig(model="xception", weights=None, **{"steps": 100, **changes})


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        pytest.param({}, 0, 1e-4, id="the first step learns"),
        pytest.param({}, 4, 0.5e-3, id="rises linearly"),
        pytest.param({}, 10, 1e-3, id="peak"),
        pytest.param({}, 55, 0.5e-3, id="half of the cosine"),
        pytest.param({}, 100, 0.0, id="ends at 0"),
        pytest.param({"warmup_fraction": 0.0}, 0, 1e-3, id="no warm-up"),
        pytest.param({"decay": "constant"}, 99, 1e-3, id="constant"),
    ],
)
def test_learning_rate(schedule, step, expected):
    rate = optimizer.learning_rate(config(schedule=schedule), step, [])
    assert rate == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("aucs", "plateaus"),
    [
        pytest.param([], 0, id="none yet"),
        pytest.param([0.5, 0.6, 0.7], 0, id="rising"),
        pytest.param([0.7, 0.6, 0.8], 0, id="one worse"),
        pytest.param([0.7, 0.6, 0.7], 1, id="two no better"),
        pytest.param([0.7, 0.6, 0.6, 0.6], 1, id="counted anew"),
        pytest.param([0.7, 0.6, 0.6, 0.6, 0.6], 2, id="two plateaus"),
    ],
)
def test_plateaus(aucs, plateaus):
    schedule = {"plateau_factor": 0.5, "plateau_patience": 2, "decay": "constant"}
    history = [Evaluation(step, 0.5, auc, 0.5, 0.1) for step, auc in enumerate(aucs)]
    rate = optimizer.learning_rate(config(schedule=schedule), 50, history)
    assert rate == pytest.approx(1e-3 * 0.5**plateaus)


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 1e-4), (9, 1e-3), (59, 1e-3), (60, 1e-4), (69, 1e-3), (85, 0.5e-3), (100, 0.0)],
)
def test_each_phase_warms_up(step, expected):
    rate = optimizer.learning_rate(config(fine_tuning={"head_steps": 60}), step, [])
    assert rate == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("algorithm", ["adam", "adamw", "sgd"])
def test_each_algorithm_learns_with_its_defaults(algorithm):
    matrix, vector = apply({"algorithm": algorithm}, [1.0])
    assert matrix.max() < 1.0
    assert vector.max() < 1.0


def apply(options, gradients, precision=FLOAT32):
    """A matrix and a vector of ones after steps with the same gradient for every number."""
    matrix, vector = (keras.Variable(np.ones(shape, np.float32)) for shape in ((2, 2), (2,)))
    built = optimizer.build_optimizer(config(optimizer=options), precision, [matrix, vector])
    built.learning_rate = 0.1
    for gradient in gradients:
        values = [tf.fill(v.shape, gradient) for v in (matrix, vector)]
        built.apply(values, [matrix, vector])
    return matrix.numpy(), vector.numpy()


def test_sgd_with_nesterov_momentum():
    matrix, _ = apply({"algorithm": "sgd", "momentum": 0.5}, [1.0])
    # v = -lr g; w += m v - lr g (Sutskever et al., ICML 2013, as Keras documents it).
    np.testing.assert_allclose(matrix, 1.0 - 0.05 - 0.1, rtol=1e-6)


@pytest.mark.parametrize("algorithm", ["adamw", "adam", "sgd"])
def test_weight_decay_spares_vectors(algorithm):
    decayed = {"algorithm": algorithm, "weight_decay": 0.5}
    matrix, vector = apply(decayed, [0.0])
    np.testing.assert_allclose(matrix, 1.0 - 0.1 * 0.5, rtol=1e-6)
    np.testing.assert_array_equal(vector, 1.0)


def test_clipping_is_of_all_gradients_together():
    matrix, vector = apply({"algorithm": "sgd", "momentum": 0.0, "clip_norm": 1.0}, [100.0])
    # Six equal numbers of norm 1 are 1 / sqrt(6) each.
    np.testing.assert_allclose([matrix[0, 0], vector[0]], 1.0 - 0.1 / 6**0.5, rtol=1e-5)


def test_accumulation_averages_gradients():
    options = {"algorithm": "sgd", "momentum": 0.0, "accumulate": 2}
    matrix, _ = apply(options, [1.0])
    np.testing.assert_array_equal(matrix, 1.0)
    matrix, _ = apply(options, [1.0, 3.0])
    np.testing.assert_allclose(matrix, 1.0 - 0.1 * 2.0, rtol=1e-6)


def test_float16_scales_its_loss():
    variable = keras.Variable(np.ones(2, np.float32))
    built = optimizer.build_optimizer(config(), Precision("mixed_float16", "test"), [variable])
    assert optimizer.loss_scale(built) == float(built.scale_loss(1.0)) == 2.0**15
    plain = optimizer.build_optimizer(config(), FLOAT32, [variable])
    assert optimizer.loss_scale(plain) == 1.0

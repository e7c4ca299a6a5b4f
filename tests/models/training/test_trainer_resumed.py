"""A training that was killed and started again ends where an undisturbed one ends."""

import dataclasses

import numpy as np
import pytest

from models.training import trainer
from models.training.checkpoints import Checkpoints
from models.training.precision import Precision
from tests.models.training.tiny_training import KillingLog, make_config, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source(videos, make_source):
    return make_source(videos)


@pytest.fixture(scope="module")
def undisturbed(source, tiny_backbone, tmp_path_factory):
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
    network, history = run(config, source, tmp_path_factory.mktemp("undisturbed"), log=log)
    return config, log, network, history


@pytest.mark.parametrize("killed_at", [3, 7, 11])
def test_killed_and_started_again_ends_where_an_undisturbed_run_ends(
    source, undisturbed, killed_at, tmp_path
):
    config, expected_log, expected, history = undisturbed
    killed, resumed = KillingLog(killed_at), KillingLog(None)
    with pytest.raises(KeyboardInterrupt):
        run(config, source, tmp_path / "killed", log=killed)
    network, resumed_history = run(config, source, tmp_path / "killed", log=resumed)
    # Checkpoints are written after evaluations and at the end of a phase.
    first = max(step for step in (0, 4, 6, 8) if step < killed_at)
    assert [step for step, _, _ in resumed.seen] == list(range(first + 1, 13))
    np.testing.assert_allclose(resumed.seen, expected_log.seen[first:], rtol=1e-4)
    for one, other in zip(resumed_history, history, strict=True):
        np.testing.assert_allclose(dataclasses.astuple(one), dataclasses.astuple(other), rtol=1e-4)
    for one, other in zip(network.get_weights(), expected.get_weights(), strict=True):
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
    source, tiny_backbone, policy, changes, tmp_path, monkeypatch
):
    # A state after each step: at the odd one half of the gradients are accumulated.
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", -1.0)
    config = make_config(tiny_backbone, steps=8, eval_interval=4, lstm_units=4, **changes)
    precision = Precision(policy, "test")
    expected_log, killed, resumed = KillingLog(None), KillingLog(6), KillingLog(None)
    expected, history = run(config, source, tmp_path / "whole", precision, log=expected_log)
    with pytest.raises(KeyboardInterrupt):
        run(config, source, tmp_path / "killed", precision, log=killed)
    network, resumed_history = run(config, source, tmp_path / "killed", precision, log=resumed)
    assert [step for step, _, _ in resumed.seen] == [6, 7, 8]
    np.testing.assert_allclose(resumed.seen, expected_log.seen[5:], rtol=1e-2)
    assert [evaluation.step for evaluation in resumed_history] == [4, 8]
    for one, other in zip(resumed_history, history, strict=True):
        np.testing.assert_allclose(dataclasses.astuple(one), dataclasses.astuple(other), rtol=1e-2)
    for one, other in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-4)


def test_a_finished_training_is_not_repeated(source, tiny_backbone, tmp_path):
    config = make_config(tiny_backbone, steps=4, eval_interval=2)
    expected, history = run(config, source, tmp_path)
    log = KillingLog(None)
    network, resumed_history = run(config, source, tmp_path, log=log)
    assert log.seen == []
    assert resumed_history == history
    for one, other in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_killed_between_the_best_weights_and_the_state(
    source, tiny_backbone, tmp_path, monkeypatch
):
    config = make_config(tiny_backbone, steps=6, eval_interval=2, learning_rate=0.01)
    expected, history = run(config, source, tmp_path / "undisturbed")
    original = Checkpoints.save

    def killed(self, progress, variables, optimizer):
        if progress.step == 4:
            raise KeyboardInterrupt
        original(self, progress, variables, optimizer)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            run(config, source, tmp_path / "killed")
    assert Checkpoints(str(tmp_path / "killed")).progress().step == 2
    network, resumed_history = run(config, source, tmp_path / "killed")
    assert [e.step for e in resumed_history] == [e.step for e in history]
    for one, other in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)

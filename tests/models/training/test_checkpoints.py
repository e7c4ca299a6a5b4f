import keras
import numpy as np
import pytest

from models.training.checkpoints import Checkpoints, Evaluation, Progress, best_of


@pytest.fixture
def training():
    """A weight and its optimiser, built."""
    weight = keras.Variable([1.0, 2.0])
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build([weight])
    return weight, optimizer


def evaluation(step, auc):
    return Evaluation(step=step, loss=0.5, auc=auc, eval_loss=0.6, learning_rate=0.1)


def files(folder):
    return sorted({path.name.partition(".")[0] for path in folder.iterdir()})


def test_the_latest_state_comes_back(training, tmp_path):
    weight, optimizer = training
    checkpoints = Checkpoints(f"{tmp_path}/made")
    assert checkpoints.progress() == Progress()
    for step in (1, 2):
        weight.assign([step, -step])
        optimizer.iterations.assign(step)
        checkpoints.save(Progress(step, (evaluation(step, 0.7),), (0.1,)), [weight], optimizer)
    assert files(tmp_path / "made") == ["last-2", "progress"]
    weight.assign([0.0, 0.0])
    optimizer.iterations.assign(0)
    again = Checkpoints(f"{tmp_path}/made")
    assert again.progress() == Progress(2, (evaluation(2, 0.7),), (0.1,))
    again.restore([weight], None)
    np.testing.assert_array_equal(weight, [2, -2])
    assert int(optimizer.iterations) == 0
    again.restore([weight], optimizer)
    assert int(optimizer.iterations) == 2


def test_the_best_that_the_saved_state_knows_stays(training, tmp_path):
    weight, optimizer = training
    checkpoints = Checkpoints(str(tmp_path))
    history = ()
    for step, auc in ((1, 0.6), (2, 0.8), (3, 0.7)):
        weight.assign([step, step])
        history += (evaluation(step, auc),)
        if auc != 0.7:
            checkpoints.save_best(step, [weight])
        checkpoints.save(Progress(step, history), [weight], optimizer)
    # Killed before the state of step 4 is saved.
    checkpoints.save_best(4, [weight])
    assert files(tmp_path) == ["best-2", "best-4", "last-3", "progress"]
    checkpoints.restore_best(2, [weight])
    np.testing.assert_array_equal(weight, [2, 2])


def test_what_a_killed_process_left_is_deleted(training, tmp_path):
    weight, optimizer = training
    (tmp_path / "last-1_temp").mkdir()
    (tmp_path / "last-1_temp" / "part-00000-of-00001.index").touch()
    (tmp_path / "progress.json.partial").write_text("{")
    checkpoints = Checkpoints(str(tmp_path))
    assert checkpoints.progress() == Progress()
    checkpoints.save(Progress(1), [weight], optimizer)
    assert files(tmp_path) == ["last-1", "progress"]
    checkpoints.delete()
    checkpoints.delete()
    assert not tmp_path.exists()


def test_one_process_writes_and_the_others_read(training, tmp_path):
    weight, optimizer = training
    Checkpoints(str(tmp_path)).save(Progress(1), [weight], optimizer)
    other = Checkpoints(str(tmp_path), writes=False)
    other.save(Progress(2), [weight], optimizer)
    other.save_best(2, [weight])
    assert files(tmp_path) == ["last-1", "progress"]
    weight.assign([0.0, 0.0])
    other.restore_best(2, [weight])
    np.testing.assert_array_equal(weight, [0, 0])
    other.restore([weight], optimizer)
    np.testing.assert_array_equal(weight, [1, 2])


def test_ties_in_auc_are_broken_by_loss():
    worse, better = Evaluation(1, 0.5, 0.9, 0.4, 0.1), Evaluation(2, 0.5, 0.9, 0.3, 0.1)
    higher_auc = Evaluation(3, 0.5, 0.91, 0.9, 0.1)
    assert best_of([worse, better]) is best_of([better, worse]) is better
    assert best_of([better, higher_auc, worse]) is higher_auc
    assert best_of([worse]) is worse
    assert best_of([]) is None


def test_of_equal_evaluations_the_first_is_best():
    first, second = Evaluation(1, 0.5, 0.9, 0.4, 0.1), Evaluation(2, 0.3, 0.9, 0.4, 0.1)
    assert best_of([first, second]) is first

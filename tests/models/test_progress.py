import pytest

from models.progress import TrainingProgress, duration


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (65, "1 min 05 s"), (3600, "60 min 00 s")]
)
def test_duration(seconds, words):
    assert duration(seconds) == words


def test_prints_first_and_last_step_and_evaluations(capsys):
    progress = TrainingProgress("tiny", steps=3, images_per_step=8, seconds_between=1000)
    progress.step(1, 0.7)
    progress.step(2, 0.6)
    progress.evaluated(2, 0.9, best=True)
    progress.step(3, 0.5)
    first, evaluation, last = capsys.readouterr().out.splitlines()
    assert first == "[tiny] step 1/3, loss 0.700"
    assert evaluation == "[tiny] step 2/3, eval AUC 0.900, the best yet"
    assert last.startswith("[tiny] step 3/3, loss 0.500, eval AUC 0.900, ")
    assert last.endswith("at most 0 s left")

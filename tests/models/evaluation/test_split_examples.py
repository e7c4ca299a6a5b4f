import pytest
import tensorflow as tf

from data.utils.errors import UsageError
from models.evaluation.split_examples import read_split


@pytest.mark.parametrize("folder", ["examples", "examples [1]*"])
def test_shards_of_the_split_are_read_in_order(folder, tmp_path):
    examples = tmp_path / folder
    examples.mkdir()
    for name in (
        "eval-00001-of-00002",
        "eval-00000-of-00002",
        "train-00000-of-00001",
        "eval-00000-of-00002.partial",
    ):
        with tf.io.TFRecordWriter(str(examples / name)) as writer:
            writer.write(name.encode())
    records = list(read_split(str(examples), "eval").as_numpy_iterator())
    assert records == [b"eval-00000-of-00002", b"eval-00001-of-00002"]


@pytest.mark.parametrize(
    ("folder", "split", "message"),
    [
        pytest.param("", "dev", "--split dev: choose one of train, eval, test", id="no such split"),
        pytest.param("absent", "eval", "absent: there is no such folder", id="no such folder"),
        pytest.param("", "eval", "holds no eval split", id="empty folder"),
        pytest.param("extraction", "eval", "its eval split is empty: ledger.csv", id="empty split"),
    ],
)
def test_mistakes_are_named(folder, split, message, tmp_path):
    (tmp_path / "extraction").mkdir()
    (tmp_path / "extraction" / "ledger.csv").touch()
    with pytest.raises(UsageError, match=message):
        read_split(str(tmp_path / folder), split)

import json

import pytest

from data.utils.errors import UsageError
from pipeline.dataset import read_dataset
from tests import tiny_dataset


@pytest.fixture
def examples(tmp_path):
    tiny_dataset.write(tmp_path / "examples")
    return tmp_path / "examples"


def drop_fakes(examples, split):
    path = examples / "dataset.json"
    description = json.loads(path.read_text())
    description["splits"][split]["fakes"] = 0
    path.write_text(json.dumps(description))


def test_a_folder_without_examples(tmp_path):
    with pytest.raises(
        UsageError, match=r"holds no dataset.json, which a finished `unmask extract`"
    ):
        read_dataset(tmp_path)


def test_a_split_of_one_class_is_named(examples):
    drop_fakes(examples, "eval")
    with pytest.raises(UsageError, match="split eval holds 8 real and 0 fake videos"):
        read_dataset(examples)


def test_reals_suffice_in_the_splits_that_are_named(examples):
    drop_fakes(examples, "train")
    dataset = read_dataset(examples, reals_suffice=["train"])
    assert dataset.splits["train"] == {"videos": 16, "fakes": 0}
    with pytest.raises(
        UsageError, match=r"split train holds 16 real and 0 fake .* train needs none"
    ):
        read_dataset(examples)

import pytest

import configs
from pipeline import config
from tests import tiny_dataset


@pytest.fixture
def demo_config(tmp_path):
    """The demo's configuration, on a tiny dataset in the test's folder."""
    tiny_dataset.write(tmp_path / "examples")
    overrides = [f"examples={tmp_path / 'examples'}", f"output={tmp_path / 'run'}"]
    return config.load(configs.FOLDER / "demo.yaml", overrides)

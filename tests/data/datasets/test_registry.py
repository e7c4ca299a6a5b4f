import pytest

from data.datasets import registry
from data.utils.errors import UsageError
from tests.data.datasets.trees import put


def test_reads_by_name(tmp_path):
    put(tmp_path, "real/0007.mp4")
    (video,) = registry.read_listing("uadfv", str(tmp_path)).videos
    assert video.dataset == "uadfv"


def test_unknown_name(tmp_path):
    with pytest.raises(UsageError, match="unknown dataset 'x': choose one of celeb_df, dfdc, "):
        registry.read_listing("x", str(tmp_path))


@pytest.mark.parametrize("name", sorted(registry.READERS))
def test_root_that_does_not_exist(name, tmp_path):
    with pytest.raises(UsageError, match="nowhere: there is no such file or folder; --input"):
        registry.read_listing(name, str(tmp_path / "nowhere"))

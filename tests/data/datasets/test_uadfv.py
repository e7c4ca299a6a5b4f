import pytest

from data.contract import Label
from data.datasets.uadfv import read
from data.utils.errors import UsageError
from tests.data.datasets.trees import by_name, put
from tests.data.mapped_file_system import ObjectStore


def listing(root, splits=None, official=False):
    return read(str(root), splits=splits, official=official)


@pytest.mark.parametrize("level", ["", "videos/"])
def test_real_and_fake_share_their_number(level, tmp_path):
    put(tmp_path, f"real/{level}0007.mp4", f"fake/{level}0007_fake.mp4", "real/frames/0007/0.png")
    videos = by_name(listing(tmp_path))
    real, fake = videos[f"real/{level}0007.mp4"], videos[f"fake/{level}0007_fake.mp4"]
    assert (real.label, real.method, real.original) == (Label.REAL, "real", "")
    assert (fake.label, fake.method, fake.original) == (Label.FAKE, "FakeApp", real.video_id)
    assert real.sources == fake.sources == ("uadfv/0007",)
    assert {(video.split, video.refused) for video in videos.values()} == {(None, None)}
    assert len(videos) == 2


@pytest.mark.parametrize("level", ["", "videos/"])
def test_partial_download(level, tmp_path):
    put(tmp_path, f"fake/{level}0007_fake.mp4")
    (video,) = listing(tmp_path).videos
    assert video.original == f"uadfv/real/{level}0007.mp4"


@pytest.mark.parametrize(
    "name", ["real/0007_fake.mp4", "fake/0007.mp4", "real/7.mp4", "real/0007.avi", "fake/x/0.mp4"]
)
def test_misnamed_clip_is_refused_not_lost(name, tmp_path):
    put(tmp_path, name)
    (video,) = listing(tmp_path).videos
    assert (video.refused.status, video.video_id) == ("refused_input", f"uadfv/{name}")
    assert video.label == name.startswith("fake")


def test_urls(tmp_path):
    put(tmp_path, "real/0007.mp4")
    (video,) = listing(ObjectStore.url(tmp_path)).videos
    assert (video.video_id, video.path) == (
        "uadfv/real/0007.mp4",
        f"test://{tmp_path}/real/0007.mp4",
    )


def test_folder_without_clips(tmp_path):
    put(tmp_path, "0007.mp4", "real/readme.txt")
    with pytest.raises(UsageError, match=r"no clip such as real/0000.*--input must"):
        listing(tmp_path)


@pytest.mark.parametrize(
    ("options", "name"), [({"splits": "lists"}, "--splits"), ({"official": True}, "--official")]
)
def test_options_that_mean_nothing(options, name, tmp_path):
    with pytest.raises(UsageError, match=f"{name} means nothing for uadfv"):
        listing(tmp_path, **options)

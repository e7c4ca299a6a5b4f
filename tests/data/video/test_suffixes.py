import pytest
from av.format import ContainerFormat

from data.utils.errors import UsageError
from data.video.container import FORMATS
from data.video.suffixes import VIDEO_SUFFIXES, find_videos, has_video_suffix


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.mp4", True),
        ("b/A.MOV", True),
        ("a.ts", True),
        ("a.mp4.txt", False),
        ("mp4", False),
        ("a.mp4/b", False),
        ("c.3gp", True),
        ("b/._a.mp4", False),
    ],
)
def test_what_is_named_like_a_video(name, expected):
    assert has_video_suffix(name) is expected


def test_videos_are_found_at_any_depth_and_sorted(tmp_path):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "folder.mp4").mkdir()
    for name in ("b.MP4", "deeper/a.webm", "a.mov", "notes.txt"):
        (tmp_path / name).write_text("")
    assert find_videos(tmp_path) == [
        tmp_path / name for name in ("a.mov", "b.MP4", "deeper/a.webm")
    ]


def test_links_are_followed_once_round(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for name in ("videos/a.mp4", "videos/._a.mp4", "elsewhere/b.mp4"):
        (tmp_path / name).write_text("")
    (tmp_path / "videos/link").symlink_to("../elsewhere")
    (tmp_path / "elsewhere/back").symlink_to("../videos")
    (tmp_path / "videos/gone.mp4").symlink_to("nowhere")
    found = find_videos(tmp_path / "videos")
    assert [str(path.relative_to(tmp_path / "videos")) for path in found] == [
        "a.mp4",
        "gone.mp4",
        "link/b.mp4",
    ]


_WITHOUT_ENDINGS = {"mpegts": ".m2ts", "mpeg": ".vob", "mpegvideo": ".m1v", "ivf": ".ivf"}
_WITHOUT_ENDINGS |= {"asf": ".wmv", "mxf": ".mxf", "rm": ".rm"}
"""Formats of which FFmpeg's demuxers name no ending."""


@pytest.mark.parametrize("name", FORMATS.split(","))
def test_every_format_that_is_opened_has_an_ending(name):
    if name == "ogg":  # of FFmpeg's own ending, .ogg, which most often is sound
        endings = {".ogv"}
    elif name in _WITHOUT_ENDINGS:
        endings = {_WITHOUT_ENDINGS[name]}
    else:
        endings = {f".{ending}" for ending in ContainerFormat(name, "r").extensions}
    assert endings & set(VIDEO_SUFFIXES)


def test_a_folder_without_videos_is_named(tmp_path):
    with pytest.raises(UsageError, match="no videos in this folder"):
        find_videos(tmp_path)
    with pytest.raises(UsageError, match="none: no such folder"):
        find_videos(tmp_path / "none")

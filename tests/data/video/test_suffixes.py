import pytest

from data.utils.errors import UsageError
from data.video.suffixes import find_videos, has_video_suffix


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.mp4", True),
        ("b/A.MOV", True),
        ("a.ts", True),
        ("a.mp4.txt", False),
        ("mp4", False),
        ("a.mp4/b", False),
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


def test_a_folder_without_videos_is_named(tmp_path):
    with pytest.raises(UsageError, match="no videos in this folder"):
        find_videos(tmp_path)
    with pytest.raises(UsageError, match="none: no such folder"):
        find_videos(tmp_path / "none")

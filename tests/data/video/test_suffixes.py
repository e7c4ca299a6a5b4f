import pytest

from data.video.suffixes import has_video_suffix


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

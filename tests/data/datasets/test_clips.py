import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.contract import Label
from data.datasets.base import Refusal
from data.datasets.clips import (
    clip_id,
    deduplicate_rows,
    is_inside,
    locate,
    refused_clip,
)
from data.ledger import Status
from tests.data import source_videos


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.mp4", True),
        ("a/../b.mp4", True),
        ("..a.mp4", True),
        ("", False),
        (".", False),
        ("a/..", False),
        ("..", False),
        ("../a.mp4", False),
        ("a/../../b.mp4", False),
        ("/a.mp4", False),
        ("a\0.mp4", False),
    ],
)
def test_what_is_inside(path, expected):
    assert is_inside(path) is expected


@pytest.mark.parametrize(
    ("paths", "level", "expected"),
    [
        (["p/a.mp4"], "", "p/a.mp4"),
        (["p/a.mp4"], "videos/", "p/a.mp4"),
        (["p/videos/a.mp4"], "", "p/videos/a.mp4"),
        (["p/a.mp4", "p/videos/a.mp4"], "", "p/a.mp4"),
        (["p/a.mp4", "p/videos/a.mp4"], "videos/", "p/videos/a.mp4"),
        ([], "", "p/a.mp4"),
        ([], "videos/", "p/videos/a.mp4"),
    ],
)
def test_locate(paths, level, expected):
    assert locate(paths, "p/", "a.mp4", level) == expected


def test_names_that_cannot_be_written_down():
    assert clip_id("d", "a\udcff.mp4") == "d/a%FF.mp4"
    video = refused_clip("d", "/set/", "a\0.mp4", "why", Label.REAL)
    assert (video.video_id, video.path) == ("d/a%00.mp4", "/set/a%00.mp4")
    assert (video.label, video.method, video.refused.reason) == (Label.REAL, "real", "why")


@pytest.mark.parametrize(
    ("relative", "expected"),
    [
        ("100%.mp4", "100%.mp4"),
        ("a%20b%ff.mp4", "a%20b%ff.mp4"),
        ("%FF.mp4", "%25FF.mp4"),
        ("%25.mp4", "%2525.mp4"),
        ("%\udcff.mp4", "%%FF.mp4"),
    ],
)
def test_names_that_read_like_escapes_are_escaped(relative, expected):
    assert clip_id("d", relative) == f"d/{expected}"


@given(st.text("%258Fa\udc80\udcff"))
def test_an_id_tells_its_path(name):
    """And so no two paths share one."""

    def decode(escape):
        byte = int(escape[1], 16)
        return "%" if byte == 0x25 else chr(0xDC00 + byte)

    encoded = clip_id("d", name).removeprefix("d/")
    assert re.sub("%(25|[89A-F][0-9A-F])", decode, encoded) == name


def deduplicate(*rows):
    """Settles rows given as id, label and whether they are refused; the id names the file."""
    refusal = Refusal(Status.REFUSED_INPUT, "why")
    return [
        (video.video_id, video.refused and (video.refused.status.value, video.refused.reason))
        for video in deduplicate_rows(
            (
                source_videos.video(name, fake=bool(label), refused=refusal if bad else None),
                name,
                f"row {n}",
            )
            for n, (name, label, bad) in enumerate(rows, start=1)
        )
    ]


def test_a_usable_row_has_the_id_and_bad_ones_are_numbered():
    assert deduplicate(("a", 0, True), ("b", 0, False), ("a", 0, False), ("a", 0, True)) == [
        ("a#row-1", ("refused_input", "why")),
        ("b", None),
        ("a", None),
        ("a#row-4", ("refused_input", "why")),
    ]


def test_bad_rows_alone():
    assert deduplicate(("a", 0, True), ("a", 1, True)) == [
        ("a", ("refused_input", "why")),
        ("a#row-2", ("refused_input", "why")),
    ]


def test_a_file_that_is_called_like_a_numbered_row():
    rows = ("a", 0, False), ("a", 0, False), ("a#row-2", 0, False)
    assert [video_id for video_id, _ in deduplicate(*rows)] == ["a", "a#row-2#row-2", "a#row-2"]


def test_labels_that_differ():
    reason = "refused_input", "listed with different labels: row 1 and row 2"
    assert deduplicate(("a", 1, False), ("a", 0, False), ("a", 1, False)) == [
        ("a", reason),
        ("a#row-2", reason),
        ("a#row-3", reason),
    ]

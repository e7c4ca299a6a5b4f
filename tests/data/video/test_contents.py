"""What the packets of a video tell."""

import pathlib

import av
import pytest

from data.video.contents import examine
from tests.data import bad_clips
from tests.data.bad_clips import broken, odd
from tests.data.bad_clips.encoding import SHORT_COUNT


@pytest.mark.parametrize("make", [odd.make_cover_first, odd.make_two_videos])
def test_the_video_is_chosen_not_its_cover_or_thumbnail(make, tmp_path):
    make(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert [stream.codec_context.name for stream in container.streams.video] == [
            "mjpeg",
            "h264",
        ]
    contents = examine(str(tmp_path / "clip.mp4"))
    assert (contents.number, contents.packets) == (1, SHORT_COUNT)


def test_what_an_edit_list_leaves_out_is_not_missing(tmp_path):
    odd.make_trimmed(tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].frames == bad_clips.FRAME_COUNT
    contents = examine(str(tmp_path / "clip.mp4"))
    assert (contents.packets, contents.packets_declared) == (12, 12)


def test_what_a_broken_index_does_not_reach_is_missing(tmp_path):
    broken.make_lying_table(tmp_path / "clip.mp4", b"stsz", 52, 0x7FFFFFFF)
    contents = examine(str(tmp_path / "clip.mp4"))
    assert (contents.packets, contents.packets_declared) == (10, bad_clips.FRAME_COUNT)


def test_an_index_beats_a_number_in_the_header(tmp_path):
    broken.make_lying_avi(tmp_path / "clip.avi")
    assert examine(str(tmp_path / "clip.avi")).packets_declared == SHORT_COUNT


def test_sound_that_goes_on_after_the_picture_is_no_sign_of_a_cut(tmp_path):
    odd.make_with_sound(tmp_path / "clip.webm")
    assert examine(str(tmp_path / "clip.webm")).packets_declared == SHORT_COUNT


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_subtitle_that_outlasts_the_picture_is_no_sign_of_a_cut(share, tmp_path):
    path: pathlib.Path = tmp_path / "clip.mkv"
    odd.make_with_subtitles(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    contents = examine(str(path))
    assert contents.packets_declared == bad_clips.FRAME_COUNT
    assert (contents.packets == bad_clips.FRAME_COUNT) is (share == 1.0)


def test_a_subtitle_outlasts_the_picture_where_no_tag_says_how_long_that_is(tmp_path):
    path: pathlib.Path = tmp_path / "clip.mkv"
    odd.make_with_subtitles(path)
    path.write_bytes(path.read_bytes().replace(b"DURATION", b"SOMETAGX"))
    assert examine(str(path)).packets_declared == bad_clips.FRAME_COUNT

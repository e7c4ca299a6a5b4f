"""Opening files that nobody vouches for, and what their packets tell."""

import pathlib
import socket

import av
import pytest

from data.video.container import UnreadableVideoError, examine
from tests.data import bad_clips
from tests.data.bad_clips import broken, files, odd
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


@pytest.mark.parametrize("name", ["concat:a.mp4", "http://a.mp4", "frame%03d.mp4", "-i.mp4"])
def test_names_are_names_and_nothing_else(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path(name).parent.mkdir(exist_ok=True)
    files.make_named(pathlib.Path(name))
    assert examine(name).packets == bad_clips.FRAME_COUNT


def test_texts_that_are_not_utf8(tmp_path):
    odd.make_good(tmp_path / "clip.mp4")
    content = (tmp_path / "clip.mp4").read_bytes()
    assert content.count(b"VideoHandler") == 1
    (tmp_path / "clip.mp4").write_bytes(content.replace(b"VideoHandler", b"Vid\xff\xfeHandler"))
    assert examine(str(tmp_path / "clip.mp4")).packets == bad_clips.FRAME_COUNT


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (files.make_empty, "the file is empty"),
        (files.make_text, "cannot be opened as a video: Invalid data found"),
        (files.make_folder, "not a file"),
        (files.make_pipe, "not a file"),
        (broken.make_audio_only, "there is no video stream in it"),
        (lambda path: broken.make_audio_only(path, cover=True), "there is no video stream in it"),
        (broken.make_no_frames, "the video stream holds no frame"),
        (lambda path: broken.make_renamed_codec(path, b"encv"), "there is no decoder"),
        (lambda path: files.make_picture(path, ".png"), "it is a picture, not a video"),
        (lambda path: files.make_picture(path, ".jpg"), "it is a picture, not a video"),
        (lambda path: files.make_picture(path, ".webp"), "it is a picture, not a video"),
        (files.make_avif, "it is a picture, not a video"),
        (lambda path: files.make_link(path, "clip.mp4"), "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_video_says_why(make, reason, tmp_path):
    make(tmp_path / "clip.mp4")
    with pytest.raises(UnreadableVideoError, match=reason):
        examine(str(tmp_path / "clip.mp4"))


def test_frames_too_large_are_refused_before_they_are_decoded(tmp_path):
    broken.make_huge(tmp_path / "clip.avi")
    with pytest.raises(UnreadableVideoError, match="its frames claim 12000 x 12000 pixels"):
        examine(str(tmp_path / "clip.avi"))


@pytest.mark.parametrize("name", ["absent.mp4", "dangling.mp4", "clip.mp4/inside.mp4"])
def test_missing_files(name, tmp_path):
    files.make_link(tmp_path / "dangling.mp4", "absent.mp4")
    files.make_text(tmp_path / "clip.mp4")
    with pytest.raises(FileNotFoundError):
        examine(str(tmp_path / name))


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8"])
def test_a_playlist_does_not_reach_the_network(suffix, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/segment.ts"
        path = (tmp_path / "list").with_suffix(suffix)
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n")
        with pytest.raises(UnreadableVideoError):
            examine(str(path))
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {name}\n",
    ],
)
def test_no_other_file_is_read(text, tmp_path):
    path: pathlib.Path = tmp_path / "list.m3u8"
    files.make_pointer(path, text)
    with av.open(str(path)) as followed:  # as FFmpeg does if it may
        assert next(followed.decode(video=0)).width == bad_clips.WIDTH
    with pytest.raises(UnreadableVideoError, match="it is in no format that holds video"):
        examine(str(path))


def test_pictures_in_another_file_are_not_read(tmp_path):
    broken.make_external_reference(tmp_path / "clip.mov")
    follow = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(tmp_path / "clip.mov"), options=follow) as followed:
        assert next(followed.decode(video=0)).width == bad_clips.WIDTH
    with pytest.raises(UnreadableVideoError, match="holds no frame"):
        examine(str(tmp_path / "clip.mov"))

"""Opening files that nobody vouches for."""

import pathlib
import socket

import av
import pytest

from data.video.container import UnreadableVideoError
from data.video.contents import examine
from tests.data import bad_clips
from tests.data.bad_clips import broken, files, odd


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

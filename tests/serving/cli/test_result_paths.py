import pathlib

import pytest

from data.utils.errors import UsageError
from serving.cli.result_paths import expand, result_paths

SUFFIXES = (".mp4", ".mkv")


def paths(*names):
    return [pathlib.Path(name) for name in names]


def test_a_file_for_one_video(tmp_path):
    target = tmp_path / "out.MKV"
    assert result_paths(target, paths("a.avi"), "--annotate", SUFFIXES) == {
        pathlib.Path("a.avi"): target
    }
    assert result_paths(None, paths("a.avi"), "--annotate", SUFFIXES) == {}


def test_a_folder_for_several_with_a_name_for_each(tmp_path):
    videos = paths("x/a.avi", "y/a.mov", "b.mp4", "a-2.mp4", "x/a.avi")
    results = result_paths(tmp_path / "out", videos, "--annotate", SUFFIXES)
    assert {str(video): path.name for video, path in results.items()} == {
        "x/a.avi": "a.mp4",
        "y/a.mov": "a-2.mp4",
        "b.mp4": "b.mp4",
        "a-2.mp4": "a-2-2.mp4",
    }
    assert (tmp_path / "out").is_dir()


@pytest.mark.parametrize(
    ("target", "videos", "message"),
    [
        ("out.mp4", ["a.avi", "b.avi"], "names one file, but 2 videos are given; name a folder"),
        ("out.txt", ["a.avi"], "must be a folder or end in .mp4, .mkv"),
        ("none/out.mp4", ["a.avi"], "none: no such folder for --annotate"),
        ("file", ["a.avi"], "must be a folder or end in .mp4, .mkv (File exists)"),
        ("in.mp4", ["{tmp}/in.mp4"], "would replace this video"),
        ("", ["{tmp}/in.mp4"], "in.mp4: --annotate would replace this video"),
        ("", ["{tmp}/other.mp4", "{tmp}/sub/../in.mp4"], "would replace this video"),
    ],
)
def test_what_cannot_be_is_said_before_the_work(tmp_path, target, videos, message):
    (tmp_path / "in.mp4").write_text("")
    (tmp_path / "file").write_text("")
    (tmp_path / "sub").mkdir()
    videos = paths(*(video.format(tmp=tmp_path) for video in videos))
    with pytest.raises(UsageError) as caught:
        result_paths(tmp_path / target, videos, "--annotate", SUFFIXES)
    assert message in str(caught.value)


def test_a_folder_stands_for_its_videos(tmp_path):
    (tmp_path / "deeper").mkdir()
    for name in ("b.MP4", "deeper/a.webm", "notes.txt"):
        (tmp_path / name).write_text("")
    videos = expand([tmp_path, pathlib.Path("absent.mp4")])
    assert videos == [tmp_path / "b.MP4", tmp_path / "deeper/a.webm", pathlib.Path("absent.mp4")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty: no videos in this folder"):
        expand([tmp_path / "empty"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "https://example.org/a.mp4",
            r"https://example.org/a.mp4: only files of this machine are read; fetch it first",
            id="address",
        ),
        pytest.param("gs://bucket/a.mp4", "gs://bucket/a.mp4: only files", id="bucket"),
        pytest.param("-", "-: standard input cannot be read, since", id="standard input"),
    ],
)
def test_what_is_no_path_says_what_to_do(name, message):
    with pytest.raises(UsageError, match=message):
        expand(paths(name))


def test_files_of_odd_names_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:/a.mp4").touch()
    (tmp_path / "-").touch()
    assert expand(paths("http:/a.mp4", "-", "absent.mp4")) == paths(
        "http:/a.mp4", "-", "absent.mp4"
    )

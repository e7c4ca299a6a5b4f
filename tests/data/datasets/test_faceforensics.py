import json
import os

import pytest

from data.contract import Label
from data.datasets.faceforensics import METHODS, read, read_splits
from data.errors import UsageError


@pytest.fixture
def splits_dir(tmp_path):
    folder = tmp_path / "splits"
    folder.mkdir()
    write_splits(folder)
    return folder


def write_splits(folder, **changed):
    pairs = {"train": [["001", "002"], ["003", "004"]], "val": [["005", "006"]]} | {
        "test": [["007", "008"]]
    }
    for name, value in (pairs | changed).items():
        (folder / f"{name}.json").write_text(json.dumps(value))


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def by_name(videos):
    return {video.video_id.removeprefix("faceforensics/"): video for video in videos}


def test_the_official_sample(shared_data):
    videos = by_name(read(shared_data / "ffpp", shared_data / "ffpp_splits"))
    fakes, reals = "manipulated_sequences", "original_sequences/youtube/c23/videos"
    assert {
        name: (video.label, video.method, video.split, video.refused)
        for name, video in videos.items()
    } == {
        f"{fakes}/Deepfakes/c23/videos/519_515.mp4": (1, "Deepfakes", "train", ""),
        f"{fakes}/FaceSwap/c23/videos/634_660.mp4": (1, "FaceSwap", "test", ""),
        f"{fakes}/NeuralTextures/c23/videos/004_982.mp4": (1, "NeuralTextures", "eval", ""),
        f"{reals}/004.mp4": (0, "real", "eval", ""),
        f"{reals}/519.mp4": (0, "real", "train", ""),
        f"{reals}/634.mp4": (0, "real", "test", ""),
    }
    assert videos[f"{fakes}/Deepfakes/c23/videos/519_515.mp4"].sources == (
        "faceforensics/519",
        "faceforensics/515",
    )
    assert videos[f"{reals}/519.mp4"].sources == ("faceforensics/519",)
    assert {video.compression for video in videos.values()} == {"c23"}
    assert all(os.path.getsize(video.path) > 0 for video in videos.values())


def test_the_official_lists(shared_data):
    splits = read_splits(shared_data / "ffpp_splits")
    # Section 3 of the paper: 720 videos for training, 140 for validation, 140 for test.
    counts = [list(splits.values()).count(split) for split in ("train", "eval", "test")]
    assert counts == [720, 140, 140]


@pytest.mark.parametrize("level", ["", "videos/"])
@pytest.mark.parametrize("compression", ["raw", "c0", "c23", "c40"])
def test_every_part_of_the_layout(level, compression, tmp_path, splits_dir):
    put(tmp_path, f"original_sequences/youtube/{compression}/{level}001.mp4")
    for method in METHODS:
        put(tmp_path, f"manipulated_sequences/{method}/{compression}/{level}001_002.mp4")
    videos = read(tmp_path, splits_dir)
    assert [video.method for video in videos] == [*sorted(METHODS), "real"]
    for video in videos:
        assert (video.split, video.refused, video.compression) == ("train", "", compression)
        assert video.label == (Label.REAL if video.method == "real" else Label.FAKE)


def test_without_lists_there_is_no_official_split(tmp_path):
    put(tmp_path, "manipulated_sequences/FaceSwap/c23/videos/001_999.mp4")
    (video,) = read(tmp_path, None)
    assert (video.split, video.refused) == (None, "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "manipulated_sequences/FaceSwap/c23/videos/001_005.mp4",
            "made from 001 (train) and 005 (eval), which lie in different official splits",
        ),
        (
            "manipulated_sequences/FaceSwap/c23/videos/001_999.mp4",
            "999 in none of the official split lists",
        ),
        (
            "original_sequences/youtube/c23/videos/998.mp4",
            "998 in none of the official split lists",
        ),
        (
            "original_sequences/actors/c23/videos/01__kitchen_pan.mp4",
            "actors is not a part of FaceForensics++ that is supported",
        ),
        (
            "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__kitchen_pan__YVGY8LOK.mp4",
            "DeepFakeDetection is not a part of FaceForensics++ that is supported",
        ),
        (
            "original_sequences/youtube/c23/videos/519 (copy).mp4",
            "its place or name is not that of a FaceForensics++ clip",
        ),
        (
            "original_sequences/youtube/c99/videos/001.mp4",
            "its place or name is not that of a FaceForensics++ clip",
        ),
        ("original_sequences/001.MP4", "its place or name is not that of a FaceForensics++ clip"),
    ],
)
def test_what_cannot_be_used_is_refused_not_lost(name, reason, tmp_path, splits_dir):
    put(tmp_path, name, "original_sequences/youtube/c23/videos/001.mp4")
    videos = by_name(read(tmp_path, splits_dir))
    assert len(videos) == 2
    assert (videos[name].refused, videos[name].split) == (reason, None)
    assert videos[name].label == name.startswith("manipulated")


def test_masks_and_extracted_frames_are_no_clips(tmp_path):
    put(
        tmp_path,
        "original_sequences/youtube/c23/videos/001.mp4",
        "original_sequences/youtube/c23/images/001/0000.png",
        "manipulated_sequences/Deepfakes/masks/videos/001_002.mp4",
        "downloads/001.mp4",
    )
    assert len(read(tmp_path, None)) == 1


def test_linked_folders_are_followed(tmp_path):
    put(tmp_path / "disk", "c23/videos/001.mp4")
    (tmp_path / "root" / "original_sequences").mkdir(parents=True)
    (tmp_path / "root" / "original_sequences" / "youtube").symlink_to(tmp_path / "disk")
    assert [video.refused for video in read(tmp_path / "root", None)] == [""]


def test_name_that_is_not_utf8(tmp_path):
    name = "original_sequences/youtube/c23/videos/\udcff.mp4"
    put(tmp_path, name)
    (video,) = read(tmp_path, None)
    assert video.video_id == "faceforensics/original_sequences/youtube/c23/videos/%FF.mp4"
    assert video.sources == (video.video_id,)
    assert os.path.exists(video.path)


def test_no_such_folder(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere: there is no such folder; --input must"):
        read(tmp_path / "nowhere", None)


def test_folder_without_clips(tmp_path):
    put(tmp_path, "519.mp4", "original_sequences/youtube/c23/videos/readme.txt")
    with pytest.raises(UsageError, match=r"no clip such as original_sequences.*--input must"):
        read(tmp_path, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"val\.json: cannot be read \(No such file"),
        ("{", r"val\.json: not JSON"),
        (b"\xff", r"val\.json: not JSON"),
        ('{"001": "002"}', r"val\.json: not a list of pairs"),
        ('[["005"]]', r"val\.json: not a list of pairs"),
        ("[[5, 6]]", r"val\.json: not a list of pairs"),
        ('[["001", "006"]]', r"val\.json: 001 is in train\.json too"),
    ],
)
def test_bad_split_files(content, message, tmp_path, splits_dir):
    put(tmp_path, "original_sequences/youtube/c23/videos/001.mp4")
    path = splits_dir / "val.json"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=message + ".*--splits must name a folder"):
        read(tmp_path, splits_dir)

import json
import os

import pytest

from data.contract import Label
from data.datasets.faceforensics import METHODS, read, read_splits
from data.splits import assign
from data.utils.errors import UsageError
from tests.data.datasets.trees import by_name, put
from tests.data.mapped_file_system import ObjectStore

REALS, FAKES = "original_sequences", "manipulated_sequences"


@pytest.fixture
def splits_dir(tmp_path):
    folder = tmp_path / "splits"
    folder.mkdir()
    pairs = {
        "train": [["001", "002"], ["003", "004"]],
        "val": [["005", "006"]],
        "test": [["007", "008"]],
    }
    for name, value in pairs.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    return str(folder)


def listing(root, splits=None, official=False):
    return read(str(root), splits=splits and str(splits), official=official)


def test_the_official_sample(shared_data):
    videos = by_name(listing(shared_data / "ffpp", shared_data / "ffpp_splits"))
    reals = f"{REALS}/youtube/c23/videos"
    assert {
        name: (video.label, video.method, video.split, video.refused, video.original)
        for name, video in videos.items()
    } == {
        f"{FAKES}/Deepfakes/c23/videos/519_515.mp4": (
            *(1, "Deepfakes", "train", None),
            f"faceforensics/{reals}/519.mp4",
        ),
        f"{FAKES}/FaceSwap/c23/videos/634_660.mp4": (
            *(1, "FaceSwap", "test", None),
            f"faceforensics/{reals}/634.mp4",
        ),
        f"{FAKES}/NeuralTextures/c23/videos/004_982.mp4": (
            *(1, "NeuralTextures", "eval", None),
            f"faceforensics/{reals}/004.mp4",
        ),
        f"{reals}/004.mp4": (0, "real", "eval", None, ""),
        f"{reals}/519.mp4": (0, "real", "train", None, ""),
        f"{reals}/634.mp4": (0, "real", "test", None, ""),
    }
    assert videos[f"{FAKES}/Deepfakes/c23/videos/519_515.mp4"].sources == (
        "faceforensics/519",
        "faceforensics/515",
    )
    assert videos[f"{reals}/519.mp4"].sources == ("faceforensics/519",)
    assert {video.compression for video in videos.values()} == {"c23"}
    assert all(os.path.getsize(video.path) > 0 for video in videos.values())


def test_methods_may_be_in_lower_case(tmp_path):
    name = f"{FAKES}/neuraltextures/c23/videos/004_982.mp4"
    put(tmp_path, name)
    video = by_name(listing(tmp_path))[name]
    assert (video.refused, video.method) == (None, "NeuralTextures")


def test_the_official_lists(shared_data):
    splits = read_splits(str(shared_data / "ffpp_splits"))
    # Section 3 of the paper: 720 videos for training, 140 for validation, 140 for test.
    counts = [list(splits.values()).count(split) for split in ("train", "eval", "test")]
    assert counts == [720, 140, 140]


@pytest.mark.parametrize("level", ["", "videos/"])
@pytest.mark.parametrize("compression", ["raw", "c0", "c23", "c40"])
def test_every_part_of_the_layout(level, compression, tmp_path, splits_dir):
    real = f"{REALS}/youtube/{compression}/{level}001.mp4"
    put(tmp_path, real)
    for method in METHODS:
        put(tmp_path, f"{FAKES}/{method}/{compression}/{level}001_002.mp4")
    videos = listing(tmp_path, splits_dir).videos
    assert [video.method for video in videos] == [*sorted(METHODS), "real"]
    for video in videos:
        assert (video.split, video.refused, video.compression) == ("train", None, compression)
        assert video.label == (Label.REAL if video.method == "real" else Label.FAKE)
        assert video.original == ("" if video.method == "real" else f"faceforensics/{real}")
        assert (video.identities, video.split_by) == ((), ())


def test_original_is_found_on_either_level_and_named_where_it_is_absent(tmp_path):
    put(
        tmp_path,
        f"{REALS}/youtube/c23/001.mp4",
        f"{FAKES}/FaceSwap/c23/videos/001_002.mp4",
        f"{FAKES}/FaceSwap/c40/videos/001_002.mp4",
    )
    videos = by_name(listing(tmp_path))
    assert [
        videos[f"{FAKES}/FaceSwap/{compression}/videos/001_002.mp4"].original
        for compression in ("c23", "c40")
    ] == [
        f"faceforensics/{REALS}/youtube/c23/001.mp4",
        f"faceforensics/{REALS}/youtube/c40/videos/001.mp4",
    ]


def test_without_lists_there_is_no_official_split(tmp_path):
    put(tmp_path, f"{FAKES}/FaceSwap/c23/videos/001_999.mp4")
    (video,) = listing(tmp_path).videos
    assert (video.split, video.refused) == (None, None)


@pytest.mark.parametrize("level", ["", "videos/"])
def test_actors_of_the_deep_fake_detection_set(level, tmp_path, splits_dir):
    real = f"{REALS}/actors/c23/{level}01__exit_phone_room.mp4"
    fake = f"{FAKES}/DeepFakeDetection/c23/{level}01_02__exit_phone_room__YVGY8LOK.mp4"
    put(tmp_path, real, fake)
    videos = by_name(listing(tmp_path, splits_dir))
    first, second = "faceforensics/actors/01", "faceforensics/actors/02"
    assert (videos[real].label, videos[real].method) == (Label.REAL, "real")
    assert (videos[fake].label, videos[fake].method) == (Label.FAKE, "DeepFakeDetection")
    for video, actors in ((videos[real], (first,)), (videos[fake], (first, second))):
        assert video.sources == video.split_by == video.identities == actors
        assert (video.split, video.refused, video.compression) == (None, None, "c23")
    assert (videos[real].original, videos[fake].original) == ("", f"faceforensics/{real}")


def test_actors_are_drawn_one_by_one_and_pairs_that_cross_are_dropped(tmp_path):
    actors = [f"{actor:02}" for actor in range(1, 29)]
    for target in actors:
        put(tmp_path, f"{REALS}/actors/c23/videos/{target}__kitchen_pan.mp4")
        for source in actors:
            if source != target:
                name = f"{target}_{source}__kitchen_pan__AAAAAAAA.mp4"
                put(tmp_path, f"{FAKES}/DeepFakeDetection/c23/videos/{name}")
    videos = listing(tmp_path).videos
    assignments = assign(videos)
    split_of = {
        video.sources[0]: assignments[video.video_id].split
        for video in videos
        if video.label == Label.REAL
    }
    assert set(split_of.values()) == {"train", "eval", "test"}
    for video in videos:
        meant = {split_of[actor] for actor in video.sources}
        assert assignments[video.video_id].split == (meant.pop() if len(meant) == 1 else None)


MISPLACED = "its place or name is not that of a FaceForensics++ clip"


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        (
            f"{FAKES}/FaceSwap/c23/videos/001_005.mp4",
            "refused_cross_split",
            "made from clips of different official splits: 001 (train) and 005 (eval)",
        ),
        (
            f"{FAKES}/FaceSwap/c23/videos/001_999.mp4",
            "refused_input",
            "in none of the official split lists: 999",
        ),
        (
            f"{REALS}/youtube/c23/videos/998.mp4",
            "refused_input",
            "in none of the official split lists: 998",
        ),
        (
            f"{REALS}/tiktok/c23/videos/001.mp4",
            "refused_input",
            "not a part of FaceForensics++ that is supported: tiktok",
        ),
        (f"{REALS}/youtube/c23/videos/519 (copy).mp4", "refused_input", MISPLACED),
        (f"{REALS}/youtube/c23/videos/519.avi", "refused_input", MISPLACED),
        (f"{REALS}/youtube/c23/videos/01__kitchen_pan.mp4", "refused_input", MISPLACED),
        (f"{REALS}/actors/c23/videos/001.mp4", "refused_input", MISPLACED),
        (f"{REALS}/FaceSwap/c23/videos/001_002.mp4", "refused_input", MISPLACED),
        (f"{FAKES}/youtube/c23/videos/001.mp4", "refused_input", MISPLACED),
        (f"{FAKES}/DeepFakeDetection/c23/001_002.mp4", "refused_input", MISPLACED),
        (f"{FAKES}/DeepFakeDetection/c23/01_02__kitchen_pan.mp4", "refused_input", MISPLACED),
        (f"{REALS}/youtube/c99/videos/001.mp4", "refused_input", MISPLACED),
        (f"{REALS}/001.MP4", "refused_input", MISPLACED),
    ],
)
def test_what_cannot_be_used_is_refused_not_lost(name, status, reason, tmp_path, splits_dir):
    put(tmp_path, name, f"{REALS}/youtube/c23/videos/001.mp4")
    videos = by_name(listing(tmp_path, splits_dir))
    assert len(videos) == 2
    refused = videos[name].refused
    assert (refused.status, refused.reason, videos[name].split) == (status, reason, None)
    assert videos[name].label == name.startswith("manipulated")


def test_masks_and_extracted_frames_are_no_clips(tmp_path):
    put(
        tmp_path,
        f"{REALS}/youtube/c23/videos/001.mp4",
        f"{REALS}/youtube/c23/images/001/0000.png",
        f"{FAKES}/Deepfakes/masks/videos/001_002.mp4",
        "downloads/001.mp4",
    )
    assert len(listing(tmp_path).videos) == 1


def test_what_is_no_file_but_named_so_is_listed(tmp_path):
    folder = tmp_path / REALS / "youtube" / "c23" / "videos"
    (folder / "001.mp4").mkdir(parents=True)
    (folder / "002.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert [video.refused for video in listing(tmp_path).videos] == [None, None]


def test_linked_folders_are_followed(tmp_path):
    put(tmp_path / "disk", "c23/videos/001.mp4")
    (tmp_path / "root" / REALS).mkdir(parents=True)
    (tmp_path / "root" / REALS / "youtube").symlink_to(tmp_path / "disk")
    assert [video.refused for video in listing(tmp_path / "root").videos] == [None]


def test_name_that_is_not_utf8(tmp_path):
    put(tmp_path, f"{REALS}/youtube/c23/videos/\udcff.mp4")
    (video,) = listing(tmp_path).videos
    assert video.video_id == f"faceforensics/{REALS}/youtube/c23/videos/%FF.mp4"
    assert video.sources == (video.video_id,)
    assert os.path.exists(video.path)


def test_urls(tmp_path, splits_dir):
    put(tmp_path, f"{FAKES}/FaceSwap/c23/videos/001_002.mp4")
    (video,) = listing(ObjectStore.url(tmp_path), ObjectStore.url(splits_dir)).videos
    assert video == by_name(listing(ObjectStore.url(tmp_path) + "/", splits_dir)).popitem()[1]
    assert video.path == f"test://{tmp_path}/{FAKES}/FaceSwap/c23/videos/001_002.mp4"
    assert video.split == "train"


def test_folder_without_clips(tmp_path):
    put(tmp_path, "519.mp4", f"{REALS}/youtube/c23/videos/readme.txt")
    with pytest.raises(UsageError, match=r"no clip such as original_sequences.*--input must"):
        listing(tmp_path)


def test_option_that_means_nothing(tmp_path):
    with pytest.raises(UsageError, match="--official means nothing for faceforensics"):
        listing(tmp_path, official=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"val\.json: there is no such file"),
        ("{", r"val\.json: not JSON"),
        (b"\xff", r"val\.json: not JSON"),
        ('[["\\ud800", "001"]]', r"val\.json: not JSON"),
        ('{"001": "002"}', r"val\.json: not a list of pairs"),
        ('[["005"]]', r"val\.json: not a list of pairs"),
        ("[[5, 6]]", r"val\.json: not a list of pairs"),
        ('[["001", "006"]]', r"val\.json: 001 is in train\.json too"),
    ],
)
def test_bad_split_files(content, message, tmp_path, splits_dir):
    put(tmp_path, f"{REALS}/youtube/c23/videos/001.mp4")
    path = tmp_path / "splits" / "val.json"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=message + ".*--splits must name a folder"):
        listing(tmp_path, splits_dir)

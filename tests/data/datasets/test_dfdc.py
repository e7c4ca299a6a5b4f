import collections
import json
import os

import pytest

from data.contract import SPLITS, Label
from data.datasets.base import UNKNOWN_LABEL
from data.datasets.dfdc import read
from data.splits import assign
from data.utils.errors import UsageError
from tests.data.datasets.trees import by_name, put
from tests.data.mapped_file_system import ObjectStore

PART = {
    "a.mp4": {"label": "REAL", "split": "train", "original": None},
    "b.mp4": {"label": "FAKE", "split": "train", "original": "a.mp4"},
    "c.mp4": {"label": "FAKE", "split": "train", "original": "gone.mp4"},
    "d.mp4": {"label": "FAKE", "split": "train", "original": "gone.mp4"},
}
REAL_1 = "original_videos/1003254/1003254_A/1003254_A_001.mp4"
FAKE_1 = "method_A/1003254/1003254_A/1255229_1003254_A_001.mp4"
REAL_2 = "original_videos/2000000/2000000_B/2000000_B_002.mp4"
PREVIEW = {
    REAL_1: {"label": "real", "set": "train", "target_id": "1003254", "swapped_id": None},
    FAKE_1: {"label": "fake", "set": "train", "target_id": 1003254, "swapped_id": 1255229},
    REAL_2: {"label": "real", "set": "test", "target_id": "2000000", "swapped_id": None},
}


def listing(root, splits=None, official=False):
    return read(str(root), splits=splits, official=official)


def put_json(root, name, value):
    put(root, name, content=json.dumps(value).encode())


def test_the_official_sample(shared_data):
    videos = by_name(listing(shared_data / "dfdc" / "dfdc_train_part_0"))
    assert {
        name: (video.label, video.original, video.sources, os.path.exists(video.path))
        for name, video in videos.items()
    } == {
        "awnfpubqmo.mp4": (1, "", ("dfdc/lnhkjhyhvw.mp4",), False),
        "brtujopkby.mp4": (1, "", ("dfdc/gnmmhlbzge.mp4",), True),
        "lynaeydofd.mp4": (0, "", ("dfdc/lynaeydofd.mp4",), True),
    }
    assert not any(video.refused or video.split for video in videos.values())


def test_a_whole_part_by_its_metadata_alone(shared_data):
    path = shared_data / "dfdc" / "train_part_3_metadata.json"
    entries = json.loads(path.read_text())
    dataset = listing(path)
    videos = by_name(dataset)
    assert set(videos) == set(entries)
    assert len(videos) == 1455
    counts = collections.Counter(video.label for video in videos.values())
    assert (counts[Label.FAKE], counts[Label.REAL]) == (1236, 219)
    assert len(dataset.notes) == 1
    assert "actors" in dataset.notes[0]
    families = collections.defaultdict(set)
    for name, entry in entries.items():
        families[entry.get("original", name)].add(f"dfdc/{name}")
        assert videos[name].original == (f"dfdc/{entry['original']}" if "original" in entry else "")
    groups = collections.defaultdict(set)
    for video_id, assignment in assign(dataset.videos).items():
        groups[assignment.source_group].add(video_id)
    assert sorted(map(sorted, groups.values())) == sorted(map(sorted, families.values()))
    assert len(groups) == 219


@pytest.mark.parametrize("folder", ["", "dfdc_train_part_0/", "train/dfdc_train_part_0/"])
@pytest.mark.parametrize("level", ["", "videos/"])
def test_parts_wherever_they_lie(folder, level, tmp_path):
    put_json(tmp_path, f"{folder}metadata.json", PART)
    put(tmp_path, f"{folder}{level}a.mp4", f"{folder}{level}b.mp4")
    videos = by_name(listing(tmp_path))
    assert list(videos) == sorted(
        [f"{folder}{level}a.mp4", f"{folder}{level}b.mp4", f"{folder}c.mp4", f"{folder}d.mp4"]
    )
    fake = videos[f"{folder}{level}b.mp4"]
    assert (fake.label, fake.method, fake.sources) == (Label.FAKE, "unknown", ("dfdc/a.mp4",))
    assert fake.original == f"dfdc/{folder}{level}a.mp4"
    assert [video.refused for video in videos.values()] == [None] * 4
    assert {video.splits_allowed for video in videos.values()} == {SPLITS}


def test_original_that_no_metadata_lists_still_binds_its_fakes(tmp_path):
    put_json(tmp_path, "metadata.json", PART)
    videos = by_name(listing(tmp_path))
    assert videos["c.mp4"].sources == videos["d.mp4"].sources == ("dfdc/gone.mp4",)
    assert videos["c.mp4"].original == ""


def test_several_parts_and_what_no_metadata_lists(tmp_path):
    put_json(tmp_path, "dfdc_train_part_0/metadata.json", PART)
    put_json(tmp_path, "dfdc_train_part_1/metadata.json", {"e.mp4": {"label": "REAL"}})
    put(tmp_path, "dfdc_train_part_1/f.mp4", "dfdc_train_part_2/\udcff.mp4", "readme.txt")
    videos = by_name(listing(tmp_path))
    assert len(videos) == 7
    for name in ("dfdc_train_part_1/f.mp4", "dfdc_train_part_2/%FF.mp4"):
        video = videos[name]
        assert (video.label, video.refused.status) == (UNKNOWN_LABEL, "refused_input")
        assert video.refused.reason == "no metadata lists it"
        assert os.path.exists(video.path)


def test_metadata_named_as_root_looks_at_its_own_folder_only(tmp_path, monkeypatch):
    put_json(tmp_path, "part/other_name.json", PART)
    put(tmp_path, "part/videos/b.mp4", "part/x.mp4", "part/more/y.mp4", "part/frames.mp4/z.mp4")
    expected = ["a.mp4", "c.mp4", "d.mp4", "frames.mp4", "videos/b.mp4", "x.mp4"]
    assert list(by_name(listing(tmp_path / "part" / "other_name.json"))) == expected
    monkeypatch.chdir(tmp_path / "part")
    videos = by_name(listing("other_name.json"))
    assert list(videos) == expected
    assert os.path.exists(videos["videos/b.mp4"].path)


@pytest.mark.parametrize(
    ("held_out", "allowed"),
    [
        ({"test": "test"}, ("train", "eval")),
        ({"validation": "eval"}, ("train", "test")),
        ({"test": "test", "validation": "eval"}, ("train",)),
    ],
    ids=["test", "validation", "both"],
)
def test_what_is_held_out_officially(held_out, allowed, tmp_path):
    put_json(tmp_path, "dfdc_train_part_0/metadata.json", PART)
    for folder in held_out:
        put(tmp_path, f"{folder}/labels.csv", content=b"filename,label\nx.mp4,1\ny.mp4,0\n")
        put(tmp_path, f"{folder}/videos/x.mp4")
    videos = by_name(listing(tmp_path))
    for folder, split in held_out.items():
        fake, real = videos[f"{folder}/videos/x.mp4"], videos[f"{folder}/y.mp4"]
        assert (fake.label, fake.split, real.label, real.split) == (1, split, 0, split)
    for name in PART:
        video = videos[f"dfdc_train_part_0/{name}"]
        assert (video.split, video.splits_allowed) == (None, allowed)


def test_labels_of_the_released_test_set(tmp_path):
    put_json(tmp_path, "test/metadata.json", {"x.mp4": {"is_fake": 1}, "y.mp4": {"is_fake": 0}})
    fake, real = listing(tmp_path).videos
    assert (fake.label, fake.split, real.label, real.split) == (1, "test", 0, "test")


def test_preview_names_actors_and_official_sets(tmp_path):
    put_json(tmp_path, "dataset.json", PREVIEW)
    put(tmp_path, *PREVIEW)
    dataset = listing(tmp_path)
    videos = by_name(dataset)
    assert dataset.notes == ()
    actor, other = "dfdc/actor 1003254", "dfdc/actor 1255229"
    assert videos[REAL_1].sources == videos[REAL_1].identities == (actor,)
    assert videos[FAKE_1].sources == videos[FAKE_1].identities == (actor, other)
    assert (videos[REAL_1].method, videos[FAKE_1].method) == ("real", "method_A")
    assert [videos[name].label for name in PREVIEW] == [0, 1, 0]
    assert [videos[name].split for name in PREVIEW] == [None, None, "test"]
    assert videos[FAKE_1].splits_allowed == ("train", "eval")
    assert [video.refused for video in videos.values()] == [None] * 3


def test_preview_without_its_test_set_trains_all_the_same(tmp_path):
    put_json(tmp_path, "dataset.json", {FAKE_1: PREVIEW[FAKE_1]})
    (video,) = listing(tmp_path).videos
    assert (video.split, video.splits_allowed) == (None, ("train", "eval"))


@pytest.mark.parametrize(
    ("name", "entry", "reason", "label"),
    [
        ("x.mp4", {"label": "MAYBE"}, "its label is neither REAL nor FAKE: 'MAYBE'", -1),
        ("x.mp4", {}, "its label is neither REAL nor FAKE: None", -1),
        ("x.mp4", "FAKE", "its label is neither REAL nor FAKE: None", -1),
        ("x.mp4", {"is_fake": 2}, "its label is neither REAL nor FAKE: 2", -1),
        ("../x.mp4", {"label": "REAL"}, "its path leads out of the dataset: '../x.mp4'", 0),
        ("/x.mp4", {"label": "FAKE"}, "its path leads out of the dataset: '/x.mp4'", 1),
        ("", {"label": "FAKE"}, "its path leads out of the dataset: ''", 1),
        ("x\0.mp4", {"label": "FAKE"}, r"its path leads out of the dataset: 'x\x00.mp4'", 1),
        ("x.mp4", {"label": "fake", "set": "dev"}, "its set is neither train nor test: 'dev'", 1),
    ],
)
def test_bad_entry_is_refused_and_the_others_go_on(name, entry, reason, label, tmp_path):
    put_json(tmp_path, "part/metadata.json", {**PART, name: entry})
    videos = by_name(listing(tmp_path))
    assert len(videos) == 5
    video = videos[f"part/{name}".replace("\0", "%00")]
    assert (video.refused.status, video.refused.reason) == ("refused_input", reason)
    assert video.label == label
    assert "\0" not in video.path
    assert sum(other.refused is None for other in videos.values()) == 4


def test_clip_that_is_listed_again(tmp_path):
    rows = b"filename,label\nx.mp4,1\n./x.mp4,1\ny.mp4,1\ny.mp4,0\nz.mp4\n"
    put(tmp_path, "test/labels.csv", content=rows)
    videos = by_name(listing(tmp_path))
    assert {name: video.refused and video.refused.status for name, video in videos.items()} == {
        "test/x.mp4": None,
        "test/x.mp4#test/labels.csv-line-3": "duplicate",
        "test/y.mp4": "refused_input",
        "test/y.mp4#test/labels.csv-line-5": "refused_input",
        "test/z.mp4": "refused_input",
    }


def test_names_in_a_list_that_are_not_utf8(tmp_path):
    rows = b"filename,label\n\xff/\xff.mp4,1\n\xff/\xff.mp4,1\n"
    put(tmp_path, "\udcfe/labels.csv", content=rows)
    put(tmp_path, "\udcfe/\udcff/\udcff.mp4")
    video, again = listing(tmp_path).videos
    assert (video.video_id, video.method) == ("dfdc/%FE/%FF/%FF.mp4", "%FF")
    assert again.video_id == "dfdc/%FE/%FF/%FF.mp4#%FE/labels.csv-line-3"
    assert again.refused.reason == "listed already: %FE/labels.csv line 2"
    assert video.sources == ("dfdc/%FF.mp4",)
    assert os.path.exists(video.path)


def test_urls(tmp_path):
    put_json(tmp_path, "dfdc_train_part_0/metadata.json", PART)
    put(tmp_path, "dfdc_train_part_0/videos/a.mp4")
    videos = by_name(listing(ObjectStore.url(tmp_path)))
    video = videos["dfdc_train_part_0/videos/a.mp4"]
    assert video.path == f"test://{tmp_path}/dfdc_train_part_0/videos/a.mp4"
    root = ObjectStore.url(tmp_path / "dfdc_train_part_0")
    assert by_name(listing(f"{root}/metadata.json"))["videos/a.mp4"].path == video.path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.mp4", "", "no metadata.json or dataset.json or labels.csv in it"),
        ("part/metadata.json", "{", r"part/metadata\.json: not JSON"),
        ("part/metadata.json", "[]", r"part/metadata\.json: not an object"),
        ("test/labels.csv", "name,label\n", r"test/labels\.csv: its columns must be"),
        ("test/labels.csv", '"', r"test/labels\.csv, line 1: not CSV"),
    ],
)
def test_metadata_that_cannot_be_read(name, content, message, tmp_path):
    put(tmp_path, name, content=content.encode())
    with pytest.raises(UsageError, match=message):
        listing(tmp_path)


def test_metadata_that_does_not_exist(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere\.json: there is no such file; --input must"):
        listing(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("options", "name"), [({"splits": "lists"}, "--splits"), ({"official": True}, "--official")]
)
def test_options_that_mean_nothing(options, name, tmp_path):
    with pytest.raises(UsageError, match=f"{name} means nothing for dfdc"):
        listing(tmp_path, **options)

import pytest

from data.contract import Label
from data.datasets.celeb_df import read
from data.splits import assign, check_leakage
from data.utils.errors import UsageError
from tests.data.datasets.trees import by_name, put
from tests.data.mapped_file_system import ObjectStore

LIST = """\
1 YouTube-real/00170.mp4
1 Celeb-real/id1_0007.mp4
0 Celeb-synthesis/id1_id0_0007.mp4
0 Celeb-synthesis/id2_id0_0003.mp4
"""
TRAINING = ("train", "eval")


def listing(root, splits=None, official=False):
    return read(str(root), splits=splits and str(splits), official=official)


def put_list(root, text=LIST):
    put(root, "List_of_testing_videos.txt", content=text.encode())


def test_the_official_list_of_version_2(shared_data):
    videos = listing(shared_data / "celebdf").videos
    assert len(videos) == 518
    assert [sum(video.label == label for video in videos) for label in Label] == [178, 340]
    assert {(video.split, video.refused) for video in videos} == {("test", None)}
    ids = {video.video_id for video in videos}
    fakes = [video for video in videos if video.label == Label.FAKE]
    assert all(video.original.startswith("celeb_df/Celeb-real/id") for video in fakes)
    assert sum(video.original not in ids for video in fakes) == 234


def test_the_training_side_of_version_2_is_disjoint_from_its_list(shared_data, tmp_path):
    """All reals and fakes that may exist of the target clips in the list and of one outside."""
    listed = (shared_data / "celebdf" / "List_of_testing_videos.txt").read_text().split()[1::2]
    fakes = [name for name in listed if name.startswith("Celeb-synthesis")]
    for name in (*fakes, "Celeb-synthesis/id99_id0_0000.mp4"):
        target, source, number = name.removeprefix("Celeb-synthesis/").split("_")
        put(tmp_path, name, f"Celeb-real/{target}_{number}")
        put(tmp_path, f"Celeb-synthesis/{target}_{source}9_{number}")
    root = tmp_path, shared_data / "celebdf" / "List_of_testing_videos.txt"
    videos = listing(*root).videos
    dropped = [video for video in videos if video.refused]
    assert {video.refused.status for video in dropped} == {"refused_cross_split"}
    assert {video.label for video in dropped} == {Label.REAL, Label.FAKE}
    kept = [video for video in videos if not video.refused and video.split is None]
    assert [video.video_id.split("/")[-1] for video in kept] == [
        "id99_0000.mp4",
        "id99_id09_0000.mp4",
        "id99_id0_0000.mp4",
    ]
    official = listing(*root, official=True)
    leaking = len(dropped)
    assert official.notes[-1].startswith(f"{leaking} clips of the training side share a target")
    assignments = assign(official.videos)
    assert all(assignment.refused is None for assignment in assignments.values())
    assert sum(assignment.split == "test" for assignment in assignments.values()) == 518


@pytest.mark.parametrize("level", ["", "videos/"])
@pytest.mark.parametrize("youtube", ["YouTube-real", "Youtube-real"])
def test_all_folders(level, youtube, tmp_path):
    names = {
        f"{youtube}/{level}00170.mp4": ("test", None),
        f"{youtube}/{level}00171.mp4": (None, None),
        f"Celeb-real/{level}id1_0007.mp4": ("test", None),
        f"Celeb-real/{level}id1_0008.mp4": (None, None),
        f"Celeb-real/{level}id2_0003.mp4": (None, "refused_cross_split"),
        f"Celeb-synthesis/{level}id1_id0_0007.mp4": ("test", None),
        f"Celeb-synthesis/{level}id1_id3_0007.mp4": (None, "refused_cross_split"),
        f"Celeb-synthesis/{level}id1_id0_0008.mp4": (None, None),
        f"Celeb-synthesis/{level}id2_id0_0003.mp4": ("test", None),
    }
    put(tmp_path, *names, "Celeb-real/frames/id1_0007/0.png")
    put_list(tmp_path)
    videos = by_name(listing(tmp_path))
    assert {
        name: (video.split, video.refused and video.refused.status)
        for name, video in videos.items()
    } == names
    assert all(video.splits_allowed == TRAINING for video in videos.values() if video.split is None)

    fake = videos[f"Celeb-synthesis/{level}id1_id0_0008.mp4"]
    assert (fake.label, fake.method) == (Label.FAKE, "Celeb-synthesis")
    assert fake.sources == ("celeb_df/id1_0008",)
    assert fake.identities == ("celeb_df/id1", "celeb_df/id0")
    assert fake.original == f"celeb_df/Celeb-real/{level}id1_0008.mp4"
    real = videos[f"Celeb-real/{level}id1_0008.mp4"]
    assert (real.label, real.method, real.original) == (Label.REAL, "real", "")
    assert (real.sources, real.identities) == (fake.sources, ("celeb_df/id1",))
    youtube_real = videos[f"{youtube}/{level}00171.mp4"]
    assert (youtube_real.label, youtube_real.identities) == (Label.REAL, ())
    dropped = videos[f"Celeb-synthesis/{level}id1_id3_0007.mp4"].refused
    assert dropped.reason == "shares its target clip with the official test list: id1_0007"


def test_target_clips_go_to_train_or_eval_whole(tmp_path):
    for number in range(40):
        put(tmp_path, f"Celeb-real/id5_{number:04}.mp4")
        put(tmp_path, *(f"Celeb-synthesis/id5_id{s}_{number:04}.mp4" for s in (6, 7)))
    put_list(tmp_path)
    videos = listing(tmp_path).videos
    assignments = assign(videos)
    split_of = {}
    for video in videos:
        split_of.setdefault(video.sources, set()).add(assignments[video.video_id].split)
    assert all(len(splits) == 1 for splits in split_of.values())
    drawn = [min(splits) for sources, splits in split_of.items() if "id5_" in sources[0]]
    assert set(drawn) == set(TRAINING)


@pytest.mark.parametrize("level", ["", "videos/"])
def test_listed_clip_that_is_missing_lies_where_its_folder_is(level, tmp_path):
    put(tmp_path, f"Youtube-real/{level}00001.mp4")
    put_list(tmp_path, "1 YouTube-real/00170.mp4\n1 Celeb-real/id1_0007.mp4\n")
    assert list(by_name(listing(tmp_path))) == [
        "Celeb-real/id1_0007.mp4",
        f"Youtube-real/{level}00001.mp4",
        f"Youtube-real/{level}00170.mp4",
    ]


def test_official_takes_the_list_as_it_is(tmp_path):
    put(tmp_path, "Celeb-real/id2_0003.mp4", "Celeb-synthesis/id1_id3_0007.mp4")
    put_list(tmp_path)
    leaking = listing(tmp_path, official=True)
    assert leaking.notes[1].startswith("2 clips of the training side share a target clip")
    assert "leak" in leaking.notes[1]
    assert len(listing(tmp_path).notes) == 1
    assignments = assign(leaking.videos)
    videos = by_name(leaking)
    for name, splits in {
        "Celeb-real/id2_0003.mp4": TRAINING,
        "Celeb-synthesis/id1_id3_0007.mp4": TRAINING,
        "Celeb-synthesis/id2_id0_0003.mp4": ("test",),
    }.items():
        assert assignments[videos[name].video_id].split in splits
    leaks = check_leakage(
        (video_id, assignment.split, assignment.source_group, video_id, 0)
        for video_id, assignment in assignments.items()
    )
    assert not [leak for leak in leaks if "source group" in leak]


@pytest.mark.parametrize(
    "name",
    [
        "Celeb-real/id1_id2_0007.mp4",
        "Celeb-real/id1_7.mp4",
        "Celeb-real/x/id1_0007.mp4",
        "YouTube-real/170.mp4",
        "Celeb-synthesis/id1_0007.mp4",
        "Celeb-synthesis/id1_id2_0007.avi",
        "Celeb-synthesis/\udcff.mp4",
    ],
)
def test_misnamed_clip_is_refused_not_lost(name, tmp_path):
    put(tmp_path, name)
    put_list(tmp_path, "1 Celeb-real/id1_0007.mp4\n")
    videos = by_name(listing(tmp_path))
    video = videos[name.replace("\udcff", "%FF")]
    assert (len(videos), video.refused.status) == (2, "refused_input")
    assert video.label == name.startswith("Celeb-synthesis")


def test_list_from_elsewhere_and_urls(tmp_path):
    put(tmp_path, "dataset/Celeb-real/id1_0007.mp4")
    put(tmp_path, "list.txt", content="\ufeff1  Celeb-real/id1_0007.mp4\r\n\r\n".encode())
    (video,) = listing(
        ObjectStore.url(tmp_path / "dataset"), ObjectStore.url(tmp_path / "list.txt")
    ).videos
    assert video.path == f"test://{tmp_path}/dataset/Celeb-real/id1_0007.mp4"
    assert video.split == "test"


def test_version_3_has_a_folder_for_each_method(tmp_path):
    fakes = "Celeb-synthesis"
    put(
        tmp_path,
        "Celeb-real/id1_0007.mp4",
        f"{fakes}/FaceSwap/Celeb-DF/id1_id0_0007.mp4",
        f"{fakes}/FaceSwap/GHOST/id1_id0_0007.mp4",
        f"{fakes}/FaceReenact/LIA/id9_id0_0001.mp4",
        f"{fakes}/TalkingFace/FLOAT/somebody_speaks.mp4",
    )
    tested = f"0 {fakes}/FaceSwap/GHOST/id1_id0_0007.mp4\n0 {fakes}/TalkingFace/FLOAT/other.mp4\n"
    put_list(tmp_path, LIST.splitlines()[1] + "\n" + tested)
    videos = by_name(listing(tmp_path))
    assert {name: (video.method, video.split) for name, video in videos.items()} == {
        "Celeb-real/id1_0007.mp4": ("real", "test"),
        f"{fakes}/FaceSwap/Celeb-DF/id1_id0_0007.mp4": ("Celeb-synthesis", None),
        f"{fakes}/FaceSwap/GHOST/id1_id0_0007.mp4": ("GHOST", "test"),
        f"{fakes}/FaceReenact/LIA/id9_id0_0001.mp4": ("LIA", None),
        f"{fakes}/TalkingFace/FLOAT/somebody_speaks.mp4": ("unknown", None),
    }
    refused = {name: video.refused.status for name, video in videos.items() if video.refused}
    assert refused == {
        f"{fakes}/FaceSwap/Celeb-DF/id1_id0_0007.mp4": "refused_cross_split",
        f"{fakes}/TalkingFace/FLOAT/somebody_speaks.mp4": "refused_input",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such file"),
        ("", "names no clip"),
        ("1 Celeb-real/id1_0007.mp4\n0 Celeb-real/id2_0008.mp4\n", "line 2: the label contradicts"),
        ("\n1 Celeb-synthesis/id1_id0_0007.mp4\n", "line 2: the label contradicts"),
        ("Celeb-real/id1_0007.mp4\n", "line 1: not a line such as '1 Celeb-real/"),
        ("2 Celeb-real/id1_0007.mp4\n", "line 1: not a line such as"),
        ("1 Celeb-fake/id1_0007.mp4\n", "line 1: not a line such as"),
        ("1 ../Celeb-real/id1_0007.mp4\n", "line 1: not a line such as"),
        (b"\xff", "not text in UTF-8"),
    ],
)
def test_bad_lists(text, message, tmp_path):
    put(tmp_path, "Celeb-real/id1_0007.mp4")
    if text is not None:
        content = text if isinstance(text, bytes) else text.encode()
        put(tmp_path, "List_of_testing_videos.txt", content=content)
    with pytest.raises(UsageError, match=message) as caught:
        listing(tmp_path)
    assert str(tmp_path / "List_of_testing_videos.txt") in str(caught.value)
    assert "--splits must name it" in str(caught.value)


def test_list_that_is_a_folder(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        listing(tmp_path, tmp_path)

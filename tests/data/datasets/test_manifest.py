import pytest

from data.contract import Label
from data.datasets.base import UNKNOWN_LABEL
from data.splits import assign
from data.utils.errors import UsageError
from tests.data.datasets.manifests import by_id, listing, write
from tests.data.mapped_file_system import ObjectStore


def test_two_columns_are_enough(tmp_path):
    write(tmp_path, "file,label", "real/a.mp4,REAL", "b.mp4,fake")
    fake, real = listing(tmp_path).videos
    assert (real.video_id, real.path) == ("manifest/real/a.mp4", f"{tmp_path}/real/a.mp4")
    assert (real.label, real.method, real.dataset) == (Label.REAL, "real", "manifest")
    assert (fake.label, fake.method, fake.compression) == (Label.FAKE, "unknown", "")
    assert (real.split, real.refused, real.slices) == (None, None, {})
    assert (real.sources, fake.sources) == (("manifest/real/a.mp4",), ("manifest/b.mp4",))


def test_all_columns(tmp_path):
    path = write(
        tmp_path,
        "age_group,file,label,split,source,method,dataset,compression,Light",
        "18-30,f.mp4,FAKE,val,ann; bob,Deepfakes,mine,c40,",
        name="clips.csv",
    )
    (video,) = listing(path).videos
    assert (video.video_id, video.path) == ("mine/f.mp4", f"{tmp_path}/f.mp4")
    assert (video.method, video.dataset, video.compression) == ("Deepfakes", "mine", "c40")
    assert video.split == "eval"
    assert video.sources == ("manifest/ann", "manifest/bob")
    assert video.slices == {"age_group": "18-30", "Light": "unknown"}


@pytest.mark.parametrize(
    ("written", "split"),
    [
        ("train", "train"),
        ("eval", "eval"),
        ("val", "eval"),
        ("Validation", "eval"),
        ("TEST", "test"),
        ("", None),
    ],
)
def test_split_names(written, split, tmp_path):
    write(tmp_path, "file,label,split", f"a.mp4,REAL,{written}")
    assert listing(tmp_path).videos[0].split == split


def test_source_may_be_a_person_or_the_file_of_another_row(tmp_path):
    write(
        tmp_path,
        "file,label,source,dataset",
        "real/a.mp4,REAL,ann,reals",
        "real/b.mp4,REAL,,reals",
        "fake/1.mp4,FAKE,./real/a.mp4,fakes",
        "fake/2.mp4,FAKE,real//b.mp4; carl,fakes",
        "fake/3.mp4,FAKE,ann,fakes",
        "fake/4.mp4,FAKE,carl,other",
        "fake/5.mp4,FAKE,dora,other",
    )
    assigned = assign(listing(tmp_path).videos)
    groups = {video_id: assignment.source_group for video_id, assignment in assigned.items()}
    a, b = (groups[f"reals/real/{name}.mp4"] for name in "ab")
    fake_a, fake_b, fake_ann = (groups[f"fakes/fake/{n}.mp4"] for n in (1, 2, 3))
    fake_carl, fake_dora = (groups[f"other/fake/{n}.mp4"] for n in (4, 5))
    assert a == fake_a == fake_ann
    assert b == fake_b == fake_carl
    assert len({a, b, fake_dora}) == 3


def test_one_more_fake_does_not_rename_its_group(tmp_path):
    lines = ["file,label,source", "real/a.mp4,REAL,", "fake/1.mp4,FAKE,real/a.mp4"]
    write(tmp_path, *lines)
    before = assign(listing(tmp_path).videos)
    write(tmp_path, *lines, "another/fake.mp4,FAKE,real/a.mp4")
    after = assign(listing(tmp_path).videos)
    assert before.items() <= after.items()


def test_file_that_does_not_exist_is_listed(tmp_path):
    write(tmp_path, "file,label", "nowhere.mp4,REAL")
    assert len(listing(tmp_path).videos) == 1


def test_original_is_the_one_source_that_is_the_file_of_a_real(tmp_path):
    write(
        tmp_path,
        "file,label,source,dataset,split",
        "real/a.mp4,REAL,ann,reals,",
        "real/b.mp4,REAL,,reals,",
        "real/x.mp4,REAL,real/a.mp4,reals,",
        "bad.mp4,REAL,,reals,dev",
        "fake/1.mp4,FAKE,./real/a.mp4;person 7,fakes,",
        "fake/2.mp4,FAKE,real/a.mp4;real/b.mp4,fakes,",
        "fake/3.mp4,FAKE,ann,fakes,",
        "fake/4.mp4,FAKE,fake/3.mp4,fakes,",
        "fake/5.mp4,FAKE,bad.mp4,fakes,",
        "fake/6.mp4,FAKE,,fakes,",
    )
    originals = {name: video.original for name, video in by_id(tmp_path).items() if video.original}
    assert originals == {"fakes/fake/1.mp4": "reals/real/a.mp4"}


@pytest.mark.parametrize(
    ("row", "video_id", "label", "reason"),
    [
        (",REAL,,,", "", 0, "not a path inside the manifest's folder: ''"),
        ("a.mp4,,x,,", "a.mp4", -1, "its label is '', neither REAL nor FAKE"),
        ("a.mp4,ral,,,", "a.mp4", -1, "its label is 'ral', neither REAL nor FAKE"),
        ("a.mp4,1,,,", "a.mp4", -1, "its label is '1', neither REAL nor FAKE: lists differ in"),
        ("a.mp4,True,,,", "a.mp4", -1, "its label is 'True', neither REAL nor FAKE: lists differ"),
        ("a.mp4,REAL,dev,,", "a.mp4", 0, "its split is none of train, eval, test: 'dev'"),
        ("../a.mp4,REAL,,,", "../a.mp4", 0, "not a path inside the manifest's folder: '../a.mp4'"),
        ("x/../../a.mp4,FAKE,,,", "x/../../a.mp4", 1, "not a path inside the manifest's folder: "),
        ("/etc/a.mp4,REAL,,,", "/etc/a.mp4", 0, "not a path inside the manifest's folder: '/etc"),
        (".,REAL,,,", ".", 0, "not a path inside the manifest's folder: '.'"),
        ("a.mp4,REAL,,Deepfakes,", "a.mp4", 0, "a REAL video has no method: 'Deepfakes'"),
        ("a.mp4,FAKE,,real,", "a.mp4", 1, "the method of a FAKE video is what it was made by: "),
        ("a.mp4,REAL,,,a/b", "a.mp4", 0, "a dataset's name has no / in it: 'a/b'"),
        ("a.mp4,REAL", "a.mp4", 0, "a row of 2 cells, but there are 5 columns"),
        ("a.mp4,REAL,,,,", "a.mp4", 0, "a row of 6 cells, but there are 5 columns"),
        ("b.mp4", "b.mp4", -1, "a row of 1 cells, but there are 5 columns"),
    ],
)
def test_bad_row_is_refused_and_the_others_go_on(row, video_id, label, reason, tmp_path):
    write(tmp_path, "file,label,split,method,dataset", "first.mp4,REAL,,,", row, "z.mp4,FAKE,,,")
    videos = by_id(tmp_path)
    assert len(videos) == 3
    bad = videos[f"manifest/{video_id}"]
    assert (bad.refused.status, bad.label) == ("refused_input", label)
    assert bad.refused.reason.startswith(reason)
    assert videos["manifest/first.mp4"].refused is None
    assert videos["manifest/z.mp4"].refused is None


def test_bad_row_keeps_a_dataset_that_can_be_used(tmp_path):
    write(tmp_path, "file,label,dataset", "a.mp4,MAYBE,mine")
    (video,) = listing(tmp_path).videos
    assert (video.video_id, video.dataset) == ("mine/a.mp4", "mine")


def test_row_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes(b"file,label,dataset\ncaf\xe9.mp4,REAL,\na.mp4,REAL,caf\xe9\nb.mp4,REAL,\n")
    videos = by_id(path)
    assert {
        video_id: video.refused and video.refused.reason for video_id, video in videos.items()
    } == {
        "manifest/caf%E9.mp4": "not UTF-8",
        "manifest/a.mp4": "not UTF-8",
        "manifest/b.mp4": None,
    }


def test_file_that_is_listed_again_is_a_duplicate(tmp_path):
    write(
        tmp_path,
        "file,label,dataset",
        '"two',
        'lines.mp4",REAL,',
        "a.mp4,REAL,",
        "./a.mp4,REAL,",
        "b/../a.mp4,REAL,other",
        "a.mp4,MAYBE,",
    )
    videos = by_id(tmp_path)
    refused = {video_id: video.refused for video_id, video in videos.items()}
    assert {video_id: r and (r.status, r.reason) for video_id, r in refused.items()} == {
        "manifest/two\nlines.mp4": None,
        "manifest/a.mp4": None,
        "manifest/a.mp4#line-5": ("duplicate", "listed already: line 4"),
        "other/a.mp4": ("duplicate", "listed already: line 4"),
        "manifest/a.mp4#line-7": ("refused_input", "its label is 'MAYBE', neither REAL nor FAKE"),
    }
    assert videos["manifest/a.mp4#line-5"].label == Label.REAL
    assert videos["manifest/a.mp4#line-7"].label == UNKNOWN_LABEL


def test_rows_of_one_file_that_disagree_on_its_label_are_all_refused(tmp_path):
    write(tmp_path, "file,label", "a.mp4,REAL", "b.mp4,REAL", "a.mp4,REAL", "a.mp4,FAKE")
    videos = by_id(tmp_path)
    assert videos.pop("manifest/b.mp4").refused is None
    assert {video_id: video.label for video_id, video in videos.items()} == {
        "manifest/a.mp4": Label.REAL,
        "manifest/a.mp4#line-4": Label.REAL,
        "manifest/a.mp4#line-5": Label.FAKE,
    }
    assert {(video.refused.status, video.refused.reason) for video in videos.values()} == {
        ("refused_input", "listed with different labels: line 2 and line 5")
    }


def test_all_rows_may_be_bad(tmp_path):
    write(tmp_path, "file,label", *(f"{i}.mp4,MAYBE" for i in range(12)), "0.mp4,MAYBE", "x")
    assert len(by_id(tmp_path)) == 14


def test_urls(tmp_path):
    write(tmp_path, "file,label", "real/a.mp4,REAL")
    for root in (ObjectStore.url(tmp_path), ObjectStore.url(tmp_path / "manifest.csv")):
        (video,) = listing(root).videos
        assert video.path == f"test://{tmp_path}/real/a.mp4"


@pytest.mark.parametrize(
    ("options", "name"), [({"splits": "lists"}, "--splits"), ({"official": True}, "--official")]
)
def test_options_that_mean_nothing(options, name, tmp_path):
    write(tmp_path, "file,label", "a.mp4,REAL")
    with pytest.raises(UsageError, match=f"{name} means nothing for a manifest.*column 'split'"):
        listing(tmp_path, **options)

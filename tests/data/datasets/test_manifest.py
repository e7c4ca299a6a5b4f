import unicodedata

import pytest

from data.contract import Label
from data.datasets.base import UNKNOWN_LABEL
from data.datasets.manifest import read
from data.splits import assign
from data.utils.errors import UsageError
from tests.data.mapped_file_system import ObjectStore


def write(folder, *lines, name="manifest.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def listing(root, splits=None, official=False):
    return read(str(root), splits=splits, official=official)


def by_id(root):
    return {video.video_id: video for video in listing(root).videos}


def problems(path):
    with pytest.raises(UsageError) as caught:
        listing(path)
    return str(caught.value)


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


def test_spreadsheet_files_are_read(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes('\ufefffile , label\r\n\r\n"a, ""b"".mp4",REAL\r\nünï.mp4,Fake\r\n'.encode())
    assert [video.video_id for video in listing(path).videos] == [
        'manifest/a, "b".mp4',
        "manifest/ünï.mp4",
    ]


@pytest.mark.parametrize(
    "content",
    [
        "file;label\na.mp4;REAL\nb.mp4;FAKE\n",
        "file\tlabel\na.mp4\tREAL\nb.mp4\tFAKE\n",
        "sep=;\r\nFile;LABEL\r\na.mp4;real\r\nb.mp4;fake\r\n",
        '"sep=|"\nfile|label\na.mp4|R\nb.mp4|F\n',
        'file, label\n"a.mp4", "REAL"\n"b.mp4", "FAKE"\n',
        "file,label\na.mp4,r\n,\n , \nb.mp4,f\n,\n",
    ],
    ids=["semicolons", "tabs", "sep=", "quoted sep=", "space before a quote", "Excel's empty rows"],
)
def test_tables_as_spreadsheets_write_them(content, tmp_path):
    (tmp_path / "clips.csv").write_bytes(content.encode())
    videos = listing(tmp_path / "clips.csv").videos
    assert [(video.video_id, video.label, video.refused) for video in videos] == [
        ("manifest/a.mp4", Label.REAL, None),
        ("manifest/b.mp4", Label.FAKE, None),
    ]


def test_paths_as_windows_and_absolute_ones_are_of_the_same_files(tmp_path):
    (tmp_path / "clips").mkdir()
    path = write(
        tmp_path / "clips", "file,label", f"{tmp_path}/clips/real/a.mp4,REAL", r"x\b.mp4,R"
    )
    assert {video_id: video.path for video_id, video in by_id(path).items()} == {
        "manifest/real/a.mp4": f"{tmp_path}/clips/real/a.mp4",
        "manifest/x/b.mp4": f"{tmp_path}/clips/x/b.mp4",
    }
    outside = write(tmp_path / "clips", "file,label", f"{tmp_path}/a.mp4,REAL", name="other.csv")
    (video,) = listing(outside).videos
    assert "move the manifest to a folder above all of its files" in video.refused.reason


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_letters_with_accents_in_either_form_are_the_same_file(form, stored, tmp_path):
    path = tmp_path / unicodedata.normalize(stored, "José.mp4")
    path.touch()
    name = unicodedata.normalize(form, "José.mp4")
    write(tmp_path, "file,label,source", f"{name},REAL,", "f.mp4,FAKE,josé")
    videos = by_id(tmp_path)
    assert videos["manifest/José.mp4"].path == str(path)
    assert videos["manifest/f.mp4"].original == "manifest/José.mp4"


def leaks(videos):
    """Fakes that are drawn apart from the real clip `NNN.mp4` that `NNN_*.mp4` was made of."""
    groups = {name: entry.source_group for name, entry in assign(videos).items()}
    return sum(
        group != groups[f"manifest/real/{name.rpartition('/')[2][:3]}.mp4"]
        for name, group in groups.items()
        if "/fake/" in name
    )


@pytest.mark.parametrize(
    "spelling",
    [
        "real/{}.mp4",
        "{}.mp4",
        "{}",
        "{folder}/real/{}.mp4",
        "real\\{}.mp4",
        "C:\\clips\\real\\{}.mp4",
        "REAL/{}.MP4",
        "{}.mp4, person {}",
    ],
)
def test_a_source_is_found_however_it_is_written(spelling, tmp_path):
    rows = [f"real/{n:03}.mp4;REAL;" for n in range(40)]
    rows += [
        f"fake/{n:03}_x.mp4;FAKE;" + spelling.replace("{}", f"{n:03}").format(folder=tmp_path)
        for n in range(40)
    ]
    write(tmp_path, "file;label;source", *rows)
    assert leaks(listing(tmp_path).videos) == 0


def test_fakes_of_unknown_source_are_counted_and_named(tmp_path):
    rows = [f"real/{n:03}.mp4,REAL," for n in range(40)]
    rows += [f"fake/{n:03}_x.mp4,FAKE," for n in range(40)]
    write(tmp_path, "file,label,source", *rows, "fake/last.mp4,FAKE,ann")
    (without, unmatched) = listing(tmp_path).notes
    assert "40 of 41 fakes name no source, so it is unknown" in without
    assert "fake/000_x.mp4, fake/001_x.mp4, fake/002_x.mp4 and 37 more" in without
    assert "1 sources of fakes are no file of the list" in unmatched
    assert unmatched.endswith(": ann")


def test_a_name_that_two_files_have_means_neither(tmp_path):
    write(tmp_path, "file,label,source", "a/1.mp4,REAL,", "b/1.mp4,REAL,", "f.mp4,FAKE,1.mp4")
    assert by_id(tmp_path)["manifest/f.mp4"].original == ""
    assert (
        "1 sources of fakes are no file of the list, or one of several"
        in listing(tmp_path).notes[0]
    )


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
    ("header", "message"),
    [
        ("path,label", "no column 'file'"),
        ("file|label", "no column 'file'.*must name the columns, but holds 'file|label'"),
        ("file", "no column 'label'"),
        ("", "no column 'file'.*holds nothing"),
        ("file,label,label", "column 'label' is there more than once"),
        ("file,label,age group", "column 'age group' must be renamed: only letters"),
        ("file,label,âge", "column 'âge' must be renamed: only letters"),
        ("file,label,", "column '' must be renamed: only letters"),
        ("file,label,source_group", "column 'source_group' must be renamed: the name is taken"),
        ("file,label,sharpness", "column 'sharpness' must be renamed: the name is taken"),
        ("file,label,face_size", "column 'face_size' must be renamed: the name is taken"),
        ("file,label,Label", "column 'label' is there more than once"),
    ],
)
def test_bad_header(header, message, tmp_path):
    path = write(tmp_path, header, "a.mp4,REAL,x")
    with pytest.raises(UsageError, match=message) as caught:
        listing(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column 'file'"),
        (b"file,label\n", "lists no video"),
        ("file,label\na.mp4,REAL\n".encode("utf-16"), "UTF-8"),
        (b'file,label\na.mp4,REAL\n"b.mp4,REAL\n', "not CSV"),
        (b"file,label\na.mp4,REAL\nb\x00.mp4,REAL\n", "line 3: not CSV"),
        (b"caf\xe9,file,label\n", "the header is not UTF-8"),
    ],
)
def test_files_that_are_no_manifest(content, message, tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes(content)
    assert message in problems(path)


def test_no_such_file(tmp_path):
    assert "none.csv: there is no such file; --input must name a CSV" in problems(
        tmp_path / "none.csv"
    )
    assert f"{tmp_path}: cannot be read (Is a directory)" in problems(tmp_path)


@pytest.mark.parametrize(
    ("options", "name"), [({"splits": "lists"}, "--splits"), ({"official": True}, "--official")]
)
def test_options_that_mean_nothing(options, name, tmp_path):
    write(tmp_path, "file,label", "a.mp4,REAL")
    with pytest.raises(UsageError, match=f"{name} means nothing for a manifest.*column 'split'"):
        listing(tmp_path, **options)

"""Manifests as spreadsheets and other systems write them, and what is none."""

import unicodedata

import pytest

from data.contract import Label
from data.utils.errors import UsageError
from tests.data.datasets.manifests import by_id, listing, problems, write


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

import pytest

from data import splits
from data.contract import Label
from data.datasets.manifest import read
from data.errors import UsageError


def write(folder, *lines, name="manifest.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def problems(path):
    with pytest.raises(UsageError) as caught:
        read(path)
    return str(caught.value)


def test_two_columns_are_enough(tmp_path):
    write(tmp_path, "file,label", "real/a.mp4,REAL", "b.mp4,fake")
    real, fake = read(tmp_path)
    assert (real.video_id, real.path) == ("manifest/real/a.mp4", f"{tmp_path}/real/a.mp4")
    assert (real.label, real.method, real.dataset) == (Label.REAL, "real", "manifest")
    assert (fake.label, fake.method, fake.compression) == (Label.FAKE, "unknown", "")
    assert (real.split, real.refused, real.slices) == (None, "", {})
    assert (real.sources, fake.sources) == (("manifest/real/a.mp4",), ("manifest/b.mp4",))


def test_all_columns(tmp_path):
    path = write(
        tmp_path,
        "age_group,file,label,split,source,method,dataset,compression,Light",
        "18-30,f.mp4,FAKE,val,ann; bob,Deepfakes,mine,c40,",
        name="clips.csv",
    )
    (video,) = read(path)
    assert video.video_id == "mine/f.mp4"
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
    assert read(tmp_path)[0].split == split


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
    groups = [assignment.source_group for assignment in splits.assign(read(tmp_path)).values()]
    a, b, fake_a, fake_b, fake_ann, fake_carl, fake_dora = groups
    assert a == fake_a == fake_ann
    assert b == fake_b == fake_carl
    assert len({a, b, fake_dora}) == 3


def test_one_more_fake_does_not_rename_its_group(tmp_path):
    lines = ["file,label,source", "real/a.mp4,REAL,", "fake/1.mp4,FAKE,real/a.mp4"]
    write(tmp_path, *lines)
    before = splits.assign(read(tmp_path))
    write(tmp_path, *lines, "another/fake.mp4,FAKE,real/a.mp4")
    after = splits.assign(read(tmp_path))
    assert before.items() <= after.items()


def test_file_that_does_not_exist_is_listed(tmp_path):
    write(tmp_path, "file,label", "nowhere.mp4,REAL")
    assert len(read(tmp_path)) == 1


def test_spreadsheet_files_are_read(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes('\ufefffile , label\r\n\r\n"a, ""b"".mp4",REAL\r\nünï.mp4,Fake\r\n'.encode())
    assert [video.video_id for video in read(path)] == ['manifest/a, "b".mp4', "manifest/ünï.mp4"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",REAL,,,", "no file"),
        ("a.mp4,,,,", "label '' must be REAL or FAKE"),
        ("a.mp4,1,,,", "label '1' must be REAL or FAKE"),
        ("a.mp4,REAL,dev,,", "split 'dev' must be one of train, eval, test"),
        ("../a.mp4,REAL,,,", "file '../a.mp4' must be a path inside the manifest's folder"),
        ("x/../../a.mp4,REAL,,,", "must be a path inside the manifest's folder"),
        ("/etc/a.mp4,REAL,,,", "file '/etc/a.mp4' must be a path inside"),
        (".,REAL,,,", "file '.' must be a path inside"),
        ("./first.mp4,REAL,,,", "file 'first.mp4' is in line 2 already"),
        ("a.mp4,REAL,,Deepfakes,", "method 'Deepfakes' on a REAL video must be left empty"),
        ("a.mp4,FAKE,,real,", "method 'real' on a FAKE video must be the method"),
        ("a.mp4,REAL,,,a/b", "dataset 'a/b' must not contain /"),
        ("a.mp4,REAL", "2 cells, but there are 5 columns"),
        ("a.mp4,REAL,,,,", "6 cells, but there are 5 columns"),
    ],
)
def test_bad_row_is_named_by_line(row, problem, tmp_path):
    # The quoted line break makes rows and lines differ.
    second = '"two\nlines.mp4",REAL,,,'
    path = write(tmp_path, "file,label,split,method,dataset", "first.mp4,REAL,,,", second, row)
    message = problems(path)
    assert message.startswith(f"{path}: 1 to be corrected:\n  line 5: ")
    assert problem in message


def test_all_that_is_wrong_is_counted_and_the_first_ten_are_listed(tmp_path):
    path = write(tmp_path, "file,label", *(f"{i}.mp4,MAYBE" for i in range(12)), "x")
    lines = problems(path).splitlines()
    assert lines[0] == f"{path}: 13 to be corrected:"
    assert lines[1] == "  line 2: label 'MAYBE' must be REAL or FAKE"
    assert lines[10].startswith("  line 11:")
    assert lines[11:] == ["  and 3 more"]


def test_problems_of_all_kinds_are_in_the_order_of_lines(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes(b"file,label\na.mp4,MAYBE\ncaf\xe9.mp4,REAL\na.mp4,REAL,x\na.mp4,REAL\n")
    assert problems(path).splitlines()[1:] == [
        "  line 2: label 'MAYBE' must be REAL or FAKE",
        "  line 3: not UTF-8",
        "  line 4: 3 cells, but there are 2 columns",
        "  line 5: file 'a.mp4' is in line 2 already",
    ]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("path,label", "no column 'file'"),
        ("file;label", "no column 'file'.*separated by commas, but holds 'file;label'"),
        ("file", "no column 'label'"),
        ("", "no column 'file'.*holds nothing"),
        ("file,label,label", "column 'label' is there more than once"),
        ("file,label,age group", "column 'age group' must be renamed: only letters"),
        ("file,label,âge", "column 'âge' must be renamed: only letters"),
        ("file,label,", "column '' must be renamed: only letters"),
        ("file,label,source_group", "column 'source_group' must be renamed: the name is taken"),
        ("file,label,sharpness", "column 'sharpness' must be renamed: the name is taken"),
        ("file,label,face_size", "column 'face_size' must be renamed: the name is taken"),
        ("file,label,Method", "column 'Method' must be renamed: the name is taken"),
    ],
)
def test_bad_header(header, message, tmp_path):
    path = write(tmp_path, header, "a.mp4,REAL,x")
    with pytest.raises(UsageError, match=message) as caught:
        read(path)
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
    assert "manifest.csv: cannot be read (No such file" in problems(tmp_path)
    assert "none.csv: cannot be read (No such file" in problems(tmp_path / "none.csv")


def test_split_lists_have_no_place(tmp_path):
    write(tmp_path, "file,label", "a.mp4,REAL")
    with pytest.raises(UsageError, match="leave out --splits"):
        read(tmp_path, tmp_path)

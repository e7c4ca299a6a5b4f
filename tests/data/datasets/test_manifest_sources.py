"""What a source means is found by path, then by name, and never where two files could be meant."""

import pytest

from data.datasets.manifest_sources import SourceMatcher, plain_path
from data.splits import assign
from tests.data.datasets.manifests import by_id, listing, write

PATHS = ["real/001.mp4", "real/Ann.mp4", "other/001.mp4", "x/bob.mov"]


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("real/001.mp4", "real/001.mp4"),
        ("./real//001.mp4", "real/001.mp4"),
        ("/data/real/001.mp4", "real/001.mp4"),
        ("real\\ann.MP4", "real/Ann.mp4"),
        ("D:\\there\\bob.mov", "x/bob.mov"),
        ("ANN", "real/Ann.mp4"),
        ("001", None),  # two files
        ("001.mp4", None),
        ("nobody", None),
        ("elsewhere/real/001.mp4", None),
    ],
)
def test_the_file_that_is_meant(source, path):
    assert SourceMatcher(PATHS, "/data").find(source) == path


@pytest.mark.parametrize(
    ("cell", "sources"),
    [
        ("", []),
        (" ; ", []),
        ("ann; bob", ["real/Ann.mp4", "x/bob.mov"]),
        ("ann, bob", ["real/Ann.mp4", "x/bob.mov"]),
        ("ann, person 7", ["real/Ann.mp4", "person 7"]),
        ("Doe, Jane", ["Doe, Jane"]),
    ],
)
def test_lists_of_sources(cell, sources):
    assert SourceMatcher(PATHS, "/data").sources(cell) == sources


def test_paths_outside_the_folder_stay_whole():
    assert plain_path("/data2/a.mp4", "/data") == "/data2/a.mp4"
    assert plain_path("gs://bucket/x/a.mp4", "gs://bucket/x") == "a.mp4"


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

"""What a source means is found by path, then by name, and never where two files could be meant."""

import pytest

from data.datasets.manifest_sources import SourceMatcher, plain_path

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

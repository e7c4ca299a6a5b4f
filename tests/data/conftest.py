"""Clips, good and bad, and their extraction, which runs once for all tests of jobs."""

import pathlib
import shutil

import pytest

from data.datasets import registry
from data.extraction import job
from data.faces import FaceExtractor
from tests.data import bad_clips
from tests.data.extracted_clips import EXPECTED, OPTIONS


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """A manifest of the clips, of one that is absent, of a copy, and of a fake across splits."""
    folder = tmp_path_factory.mktemp("dataset")
    rows = ["file,label,split,source,method,camera"]
    for name in EXPECTED:
        getattr(bad_clips, f"make_{name}")(folder / f"{name}.mp4")
        rows.append(f"{name}.mp4,REAL,train,,,phone")
    shutil.copy(folder / "good.mp4", folder / "the same.mp4")
    shutil.copy(folder / "rotated.mp4", folder / "across.mp4")
    rows += [
        "the same.mp4,REAL,train,,,phone",
        "absent.mp4,REAL,train,,,phone",
        "anchor.mp4,REAL,test,,,",
        "across.mp4,FAKE,,good.mp4;anchor.mp4,Swap,",
        "fake.mp4,FAKE,eval,,Swap,",
    ]
    shutil.copy(folder / "truncated.mp4", folder / "fake.mp4")
    with open(folder / "fake.mp4", "ab") as file:
        file.write(b"\0")  # another file of the same pictures
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def listing(dataset):
    return registry.read_listing("manifest", str(dataset))


@pytest.fixture(scope="session")
def extracted(listing, tmp_path_factory):
    output = tmp_path_factory.mktemp("extracted")
    job.extract([listing], str(output), OPTIONS)
    return output


@pytest.fixture
def opened(monkeypatch):
    """Names of the files that jobs open from now on."""
    names = []
    original = FaceExtractor.extract

    def extract(self, path, *arguments):
        names.append(pathlib.Path(path).name)
        return original(self, path, *arguments)

    monkeypatch.setattr(FaceExtractor, "extract", extract)
    return names

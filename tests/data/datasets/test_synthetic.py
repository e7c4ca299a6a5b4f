import re

import pytest

from data.contract import Label
from data.datasets import synthetic
from data.datasets.base import SourceVideo
from data.synthetic import generator
from data.utils.errors import UsageError
from tests.data.datasets.trees import put
from tests.data.mapped_file_system import ObjectStore

METADATA = """\
file,identity,label,split,method,compression
real/id0000.mp4,id0000,REAL,train,real,crf18
fake/id0000.mp4,id0000,FAKE,train,SelfBlended,crf18
real/id0001.mp4,id0001,REAL,test,real,crf28
"""


def listing(root, splits=None, official=False):
    return synthetic.read(str(root), splits=splits, official=official)


def test_each_row_becomes_a_video(tmp_path):
    put(tmp_path, "metadata.csv", content=METADATA.encode())
    videos = listing(tmp_path).videos
    assert videos[0] == SourceVideo(
        video_id="synthetic/fake/id0000.mp4",
        path=str(tmp_path / "fake" / "id0000.mp4"),
        label=Label.FAKE,
        dataset="synthetic",
        method="SelfBlended",
        compression="crf18",
        sources=("synthetic/id0000",),
        split="train",
        original="synthetic/real/id0000.mp4",
        identities=("synthetic/id0000",),
    )
    assert [video.label for video in videos] == [Label.FAKE, Label.REAL, Label.REAL]
    assert [video.method for video in videos] == ["SelfBlended", "real", "real"]
    assert [video.split for video in videos] == ["train", "train", "test"]
    assert [video.original for video in videos[1:]] == ["", ""]


def test_fake_whose_original_is_not_listed(tmp_path):
    put(tmp_path, "metadata.csv", content=METADATA.replace(",REAL", ",FAKE").encode())
    assert {video.original for video in listing(tmp_path).videos} == {""}


def test_reads_what_the_generator_writes(tmp_path):
    options = generator.SyntheticOptions(identities=4, frames=2, workers=1)
    generator.generate(tmp_path, options)
    videos = listing(tmp_path).videos
    assert len(videos) == 8
    assert sorted(video.path for video in videos) == sorted(map(str, tmp_path.glob("*/*.mp4")))


def test_row_that_is_there_twice(tmp_path):
    put(tmp_path, "metadata.csv", content=(METADATA + METADATA.splitlines()[1]).encode())
    last = listing(tmp_path).videos[2]
    assert (last.video_id, last.refused.status) == (
        "synthetic/real/id0000.mp4#line-5",
        "duplicate",
    )


def test_urls(tmp_path):
    put(tmp_path, "metadata.csv", content=METADATA.encode())
    video = listing(ObjectStore.url(tmp_path)).videos[0]
    assert video.path == f"test://{tmp_path}/fake/id0000.mp4"


@pytest.mark.parametrize("leftover", [None, "metadata.csv.partial"])
def test_incomplete_folder_is_an_error_that_names_it(tmp_path, leftover):
    if leftover:
        put(tmp_path, leftover, content=METADATA.encode())
    with pytest.raises(UsageError, match=re.escape(str(tmp_path)) + ".*unmask demo"):
        listing(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("identity", "person", "its columns must be file,identity"),
        ("id0001,REAL", "id0001,MAYBE", "line 4: not a row of"),
        (",test", ",dev", "line 4: not a row of"),
        (",crf28", "", "line 4: not a row of"),
    ],
)
def test_metadata_of_something_else(old, new, message, tmp_path):
    put(tmp_path, "metadata.csv", content=METADATA.replace(old, new).encode())
    with pytest.raises(UsageError, match=message + ".*unmask demo"):
        listing(tmp_path)


@pytest.mark.parametrize(
    ("options", "name"), [({"splits": "lists"}, "--splits"), ({"official": True}, "--official")]
)
def test_options_that_mean_nothing(options, name, tmp_path):
    with pytest.raises(UsageError, match=f"{name} means nothing for synthetic"):
        listing(tmp_path, **options)

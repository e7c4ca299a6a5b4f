import re

import pytest

from data import synthetic as generator
from data.contract import Label
from data.datasets import synthetic
from data.datasets.base import SourceVideo
from data.errors import UsageError

METADATA = """\
file,identity,label,split,method,compression
real/id0000.mp4,id0000,REAL,train,real,crf18
fake/id0000.mp4,id0000,FAKE,train,SelfBlended,crf18
real/id0001.mp4,id0001,REAL,test,real,crf28
"""


def test_each_row_becomes_a_video(tmp_path):
    (tmp_path / "metadata.csv").write_text(METADATA)
    videos = synthetic.read(tmp_path)
    assert videos[1] == SourceVideo(
        video_id="synthetic/fake/id0000.mp4",
        path=str(tmp_path / "fake" / "id0000.mp4"),
        label=Label.FAKE,
        dataset="synthetic",
        method="SelfBlended",
        compression="crf18",
        sources=("synthetic/id0000",),
        split="train",
    )
    assert [video.label for video in videos] == [Label.REAL, Label.FAKE, Label.REAL]
    assert [video.method for video in videos] == ["real", "SelfBlended", "real"]
    assert [video.split for video in videos] == ["train", "train", "test"]


def test_reads_what_the_generator_writes(tmp_path):
    options = generator.SyntheticOptions(identities=4, frames=2, workers=1)
    generator.generate(tmp_path, options)
    videos = synthetic.read(tmp_path)
    assert len(videos) == 8
    assert sorted(video.path for video in videos) == sorted(map(str, tmp_path.glob("*/*.mp4")))


@pytest.mark.parametrize("leftover", [None, "metadata.csv.partial"])
def test_incomplete_folder_is_an_error_that_names_it(tmp_path, leftover):
    if leftover:
        (tmp_path / leftover).write_text(METADATA)
    with pytest.raises(UsageError, match=re.escape(str(tmp_path)) + ".*unmask demo"):
        synthetic.read(tmp_path)

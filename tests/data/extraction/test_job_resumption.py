"""Jobs that were killed, that are repeated, and that find an earlier result."""

import dataclasses
import errno
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from data import ledger
from data.datasets import registry
from data.extraction import job, output_layout
from data.extraction.plan import plan_extraction
from data.faces import FaceOptions
from data.utils import tfrecord
from data.utils.errors import UsageError
from tests.data.bad_clips.encoding import encode, face_frames, partly_blurred_frames
from tests.data.extracted_clips import OPTIONS, assert_same, read_examples

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parents[3]


def test_an_output_that_lost_a_part_is_not_whole(listing, extracted, tmp_path):
    assert plan_extraction([listing], str(extracted), OPTIONS).is_done
    for lost in ("train-00000-of-00001", ledger.FILE_NAME, output_layout.DESCRIPTION_FILE):
        copy = pathlib.Path(shutil.copytree(extracted, tmp_path / f"without {lost}"))
        (copy / lost).unlink()
        plan = plan_extraction([listing], str(copy), OPTIONS)
        assert (plan.is_done, plan.reused) == (False, ())


def test_a_finished_job_is_not_repeated(listing, extracted, monkeypatch):
    monkeypatch.setattr(job.beam, "Pipeline", None)
    assert len(job.extract([listing], str(extracted), OPTIONS)) == len(listing.videos)


KILLED_JOB = """
import data.utils.environment
import os, signal, sys
from data.datasets import registry
from data.extraction import job
from data.extraction.options import ExtractionOptions
from data.faces import FaceOptions
from data.utils import files

def dying(function, position, mark, times):
    seen = [0]
    def call(*arguments):
        seen[0] += mark in arguments[position]
        if seen[0] == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)
    return call

if __name__ == "__main__":
    _, dataset, output, mark, times = sys.argv
    files.write = dying(files.write, 0, mark, int(times))
    files.move = dying(files.move, 1, mark, int(times))
    options = ExtractionOptions(faces=FaceOptions(frames_per_video=4))
    job.extract([registry.read_listing("manifest", dataset)], output, options)
"""


@pytest.mark.parametrize(
    ("mark", "times", "finished"),
    [("/videos/", 5, 3), ("train-00000-of-00001", 1, 9)],
    ids=["between videos", "while the output is put in place"],
)
def test_a_killed_job_goes_on_and_ends_as_if_undisturbed(
    mark, times, finished, dataset, listing, extracted, opened, tmp_path
):
    script = tmp_path / "job.py"
    script.write_text(KILLED_JOB)
    output = tmp_path / "output"
    killed = subprocess.run(
        [sys.executable, str(script), str(dataset), str(output), mark, str(times)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    kept = len(list(output.glob(".work/*/videos/*/*.json")))
    job.extract([listing], str(output), OPTIONS)
    assert 0 < kept <= finished
    assert len(opened) == 9 - kept  # of nine contents: one of the ten files is a copy
    assert_same(output, extracted)


def test_a_job_killed_while_it_replaces_a_result_still_knows_its_splits(
    dataset, extracted, opened, tmp_path
):
    folder = pathlib.Path(shutil.copytree(dataset, tmp_path / "dataset"))
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    manifest = folder / "manifest.csv"
    manifest.write_text(manifest.read_text() + "absent2.mp4,REAL,,,,\n")
    script = tmp_path / "job.py"
    script.write_text(KILLED_JOB)
    killed = subprocess.run(
        [sys.executable, str(script), str(folder), str(output), "output/train-00000-of-00001", "1"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (output / output_layout.DESCRIPTION_FILE).exists()
    plan = plan_extraction([registry.read_listing("manifest", str(folder))], str(output), OPTIONS)
    earlier = output_layout.read_ledger(str(extracted))
    assert plan.kept == {row.video_id for row in earlier if row.split}
    job.run(plan)
    assert opened == []
    assert not (output / ".work").exists()


def test_a_second_job_in_the_same_output_is_refused(listing, tmp_path):
    plan = plan_extraction([listing], str(tmp_path), OPTIONS)
    refused = pytest.raises(UsageError, match="another extraction writes to it")
    with job._sole_job(str(tmp_path)), refused:
        job.run(plan)
    assert list(tmp_path.iterdir()) == []


def test_a_finished_job_leaves_the_work_of_a_running_one(listing, extracted, tmp_path):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    plan = plan_extraction([listing], str(output), OPTIONS)
    assert plan.is_done
    work = output / output_layout.WORK_FOLDER / "of another"
    work.mkdir(parents=True)
    refused = pytest.raises(UsageError, match="another extraction writes to it")
    with job._sole_job(str(output)), refused:
        job.run(plan)
    assert work.exists()
    assert len(job.run(plan)) == len(listing.videos)
    assert not work.exists()


def test_what_a_damaged_shard_held_is_extracted_again(listing, extracted, opened, tmp_path):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    shard = output / "eval-00000-of-00001"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    videos = tuple(v for v in listing.videos if not v.path.endswith("text.mp4"))
    fewer = dataclasses.replace(listing, videos=videos)
    plan = plan_extraction([fewer], str(output), OPTIONS)
    assert "1 earlier videos are no longer in the input" in plan.notice
    job.run(plan)
    assert opened == ["fake.mp4"]
    assert shard.read_bytes() == (extracted / shard.name).read_bytes()


def test_an_interrupted_job_leaves_the_earlier_result(listing, extracted, tmp_path, monkeypatch):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    fewer = dataclasses.replace(listing, videos=listing.videos[1:])
    monkeypatch.setattr(job.shards, "assign", None)
    with pytest.raises(TypeError, match="FlatMap"):
        job.extract([fewer], str(output), OPTIONS)
    assert plan_extraction([listing], str(output), OPTIONS).is_done


def test_only_new_videos_are_extracted_and_the_others_keep_their_split(
    dataset, listing, extracted, opened, tmp_path
):
    folder = pathlib.Path(shutil.copytree(dataset, tmp_path / "dataset"))
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    shutil.copy(folder / "good.mp4", folder / "new.mp4")
    with open(folder / "new.mp4", "ab") as file:
        file.write(b"\0")
    manifest = folder / "manifest.csv"
    # `new` comes without a split: what it was made from has one.
    manifest.write_text(manifest.read_text() + "new.mp4,FAKE,,rotated.mp4,Swap,phone\n")
    rows = job.extract([registry.read_listing("manifest", str(folder))], str(output), OPTIONS)
    assert opened == ["new.mp4"]
    by_name = {pathlib.Path(row.path).name: row for row in rows}
    assert (by_name["new.mp4"].split, by_name["new.mp4"].used) == ("train", True)
    earlier = read_examples(extracted, "train")
    now = read_examples(output, "train")
    assert set(now) == {*earlier, "manifest/new.mp4"}
    for video_id, example in earlier.items():
        assert now[video_id].faces == example.faces


def test_a_new_video_that_joins_two_splits_is_an_error_that_names_it(dataset, extracted, tmp_path):
    folder = pathlib.Path(shutil.copytree(dataset, tmp_path / "dataset"))
    manifest = folder / "manifest.csv"
    without_splits = manifest.read_text().replace(",train,", ",,").replace(",test,", ",,")
    manifest.write_text(without_splits + "bridge.mp4,REAL,,good.mp4;fake.mp4,,\n")
    listing = registry.read_listing("manifest", str(folder))
    with pytest.raises(UsageError, match=r"bridge.mp4") as error:
        plan_extraction([listing], str(extracted), OPTIONS)
    assert "good.mp4" in str(error.value)
    assert "fake.mp4" in str(error.value)


def test_an_option_that_changes_crops_starts_afresh_and_says_so(listing, extracted):
    changed = OPTIONS.model_copy(update={"faces": FaceOptions(frames_per_video=2)})
    plan = plan_extraction([listing], str(extracted), changed)
    assert (plan.is_done, plan.reused) == (False, ())
    assert "frames_per_video (4 -> 2)" in plan.notice
    salted = plan_extraction(
        [listing], str(extracted), OPTIONS.model_copy(update={"salt": "other"})
    )
    assert salted.reused
    assert "splits are drawn anew" in salted.notice


def test_a_full_disk_ends_the_job_with_a_message_and_it_can_be_started_again(
    dataset, listing, extracted, tmp_path
):
    # A limit on the size of files is what a process can be given without filling a disk.
    script = 'ulimit -f 40; exec "$@"'
    command = [sys.executable, "-m", "unmask", "extract", "--dataset", "manifest"]
    command += ["--input", str(dataset), "--output", str(tmp_path), "--frames-per-video", "4"]
    full = subprocess.run(
        ["bash", "-c", script, "bash", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert full.returncode == 2, full.stderr
    message = " ".join(full.stderr.split())
    assert "cannot be written (File too large)" in message
    assert "what is finished is kept" in message
    assert "Traceback" not in message
    job.extract([listing], str(tmp_path), OPTIONS)
    assert_same(tmp_path, extracted)


def test_a_disk_that_fills_while_shards_are_written_is_told_too(
    listing, extracted, opened, tmp_path, monkeypatch
):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    fewer = dataclasses.replace(listing, videos=listing.videos[1:])

    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tfrecord, "write", fill)
    with pytest.raises(UsageError, match=r"cannot be written \(No space left on device\)"):
        job.extract([fewer], str(output), OPTIONS)
    assert opened == []
    assert not list(output.rglob("*.partial"))


def test_boxes_of_originals_are_tried_once(opened, tmp_path):
    """Also where they do not fit: a fake of another size is searched, and reused like others."""
    folder, output = tmp_path / "dataset", tmp_path / "output"
    folder.mkdir()
    encode(folder / "real.mp4", face_frames(8))
    encode(folder / "fake.mp4", partly_blurred_frames(8, range(2)))
    encode(folder / "small.mp4", [np.ascontiguousarray(f[:200, :280]) for f in face_frames(8)])
    encode(folder / "other.mp4", face_frames(9))
    rows = ["file,label,split,source", "real.mp4,REAL,train,", "fake.mp4,FAKE,train,real.mp4"]
    rows += ["small.mp4,FAKE,train,real.mp4"]
    options = OPTIONS.model_copy(update={"boxes_from": "original"})

    def extract(*more):
        (folder / "manifest.csv").write_text("\n".join([*rows, *more]) + "\n")
        opened.clear()
        listing = registry.read_listing("manifest", str(folder))
        ledger = job.extract([listing], str(output), options)
        return {pathlib.Path(row.path).stem: (row.original, row.boxes_from) for row in ledger}

    originals = extract()
    real = "manifest/real.mp4"
    assert originals == {"real": ("", ""), "fake": (real, real), "small": (real, "")}
    assert sorted(opened) == ["fake.mp4", "real.mp4", "small.mp4"]
    examples = read_examples(output, "train")
    assert extract("other.mp4,REAL,train,") == originals | {"other": ("", "")}
    assert opened == ["other.mp4"]
    assert read_examples(output, "train").items() >= examples.items()

"""The job on real clips, good and bad, through Beam; run once for most tests."""

import collections
import dataclasses
import errno
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions

from data import (
    contract,
    dataset_folder,
    extraction,
    extraction_plan,
    job_progress,
    ledger,
    tfrecord,
)
from data.datasets import registry
from data.errors import UsageError
from data.extraction_plan import ExtractionOptions
from data.face_extractor import FaceExtractor
from data.faces import FaceOptions
from data.ledger import Status
from tests.data import bad_clips
from tests.data.bad_clips.encoding import encode, face_frames, partly_blurred_frames
from tests.data.mapped_file_system import ObjectStore

ROOT = pathlib.Path(__file__).resolve().parents[2]

OPTIONS = ExtractionOptions(faces=FaceOptions(frames_per_video=4))
EXPECTED = {
    "good": Status.OK,
    "rotated": Status.OK,
    "truncated": Status.TRUNCATED,
    "damaged": Status.DAMAGED,
    "no_face": Status.NO_FACE,
    "audio_only": Status.UNREADABLE,
    "empty": Status.UNREADABLE,
    "text": Status.UNREADABLE,
}


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def listing(dataset):
    return registry.read("manifest", str(dataset))


@pytest.fixture(scope="module")
def extracted(listing, tmp_path_factory):
    output = tmp_path_factory.mktemp("extracted")
    extraction.extract([listing], str(output), OPTIONS)
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


def read_examples(output, split):
    files = sorted(str(path) for path in output.glob(f"{split}-*-of-*"))
    records = tf.data.TFRecordDataset(files).as_numpy_iterator()
    return {example.video_id: example for example in map(contract.parse, records)}


def test_every_input_has_one_row_with_its_status(listing, extracted):
    rows = dataset_folder.read_ledger(str(extracted))
    assert [row.video_id for row in rows] == [video.video_id for video in listing.videos]
    statuses = {pathlib.Path(row.path).name: row.status for row in rows}
    assert statuses == {f"{name}.mp4": status for name, status in EXPECTED.items()} | {
        "the same.mp4": Status.DUPLICATE,
        "absent.mp4": Status.MISSING,
        "anchor.mp4": Status.MISSING,
        "across.mp4": Status.REFUSED_CROSS_SPLIT,
        "fake.mp4": Status.TRUNCATED,
    }
    assert all(row.reason for row in rows if row.status is not Status.OK)


def test_used_rows_are_the_examples_of_the_shards_they_name(extracted):
    used = collections.defaultdict(set)
    for row in dataset_folder.read_ledger(str(extracted)):
        assert row.used == bool(row.shard)
        if row.used:
            assert row.shard.startswith(f"{row.split}-")
            used[row.shard].add(row.video_id)
    written = {
        path.name: set(read_examples(extracted, path.name.split("-")[0]))
        for path in extracted.glob("*-*-of-*")
    }
    assert written == dict(used)
    assert set(written) == {"train-00000-of-00001", "eval-00000-of-00001"}


def test_an_example_says_what_the_contract_says(extracted):
    examples = read_examples(extracted, "train")
    example = examples["manifest/good.mp4"]
    assert example.label == contract.Label.REAL
    assert example.method == "real"
    assert example.slice_methods == ("Swap",), "a real counts in every method of its dataset"
    assert example.slices == {"camera": "phone"}
    assert (example.width, example.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    assert len(example.faces) == 4
    assert example.faces[0].landmarks[0] > example.faces[0].box[0]
    fake = read_examples(extracted, "eval")["manifest/fake.mp4"]
    assert fake.slice_methods == ("Swap",)
    assert fake.slices == {"camera": "unknown"}


def test_faces_below_the_thresholds_are_flagged_and_not_counted(tmp_path):
    encode(tmp_path / "clip.mp4", partly_blurred_frames(4, range(1, 3)))
    (tmp_path / "manifest.csv").write_text("file,label,split\nclip.mp4,REAL,train\n")
    options = ExtractionOptions(faces=FaceOptions(frames_per_video=4, min_sharpness=100))
    output = tmp_path / "output"
    (row,) = extraction.extract([registry.read("manifest", str(tmp_path))], str(output), options)
    (example,) = read_examples(output, "train").values()
    assert [face.usable for face in example.faces] == [True, False, False, True]
    assert (row.status, row.used, row.faces, row.tracks_kept) == (Status.OK, True, 2, 1)


def test_rotated_clips_are_upright_with_their_face(extracted):
    example = read_examples(extracted, "train")["manifest/rotated.mp4"]
    assert (example.width, example.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    assert len(example.faces) == 4


def test_nothing_half_written_is_left(extracted):
    names = {path.name for path in extracted.iterdir()}
    assert names == {
        "train-00000-of-00001",
        "eval-00000-of-00001",
        ledger.FILE_NAME,
        dataset_folder.DESCRIPTION,
    }
    summary = json.loads((extracted / dataset_folder.DESCRIPTION).read_text())
    assert summary["slice_columns"] == ["camera"]
    assert summary["splits"]["eval"] == {"videos": 1, "fakes": 1, "faces": 4}


def assert_same(output, expected):
    """Every file of two outputs is the same, but for what the ledger says of time."""
    assert {path.name for path in output.iterdir()} == {path.name for path in expected.iterdir()}
    for path in expected.glob("*-*-of-*"):
        assert (output / path.name).read_bytes() == path.read_bytes(), path.name
    rows, expected_rows = (
        [
            dataclasses.replace(row, path=pathlib.Path(row.path).name, seconds=0.0)
            for row in dataset_folder.read_ledger(str(folder))
        ]
        for folder in (output, expected)
    )
    assert rows == expected_rows


def test_an_output_that_lost_a_part_is_not_whole(listing, extracted, tmp_path):
    assert extraction_plan.plan([listing], str(extracted), OPTIONS).is_done
    for lost in ("train-00000-of-00001", ledger.FILE_NAME, dataset_folder.DESCRIPTION):
        copy = pathlib.Path(shutil.copytree(extracted, tmp_path / f"without {lost}"))
        (copy / lost).unlink()
        plan = extraction_plan.plan([listing], str(copy), OPTIONS)
        assert (plan.is_done, plan.reused) == (False, ())


def test_progress_counters_and_ledger_agree_by_status(listing, extracted, tmp_path, monkeypatch):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    fewer = dataclasses.replace(listing, videos=listing.videos[1:])
    job = extraction_plan.plan([fewer], str(output), OPTIONS)
    found = []
    run = beam.Pipeline.run

    def record(pipeline, *arguments):
        result = run(pipeline, *arguments)
        result.wait_until_finish()
        ours = MetricsFilter().with_namespace("extraction")
        counters = result.metrics().query(ours)[result.metrics().COUNTERS]
        by_name = {counter.key.metric.name: counter.committed for counter in counters}
        found.append((by_name, job_progress.read(job.work)))
        return result

    monkeypatch.setattr(beam.Pipeline, "run", record)
    statuses = collections.Counter(row.status for row in extraction.run(job))
    assert {Status.OK, Status.DUPLICATE, Status.REFUSED_CROSS_SPLIT, Status.MISSING} <= set(
        statuses
    )
    counters, progress = found[-1]
    assert counters == {status.value: count for status, count in statuses.items()}
    assert progress.counts == statuses
    assert progress.done == progress.videos == len(fewer.videos)


def test_refused_videos_are_no_part_of_the_graph(tmp_path, monkeypatch):
    """Dataflow takes graphs of 10 MB."""
    graphs = []
    run = beam.Pipeline.run

    def record(pipeline, *arguments):
        graphs.append(pipeline.to_runner_api().SerializeToString())
        return run(pipeline, *arguments)

    monkeypatch.setattr(beam.Pipeline, "run", record)
    for count in (2, 200):
        manifest = tmp_path / f"{count}.csv"
        names = [f"café {number}\u2028.mp4" for number in range(count)]
        manifest.write_text("file,label\n" + "".join(f"{name},MAYBE\n" for name in names))
        listing = registry.read("manifest", str(manifest))
        rows = extraction.extract([listing], str(tmp_path / f"of {count}"), OPTIONS)
        assert [(row.video_id, row.status) for row in rows] == [
            (video.video_id, Status.REFUSED_INPUT) for video in listing.videos
        ]
    few, many = map(len, graphs)
    assert many < few + 100


def test_a_finished_job_is_not_repeated(listing, extracted, monkeypatch):
    monkeypatch.setattr(extraction.beam, "Pipeline", None)
    assert len(extraction.extract([listing], str(extracted), OPTIONS)) == len(listing.videos)


KILLED_JOB = """
import data.environment
import os, signal, sys
from data import extraction, files
from data.datasets import registry
from data.extraction_plan import ExtractionOptions
from data.faces import FaceOptions

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
    extraction.extract([registry.read("manifest", dataset)], output, options)
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
    extraction.extract([listing], str(output), OPTIONS)
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
    assert not (output / dataset_folder.DESCRIPTION).exists()
    plan = extraction_plan.plan([registry.read("manifest", str(folder))], str(output), OPTIONS)
    earlier = dataset_folder.read_ledger(str(extracted))
    assert plan.kept == {row.video_id for row in earlier if row.split}
    extraction.run(plan)
    assert opened == []
    assert not (output / ".work").exists()


def test_a_second_job_in_the_same_output_is_refused(listing, tmp_path):
    job = extraction_plan.plan([listing], str(tmp_path), OPTIONS)
    refused = pytest.raises(UsageError, match="another extraction writes to it")
    with extraction._sole_job(str(tmp_path)), refused:
        extraction.run(job)
    assert list(tmp_path.iterdir()) == []


def test_a_finished_job_leaves_the_work_of_a_running_one(listing, extracted, tmp_path):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    job = extraction_plan.plan([listing], str(output), OPTIONS)
    assert job.is_done
    work = output / dataset_folder.WORK / "of another"
    work.mkdir(parents=True)
    refused = pytest.raises(UsageError, match="another extraction writes to it")
    with extraction._sole_job(str(output)), refused:
        extraction.run(job)
    assert work.exists()
    assert len(extraction.run(job)) == len(listing.videos)
    assert not work.exists()


def test_a_folder_of_somebody_elses_records_is_not_replaced(listing, tmp_path):
    (tmp_path / "train-00000-of-00001").write_bytes(b"mine")
    with pytest.raises(UsageError, match="TFRecords that no extraction wrote"):
        extraction.extract([listing], str(tmp_path), OPTIONS)


def test_what_a_damaged_shard_held_is_extracted_again(listing, extracted, opened, tmp_path):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    shard = output / "eval-00000-of-00001"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    videos = tuple(v for v in listing.videos if not v.path.endswith("text.mp4"))
    fewer = dataclasses.replace(listing, videos=videos)
    plan = extraction_plan.plan([fewer], str(output), OPTIONS)
    assert "1 earlier videos are no longer in the input" in plan.notice
    extraction.run(plan)
    assert opened == ["fake.mp4"]
    assert shard.read_bytes() == (extracted / shard.name).read_bytes()


def test_an_interrupted_job_leaves_the_earlier_result(listing, extracted, tmp_path, monkeypatch):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    fewer = dataclasses.replace(listing, videos=listing.videos[1:])
    monkeypatch.setattr(extraction.shards, "assign", None)
    with pytest.raises(TypeError, match="FlatMap"):
        extraction.extract([fewer], str(output), OPTIONS)
    assert extraction_plan.plan([listing], str(output), OPTIONS).is_done


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
    rows = extraction.extract([registry.read("manifest", str(folder))], str(output), OPTIONS)
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
    listing = registry.read("manifest", str(folder))
    with pytest.raises(UsageError, match=r"bridge.mp4") as error:
        extraction_plan.plan([listing], str(extracted), OPTIONS)
    assert "good.mp4" in str(error.value)
    assert "fake.mp4" in str(error.value)


def test_an_option_that_changes_crops_starts_afresh_and_says_so(listing, extracted):
    changed = dataclasses.replace(OPTIONS, faces=FaceOptions(frames_per_video=2))
    plan = extraction_plan.plan([listing], str(extracted), changed)
    assert (plan.is_done, plan.reused) == (False, ())
    assert "frames_per_video (4 -> 2)" in plan.notice
    salted = extraction_plan.plan(
        [listing], str(extracted), dataclasses.replace(OPTIONS, salt="other")
    )
    assert salted.reused
    assert "splits are drawn anew" in salted.notice


def test_two_workers_write_the_same_bytes(listing, extracted, tmp_path):
    two = PipelineOptions([], direct_running_mode="multi_processing", direct_num_workers=2)
    extraction.extract([listing], str(tmp_path / "output"), OPTIONS, two)
    assert_same(tmp_path / "output", extracted)


def test_urls_go_the_same_way_as_paths(dataset, extracted, tmp_path):
    listing = registry.read("manifest", ObjectStore.url(dataset))
    extraction.extract([listing], ObjectStore.url(tmp_path / "output"), OPTIONS)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and ".work" in path.parts]
    shutil.rmtree(tmp_path / "output" / ".work", ignore_errors=True)  # a store has no folders
    assert_same(tmp_path / "output", extracted)


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
    extraction.extract([listing], str(tmp_path), OPTIONS)
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
        extraction.extract([fewer], str(output), OPTIONS)
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
    options = dataclasses.replace(OPTIONS, boxes_from="original")

    def extract(*more):
        (folder / "manifest.csv").write_text("\n".join([*rows, *more]) + "\n")
        opened.clear()
        listing = registry.read("manifest", str(folder))
        found = extraction.extract([listing], str(output), options)
        return {pathlib.Path(row.path).stem: (row.original, row.boxes_from) for row in found}

    given = extract()
    real = "manifest/real.mp4"
    assert given == {"real": ("", ""), "fake": (real, real), "small": (real, "")}
    assert sorted(opened) == ["fake.mp4", "real.mp4", "small.mp4"]
    examples = read_examples(output, "train")
    assert extract("other.mp4,REAL,train,") == given | {"other": ("", "")}
    assert opened == ["other.mp4"]
    assert read_examples(output, "train").items() >= examples.items()


def test_faceforensics_by_its_official_splits_with_boxes_of_originals(shared_data, tmp_path):
    listing = registry.read(
        "faceforensics", str(shared_data / "ffpp"), splits=str(shared_data / "ffpp_splits")
    )
    options = dataclasses.replace(OPTIONS, boxes_from="original", face_videos=True)
    rows = extraction.extract([listing], str(tmp_path), options)
    splits = {pathlib.Path(row.path).stem: row.split for row in rows}
    assert splits == {
        "519": "train",
        "519_515": "train",
        "004": "eval",
        "004_982": "eval",
        "634": "test",
        "634_660": "test",
    }
    assert all((row.status, row.tracks_kept) == (Status.OK, 1) for row in rows)
    groups = {
        split: {example.source_group for example in read_examples(tmp_path, split).values()}
        for split in contract.SPLITS
    }
    assert all(len(group) == 1 for group in groups.values())
    boxes_from = {pathlib.Path(r.path).stem: pathlib.Path(r.boxes_from).stem for r in rows}
    assert boxes_from == {"519": "", "519_515": "519", "004": "", "004_982": "004"} | {
        "634": "",
        "634_660": "634",
    }
    for split in contract.SPLITS:
        real, fake = sorted(read_examples(tmp_path, split).values(), key=lambda e: e.label)
        assert [face.box for face in fake.faces] == [face.box for face in real.faces]
    assert len(list((tmp_path / dataset_folder.FACE_VIDEOS).glob("*.mp4"))) == 6

"""The job on real clips, good and bad, through Beam."""

import collections
import dataclasses
import json
import pathlib
import shutil

import apache_beam as beam
import pytest
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions

from data import contract, ledger
from data.datasets import registry
from data.extraction import job, job_progress, output_layout
from data.extraction.options import ExtractionOptions
from data.extraction.plan import plan_extraction
from data.faces import FaceOptions
from data.ledger import Status
from data.utils.errors import UsageError
from tests.data import bad_clips
from tests.data.bad_clips.encoding import encode, partly_blurred_frames
from tests.data.extracted_clips import EXPECTED, OPTIONS, assert_same, read_examples
from tests.data.mapped_file_system import ObjectStore

pytestmark = pytest.mark.slow


def test_every_input_has_one_row_with_its_status(listing, extracted):
    rows = output_layout.read_ledger(str(extracted))
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
    for row in output_layout.read_ledger(str(extracted)):
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
    assert example.annotation.label == contract.Label.REAL
    assert example.annotation.method == "real"
    assert example.annotation.slice_methods == ("Swap",), (
        "a real counts in every method of its dataset"
    )
    assert example.annotation.slices == {"camera": "phone"}
    assert (example.measurements.width, example.measurements.height) == (
        bad_clips.WIDTH,
        bad_clips.HEIGHT,
    )
    assert len(example.faces) == 4
    assert example.faces[0].landmarks[0] > example.faces[0].box[0]
    fake = read_examples(extracted, "eval")["manifest/fake.mp4"]
    assert fake.annotation.slice_methods == ("Swap",)
    assert fake.annotation.slices == {"camera": "unknown"}


def test_faces_below_the_thresholds_are_flagged_and_not_counted(tmp_path):
    encode(tmp_path / "clip.mp4", partly_blurred_frames(4, range(1, 3)))
    (tmp_path / "manifest.csv").write_text("file,label,split\nclip.mp4,REAL,train\n")
    options = ExtractionOptions(faces=FaceOptions(frames_per_video=4, min_sharpness=100))
    output = tmp_path / "output"
    (row,) = job.extract([registry.read_listing("manifest", str(tmp_path))], str(output), options)
    (example,) = read_examples(output, "train").values()
    assert [face.usable for face in example.faces] == [True, False, False, True]
    assert (row.status, row.used, row.faces, row.tracks_kept) == (Status.OK, True, 2, 1)


def test_rotated_clips_are_upright_with_their_face(extracted):
    example = read_examples(extracted, "train")["manifest/rotated.mp4"]
    assert (example.measurements.width, example.measurements.height) == (
        bad_clips.WIDTH,
        bad_clips.HEIGHT,
    )
    assert len(example.faces) == 4


def test_nothing_half_written_is_left(extracted):
    names = {path.name for path in extracted.iterdir()}
    assert names == {
        "train-00000-of-00001",
        "eval-00000-of-00001",
        ledger.FILE_NAME,
        output_layout.DESCRIPTION_FILE,
    }
    summary = json.loads((extracted / output_layout.DESCRIPTION_FILE).read_text())
    assert summary["slice_columns"] == ["camera"]
    assert summary["splits"]["eval"] == {"videos": 1, "fakes": 1, "faces": 4}


def test_progress_counters_and_ledger_agree_by_status(listing, extracted, tmp_path, monkeypatch):
    output = pathlib.Path(shutil.copytree(extracted, tmp_path / "output"))
    fewer = dataclasses.replace(listing, videos=listing.videos[1:])
    plan = plan_extraction([fewer], str(output), OPTIONS)
    records = []
    run = beam.Pipeline.run

    def record(pipeline, *arguments):
        result = run(pipeline, *arguments)
        result.wait_until_finish()
        ours = MetricsFilter().with_namespace("extraction")
        counters = result.metrics().query(ours)[result.metrics().COUNTERS]
        by_name = {counter.key.metric.name: counter.committed for counter in counters}
        records.append((by_name, job_progress.read(plan.work)))
        return result

    monkeypatch.setattr(beam.Pipeline, "run", record)
    statuses = collections.Counter(row.status for row in job.run(plan))
    assert {Status.OK, Status.DUPLICATE, Status.REFUSED_CROSS_SPLIT, Status.MISSING} <= set(
        statuses
    )
    counters, progress = records[-1]
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
        listing = registry.read_listing("manifest", str(manifest))
        rows = job.extract([listing], str(tmp_path / f"of {count}"), OPTIONS)
        assert [(row.video_id, row.status) for row in rows] == [
            (video.video_id, Status.REFUSED_INPUT) for video in listing.videos
        ]
    few, many = map(len, graphs)
    assert many < few + 100


def test_a_folder_of_somebody_elses_records_is_not_replaced(listing, tmp_path):
    (tmp_path / "train-00000-of-00001").write_bytes(b"mine")
    with pytest.raises(UsageError, match="TFRecords that no extraction wrote"):
        job.extract([listing], str(tmp_path), OPTIONS)


def test_two_workers_write_the_same_bytes(listing, extracted, tmp_path):
    two = PipelineOptions([], direct_running_mode="multi_processing", direct_num_workers=2)
    job.extract([listing], str(tmp_path / "output"), OPTIONS, two)
    assert_same(tmp_path / "output", extracted)


def test_urls_go_the_same_way_as_paths(dataset, extracted, tmp_path):
    listing = registry.read_listing("manifest", ObjectStore.url(dataset))
    job.extract([listing], ObjectStore.url(tmp_path / "output"), OPTIONS)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and ".work" in path.parts]
    shutil.rmtree(tmp_path / "output" / ".work", ignore_errors=True)  # a store has no folders
    assert_same(tmp_path / "output", extracted)


def test_faceforensics_by_its_official_splits_with_boxes_of_originals(shared_data, tmp_path):
    listing = registry.read_listing(
        "faceforensics", str(shared_data / "ffpp"), splits=str(shared_data / "ffpp_splits")
    )
    options = OPTIONS.model_copy(update={"boxes_from": "original", "face_videos": True})
    rows = job.extract([listing], str(tmp_path), options)
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
        split: {
            example.annotation.source_group for example in read_examples(tmp_path, split).values()
        }
        for split in contract.SPLITS
    }
    assert all(len(group) == 1 for group in groups.values())
    boxes_from = {pathlib.Path(r.path).stem: pathlib.Path(r.boxes_from).stem for r in rows}
    assert boxes_from == {"519": "", "519_515": "519", "004": "", "004_982": "004"} | {
        "634": "",
        "634_660": "634",
    }
    for split in contract.SPLITS:
        real, fake = sorted(
            read_examples(tmp_path, split).values(), key=lambda e: e.annotation.label
        )
        assert [face.box for face in fake.faces] == [face.box for face in real.faces]
    assert len(list((tmp_path / output_layout.FACE_VIDEOS_FOLDER).glob("*.mp4"))) == 6

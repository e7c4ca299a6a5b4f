"""Every kind of bad input goes through one job: each gets its status, and nothing is lost."""

import collections

import pytest

from data import ledger
from data.datasets import registry
from data.extraction import job, output_layout
from data.extraction.options import ExtractionOptions
from data.faces import FaceOptions
from data.ledger import Status
from tests.data import bad_inputs
from tests.data.bad_inputs import BAD_INPUTS

pytestmark = pytest.mark.slow

LISTED = bad_inputs.listed_kinds()

OPTIONS = ExtractionOptions(
    detector="tests.data.misbehaving:Misbehaving",
    faces=FaceOptions(frames_per_video=4),
    time_limit_s=20,
)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """The rows of the job and its output folder."""
    folder, output = tmp_path_factory.mktemp("bad"), tmp_path_factory.mktemp("output")
    bad_inputs.write_manifest(folder)
    job.extract([registry.read_listing("manifest", str(folder))], str(output), OPTIONS)
    return output_layout.read_ledger(str(output)), output


def test_there_is_one_row_an_input(extracted):
    rows, _ = extracted
    assert len(LISTED) >= 40
    assert len(rows) == len(LISTED)
    assert len({row.video_id for row in rows}) == len(rows)


def test_each_kind_has_its_status(extracted):
    rows, _ = extracted
    expected = collections.Counter(
        (BAD_INPUTS[name].status.value, BAD_INPUTS[name].is_used) for name in LISTED
    )
    actual = collections.Counter((row.status.value, row.used) for row in rows)
    reasons = "\n".join(f"{row.video_id}: {row.status.value}: {row.reason}" for row in rows)
    assert actual == expected, reasons


@pytest.mark.parametrize("name", LISTED)
def test_kind(name, extracted):
    rows, _ = extracted
    kind = BAD_INPUTS[name]
    file = ledger.percent_encode(kind.cells.get("file", bad_inputs.file_name(name)))
    of_file = [row for row in rows if file.removeprefix("./") in row.video_id]
    assert (kind.status, kind.is_used) in [(row.status, row.used) for row in of_file], of_file


def test_all_but_what_is_well_have_a_reason(extracted):
    rows, _ = extracted
    assert [row.video_id for row in rows if (row.status is Status.OK) == bool(row.reason)] == []


def test_nothing_is_left_behind(extracted):
    _, output = extracted
    assert {path.name for path in output.iterdir()} == {
        "dataset.json",
        "ledger.csv",
        "train-00000-of-00001",
    }

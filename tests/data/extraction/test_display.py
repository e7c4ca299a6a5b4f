"""What an extraction prints, while it runs and afterwards."""

import io

import pytest
import rich
from rich.console import Console

from data import ledger
from data.extraction import display, job_progress
from data.extraction.job_progress import ProgressReporter
from data.extraction.output_layout import Description, publish
from data.ledger import LedgerRow, Status
from data.utils.errors import UsageError


@pytest.fixture
def printed(monkeypatch):
    """Returns what was printed so far, spaces taken together."""
    text = io.StringIO()
    console = Console(file=text, width=120)
    monkeypatch.setattr(rich, "print", console.print)
    return lambda: " ".join(text.getvalue().split())


def row(name, status, split="train", used=False, faces=0):
    return LedgerRow(name, name, 0, status, split=split, used=used, faces=faces)


def test_a_running_job_is_shown_from_outside(tmp_path, printed):
    work = str(tmp_path / ".work" / "options")
    job_progress.begin(work, 10, {Status.REFUSED_INPUT: 1})
    reporter = ProgressReporter(work)
    for status in (Status.OK, Status.OK, Status.TIMEOUT):
        reporter.add(status)
    reporter.flush()
    display.print_status(str(tmp_path))
    assert "4 of 10 videos" in printed()
    assert "ok 2" in printed()
    assert "timeout 1" in printed()
    assert "refused_input 1" in printed()


def test_a_job_that_says_nothing_any_more_is_told(tmp_path, printed, monkeypatch):
    job_progress.begin(str(tmp_path / ".work" / "options"), 10, {})
    monkeypatch.setattr(display, "_SECONDS_OF_SILENCE", -1.0)
    display.print_status(str(tmp_path))
    assert "nothing new for" in printed()


def test_a_finished_one_is_summed_up_by_status(tmp_path, printed):
    rows = [
        row("a", Status.OK, used=True, faces=7),
        row("b", Status.NO_FACE, split="test"),
        row("c", Status.MISSING),
    ]
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ledger.FILE_NAME).write_text(ledger.to_csv(rows))
    publish(str(tmp_path), str(tmp_path / "work"), rows, Description("", "", {}, [], {}))
    display.print_status(str(tmp_path))
    assert "3 videos" in printed()
    assert "│ no_face │ │ │ 1 │ │ 0 │ 0 │ 0 │" in printed()
    assert "│ ok │ 1 │ │ │ │ 1 │ 7 │ 0 │" in printed()
    assert ledger.FILE_NAME in printed()


def test_where_nothing_was_extracted_there_is_no_status(tmp_path):
    with pytest.raises(UsageError, match="holds no extraction"):
        display.print_status(str(tmp_path))

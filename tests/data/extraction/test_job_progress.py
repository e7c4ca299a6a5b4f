"""What workers report adds up, wherever it is read."""

from data.extraction import job_progress
from data.extraction.job_progress import ProgressReporter
from data.ledger import Status


def test_reports_of_all_workers_add_up(tmp_path):
    work = str(tmp_path)
    job_progress.begin(work, 9, {Status.REFUSED_INPUT: 2})
    first, second = ProgressReporter(work), ProgressReporter(work)
    for status in (Status.OK, Status.OK, Status.TIMEOUT):
        first.add(status)
    second.add(Status.OK)
    first.flush()
    second.flush()
    progress = job_progress.read(work)
    assert progress.videos == 9
    assert progress.counts == {Status.REFUSED_INPUT: 2, Status.OK: 3, Status.TIMEOUT: 1}
    assert progress.done == 6
    assert progress.started_s <= progress.changed_s


def test_a_job_that_starts_again_counts_anew(tmp_path):
    work = str(tmp_path)
    job_progress.begin(work, 2, {})
    ProgressReporter(work).add(Status.OK)
    job_progress.begin(work, 3, {Status.MISSING: 1})
    progress = job_progress.read(work)
    assert (progress.videos, progress.counts) == (3, {Status.MISSING: 1})


def test_final_counts_replace_what_workers_reported(tmp_path):
    work = str(tmp_path)
    job_progress.begin(work, 3, {Status.MISSING: 1})
    reporter = ProgressReporter(work)
    for _ in range(2):
        reporter.add(Status.OK)
    reporter.flush()
    final = {Status.MISSING: 1, Status.OK: 1, Status.DUPLICATE: 1}
    job_progress.finish(work, final)
    progress = job_progress.read(work)
    assert (progress.counts, progress.done) == (final, 3)
    job_progress.begin(work, 3, {})
    assert job_progress.read(work).counts == {}, "those were of the job before"


def test_where_no_job_runs_there_is_nothing_to_read(tmp_path):
    assert job_progress.read(str(tmp_path / "absent")) is None

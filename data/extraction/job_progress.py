"""How far a running job is, for its own display and for `unmask status` in another terminal.

Each worker process keeps one small file of counts in the job's work folder: the only thing that
can be read from outside while Beam runs, whatever the runner. Workers see one video at a time.
Copies are known only when all videos are done; then a final count replaces those of the workers.
"""

import collections
import dataclasses
import json
import os
import socket
import time
from collections.abc import Mapping

from data.ledger import Status
from data.utils import files

_JOB = "job.json"
_WORKERS = "progress"
_FINISHED = "finished.json"
_SECONDS_BETWEEN_WRITES = 1.0


@dataclasses.dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Attributes:
        videos: inputs of the job, also those that it does not open.
        counts: inputs that have their outcome, by status. When all are done, they are those of
            the ledger; until then copies count as what is in them.
        started_s: when the job began, seconds since 1970.
        changed_s: when its last worker reported, seconds since 1970.
    """

    videos: int
    counts: Mapping[Status, int]
    started_s: float
    changed_s: float

    @property
    def done(self) -> int:
        """Inputs that have their outcome."""
        return sum(self.counts.values())


def begin(folder: str, videos: int, counts: Mapping[Status, int]) -> None:
    """Starts a job's count anew.

    Args:
        folder: the job's work folder.
        videos: inputs.
        counts: by status, the inputs that no worker will report.
    """
    files.delete(files.join(folder, _WORKERS), files.join(folder, _FINISHED))
    job = {"videos": videos, "counts": _to_json(counts), "started_s": time.time()}
    files.write(files.join(folder, _JOB), json.dumps(job).encode())


def finish(folder: str, counts: Mapping[Status, int]) -> None:
    """Replaces the counts of the workers when every input has its final outcome.

    Args:
        folder: the job's work folder.
        counts: all inputs by status, as the ledger has them.
    """
    files.write(files.join(folder, _FINISHED), _report(counts))


def read(folder: str) -> JobProgress | None:
    """Adds up what the workers of a job have reported; None if there is no such job."""
    try:
        job = json.loads(files.read_bytes(files.join(folder, _JOB)))
    except OSError:
        return None
    counts = collections.Counter({Status(name): count for name, count in job["counts"].items()})
    changed_s = float(job["started_s"])
    reports = [f"{_WORKERS}/{name}" for name in files.find(files.join(folder, _WORKERS), depth=1)]
    whole = [name for name in reports if name.endswith(".json")]  # not one that is being written
    # The final count comes last, since it replaces the others.
    for name in [*whole, _FINISHED]:
        try:
            report = json.loads(files.read_bytes(files.join(folder, name)))
        except OSError:  # not there yet, or the job has ended in this moment
            continue
        if name == _FINISHED:
            counts.clear()
        counts.update({Status(status): count for status, count in report["counts"].items()})
        changed_s = max(changed_s, float(report["written_s"]))
    return JobProgress(int(job["videos"]), dict(counts), float(job["started_s"]), changed_s)


class ProgressReporter:
    """Counts the outcomes of one worker process.

    Args:
        folder: the job's work folder.
    """

    def __init__(self, folder: str) -> None:
        name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}.json"
        self._path = files.join(folder, _WORKERS, name)
        self._counts: collections.Counter[Status] = collections.Counter()
        self._written_s = 0.0

    def add(self, status: Status) -> None:
        """Counts one input; writes at most once a second."""
        self._counts[status] += 1
        if time.monotonic() - self._written_s > _SECONDS_BETWEEN_WRITES:
            self.flush()

    def flush(self) -> None:
        """Writes what was counted."""
        files.write(self._path, _report(self._counts))
        self._written_s = time.monotonic()


def _report(counts: Mapping[Status, int]) -> bytes:
    return json.dumps({"counts": _to_json(counts), "written_s": time.time()}).encode()


def _to_json(counts: Mapping[Status, int]) -> dict[str, int]:
    return {status.value: count for status, count in counts.items()}

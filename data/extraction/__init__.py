"""The Beam job that turns videos into TFRecords of Examples and a ledger.

Open `job.py` first: it is the pipeline. `plan.py` decides what it has to do, `step.py` extracts one
video, `output_layout.py` says what it leaves, `runners.py` what runs it, and `display.py` shows it
on a terminal. What follows is the configuration; most other files load Beam, and are imported from
their file.
"""

from data.extraction.config import from_command_line
from data.extraction.options import ExtractionOptions

__all__ = ["ExtractionOptions", "from_command_line"]

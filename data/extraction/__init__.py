"""The Beam job that turns videos into TFRecords of Examples and a ledger.

Open `job.py` first: it is the pipeline. `plan.py` decides what it has to do, `step.py` extracts one
video, `output_layout.py` says what it leaves. What loads Beam (`job`, `plan`, `step`, `shards`,
`display`, `runners`) is imported from its file.
"""

from data.extraction import output_layout
from data.extraction.config import (
    DatasetConfig,
    ExtractionConfig,
    from_command_line,
)
from data.extraction.options import ExtractionOptions

__all__ = [
    "DatasetConfig",
    "ExtractionConfig",
    "ExtractionOptions",
    "from_command_line",
    "output_layout",
]

"""Audit records: what was asked and answered, written so that it can be checked later.

`record.py` is the place to start.
"""

from serving.audit.model_card import ModelCard, Thresholds, find_contradiction, read_model_card
from serving.audit.record import (
    AuditRecord,
    InputRecord,
    OptionsRecord,
    VideoRecord,
    fingerprint,
    library_versions,
    make_record,
    read_record,
    record_video,
    write_record,
)
from serving.audit.results import write_csv
from serving.audit.verification import Difference, check_answer, check_input, check_record

__all__ = [
    "AuditRecord",
    "Difference",
    "InputRecord",
    "ModelCard",
    "OptionsRecord",
    "Thresholds",
    "VideoRecord",
    "check_answer",
    "check_input",
    "check_record",
    "find_contradiction",
    "fingerprint",
    "library_versions",
    "make_record",
    "read_model_card",
    "read_record",
    "record_video",
    "write_csv",
    "write_record",
]

"""Splits that do not leak: groups of videos, their assignment to splits, and the audit of both.

Open `assignment.py` first: `assign` gives each video its split. `groups.py` finds what must stay
together, `balance.py` leaves fakes out, `report.py` counts and `table.py` prints the result.
"""

from data.splits.assignment import Assignment, assign, check_leakage
from data.splits.balance import leave_out_fakes
from data.splits.report import audit
from data.splits.table import print_audit

__all__ = ["Assignment", "assign", "audit", "check_leakage", "leave_out_fakes", "print_audit"]

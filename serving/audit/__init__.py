"""Audit records: what was asked and answered, written so that it can be checked."""

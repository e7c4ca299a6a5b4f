"""Splits that do not leak: groups, assignment, balance, and the audit of both."""

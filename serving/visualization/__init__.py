"""Verdicts drawn over a video and over its time."""

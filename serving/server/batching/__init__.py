"""Requests merged along dimension 0, run as one, and taken apart again."""

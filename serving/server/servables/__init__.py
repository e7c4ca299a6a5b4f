"""Loaded versions of models and how their signatures are run."""

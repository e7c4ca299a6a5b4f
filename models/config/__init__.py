"""Typed, validated sections of a run's config that describe models."""

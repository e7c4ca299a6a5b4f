"""Readers of dataset layouts, one file each."""

"""What every room needs: errors, files, configuration, processes; nothing here imports a room.

The modules are the names: `from data.utils import files`, or `from data.utils.errors import
UsageError`. `files.py` reads and writes paths and URLs; it loads Beam for URLs alone.
"""

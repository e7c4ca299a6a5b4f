"""Run configurations that come with unmask."""

import pathlib

FOLDER = pathlib.Path(__file__).parent

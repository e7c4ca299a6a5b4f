"""The help of the data room's commands names the defaults that hold without the options."""

import inspect

import pytest

from data import commands
from data.extraction.config import ExtractionConfig, from_command_line


@pytest.fixture(scope="module")
def config() -> ExtractionConfig:
    options = ("output", "detector", "workers", "time_limit_s", "faces.frames_per_video")
    source = {"dataset": "uadfv", "input": "UADFV"}
    return from_command_line(None, source, dict.fromkeys(options) | {"output": "out"}, ())


@pytest.mark.parametrize(
    ("option", "default"),
    [
        pytest.param(
            "frames_per_video", lambda c: f"(default: {c.faces.frames_per_video})", id="frames"
        ),
        pytest.param("detector", lambda c: f"{c.detector} (default)", id="detector"),
        pytest.param("time_limit", lambda c: f"(default: {c.time_limit_s:g})", id="time limit"),
        pytest.param("workers", lambda c: f"(default: {c.workers})", id="workers"),
    ],
)
def test_help_names_the_default(config, option, default):
    annotation = inspect.get_annotations(commands.extract, eval_str=True)[option]
    assert default(config) in annotation.__metadata__[0].help

"""Writes and reads manifests for tests."""

import pytest

from data.datasets.manifest import read
from data.utils.errors import UsageError


def write(folder, *lines, name="manifest.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def listing(root, splits=None, official=False):
    return read(str(root), splits=splits, official=official)


def by_id(root):
    return {video.video_id: video for video in listing(root).videos}


def problems(path):
    with pytest.raises(UsageError) as caught:
        listing(path)
    return str(caught.value)

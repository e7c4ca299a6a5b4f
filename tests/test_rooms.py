"""The house: each room imports only the rooms below it, and no library that is barred from it."""

import ast
import pathlib
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]

BELOW = {
    "kubeflow": {"pipeline", "data"},
    "pipeline": {"components", "serving", "models", "data", "configs"},
    "components": {"data", "models", "serving"},
    "serving": {"data"},
    "models": {"data"},
    "data": set(),
    "configs": set(),  # YAML files, and where they lie
}
BARRED = {
    "data": {"tfx"},
    "models": {"apache_beam"},
    "serving": {"tfx", "apache_beam", "tensorflow_transform"},
}
SOURCES = [
    path.relative_to(ROOT).as_posix()
    for room in BELOW
    for path in sorted((ROOT / room).rglob("*.py"))
]


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and top-level package of each import, wherever it stands in the source.

    Relative imports are passed over: they cannot leave their room.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        elif isinstance(node, ast.Call) and node.args:
            function, first = node.func, node.args[0]
            called = function.attr if isinstance(function, ast.Attribute) else None
            called = function.id if isinstance(function, ast.Name) else called
            is_import = called in ("import_module", "__import__")
            literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
            names = [first.value] if is_import and literal else []
        else:
            continue
        yield from ((node.lineno, name.partition(".")[0]) for name in names)


def violations(path: pathlib.Path, room: str) -> list[str]:
    """Imports of a file that its room does not allow."""
    forbidden = (BELOW.keys() - BELOW[room] - {room}) | BARRED.get(room, set()) | {"unmask"}
    return [
        f"{path.name}:{line}: {room}/ must not import {name}"
        for line, name in imports(path.read_text(encoding="utf-8"))
        if name in forbidden
    ]


def test_every_package_is_a_room():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == {*BELOW, "tests"}
    assert {source.partition("/")[0] for source in SOURCES} == BELOW.keys()


@pytest.mark.parametrize("source", SOURCES)
def test_arrows_between_rooms(source):
    assert violations(ROOT / source, source.partition("/")[0]) == []


@pytest.mark.parametrize(
    ("room", "line", "imported"),
    [
        ("data", "import models", "models"),
        ("data", "import os, serving.client.client as client", "serving"),
        ("data", "from components.review import Review", "components"),
        ("data", "import tfx.v1 as tfx", "tfx"),
        ("data", "from unmask import main", "unmask"),
        ("models", "from apache_beam import Map", "apache_beam"),
        ("models", "from serving import client", "serving"),
        ("serving", "from models import export", "models"),
        ("serving", "import tensorflow_transform as tft", "tensorflow_transform"),
        ("serving", "import apache_beam", "apache_beam"),
        ("serving", "import tfx", "tfx"),
        ("components", "import pipeline", "pipeline"),
        ("pipeline", "import kubeflow", "kubeflow"),
        ("kubeflow", "import models.config", "models"),
        ("data", "importlib.import_module('models.training.run_fn')", "models"),
        ("data", "__import__('tfx')", "tfx"),
    ],
)
@pytest.mark.parametrize(
    "where", ["{}", "def run():\n    {}", "class A:\n    def run(self):\n        {}"]
)
def test_bad_import_is_caught(room, line, imported, where, tmp_path):
    path = tmp_path / "bad.py"
    path.write_text(where.format(line))
    lineno = where.count("\n") + 1
    assert violations(path, room) == [f"bad.py:{lineno}: {room}/ must not import {imported}"]


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("data", "import apache_beam, tensorflow"),
        ("data", "import tfx_bsl"),
        ("data", "from . import models"),
        ("models", "import tensorflow_transform; from data import contract; import models.config"),
        ("serving", "import data.faces.extract, database"),
        ("components", "import tfx, data, models, serving"),
        ("pipeline", "from models.config import ModelConfig"),
        ("kubeflow", "from pipeline import graph; from data.utils.errors import UsageError"),
    ],
)
def test_what_is_allowed_passes(room, line, tmp_path):
    path = tmp_path / "good.py"
    path.write_text(line)
    assert violations(path, room) == []

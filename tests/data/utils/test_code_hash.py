import importlib.machinery
import pathlib
import shutil
import sys

import pytest
import tomli

from data.utils.code_hash import PACKAGES, code_hash, imported_modules

ROOT = pathlib.Path(__file__).resolve().parents[3]

HOUSE = {
    "__init__.py": "",
    "step.py": (
        "import house.plain\n"
        "from house import submodule, room\n"
        "from house.names import SOME\n"
        "from . import beside\n"
        "from .relative import thing\n"
        "REGISTRY = {'a': 'house.registered', 'b': 'house.called.run'}\n"
        "LOGGER = 'house.no_module', 'a sentence about house.unrelated'\n"
        "def later():\n"
        "    import house.lazy\n"
        "from house.room import exported, renamed\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n"
        "    from house import only_for_types\n"
        "else:\n"
        "    from house import instead\n"
    ),
    "only_for_types.py": "",
    "instead.py": "",
    "plain.py": "from house.deep import x\nimport numpy\n",
    "deep.py": "x = 1\n",
    "submodule.py": "",
    "beside.py": "",
    "relative.py": "thing = 1\n",
    "names.py": "SOME = 1\n",
    "registered.py": "",
    "called.py": "def run(): ...\n",
    "lazy.py": "from house import step\n",  # a circle
    "room/__init__.py": (
        "from house.room.one import exported\nfrom house.room.two import hidden as renamed\n"
    ),
    "room/one.py": "exported = 1\n",
    "room/two.py": "from house.room.three import x as hidden\n",
    "room/three.py": "x = 1\n",
    "unrelated.py": "from house import step\n",
    "other/__init__.py": (
        "from house.other.used import used\nfrom house.other.unused import unused\n"
    ),
    "other/used.py": "used = 1\n",
    "other/unused.py": "unused = 1\n",
    "careful.py": "from house.other import used\n",
}
"""Modules of a small package; `step.py` is an entry."""

STEP = {
    *("house.step", "house.plain", "house.deep", "house.submodule", "house.beside"),
    *("house.relative", "house.names", "house.registered", "house.called", "house.lazy"),
    "house.instead",
    *("house.room", "house.room.one", "house.room.two", "house.room.three"),
}


@pytest.fixture
def house(tmp_path, monkeypatch):
    for name, source in HOUSE.items():
        path = tmp_path / "house" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    code_hash.cache_clear()
    yield tmp_path / "house"
    assert "house" not in sys.modules, "hashing must not import"
    code_hash.cache_clear()


def test_imports_are_followed_wherever_they_stand(house):
    modules = imported_modules("house.step")
    assert set(modules) == STEP
    assert modules["house.room"] == house / "room" / "__init__.py"


def test_a_room_hands_on_a_name_without_the_rest_of_the_room(house):
    assert set(imported_modules("house.careful")) == {"house.careful", "house.other.used"}


@pytest.mark.parametrize("name", HOUSE)
def test_what_is_imported_changes_the_hash_and_nothing_else_does(name, house):
    module = ".".join(("house", *pathlib.PurePath(name).with_suffix("").parts))
    before = code_hash("house.step")
    code_hash.cache_clear()
    assert code_hash("house.step") == before
    path = house / name
    path.write_text(path.read_text() + "# changed\n")
    code_hash.cache_clear()
    assert (code_hash("house.step") != before) == (module.removesuffix(".__init__") in STEP)


def test_a_moved_module_changes_the_hash(house):
    before = code_hash("house.careful")
    shutil.move(house / "other" / "used.py", house / "used.py")
    (house / "other" / "__init__.py").write_text("from house.used import used\n")
    code_hash.cache_clear()
    assert code_hash("house.careful") != before


def test_several_entries_in_any_order():
    modules = ("data.faces.tracking", "data.faces.cropping")
    assert code_hash(*modules) == code_hash(*reversed(modules))
    assert code_hash(*modules) != code_hash(modules[0])


def test_what_is_no_python_is_hashed_as_it_is(house):
    (house / "broken.py").write_text("def (")
    assert set(imported_modules("house.broken")) == {"house.broken"}
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (house / f"compiled{suffix}").write_bytes(b"\x7fELF\0\xff")
    before = code_hash("house.compiled")
    (house / f"compiled{suffix}").write_bytes(b"\x7fELF\0\xfe")
    code_hash.cache_clear()
    assert code_hash("house.compiled") != before


def test_unknown_modules():
    with pytest.raises(ModuleNotFoundError, match=r"no module named 'data.absent' to hash"):
        code_hash("data.absent")


def test_our_packages_are_those_that_are_installed():
    project = tomli.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert set(PACKAGES) == set(included) - {"unmask.py"}


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        pytest.param(
            "data.faces.worker",
            ["data.contract", "data.detectors.mtcnn", "data.faces.collector", "data.video.reader"],
            ["data.extraction.job", "data.faces.track_videos", "data.splits.assignment"],
            id="crops",
        ),
        pytest.param(
            "data.extraction.job",
            [
                *("data.faces.worker", "data.faces.track_videos", "data.ledger"),
                *("data.utils.example_pb2", "data.splits.balance", "data.detectors.retinaface"),
            ],
            ["data.extraction.display", "data.utils.progress", "data.commands"],
            id="extraction",
        ),
        pytest.param(
            "components.split_audit",
            ["data.contract", "data.splits.groups"],
            ["data.extraction.job", "data.faces.collector"],
            id="split audit",
        ),
        pytest.param("models.transform.preprocessing", ["data.contract"], [], id="transform"),
        pytest.param(
            "models.training.run_fn",
            [
                *("data.contract", "data.faces.cropping", "models.backbones.xception"),
                *("models.export.served_model", "models.transform.preprocessing"),
            ],
            [
                *("serving.visualization.overlay", "models.commands", "data.extraction.job"),
                *("models.ensembles.building", "data.splits.groups", "models.training.tuner_fn"),
            ],
            id="training",
        ),
        pytest.param(
            "components.ensemble", ["models.ensembles.combination"], ["serving"], id="ensemble"
        ),
        pytest.param(
            "components.serving_baseline",
            ["components.served_versions"],
            ["models.training.run_fn"],
            id="baseline",
        ),
        pytest.param(
            "components.serving_check",
            ["components.served_versions", "data.contract", "serving.server.server"],
            ["serving.visualization.overlay", "serving.client.client", "serving.cli.predict"],
            id="serving check",
        ),
        pytest.param(
            "components.atomic_pusher",
            ["components.served_versions"],
            ["serving.server.server"],
            id="pusher",
        ),
    ],
)
def test_what_a_step_of_ours_runs(entry, inside, outside):
    modules = imported_modules(entry)
    assert set(inside) <= set(modules)
    assert not set(outside) & set(modules)


def test_no_room_of_ours_is_followed_as_a_whole():
    """A room's `__init__` stands in a hash only where code, not a re-export, is taken from it."""
    steps = ("data.extraction.job", "models.training.run_fn", "components.serving_check")
    rooms = [name for name, path in imported_modules(*steps).items() if path.name == "__init__.py"]
    assert rooms == []

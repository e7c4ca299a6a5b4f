import pathlib

import pydantic
import pytest
from pydantic import Field

from data.utils import yaml_config
from data.utils.errors import UsageError


class Step(yaml_config.Section):
    size: int = Field(ge=1)
    label: str | None = None


class Recipe(yaml_config.Section):
    name: str
    steps: list[Step]
    options: dict[str, int] = Field(default_factory=dict)

    @pydantic.model_validator(mode="after")
    def _not_empty(self):
        if not self.steps and not self.options:
            raise ValueError("give steps or options")
        return self


def write(tmp_path, content):
    path = tmp_path / "recipe.yaml"
    path.write_text(content)
    return path


def test_what_the_file_says_is_typed_and_frozen(tmp_path):
    loaded = yaml_config.load(Recipe, write(tmp_path, "name: soup\nsteps: [{size: 2}]"))
    assert loaded == Recipe(name="soup", steps=[Step(size=2)])
    with pytest.raises(pydantic.ValidationError):
        loaded.name = "stew"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        pytest.param("name=stew", {"name": "stew"}, id="scalar"),
        pytest.param("steps.1.size=9", {"steps": [{"size": 1}, {"size": 9}]}, id="in a list"),
        pytest.param("steps.0={size: 4}", {"steps": [{"size": 4}, {"size": 2}]}, id="list place"),
        pytest.param("steps=[]", {"steps": []}, id="whole list"),
        pytest.param("options.heat=3", {"options": {"heat": 3, "salt": 1}}, id="in a mapping"),
        pytest.param("steps.0.label=a=b", {"steps": [{"size": 1, "label": "a=b"}, {"size": 2}]}),
        pytest.param("steps.0.label=", {"steps": [{"size": 1}, {"size": 2}]}, id="nothing is null"),
    ],
)
def test_overrides(override, expected, tmp_path):
    whole = {"name": "soup", "steps": [{"size": 1}, {"size": 2}], "options": {"salt": 1}}
    path = write(tmp_path, "{name: soup, steps: [{size: 1}, {size: 2}], options: {salt: 1}}")
    assert yaml_config.load(Recipe, path, [override]) == Recipe(**(whole | expected))


def test_an_override_makes_the_mapping_it_needs(tmp_path):
    path = write(tmp_path, "{name: soup, steps: []}")
    assert yaml_config.load(Recipe, path, ["options.heat=3"]).options == {"heat": 3}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("steps.0.size", "--set steps.0.size: write key=value"),
        ("=1", "--set =1: write key=value"),
        ("steps.3.size=1", "--set steps.3.size=1: `3` is no place in a list of 1, from 0"),
        ("steps.1=1", "--set steps.1=1: `1` is no place in a list of 1, from 0"),
        ("steps.first.size=1", "`first` is no place in a list of 1"),
        ("name.deeper=1", "--set name.deeper=1: `name` holds no keys"),
        ("name.deeper.still=1", "there is nothing below `deeper`"),
        ("name=[", "--set name=[: the value is no valid YAML"),
    ],
)
def test_wrong_overrides(override, message, tmp_path):
    with pytest.raises(UsageError) as raised:
        yaml_config.load(Recipe, write(tmp_path, "{name: soup, steps: [{size: 1}]}"), [override])
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("a: [", "is no valid YAML", id="no YAML"),
        pytest.param("- a", "must hold the keys `name`, `steps`", id="a list"),
        pytest.param("", "must hold the keys `name`, `steps`", id="empty"),
        pytest.param("{name: a, steps: [], nmae: b}", "nmae: unknown key", id="unknown key"),
        pytest.param("steps: [{size: 1}]", "name: is missing", id="missing key"),
        pytest.param(
            "{name: a, steps: [{size: 0}]}",
            "steps.0.size: Input should be greater than or equal to 1 (found 0)",
            id="out of range",
        ),
        pytest.param("{name: a, steps: []}", "give steps or options", id="of the whole"),
    ],
)
def test_mistakes_are_named(content, message, tmp_path):
    path = write(tmp_path, content)
    with pytest.raises(UsageError) as raised:
        yaml_config.load(Recipe, path)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_every_mistake_has_its_line(tmp_path):
    path = write(tmp_path, "{steps: [{size: 0}], colour: red}")
    with pytest.raises(UsageError) as raised:
        yaml_config.load(Recipe, path)
    assert [line.split(": ")[1] for line in str(raised.value).splitlines()] == [
        "name",
        "steps.0.size",
        "colour",
    ]


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match=r"absent.yaml: there is no such file"):
        yaml_config.load(Recipe, pathlib.Path("absent.yaml"))
    with pytest.raises(UsageError, match=r"cannot be read: .*directory"):
        yaml_config.load(Recipe, tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: café".encode("latin-1"))
    with pytest.raises(UsageError, match=r"latin.yaml: cannot be read"):
        yaml_config.load(Recipe, latin)

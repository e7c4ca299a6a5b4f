"""What the documents tell people to write is what the code takes."""

import pathlib
import re

import pytest
import yaml

from models.config.ensemble import EnsembleConfig
from models.config.model import ModelConfig

ROOT = pathlib.Path(__file__).parents[1]
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("document", ["README.md", "docs/training.md"])
def test_every_recipe_is_a_valid_config(document):
    recipes = [yaml.safe_load(block) for block in BLOCK.findall((ROOT / document).read_text())]
    models = [ModelConfig(**model) for recipe in recipes for model in recipe["models"]]
    assert models
    for recipe in recipes:
        for ensemble in recipe.get("ensembles", []):
            EnsembleConfig(**ensemble)


@pytest.mark.parametrize("document", ["README.md", "docs/training.md"])
def test_links_within_the_project_lead_somewhere(document):
    path = ROOT / document
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target

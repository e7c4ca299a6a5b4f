import pytest
from PIL import Image

from models import commands
from models.backbones import registry
from tests.tiny_dataset import write


def test_augmentations_writes_a_sheet_and_names_it(tiny_backbone, tmp_path, capsys):
    write(tmp_path / "examples")
    config = tmp_path / "run.yaml"
    model = f"{{model: {tiny_backbone}, image_size: 32, weights: null}}"
    config.write_text(f"examples: {tmp_path / 'examples'}\nmodels:\n  - {model}\n")
    output = tmp_path / "sheet.png"
    commands.augmentations(config, output=output, videos=1)
    assert Image.open(output).format == "PNG"
    assert "".join(capsys.readouterr().out.split()) == f"Augmentations:{output}"


@pytest.mark.parametrize("name", registry.names())
def test_networks_lists_every_backbone_with_its_paper(name, capsys):
    commands.networks()
    printed = capsys.readouterr().out
    row = next(line.split() for line in printed.splitlines() if line.startswith(f"{name} "))
    backbone = registry.find(name)
    assert row[1:4] == [
        str(backbone.image_size),
        f"({backbone.minimum_image_size})",
        f"{backbone.parameters:,}",
    ]
    assert row[4:] == (backbone.pretrained or "none").split()
    assert backbone.paper in printed

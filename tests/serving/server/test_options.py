import pathlib

import pytest

from serving.server.core import configuration
from serving.server.options import ServerOptions


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="neither"),
        pytest.param(
            {
                "serving_root": pathlib.Path("/serving"),
                "model_server_config": configuration.single_model("m", "/models/m"),
            },
            id="both",
        ),
    ],
)
def test_exactly_one_of_root_and_config_is_served(options):
    with pytest.raises(ValueError, match="either a serving_root or a model_server_config"):
        ServerOptions(**options)

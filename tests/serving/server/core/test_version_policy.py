import pathlib

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

from serving.server.core import version_policy

VERSIONS = {number: pathlib.Path(f"/{number}") for number in (9, 10, 2)}


@pytest.mark.parametrize("versions", [VERSIONS, {}], ids=["some", "none"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {10}, id="none named"),
        pytest.param("latest {}", {10}, id="latest"),
        pytest.param("latest { num_versions: 0 }", {10}, id="latest none"),
        pytest.param("latest { num_versions: 2 }", {9, 10}, id="latest two"),
        pytest.param("latest { num_versions: 3 }", {2, 9, 10}, id="latest three"),
        pytest.param("latest { num_versions: 7 }", {2, 9, 10}, id="latest of fewer"),
        pytest.param("all {}", {2, 9, 10}, id="all"),
        pytest.param("specific { versions: 2 versions: 9 }", {2, 9}, id="specific"),
        pytest.param("specific { versions: 2 versions: 7 }", {2}, id="specific, one exists"),
        pytest.param("specific { versions: 7 }", set(), id="specific, none exists"),
        pytest.param("specific {}", set(), id="specific, none named"),
    ],
)
def test_the_policy_that_a_config_names_is_applied(text, expected, versions):
    policy = text_format.Parse(text, FileSystemStoragePathSourceConfig.ServableVersionPolicy())
    chosen = version_policy.choose(policy, versions)
    assert chosen == {number: versions[number] for number in expected if number in versions}

import pathlib

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)

from serving.server.core import version_policy

VERSIONS = {number: pathlib.Path(f"/{number}") for number in (9, 10, 2)}


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, {10}), (2, {9, 10}), (3, {2, 9, 10}), (7, {2, 9, 10}), (0, {10})],
)
def test_latest_takes_the_largest_numbers(count, expected):
    chosen = version_policy.latest(VERSIONS, count)
    assert chosen == {number: VERSIONS[number] for number in expected}


def test_every_takes_all():
    assert version_policy.every(VERSIONS) == VERSIONS


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([2], {2}), ([9, 2], {2, 9}), ([2, 7], {2}), ([7], set()), ([], set())],
)
def test_specific_takes_what_is_named_and_exists(numbers, expected):
    chosen = version_policy.specific(VERSIONS, numbers)
    assert chosen == {number: VERSIONS[number] for number in expected}


@pytest.mark.parametrize("versions", [VERSIONS, {}], ids=["some", "none"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {10}, id="none named"),
        pytest.param("latest {}", {10}, id="latest"),
        pytest.param("latest { num_versions: 2 }", {9, 10}, id="latest two"),
        pytest.param("all {}", {2, 9, 10}, id="all"),
        pytest.param("specific { versions: 2 versions: 9 }", {2, 9}, id="specific"),
    ],
)
def test_the_policy_that_a_config_names_is_applied(text, expected, versions):
    policy = text_format.Parse(text, FileSystemStoragePathSourceConfig.ServableVersionPolicy())
    chosen = version_policy.choose(policy, versions)
    assert chosen == {number: versions[number] for number in expected if number in versions}

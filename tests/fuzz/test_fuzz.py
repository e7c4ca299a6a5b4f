"""Mutated clips: a bounded part of what `make fuzz` runs, the same cases every time."""

import pytest
from hypothesis import HealthCheck, given, settings

from data.ledger import Status
from tests.fuzz import campaign, mutations, seeds

pytestmark = pytest.mark.slow

CASES = 60


@pytest.fixture(scope="module")
def running():
    with campaign.Campaign() as running:
        yield running


@pytest.mark.parametrize("name", seeds.NAMES)
def test_seeds_are_good(name, running):
    video = running.run(name, [])
    assert (video.status, len(video.faces)) == (Status.OK, campaign.OPTIONS.frames_per_video)


@settings(
    max_examples=CASES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(case=mutations.cases())
def test_every_outcome_is_typed(running, case):
    assert running.run(*case) is not None, "the process died or hung"

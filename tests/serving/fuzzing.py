"""What the two fuzzers of the server share."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy


def run(cases: SearchStrategy, count: int, number: int, check: Callable[[Any], None]) -> None:
    """Checks many cases; the first that fails is made small and raised.

    Args:
        cases: what is drawn.
        count: number of cases.
        number: seed.
        check: raises where a case is not answered as it must be.
    """

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def one(case: Any) -> None:
        check(case)

    one()

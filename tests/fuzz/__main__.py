"""Fuzzes the extraction and prints the figures.

Usage: python -m tests.fuzz [--cases 2000] [--seed 0]

Ends with exit code 1 if a case raised an exception, broke an invariant, hung or ended its process;
each of these is printed with the mutation that does it again (`Campaign.run(name, mutations)`).
"""

import argparse
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz import mutations
from tests.fuzz.campaign import Campaign


def main() -> int:
    """Runs the cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    faults: dict[str, str] = {}

    with Campaign() as campaign:

        @seed(arguments.seed)
        @settings(
            max_examples=arguments.cases,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=mutations.cases())
        def run(case: tuple[str, list[mutations.Mutation]]) -> None:
            try:
                campaign.run(*case)
            except Exception as error:  # noqa: BLE001 - the others are to be run all the same
                where = traceback.extract_tb(error.__traceback__)[-1]
                fault = f"{type(error).__name__} at {where.name}:{where.lineno}: {error}"
                faults.setdefault(fault[:300], f"{case!r}")
            if campaign.cases % 100 == 0:
                print(f"{campaign.cases} cases, {campaign.seconds:.0f} s", file=sys.stderr)

        started = time.monotonic()
        run()
        seconds = time.monotonic() - started
    print(f"cases            {campaign.cases}")
    for status, count in campaign.statuses.most_common():
        print(f"  {status.value:15}{count}")
    print(f"process deaths   {len(campaign.deaths)}")
    print(f"hangs            {len(campaign.hangs)}")
    print(f"untyped          {len(faults)} kinds")
    print(f"seconds          {seconds:.0f}")
    print(f"slowest case     {campaign.slowest[0]:.2f} s: {campaign.slowest[1:]}")
    for name, changes, how in campaign.deaths:
        print(f"died: {how}: {(name, changes)!r}")
    for case in campaign.hangs:
        print(f"hung: {case!r}")
    for fault, case_text in faults.items():
        print(f"untyped: {fault}: {case_text}")
    return 1 if faults or campaign.deaths or campaign.hangs else 0


if __name__ == "__main__":
    sys.exit(main())

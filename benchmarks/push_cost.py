"""What a push writes: requests and units on DynamoDB Local, by what is pushed and what was there before.

    python benchmarks/push_cost.py [--json]

Exit code 1 when an event, an SMS or a lone CDR takes more than one write request, fifty CDRs more than two.
Units are computed by DynamoDB's rules from what is written; ``counted`` is what the engine says, which of
transactions and refused writes it does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from builders.metering import engine
from builders.push_costs import measure, within


def main() -> int:
    """Measure every case; 1 when one costs too many requests."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    with engine() as (client, meter):
        costs = list(measure(client, meter))
    if asked.json:
        print(json.dumps([asdict(cost) for cost in costs]))
    else:
        print(f"{'push':<30} {'requests':>9} {'write units':>12} {'counted':>9}")
        for cost in costs:
            counted = "" if cost.counted is None else cost.counted
            print(f"{cost.push:<30} {cost.requests:>9} {cost.units:>12} {counted:>9}")
    return int(not all(map(within, costs)))


if __name__ == "__main__":
    sys.exit(main())

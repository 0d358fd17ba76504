"""What a look at a table costs, by megabyte, when nothing is to be erased: units, requests, processor.

    python benchmarks/erasure_cost.py [--calls 6000] [--json]

Runs one pass of an erasure over so many CDRs of other people on DynamoDB Local. Exit code 1 when a row was
decoded that does not concern the person: that would be most of the work.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from builders.calls import new_facts
from builders.dynamodb import Table, new_table
from builders.erasing import LATER, TOKENS
from builders.metering import Meter, engine
from builders.pushes import STRANGER, fee_body
from privatenumber.erasure.match import hints
from privatenumber.erasure.model import Subject, Target
from privatenumber.store.erasing import Eraser
from privatenumber.store.items import encode

PERSON = Target(
    "e1", Subject.PERSON, LATER, b"salt", numbers=frozenset({STRANGER}), tokens=frozenset({TOKENS[STRANGER]})
)


@dataclass(frozen=True, slots=True)
class Cost:
    """One pass."""

    calls: int
    requests: int
    read_units: float
    decoded: int
    processor_s: float


def cdrs(count: int) -> Iterator[dict[str, Any]]:
    """CDRs of A and B, each of a call of its own."""
    (fact,) = new_facts(fee_body())
    for number in range(count):
        yield {**fact.item, "pk": f"CALL#demo#{number:026d}", "sk": fact.sk}


def write(table: Table, rows: Iterator[dict[str, Any]]) -> None:
    """Write rows with what is sealed in them, twenty-five a request."""
    while batch := [{"PutRequest": {"Item": encode(row)}} for row in islice(rows, 25)]:
        some: Any = {table.name: batch}
        table.client.batch_write_item(RequestItems=some)


def measure(table: Table, meter: Meter, calls: int) -> Cost:
    """Look at every row once."""
    meter.reset()
    eraser, wanted, decoded = Eraser(table.client, table.name), hints(PERSON), 0
    begun, cursor = time.process_time(), None
    while True:
        page = eraser.page(table.name, cursor, wanted)
        decoded, cursor = decoded + len(page.rows), page.cursor
        if cursor is None:
            break
    return Cost(calls, meter.requests, meter.units, decoded, round(time.process_time() - begun, 3))


def shown(cost: Cost) -> str:
    """One line."""
    megabytes = cost.read_units * 4 / 1024
    each = cost.processor_s / megabytes if megabytes else 0.0
    return (
        f"{cost.calls} calls, {megabytes:.1f} MB: {cost.requests} requests, {cost.read_units:.0f} units, "
        f"{cost.processor_s:.2f} s of processor ({each:.3f} per MB), {cost.decoded} rows decoded"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=6000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with engine() as (client, meter):
        table = new_table(client, "BillsTable")
        write(table, cdrs(asked.calls))
        cost = measure(table, meter, asked.calls)
    told: Mapping[str, Any] = asdict(cost)
    print(json.dumps(told) if asked.json else shown(cost))
    return int(cost.decoded > 0)


if __name__ == "__main__":
    sys.exit(main())

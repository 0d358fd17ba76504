"""What a reconciliation of a large month costs: time linear, memory bounded (billing-rules.md §9).

    python benchmarks/reconciliation.py [--rows 250000 1000000] [--events] [--json]

Writes a month of so many CDRs, as the closes of its parts hold them, and the platform's export of as many
rows, with differences planted in both. Compares them in a process of its own and prints seconds, those of the
processor, the peak of resident memory, and how many times as much processor time as merely reading both files
with the csv module it takes: who else works on the machine changes nothing of that. ``--events`` adds as many
hang-ups. Exit code 1 when a difference is not found, when more than 512 MiB are used, or when the largest
month takes more than twice the processor time per row of the smallest.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final

from privatenumber.billing.closing.lines import CallLine, Line, read_line
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.exports_in import open_calls
from privatenumber.billing.reconciliation.records import DetailFiles, Recorded, Resolver, compare_records
from privatenumber.billing.tariff.reading import read_price_book
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import EventFact
from privatenumber.store.numbers import NumberType
from privatenumber.store.versions import PAGE_BYTES, canonical
from privatenumber.times import BEIJING

MOST_MIB: Final = 512
MOST_GROWTH: Final = 2.0
MONTH: Final = "2026-09"
KEYRING: Final = Keyring(token_key=b"benchmark" * 4, data_keys={}, current="none")
PRICES: Final = read_price_book(
    '[{"valid_from": "2026-01-01", "call": {"virtual": "0.10", "carrier": "0.10"}}]'
)
INVENTORY: Final = {f"+86170{n:08d}": NumberType.VIRTUAL for n in range(5000)}
XS: Final = tuple(INVENTORY)
APP_KEY: Final = "demoAppKey0000000000000001"
START: Final = datetime(2026, 8, 31, 16, tzinfo=UTC)
SECONDS: Final = 30 * 24 * 3600
COLUMNS: Final = (
    "record_id", "binding_id", "app_key", "x_number", "caller", "callee", "call_in_time", "answer_time",
    "end_time", "duration_s", "billed_minutes", "result",
)  # fmt: skip
#: One of so many calls is planted as each of the differences.
EVERY: Final = 10_007
PLANTED: Final = {"missing_push": 1, "missing_console": 2, "minutes_diff": 3, "duplicate": 4}


@dataclass(frozen=True, slots=True)
class Cost:
    """One comparison."""

    rows: int
    events: int
    seconds: float
    processor: float
    csv: float
    """Seconds of the processor, to compare both files and merely to read them."""
    ratio: float
    peak_mib: float
    found: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Call:
    """The nth call of the month."""

    n: int
    x: str
    caller: str
    answered_at: datetime
    ended_at: datetime
    talk: int

    @property
    def icid(self) -> str:
        """The record's id."""
        return f"{self.n:032x}.3997785600.1.7"

    @property
    def session(self) -> str:
        """A token as the record's session has."""
        return f"{self.n:026d}"

    @property
    def planted(self) -> str | None:
        """The difference that it is to be."""
        return next((kind for kind, rest in PLANTED.items() if self.n % EVERY == rest), None)


def calls(rows: int) -> Iterator[Call]:
    """The calls of a month, in order of their end."""
    for n in range(rows):
        talk = n * 7919 % 600
        ended_at = START + timedelta(seconds=n * SECONDS // rows)
        caller = f"+8613{n * 104_729 % 1_000_000_000:09d}"
        yield Call(n, XS[n * 31 % len(XS)], caller, ended_at - timedelta(seconds=talk), ended_at, talk)


def line_of(call: Call) -> CallLine:
    """The rated CDR of a call, as the close of a part holds it."""
    minutes = max(-(-call.talk // 60), 1)
    return CallLine(
        fact=f"CALL#demo#{call.session}/CDR#{call.icid}",
        application="demo",
        digest=f"{call.n:026d}",
        at=call.ended_at,
        icid=call.icid,
        session=call.session,
        subscription_id=f"sub-{call.n % 20_000}",
        caller=token(KEYRING, call.caller),
        x=call.x,
        number_type=NumberType.VIRTUAL,
        mode="AXB",
        city="0755",
        enterprise="enterprise-1",
        order=f"order-{call.n % 20_000}",
        binding=f"binding-{call.n % 20_000}",
        side="a",
        connected=True,
        talk_seconds=call.talk,
        minutes=minutes,
        unit_price=Decimal("0.10"),
        amount=minutes * Decimal("0.10"),
        flags=(),
    )


def row_of(call: Call) -> list[str]:
    """The row of a call in the platform's export."""
    answered, ended = call.answered_at.astimezone(BEIJING), call.ended_at.astimezone(BEIJING)
    talk = call.talk
    if call.planted == "minutes_diff":
        answered, talk = answered - timedelta(seconds=60), talk + 60
    return [
        call.icid,
        f"sub-{call.n % 20_000}",
        APP_KEY,
        call.x,
        call.caller,
        "+8613800138002",
        f"{answered - timedelta(seconds=8):%Y-%m-%d %H:%M:%S}",
        f"{answered:%Y-%m-%d %H:%M:%S}",
        f"{ended:%Y-%m-%d %H:%M:%S}",
        str(talk),
        str(max(-(-talk // 60), 1)),
        "0",
    ]


def write(folder: Path, rows: int) -> None:
    """Write the month: the platform's export, our CDRs as CSV to be read for comparison, and their closes."""
    with (
        (folder / "calls.csv").open("w", newline="") as export,
        (folder / "cdrs.csv").open("w", newline="") as ours,
        (folder / "closes").open("wb") as closes,
    ):
        exported, recorded = csv.writer(export), csv.writer(ours)
        exported.writerow(COLUMNS)
        recorded.writerow(COLUMNS)
        page, size = list[bytes](), 0
        for call in calls(rows):
            row = row_of(call)
            if call.planted != "missing_console":
                exported.writerows([row, row] if call.planted == "duplicate" else [row])
            if call.planted == "missing_push":
                continue
            recorded.writerow(row)
            body = canonical(line_of(call).document())
            page.append(body)
            size += len(body)
            if size >= PAGE_BYTES:
                _put(closes, page)
                page, size = [], 0
        _put(closes, page)


def _put(closes: BinaryIO, page: Sequence[bytes]) -> None:
    body = zlib.compress(b"\n".join(page), 6)
    closes.write(len(body).to_bytes(4, "big") + body)


def lines(folder: Path) -> Iterator[Line]:
    """The lines of the closes, page by page."""
    with (folder / "closes").open("rb") as closes:
        while size := closes.read(4):
            for body in zlib.decompress(closes.read(int.from_bytes(size, "big"))).splitlines():
                yield read_line(json.loads(body))


def ends(rows: int) -> Iterator[EventFact]:
    """A hang-up for every call."""
    for call in calls(rows):
        yield EventFact(
            key=(f"CALL#demo#{call.session}", "EVENT#disconnect"),
            application="demo",
            event="disconnect",
            session=call.session,
            at=call.ended_at,
            subscription_id=None,
            caller=None,
            called=None,
            state_code=0,
            digest="",
            received_at=call.ended_at,
            flags=(),
            sealed=b"",
        )


def compare(folder: Path, rows: int, *, events: bool) -> Counter[str]:
    """Compare the month; the kinds of what was found."""
    result = compare_records(
        Recorded(MONTH, lines(folder), ends(rows) if events else ()),
        DetailFiles(calls=[open_calls(lambda: (folder / "calls.csv").open("rb"))]),
        Account(PRICES, INVENTORY, {APP_KEY: "demo"}),
        Resolver(
            tokens=lambda value, purpose: token(KEYRING, value, purpose=purpose),
            callers_of=lambda facts: {},
            events_of=lambda addresses: (),
            as_of=datetime(2026, 10, 5, tzinfo=UTC),
        ),
    )
    return Counter(found.kind.value for found in result.differences)


def read_both(folder: Path) -> int:
    """Read both files and nothing else; how many rows they have."""
    found = 0
    for name in ("calls.csv", "cdrs.csv"):
        with (folder / name).open(newline="") as file:
            found += sum(1 for _ in csv.reader(file))
    return found


def expected(rows: int) -> dict[str, int]:
    """How many of each difference are planted."""
    return {kind: len(range(rest, rows, EVERY)) for kind, rest in PLANTED.items() if rest < rows}


def measure(folder: Path, rows: int, *, events: bool) -> Cost:
    """Write a month, read it, compare it: each in a process of its own."""
    options = ["--folder", str(folder), "--rows", str(rows), *(["--events"] if events else [])]
    _child("write", options)
    read = _child("read", options)
    compared = _child("compare", options)
    return Cost(
        rows=rows,
        events=rows if events else 0,
        seconds=round(compared["seconds"], 1),
        processor=round(compared["processor"], 1),
        csv=round(read["processor"], 1),
        ratio=round(compared["processor"] / read["processor"], 1),
        peak_mib=round(compared["peak_mib"], 1),
        found=compared["found"],
    )


def _child(task: str, options: Sequence[str]) -> dict[str, Any]:
    command = [sys.executable, __file__, "--task", task, *options]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer


def work(task: str, folder: Path, rows: int, *, events: bool) -> None:
    """What a process of `measure` does: one task, and a line that says what it took."""
    tasks: Mapping[str, Callable[[], Mapping[str, int] | int | None]] = {
        "write": lambda: write(folder, rows),
        "read": lambda: read_both(folder),
        "compare": lambda: compare(folder, rows, events=events),
    }
    began, worked = time.perf_counter(), time.process_time()
    found = tasks[task]()
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "processor": processor, "peak_mib": peak, "found": found}))


def failed(costs: Sequence[Cost]) -> list[str]:
    """What is not as it should be."""
    problems = [
        f"{cost.rows} rows: found {dict(cost.found)}" for cost in costs if cost.found != expected(cost.rows)
    ]
    problems += [f"{cost.rows} rows: {cost.peak_mib} MiB" for cost in costs if cost.peak_mib > MOST_MIB]
    per_row = [cost.processor / cost.rows for cost in sorted(costs, key=lambda cost: cost.rows)]
    if len(per_row) > 1 and per_row[-1] > MOST_GROWTH * per_row[0]:
        problems.append("time is not linear")
    return problems


def main() -> int:
    """Measure every size; 1 when something is not as it should be."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--rows", nargs="+", type=int, default=[250_000, 1_000_000])
    arguments.add_argument("--events", action="store_true")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--task", help=argparse.SUPPRESS)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.task:
        work(asked.task, asked.folder, asked.rows[0], events=asked.events)
        return 0
    costs = []
    for rows in asked.rows:
        print(f"comparing {rows} CDRs with {rows} rows ...", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            costs.append(measure(Path(folder), rows, events=asked.events))
    if asked.json:
        print(json.dumps([asdict(cost) for cost in costs]))
    else:
        print(
            f"{'CDRs':>9} {'hang-ups':>9} {'seconds':>8} {'processor':>9} {'csv':>6} {'ratio':>6}"
            f" {'peak MiB':>9}  found"
        )
        for cost in costs:
            print(
                f"{cost.rows:>9} {cost.events:>9} {cost.seconds:>8} {cost.processor:>9} {cost.csv:>6}"
                f" {cost.ratio:>6} {cost.peak_mib:>9}  {dict(cost.found)}"
            )
    problems = failed(costs)
    print("\n".join(problems), file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())

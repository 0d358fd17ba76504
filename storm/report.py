"""The report of a storm: one readable page, as HTML and as text, with the plan beside it as JSON."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from storm.failure import first_failure, in_order, plan_lines, strikes
from storm.judges.verdict import Breach, Verdict
from storm.latencies import latencies
from storm.world import World

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
_TRACE = 40
_BREACHES = 8


@dataclass(frozen=True)
class Report:
    """Everything that the page shows."""

    title: str
    head: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    tables: tuple[Table, ...]
    plan: tuple[str, ...]
    log: tuple[str, ...]
    first: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no judgement is broken; one is not judged when the plan has nothing for it."""
        return all(verdict.state != "BROKEN" for verdict in self.verdicts)

    def text(self, *, brief: bool = False) -> str:
        """The page as text; in brief without counters, plan and log."""
        lines = [self.title, *self.head, ""]
        for verdict in self.verdicts:
            lines += _verdict_lines(verdict)
        if self.first:
            lines += ["", "First failure", *self.first]
        if not brief:
            for title, columns, rows in self.tables:
                lines += ["", title, *_aligned([columns, *rows])]
            lines += ["", "Plan", *self.plan, "", "Last warnings and errors", *self.log]
        lines += ["", "every judgement is true" if self.holds else "BROKEN"]
        return "\n".join(lines)

    def html(self) -> str:
        """The page."""
        parts = [f"<h1>{html.escape(self.title)}</h1>", _list(self.head), "<h2>Judgements</h2><table>"]
        parts += [_verdict_row(verdict) for verdict in self.verdicts]
        parts.append("</table>")
        if self.first:
            shown = html.escape("\n".join(self.first))
            parts.append(f"<h2>First failure</h2><pre>{shown}</pre>")
        for title, columns, rows in self.tables:
            parts += [f"<h2>{html.escape(title)}</h2>", _table(columns, rows)]
        for title, lines in (("Plan", self.plan), ("Last warnings and errors", self.log)):
            body = html.escape("\n".join(lines))
            parts.append(f"<details><summary>{title} ({len(lines)})</summary><pre>{body}</pre></details>")
        return _PAGE.format(title=html.escape(self.title), body="\n".join(parts))


def report_of(world: World, verdicts: list[Verdict], folder: Path) -> Report:
    """Collect what the page shows; ``folder``: where the plan stands."""
    plan, business, occasions = world.plan, world.business, world.weather.occasions
    bound = sum(deal.active for deal in business.deals)
    head = (
        f"{len(plan.numbers)} orders over {plan.days:.1f} days, {len(plan.faults)} faults planned, "
        f"{len(world.weather.struck_at)} of them struck, on {len(occasions)} occasions",
        f"{bound} orders were bound; {len(world.emulator.calls.calls)} calls, "
        f"{len(world.emulator.sms.messages)} SMS, {len(world.emulator.pusher.log)} pushes",
        f"{world.seconds:.0f} s of this machine for {world.lambdas.invocations.total()} invocations "
        f"with {world.tables.requests.total()} requests to the tables",
    )
    tables: tuple[Table, ...] = (
        ("How long each stage took", ("stage", "count", "p50", "p99", "longest"), latencies(world)),
        ("Faults", ("kind", "planned", "struck", "occasions"), strikes(plan, occasions)),
        ("Invocations", ("function", "outcome", "times"), _pairs(world.lambdas.outcomes)),
        ("Answers of our API", ("route", "status", "times"), _pairs(business.answers)),
        ("Problems told", ("problem", "times"), _counted(business.problems)),
        ("Requests to tables", ("function and operation", "times"), _counted(world.tables.requests)[:25]),
    )
    name = f"Storm of seed {plan.seed}"
    first = first_failure(verdicts, plan, occasions, world.logs.lines(), str(folder / "plan.json"))
    shown = tuple(plan_lines(plan, occasions))
    return Report(name, head, tuple(verdicts), tables, shown, tuple(world.logs.tail), tuple(first))


def write_report(report: Report, folder: Path) -> None:
    """Write the page in both forms, and the verdicts for programs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(report.html(), encoding="utf-8")
    (folder / "report.txt").write_text(report.text(), encoding="utf-8")
    verdicts = {verdict.name: verdict.state for verdict in report.verdicts}
    (folder / "verdicts.json").write_text(json.dumps(verdicts, indent=1), encoding="utf-8")
    breached = [verdict.name for verdict in report.verdicts if verdict.breaches]
    (folder / "breached.json").write_text(json.dumps(breached), encoding="utf-8")


def _verdict_lines(verdict: Verdict) -> list[str]:
    figures = ", ".join(f"{name} {value}" for name, value in verdict.figures.items())
    lines = [f"{verdict.state:<10} {verdict.name:<15} {verdict.says}"]
    lines.append(f"       {_looked(verdict)}; {figures}".rstrip("; "))
    lines += [f"       note: {note}" for note in verdict.notes]
    for breach in in_order(verdict.breaches)[:_BREACHES]:
        lines += [
            f"       - {_when(breach)}{breach.what}",
            *(f"           {line}" for line in breach.trace[-_TRACE:]),
        ]
    if len(verdict.breaches) > _BREACHES:
        lines.append(f"       and {len(verdict.breaches) - _BREACHES} more")
    return lines


def _when(breach: Breach) -> str:
    return f"{breach.at:%m-%d %H:%M:%S} " if breach.at else ""


def _looked(verdict: Verdict) -> str:
    if verdict.judged:
        return f"{verdict.judged} looked at"
    return f"nothing to look at: {verdict.absent or 'the plan has it, and it never came about'}"


def _verdict_row(verdict: Verdict) -> str:
    figures = ", ".join(f"{name} {value}" for name, value in verdict.figures.items())
    more = "".join(f"<p class=note>{html.escape(note)}</p>" for note in verdict.notes)
    for breach in in_order(verdict.breaches)[:_BREACHES]:
        trace = html.escape("\n".join(breach.trace[-_TRACE:]))
        more += f"<p class=breach>{html.escape(_when(breach) + breach.what)}</p><pre>{trace}</pre>"
    mark = verdict.state
    small = f"<br><small>{_looked(verdict)}; {html.escape(figures)}</small>"
    told = f"{html.escape(verdict.says)}{small}{more}"
    return f"<tr class='{mark}'><th>{mark}</th><th>{html.escape(verdict.name)}</th><td>{told}</td></tr>"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def _counted(counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    return [(name, str(count)) for name, count in Counter(counts).most_common()]


def _pairs(counts: Counter[tuple[str, str]] | Counter[tuple[str, int]]) -> list[tuple[str, ...]]:
    return [(str(one), str(other), str(count)) for (one, other), count in sorted(counts.items())]


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: left; padding: .2rem .8rem; vertical-align: top; }}
tr {{ border-bottom: 1px solid #ddd; }} tr.true th:first-child {{ color: #176b2c; }}
tr.BROKEN th:first-child, .breach {{ color: #a4161a; }} pre {{ overflow-x: auto; background: #f6f6f6; }}
</style></head><body>
{body}
</body></html>
"""

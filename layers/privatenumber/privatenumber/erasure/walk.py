"""One page of a table after the other: every row is looked at for every erasure of the round.

Whatever is interrupted is done again: a row that was erased is found as it is to be, and nothing follows.
What changes under our hands is read again; what goes on changing ends the run, and the next one begins at its
page.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from privatenumber.erasure import kinds
from privatenumber.erasure.anonymous import people_in
from privatenumber.erasure.erased import Seal, erased, pair_partners, redacted
from privatenumber.erasure.match import People, Unseal, concerned, holds_number, in_scope
from privatenumber.erasure.model import Subject, Target
from privatenumber.privacy import SealBroken
from privatenumber.store.binding_keys import pair_memory_key, pair_name
from privatenumber.store.erasing import Changed, Eraser, Item
from privatenumber.store.job_rows import PENDING
from privatenumber.store.quarantined import read_quarantined
from privatenumber.store.versions import Version, VersionBroken, VersionStore, VersionTaken
from privatenumber.times import Clock

FILE: Final = "recording_file"
BARS_KEPT: Final = "barred_kept"
UNOPENED: Final = "quarantine_unopened"
BROKEN: Final = "bill_unreadable"
"""Counts of what is no row, or was left as it is."""

_ATTEMPTS: Final = 5
_SETTLED: Final = timedelta(hours=1)
"""Longer than anybody takes from the pages of a bill to the head that refers to them."""

_FINAL_JOB: Final = frozenset({"finished", "cancelled", "failed"})


@dataclass(slots=True)
class Tally:
    """What a page came to: counts of dry runs, what lives and was left, partitions that were done whole."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    in_use: dict[str, set[str]] = field(default_factory=dict)
    handled: set[tuple[str, str]] = field(default_factory=set)

    def count(self, target: Target, kind: str, number: int = 1) -> None:
        """Count for an erasure."""
        self.counts.setdefault(target.erasure, Counter())[kind] += number

    def count_left(self, target: Target, kind: str) -> None:
        """Count something that is left as it is, at the last look only."""
        if target.last:
            self.count(target, kind)

    def leave(self, target: Target, what: str) -> None:
        """Remember something that lives."""
        self.in_use.setdefault(target.erasure, set()).add(what)


@dataclass(frozen=True, slots=True)
class Walk:
    """Looks at rows. ``token_of`` makes the token of a number, ``remove_file`` removes a recording."""

    eraser: Eraser
    versions: VersionStore
    bindings: str
    bills: str
    unseal: Unseal
    seal: Seal
    token_of: Callable[[str], str]
    remove_file: Callable[[str], object]
    clock: Clock

    def rows(self, table: str, rows: Iterable[Item], targets: Sequence[Target], tally: Tally) -> None:
        """Look at rows for some erasures. Raises Changed."""
        for row in rows:
            for target in targets:
                if (target.erasure, str(row["pk"])) not in tally.handled and in_scope(row, target):
                    self._row(table, row, target, tally)

    def _row(self, table: str, row: Item, target: Target, tally: Tally) -> None:
        kind = kinds.kind_of(row)
        if kind == kinds.PAGE:
            self._bill(row, target, tally)
        elif kind == kinds.QUARANTINE:
            self._quarantined(row, target, tally)
        elif kinds.of_call_or_sms(row):
            if concerned(row, target, self.unseal) is not None:
                self._partition(table, str(row["pk"]), target, tally)
        else:
            self._alone(table, row, target, tally)

    def _alone(self, table: str, row: Item, target: Target, tally: Tally) -> None:
        """A row that stands for itself."""
        current: Item | None = row
        for _ in range(_ATTEMPTS):
            people = concerned(current, target, self.unseal) if current else None
            if current is None or people is None or not kinds.began_by(current, target.as_of):
                return
            kind = kinds.kind_of(current)
            if living := _living(current, kind):
                tally.leave(target, living)
                return
            if kind == kinds.BAR and not target.lift_bars:
                tally.count_left(target, BARS_KEPT)
                return
            try:
                self._write(table, current, people, target, tally)
            except Changed:
                current = self.eraser.get(table, current)
            else:
                return
        raise Changed

    def _partition(self, table: str, pk: str, target: Target, tally: Tally) -> None:
        """All rows of a call or an SMS; facts first, so that their sum, computed anew, is erased too."""
        tally.handled.add((target.erasure, pk))
        for _ in range(_ATTEMPTS):
            rows = sorted(
                self.eraser.partition(table, pk), key=lambda row: kinds.kind_of(row) in kinds.DERIVED
            )
            if not _meant(rows, target):
                return
            people = self._people(rows, target)
            try:
                for row in rows:
                    self._write(table, row, people, target, tally)
            except Changed:
                continue
            return
        raise Changed

    def _people(self, rows: Sequence[Item], target: Target) -> People:
        """Who is to be erased; X numbers stand in events as tokens too, and are the company's."""
        if target.subject is Subject.PERSON:
            return target.tokens
        ours = {str(row[name]) for row in rows for name in ("x", "display_x") if row.get(name)}
        return frozenset().union(*map(people_in, rows)) - frozenset(map(self.token_of, ours))

    def _write(self, table: str, row: Item, people: People, target: Target, tally: Tally) -> None:
        kind = kinds.kind_of(row)
        if kind == kinds.RECORDING and row.get("file") and not target.dry_run:
            # Also of a row that was erased before: an upload may have been under way.
            self.remove_file(str(row["file"]))
        after = erased(row, people, target, unseal=self.unseal, seal=self.seal, now=self.clock())
        if after == row:
            return
        if target.dry_run:
            tally.count(target, kind)
            return
        also = _pairs_of(row) if kind == kinds.BINDING else []
        self.eraser.replace(table, row, after, erasure=target.erasure, kind=kind, also=also)

    def _quarantined(self, row: Item, target: Target, tally: Tally) -> None:
        """An entry as a whole, when it quotes the number or is old; nothing tells of which order it is."""
        if "parts" not in row or target.subject is Subject.ORDER:
            return
        rows = list(self.eraser.partition(self.bills, str(row["pk"]), str(row["sk"])))
        if target.subject is Subject.AGE:
            meant = concerned(row, target, self.unseal) is not None
        else:
            meant = kinds.began_by(row, target.as_of) and self._quotes(rows, target, tally)
        if not meant:
            return
        if target.dry_run:
            tally.count(target, kinds.QUARANTINE)
            return
        parts = [{"pk": part["pk"], "sk": part["sk"]} for part in rows[1:]]
        self.eraser.replace(
            self.bills, rows[0], None, erasure=target.erasure, kind=kinds.QUARANTINE, also=parts
        )

    def _quotes(self, rows: Sequence[Item], target: Target, tally: Tally) -> bool:
        entry = read_quarantined(rows)
        try:
            opened = self.unseal(entry.sealed, entry.application)
        except SealBroken:
            tally.count_left(target, UNOPENED)
            return False
        return holds_number(opened, target)

    def _bill(self, page: Item, target: Target, tally: Tally) -> None:
        """The lines of a bill stay; who called stands in them under a pseudonym."""
        name = str(page["pk"])
        application = kinds.application_of(page)
        opened = zlib.decompress(page["lines"])
        person = target.tokens | target.numbers
        if person and not any(name.encode() in opened for name in person):
            return
        told = [json.loads(text) for text in opened.splitlines()]
        found = sum(1 for line in told if _redacted(line, target, application) != line)
        if not found:
            return
        if target.dry_run:
            tally.count(target, kinds.PAGE, found)
            return
        tally.handled.add((target.erasure, name))
        for version in self.versions.versions(name):
            self._redact(version, target, application, tally)
        self.versions.sweep_pages(name, before=self.clock() - _SETTLED)

    def _redact(self, version: Version, target: Target, application: str | None, tally: Tally) -> None:
        try:
            lines = self.versions.lines(version)
        except VersionBroken:
            tally.count_left(target, BROKEN)
            return
        new = [_redacted(line, target, application) for line in lines]
        changed = sum(1 for old, line in zip(lines, new, strict=True) if old != line)
        if not changed:
            return
        counted = self.eraser.counted(target.erasure, kinds.PAGE, changed)
        try:
            self.versions.redact(version, new, now=self.clock(), also=[counted])
        except VersionTaken:
            raise Changed from None


def _redacted(line: Mapping[str, Any], target: Target, application: str | None) -> dict[str, Any]:
    return redacted(line, target, application=application or line.get("application"))


def _meant(rows: Sequence[Item], target: Target) -> bool:
    """Whether a call or SMS had begun when the erasure was asked for, or is old enough."""
    told = [row for row in rows if kinds.kind_of(row) in kinds.FACTS | kinds.DERIVED]
    if target.subject is Subject.AGE:
        return target.before is not None and all(kinds.over_before(row, target.before) for row in told)
    return not told or any(kinds.began_by(row, target.as_of) for row in told)


def _living(row: Item, kind: str) -> str | None:
    """The binding or job that a row is part of and that lives; None when none does."""
    if kind == kinds.BINDING:
        return None if row["state"] in kinds.ENDED else f"binding:{row['binding_id']}"
    if kind == kinds.PLACE:
        return f"binding:{row['binding_id']}" if "binding_id" in row else None
    if kind == kinds.JOB:
        return None if row["state"] in _FINAL_JOB else f"job:{str(row['pk']).split('#')[1]}"
    if kind == kinds.JOB_ITEM:
        return f"job:{str(row['pk']).split('#')[1]}" if row["state"] == PENDING else None
    return None


def _pairs_of(row: Item) -> list[dict[str, str]]:
    """What remembers on which X the people of a binding met: its keys are made of their tokens."""
    names = {pair_name(pair_partners(row)), pair_name([row["a_token"]])}
    return [pair_memory_key(str(row["application"]), name) for name in sorted(names)]

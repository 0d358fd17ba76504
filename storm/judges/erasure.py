"""Somebody who was erased stands nowhere any more, in clear, by his token, or inside what is sealed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from privatenumber.privacy import Keyring, SealBroken, token
from storm.judges.facts import Entry, place_of
from storm.judges.privacy import readable
from storm.judges.seals import FACTS, opened
from storm.judges.verdict import Verdict
from storm.tables import Key

Row = Mapping[str, Any]
Tables = Mapping[str, Mapping[Key, Row]]


def judge_erasure(
    tables: Tables,
    keyring: Keyring,
    person: str | None,
    erased: Mapping[str, Any] | None,
    sent: Iterable[Entry],
    taken: Iterable[Entry],
    *,
    planned: bool = True,
) -> Verdict:
    """Look for a person in every value of both tables, all that is sealed opened; ``erased``: what our API
    told; ``sent``: what the platform pushed, ``taken``: what of it we answered 200.

    Everything else has to open: facts of others are none of his erasure, and his are marked as its.
    ``planned``: somebody is to ask for it at all.
    """
    verdict = Verdict(
        "erasure",
        "who asked to be forgotten, and called while it was storming, stands nowhere; others do as before",
    )
    if person is None:
        verdict.absent = "" if planned else "nobody is to ask for it"
        return verdict
    verdict.judged = 1
    if erased is None or not erased.get("certificate"):
        verdict.broken("the erasure never came to its certificate")
    search = _Search(person.removeprefix("+86"), token(keyring, person), str((erased or {}).get("id")))
    search.his = frozenset(one.place[0] for one in sent if search.digits in one.says)
    for table, rows in tables.items():
        for key, row in rows.items():
            verdict.judged += 1
            for problem in search.problems(key, row, keyring):
                verdict.broken(f"{table}: {key[0].partition('#')[0]} {key[1].partition('#')[0]} {problem}")
    counts: Mapping[str, int] = (erased or {}).get("counts", {})
    for kind, found in search.emptied.items():
        if found > counts.get(kind, 0):
            verdict.broken(f"{found} {kind} are erased, the erasure counted {counts.get(kind, 0)}")
    if not search.opened:
        verdict.broken("nothing opened, of nobody")
    kept = {one.place for one in taken if search.digits in one.says and not one.asks}
    if len(kept) > search.emptied.total():
        verdict.broken(f"{len(kept)} facts named him, {search.emptied.total()} were emptied")
    figures = {
        "rows": verdict.judged - 1,
        "opened": search.opened,
        "facts emptied": search.emptied.total(),
        "counted by the erasure": sum(counts.values()),
    }
    verdict.figures = {name: str(number) for name, number in figures.items()}
    return verdict


class _Search:
    """One look at every row: for somebody's number and token, and at what has to open."""

    def __init__(self, digits: str, name: str, erasure: str) -> None:
        self.digits = digits
        self.his: frozenset[str] = frozenset()
        self.opened = 0
        self.emptied: Counter[str] = Counter()
        self._wanted = (digits, name)
        self._erasure = erasure

    def problems(self, key: Key, row: Row, keyring: Keyring) -> list[str]:
        """What is wrong with a row."""
        if row.get("sealed") == b"":
            return self._of_empty(key, row)
        found: list[str] = []
        sealed = None
        try:
            sealed = opened(key, row, keyring)
        except SealBroken:
            found.append("does not open")
        except LookupError:
            found.append("is sealed for nobody knows what")
        self.opened += sealed is not None
        texts = [*key, *readable(row), sealed or ""]
        if any(one in text for text in texts for one in self._wanted):
            found.append("still knows him")
        return found

    def _of_empty(self, key: Key, row: Row) -> list[str]:
        """A fact without its content has to be one of his: of a call or SMS in which he was named."""
        kind = str(row.get("kind"))
        if any(one in text for text in (*key, *readable(row)) for one in self._wanted):
            return ["still knows him"]
        if kind not in FACTS or row.get("erased") != self._erasure:
            return ["is empty, and nobody erased it"]
        if place_of(key, row)[0] not in self.his:
            return ["is empty, and he was not named there"]
        self.emptied[kind] += 1
        return []

"""Somebody who was erased stands nowhere any more, in clear, by his token, or inside what is sealed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from privatenumber.privacy import Keyring, SealBroken, open_sealed, token
from storm.judges.verdict import Verdict
from storm.tables import Key

Row = Mapping[str, Any]
Tables = Mapping[str, Mapping[Key, Row]]


def judge_erasure(
    tables: Tables,
    keyring: Keyring,
    person: str | None,
    erased: Mapping[str, Any] | None,
    *,
    planned: bool = True,
) -> Verdict:
    """Look for a person in every value of both tables, sealed facts opened; ``erased``: what our API told.

    ``planned``: somebody is to ask for it at all.
    """
    verdict = Verdict(
        "erasure", "who asked to be forgotten, and called while it was storming, stands nowhere"
    )
    if person is None:
        verdict.absent = "" if planned else "nobody is to ask for it"
        return verdict
    verdict.judged = 1
    if erased is None or not erased.get("certificate"):
        verdict.broken("the erasure never came to its certificate")
    elif not any(erased["counts"].values()):
        verdict.notes.append("nothing was known of him")
    wanted = (person.removeprefix("+86"), token(keyring, person))
    opened = 0
    for table, rows in tables.items():
        for key, row in rows.items():
            texts = list(_sealed(row, keyring))
            opened += len(texts)
            verdict.judged += 1
            if _holds((*key, *_values(row), *texts), wanted):
                verdict.broken(
                    f"{table}: {key[0].partition('#')[0]} {key[1].partition('#')[0]} still knows him"
                )
    changed = sum((erased or {}).get("counts", {}).values())
    figures = {"rows": verdict.judged - 1, "facts opened": opened, "counted by the erasure": changed}
    verdict.figures = {name: str(number) for name, number in figures.items()}
    return verdict


def _holds(texts: Iterable[str], wanted: tuple[str, ...]) -> bool:
    return any(one in text for text in texts for one in wanted)


def _values(row: Row) -> Iterator[str]:
    for value in row.values():
        if isinstance(value, bytes):
            yield value.decode("latin-1")
        else:
            yield json.dumps(value, default=str) if isinstance(value, dict | list | set) else str(value)


def _sealed(row: Row, keyring: Keyring) -> Iterator[str]:
    """What a fact holds of its push; whatever is sealed for another place does not open here."""
    sealed = row.get("sealed")
    if isinstance(sealed, bytes) and row.get("kind") in ("event", "cdr", "sms"):
        try:
            yield open_sealed(keyring, sealed, context=row["application"]).decode()
        except SealBroken:
            return

"""Facts in the Bills table: written once, whatever is delivered twice, late, out of order or concurrently.

One fact is one conditional ``PutItem``; several are one transaction of conditional puts, and a second one
for what remains when some were there already (design.md §5). A repetition changes nothing; the same key with
other content is kept beside the first and reported (notifications.md §9.2).
"""

from __future__ import annotations

import math
import random as _random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.store.decisions import DecisionWrite, NewDecision
from privatenumber.store.fact_readings import FactReadings, StoreUnavailable, code_of
from privatenumber.store.fact_rows import (
    NewFact,
)
from privatenumber.store.fact_writes import (
    FactWrite,
    IcidWrite,
    NonceUse,
    NonceWrite,
    QuarantineEntry,
    QuarantineWrite,
    VariantWrite,
    Write,
)
from privatenumber.store.items import decode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = ["FactStore", "NonceReused", "StoreUnavailable", "Written"]

#: Actions of one TransactWriteItems request (service limit).
MAX_ACTIONS = 100
#: Requests for one bundle of actions: the first, the one after duplicates were taken out, and contention.
_ROUNDS = 8
#: Together at most about two seconds: the platform waits five for its answer.
_BACKOFF_S, _LONGEST_BACKOFF_S = 0.05, 0.4
_CONTENTION = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_CONTENTION_CODES = frozenset({"TransactionConflictException", "TransactionInProgressException"})
#: Writes that go into one request.
_Unit = tuple[Write, ...]


class NonceReused(Exception):
    """The nonce was used before with another body (auth.md §6 step 7). Nothing of the push was stored."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the facts of a push: each is in exactly one of the three.

    ``decision`` is the row of a decision that was there before; `None` when the new one was written.
    """

    stored: tuple[NewFact, ...] = ()
    duplicates: tuple[NewFact, ...] = ()
    conflicts: tuple[NewFact, ...] = ()
    decision: Mapping[str, Any] | None = None


class FactStore(FactReadings):
    """Facts of calls and what could not be read, in the Bills table: written, and read back.

    Parameters
    ----------
    client : DynamoDBClient
    table : str
        Name of the Bills table.
    sleep, random
        How to wait under contention: seconds, and a number in [0, 1) to scatter them.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        super().__init__(client, table)
        self._sleep = sleep
        self._random = random

    def put_facts(
        self,
        facts: Sequence[NewFact],
        *,
        quarantined: Sequence[QuarantineEntry] = (),
        nonce: NonceUse | None = None,
        decision: NewDecision | None = None,
        left: Callable[[], float] = lambda: math.inf,
    ) -> Written:
        """Store facts, unreadable entries, the use of a nonce and the answer to a question.

        ``left`` tells how many seconds are left: no request begins and no pause lasts beyond them.

        One request when nothing was there before or everything was; else two. A push of more than 100 actions
        (a CDR with icid is two) takes one more per hundred; a repetition then finds what a crash between two
        of them left.

        Raises
        ------
        NonceReused
            Nothing was stored.
        StoreUnavailable
            Perhaps not everything was stored; the same call again completes it.
        """
        tally = _Tally()
        waiting: list[_Unit] = [(NonceWrite(nonce),)] if nonce else []
        waiting += [(write,) for entry in quarantined for write in QuarantineWrite.of(entry)]
        waiting += map(_unit, facts)
        waiting += [(DecisionWrite(decision),)] if decision else []
        while waiting:
            bundle, waiting = _bundle(waiting)
            self._settle(bundle, tally, left)
        return tally.written()

    def _settle(self, bundle: list[Write], tally: _Tally, left: Callable[[], float]) -> None:
        for attempt in range(_ROUNDS):
            if left() <= 0:
                raise StoreUnavailable("out of time")
            reasons = self._request(bundle)
            if reasons is None:
                tally.stored += [write.fact for write in bundle if isinstance(write, FactWrite)]
                tally.conflicts += [write.fact for write in bundle if isinstance(write, VariantWrite)]
                return
            bundle = _remaining(bundle, reasons, tally)
            if not bundle:
                return
            if any(reason.get("Code") in _CONTENTION for reason in reasons):
                pause = min(_BACKOFF_S * 2**attempt, _LONGEST_BACKOFF_S) * self._random()
                self._sleep(max(0.0, min(pause, left())))
        raise StoreUnavailable("contention")

    def _request(self, bundle: list[Write]) -> list[dict[str, Any]] | None:
        """Send a bundle; `None` when it is stored, else one reason per action, in order."""
        send: Callable[[], object]
        if len(bundle) == 1:
            send = partial(bundle[0].send, self._client, self._table)
        else:
            actions: list[Any] = [write.action(self._table) for write in bundle]
            send = partial(self._client.transact_write_items, TransactItems=actions)
        try:
            send()
        except ClientError as error:
            return _reasons(error)
        except BotoCoreError as error:
            raise StoreUnavailable(code_of(error)) from error
        return None


class _Tally:
    def __init__(self) -> None:
        self.stored: list[NewFact] = []
        self.duplicates: list[NewFact] = []
        self.conflicts: list[NewFact] = []
        self.decision: Mapping[str, Any] | None = None

    def written(self) -> Written:
        return Written(tuple(self.stored), tuple(self.duplicates), tuple(self.conflicts), self.decision)


def _unit(fact: NewFact) -> _Unit:
    icid = IcidWrite.of(fact)
    return (icid, FactWrite(fact)) if icid else (FactWrite(fact),)


def _bundle(units: list[_Unit]) -> tuple[list[Write], list[_Unit]]:
    """The next request's actions and the rest: a transaction takes no two actions on one row."""
    bundle: dict[tuple[str, str], Write] = {}
    rest: list[_Unit] = []
    for unit in units:
        if len(bundle) + len(unit) <= MAX_ACTIONS and not any(write.key in bundle for write in unit):
            bundle |= {write.key: write for write in unit}
        else:
            rest.append(unit)
    return list(bundle.values()), rest


def _remaining(bundle: list[Write], reasons: Sequence[dict[str, Any]], tally: _Tally) -> list[Write]:
    remaining: list[Write] = []
    elsewhere = _elsewhere(bundle, reasons)
    for write, reason in zip(bundle, reasons, strict=True):
        if reason.get("Code") != "ConditionalCheckFailed":
            if isinstance(write, FactWrite) and write.key in elsewhere:
                remaining.append(VariantWrite(write.fact))
            else:
                remaining.append(write)
        elif isinstance(write, NonceWrite):
            raise NonceReused
        elif isinstance(write, DecisionWrite):
            tally.decision = decode(reason["Item"])
        elif isinstance(write, FactWrite):
            if decode(reason["Item"])["digest"] == write.fact.digest:
                tally.duplicates.append(write.fact)
            else:
                remaining.append(VariantWrite(write.fact))
        elif isinstance(write, VariantWrite):
            tally.duplicates.append(write.fact)  # told as a contradiction when it came first
    return remaining


def _elsewhere(bundle: list[Write], reasons: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Keys of the CDRs whose icid stands under another session."""
    return {
        (write.fact.pk, write.fact.sk)
        for write, reason in zip(bundle, reasons, strict=True)
        if isinstance(write, IcidWrite)
        and reason.get("Code") == "ConditionalCheckFailed"
        and write.held_by_another(decode(reason["Item"]))
    }


def _reasons(error: ClientError) -> list[dict[str, Any]]:
    code = code_of(error)
    response: Any = error.response
    if code == "ConditionalCheckFailedException":
        return [{"Code": "ConditionalCheckFailed", "Item": response["Item"]}]
    if code in _CONTENTION_CODES:
        return [{"Code": "TransactionConflict"}]
    if code != "TransactionCanceledException":
        raise StoreUnavailable(code) from error
    reasons: list[dict[str, Any]] = response["CancellationReasons"]
    expected = _CONTENTION | {"None", "ConditionalCheckFailed"}
    foreign = {reason.get("Code", "None") for reason in reasons} - expected
    if foreign:
        raise StoreUnavailable(", ".join(sorted(foreign))) from error
    return reasons

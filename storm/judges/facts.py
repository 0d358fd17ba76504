"""Every fact that we acknowledged is stored, once, and says what the platform said."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from emulator.platform import Emulator
from privatenumber.privacy import Keyring, SealBroken, open_sealed, token
from privatenumber.store.fact_rows import call_key, key_part, number_key, sms_key
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key

Row = Mapping[str, Any]
Body = Mapping[str, Any]
Place = tuple[str, str]
"""A partition, and what a sort key begins with: what is keyed by a moment ends otherwise each time."""

_KINDS: Final = frozenset({"event", "cdr", "sms", "number_state"})
_TYPED: Final = "EVENT#collectInfo"
_VARIANT: Final = "#VARIANT#"
_STATES: Final[Mapping[str, frozenset[str]]] = {
    "5": frozenset({"active", "quarantined"}),
    "9": frozenset({"suspended"}),
    "10": frozenset({"unavailable"}),
    "11": frozenset({"frozen"}),
}
"""What our pool may say of a number after the platform's last word; its "normal" ends no quarantine."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a push: where its fact has to stand and what it has to say.

    ``asks``: a question, which is answered in time even if it cannot be stored, so 200 promises nothing.
    """

    place: Place
    says: str
    asks: bool = False

    @property
    def name(self) -> str:
        """What it is, without whom it is about."""
        return _name(self.place)


def entries_in(key: str, body: Body, keyring: Keyring) -> Iterator[Entry]:
    """What the facts of a push are; ``key`` is the platform's name of the application."""
    application = OURS[key]
    if "statusInfo" in body:
        info = body["statusInfo"]
        place = call_key(application, _session(info, keyring)), f"EVENT#{key_part(body['eventType'])}"
        yield Entry(place, _text(body), info.get("notifyMode") == "Block")
    for entry in body.get("feeLst", ()):
        place = call_key(application, _session(entry, keyring)), f"CDR#{key_part(entry['icid'])}"
        yield Entry(place, _text(entry))
    for entry in body.get("numInfo", ()):
        yield Entry((number_key(application, entry["number"]), ""), _text(entry))
    if "smsEvent" in body:
        event = body["smsEvent"]
        mode = event["notificationMode"]
        pk = sms_key(application, token(keyring, event["smsIdentifier"], purpose="sms"))
        yield Entry((pk, mode), _text(body), mode == "Block")


def place_of(key: Key, row: Row) -> Place:
    """The place of a stored fact."""
    if row["kind"] == "number_state":
        return key[0], ""
    name = key[1].partition(_VARIANT)[0]
    return key[0], _TYPED if name.startswith(f"{_TYPED}#") else name


def judge_facts(
    emulator: Emulator,
    acknowledged: Sequence[tuple[str, Body]],
    rows: Mapping[Key, Row],
    keyring: Keyring,
    forgotten: tuple[str, str] | None = None,
) -> Verdict:
    """Nothing that we answered 200 is missing, nothing stands there twice, nothing that was never sent.

    ``forgotten``: the number of whoever was erased, and the erasure that marks what it has emptied.
    """
    verdict = Verdict(
        "facts", "every fact we acknowledged is stored exactly once as it was told, and nothing else is"
    )
    promised = [entry for app, body in acknowledged for entry in entries_in(app, body, keyring)]
    sent = [entry for one in emulator.pusher.log for entry in entries_in(one.app_key, one.body, keyring)]
    stored = _Stored(rows, keyring, forgotten, sent)
    for entry in dict.fromkeys(promised):
        verdict.judged += not entry.asks
        if not entry.asks and not stored.holds(entry):
            verdict.broken(f"acknowledged and not stored: {entry.name}")
    _judge_counts(verdict, stored, _arrivals(emulator, keyring))
    for where in stored.unreadable:
        verdict.broken(f"does not open: {where}")
    icids = Counter(row["icid"] for row in rows.values() if row.get("kind") == "cdr" and row.get("icid"))
    for icid, count in icids.items():
        if count > 1:
            verdict.broken(f"the CDR {icid} stands there {count} times")
    verdict.figures = {
        "sent": str(len({entry.says for entry in sent})),
        "stored": str(stored.said.total()),
        "erased": str(stored.erased.total()),
        "never arrived": str(sum(not stored.holds(entry) for entry in dict.fromkeys(sent))),
    }
    return verdict


@dataclass
class _Arrivals:
    """How often an entry was sent, and at how many moments it was answered 200."""

    sent: int = 0
    taken: set[datetime] = field(default_factory=set)


def _arrivals(emulator: Emulator, keyring: Keyring) -> dict[tuple[Place, str], _Arrivals]:
    found: defaultdict[tuple[Place, str], _Arrivals] = defaultdict(_Arrivals)
    for push in emulator.pusher.log:
        for entry in entries_in(push.app_key, push.body, keyring):
            arrivals = found[entry.place, entry.says]
            arrivals.sent += len(push.attempts)
            arrivals.taken |= {attempt.at for attempt in push.attempts if attempt.status == 200}
    return found


def _judge_counts(verdict: Verdict, stored: _Stored, arrivals: Mapping[tuple[Place, str], _Arrivals]) -> None:
    """Once, whatever came how often; but a state of a number as often as it came, since it names no time."""
    for (place, says), count in stored.said.items():
        came = arrivals.get((place, says))
        if came is None:
            verdict.broken(f"stored and never sent: {_name(place)}")
        elif place[1] and count > 1:
            verdict.broken(f"stored {count} times: {_name(place)}")
        elif not place[1] and not len(came.taken) <= count <= came.sent:
            verdict.broken(f"a state came {len(came.taken)} times and is stored {count} times")


class _Stored:
    """What the facts say that are here, by their places; of an erased one only where it stood is known."""

    def __init__(
        self,
        rows: Mapping[Key, Row],
        keyring: Keyring,
        forgotten: tuple[str, str] | None,
        sent: Sequence[Entry],
    ) -> None:
        self.said: Counter[tuple[Place, str]] = Counter()
        self.erased: Counter[Place] = Counter()
        self.unreadable: list[str] = []
        number, erasure = forgotten or ("", "")
        digits = number.removeprefix("+86")
        his = {entry.place[0] for entry in sent if digits and digits in entry.says}
        for key, row in rows.items():
            if row.get("kind") not in _KINDS:
                continue
            place = place_of(key, row)
            # Of a call that names him everything goes, also what quotes him without naming him.
            if erasure and row.get("erased") == erasure and place[0] in his:
                self.erased[place] += 1
                continue
            try:
                opened = open_sealed(keyring, row["sealed"], context=row["application"])
            except SealBroken:
                self.unreadable.append(_name(place))
                continue
            self.said[place, _text(json.loads(opened))] += 1

    def holds(self, entry: Entry) -> bool:
        """Whether an entry is stored, or was until somebody in it was erased."""
        return bool(self.said[entry.place, entry.says] or self.erased[entry.place])


def judge_numbers(numbers: Mapping[Key, Row], rows: Mapping[Key, Row], returned: frozenset[str]) -> list[str]:
    """What is wrong with our pool after the states that came: the last word that came counts.

    ``numbers`` are the rows of the table of bindings, ``returned`` the X that an operator has retired.
    """
    last: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for (_, sk), row in rows.items():
        if row.get("kind") == "number_state":
            last[row["application"], row["x"]].append((sk, str(row["status"])))
    wrong: list[str] = []
    for (application, x), states in last.items():
        at, status = max(states)
        row = numbers.get((f"X#{x}", "NUMBER"), {})
        if row.get("application") != application:
            wrong.append(f"a state of {x} came, which is no number of {application}")
        elif x in returned and row.get("state") == "retired":
            continue
        elif row.get("state") not in _STATES[status] or row.get("status_at") != at:
            wrong.append(f"{x} is {row.get('state')} since {row.get('status_at')}, {status} came at {at}")
    return wrong


def _name(place: Place) -> str:
    return place[1] or "a state of a number"


def _text(entry: Body) -> str:
    return json.dumps(entry, sort_keys=True)


def _session(info: Body, keyring: Keyring) -> str:
    return token(keyring, info["sessionId"], purpose="session")

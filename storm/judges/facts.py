"""Every fact that we acknowledged is stored, once; every one given up on is on the worklist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from emulator.deliveries import DeliveryState
from emulator.platform import Emulator
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import call_key, key_part, sms_key
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key

Row = Mapping[str, Any]
Body = Mapping[str, Any]


def facts_in(key: str, body: Body, keyring: Keyring, *, questions: bool = True) -> Iterator[Key]:
    """Where the facts of a push must stand; digits typed and states of numbers are keyed by their moment.

    A question is answered in time even if it cannot be stored: without ``questions`` it is no promise.
    """
    application = OURS[key]
    if "statusInfo" in body:
        info = body["statusInfo"]
        kind = body["eventType"]
        if kind != "collectInfo" and (questions or info.get("notifyMode") != "Block"):
            yield call_key(application, _session(info, keyring)), f"EVENT#{key_part(kind)}"
    for entry in body.get("feeLst", ()):
        yield call_key(application, _session(entry, keyring)), f"CDR#{key_part(entry['icid'])}"
    if "smsEvent" in body:
        event = body["smsEvent"]
        if event["notificationMode"] == "Notify":
            yield sms_key(application, token(keyring, event["smsIdentifier"], purpose="sms")), "Notify"


def judge_facts(
    emulator: Emulator, acknowledged: list[tuple[str, Body]], rows: Mapping[Key, Row], keyring: Keyring
) -> Verdict:
    """Nothing that we answered 200 is missing, nothing stands there twice, nothing that was never sent."""
    verdict = Verdict("facts", "every fact we acknowledged is stored exactly once, and nothing else is")
    promised = {key for app, body in acknowledged for key in facts_in(app, body, keyring, questions=False)}
    sent = {key for one in emulator.pusher.log for key in facts_in(one.app_key, one.body, keyring)}
    stored = {key for key, row in rows.items() if row.get("kind") in ("event", "cdr", "sms")}
    verdict.judged = len(promised)
    for key in promised - stored:
        verdict.broken(f"acknowledged and not stored: {key[1]}")
    for key in stored - sent:
        if not key[1].startswith("EVENT#collectInfo") and key[1] != "Block":
            verdict.broken(f"stored and never sent: {key[1]}")
    icids = Counter(row["icid"] for row in rows.values() if row.get("kind") == "cdr" and row.get("icid"))
    for icid, count in icids.items():
        if count > 1:
            verdict.broken(f"the CDR {icid} stands there {count} times")
    unstored = len(sent - stored)
    verdict.figures = {"sent": str(len(sent)), "stored": str(len(stored)), "never arrived": str(unstored)}
    return verdict


def judge_worklist(emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring, now: datetime) -> Verdict:
    """A CDR that will not come is a case, if anything of its call has come; nothing that came is one."""
    verdict = Verdict(
        "worklist", "every CDR the platform gave up on is a case of the worklist, none that came is"
    )
    cases = [row for row in rows.values() if str(row["pk"]).startswith("WORKLIST#") and "state" in row]
    open_about = {str(row["about"][0]) for row in cases if row["state"] == "open" and row.get("about")}
    by_call: dict[str, list[str]] = {}
    for pk, sk in rows:
        by_call.setdefault(pk, []).append(sk)
    over = now - timedelta(hours=7)
    given_up = 0
    for delivery in emulator.pusher.log:
        if delivery.kind != "fee" or delivery.created_at > over:
            continue
        for pk, sk in facts_in(delivery.app_key, delivery.body, keyring):
            known = by_call.get(pk, [])
            came = sk in known
            gone = delivery.state in (DeliveryState.GIVEN_UP, DeliveryState.LOST)
            events = any(one.startswith("EVENT#") and one != "EVENT#callin" for one in known)
            if gone and not came and events:
                verdict.judged += 1
                if pk not in open_about:
                    verdict.broken(
                        f"no case about a CDR given up on {delivery.created_at:%m-%d %H:%M}", known
                    )
                given_up += 1
            elif came and any(one.startswith("EVENT#disconnect") for one in known):
                verdict.judged += 1
                if pk in open_about:
                    verdict.broken("a case is open about a call that is complete", known)
    counts = {"cases": len(cases), "open": len(open_about), "given up on": given_up}
    verdict.figures = {name: str(count) for name, count in counts.items()}
    if not given_up:
        verdict.notes.append("no CDR was given up on whose call we know")
    return verdict


def _session(info: Body, keyring: Keyring) -> str:
    return token(keyring, info["sessionId"], purpose="session")

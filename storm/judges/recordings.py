"""Every recording that a CDR told of is archived whole and once, or marked as one the platform never had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

from emulator.callrecord import Call, Recording
from emulator.platform import Emulator
from emulator.recordings import content, size_of
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import call_key, key_part
from privatenumber.store.recordings import PREFIX, recording_sk
from storm.cloud import Files
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key

Row = Mapping[str, Any]
Links = Callable[[str, str], list[Mapping[str, Any]]]
"""What our API answers about the recordings of a call, by application and session."""


def judge_recordings(
    emulator: Emulator,
    rows: Mapping[Key, Row],
    files: Files,
    keyring: Keyring,
    links: Links,
    asked: Set[str] | None,
) -> Verdict:
    """Compare rows and files with what the platform recorded.

    ``asked``: the subscriptionIds of bindings whose calls are to be recorded; None: the plan has none.
    """
    verdict = Verdict(
        "recordings",
        "every recording whose CDR came is archived whole and once, or marked as one that never was there",
    )
    kept: dict[str, int] = {}
    known: set[Key] = set()
    for call in emulator.calls.calls.values():
        if call.subscription_id in (asked or ()) and call.talk_seconds and not call.recorded:
            verdict.broken(f"{call.icid} was not recorded, its order asked for it", at=call.answered_at)
        if call.recording is None:
            continue
        application = OURS[call.app_key]
        pk = call_key(application, token(keyring, call.session_id, purpose="session"))
        key = pk, recording_sk(token(keyring, call.recording.object_name, purpose="recording"))
        if (pk, f"CDR#{key_part(call.icid)}") not in rows:
            continue
        known.add(key)
        verdict.judged += 1
        row = rows.get(key)
        if row is None:
            verdict.broken(f"{call.icid}: nobody noted its recording", at=call.ended_at)
            continue
        kept[row["state"]] = kept.get(row["state"], 0) + 1
        _judge(verdict, call, call.recording, row, files)
        if row["state"] == "archived":
            _judge_link(verdict, call, links(application, call.session_id))
    _judge_others(verdict, rows, files, known)
    verdict.figures = {state: str(count) for state, count in sorted(kept.items())}
    verdict.absent = "" if asked is not None else "no order asks for recordings"
    return verdict


def _judge(verdict: Verdict, call: Call, recording: Recording, row: Row, files: Files) -> None:
    if row["state"] != "archived":
        if recording.stored:
            verdict.broken(
                f"{call.icid}: {row['state']} for {row.get('reason')}, the platform has its file",
                at=call.ended_at,
            )
        elif row["state"] != "no_file":
            verdict.broken(
                f"{call.icid}: still {row['state']}, the platform never had its file", at=call.ended_at
            )
        return
    found = files.get(row["file"])
    if found != b"".join(content(call.talk_seconds)):
        verdict.broken(
            f"{call.icid}: the archived file is not the one that the platform had", at=call.ended_at
        )
    if int(row["bytes"]) != size_of(call.talk_seconds) or files.written[row["file"]] != 1:
        verdict.broken(
            f"{call.icid}: {row['bytes']} bytes, stored {files.written[row['file']]} times", at=call.ended_at
        )


def _judge_link(verdict: Verdict, call: Call, told: list[Mapping[str, Any]]) -> None:
    if not any(one.get("url") for one in told):
        verdict.broken(
            f"{call.icid}: its recording is archived, and our API has no link to it", at=call.ended_at
        )


def _judge_others(verdict: Verdict, rows: Mapping[Key, Row], files: Files, known: set[Key]) -> None:
    """No row and no file of anything else."""
    for key, row in rows.items():
        if key[1].startswith(PREFIX) and key not in known:
            verdict.broken(f"a recording that never was is {row['state']}")
    named = {row.get("file") for key, row in rows.items() if key[1].startswith(PREFIX)}
    for file in files:
        if file.endswith(".wav") and file not in named:
            verdict.broken("a file of no recording is kept")

"""What proves a difference: the records behind it, their variants and events, bindings, recordings, files.

Of people it holds masked numbers only, of a session its token's place in the table at most. A bundle is made
anew for every request, since the exchange bucket forgets files; equal evidence has an equal hash, which the
dispute keeps when it is handed in.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from privatenumber.numbers_in_text import closed_up
from privatenumber.privacy import SealBroken, mask
from privatenumber.store.audit import Entry as BindingEntry
from privatenumber.store.disputes import Dispute
from privatenumber.store.evidence import Asked, EvidenceStore
from privatenumber.store.part_files import PartFiles
from privatenumber.store.reconciliation_runs import ReconciliationRun
from privatenumber.store.versions import canonical
from privatenumber.times import from_iso, iso

LINK_S: Final = 300
MOST_RECORDS: Final = 20
"""Calls and texts in one bundle: a difference names ten at most, and those are its examples."""

_ADDRESS: Final = re.compile(r"(?:CALL|SMS)#[^/]+/.+")
_SHOWN: Final = (
    *("kind", "application", "digest", "received_at", "flags", "icid", "event", "at", "state_code"),
    *("direction", "call_in_at", "started_at", "alerting_at", "answered_at", "ended_at", "failed_at"),
    *("teardown", "q850", "sip", "recorded", "released_by", "call_seconds", "subscription_id"),
    *("send_result", "split_num", "parts_received", "parts_forwarded", "notify_mode", "mode"),
    *("state", "reason", "attempts", "recorded_at", "talk_seconds", "archived_at", "size", "sha256"),
)
_X: Final = ("x", "display_x")
#: Fields of a push that hold numbers (notifications.md §4 to §6).
_NUMBERS: Final = (
    *("caller", "called", "callerNum", "calleeNum", "fwdDisplayNum", "fwdDstNum", "bindNum"),
    *("calling", "virtualNumber"),
)
_KINDS: Final = frozenset({"cdr", "event", "sms", "recording"})
_MADE: Final = (1980, 1, 1, 0, 0, 0)
"""The same bundle has the same bytes whenever it is made."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Evidence as JSON, its hash, and the file that holds it with a link for five minutes."""

    document: Mapping[str, Any]
    hash: str
    file: str
    url: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Collects evidence. ``unseal`` opens what was sealed for an application; it raises SealBroken.

    ``import_row`` finds the row of a file that a difference is about.
    """

    store: EvidenceStore
    files: PartFiles
    unseal: Callable[[bytes, str], bytes]
    import_row: Callable[[ReconciliationRun, Mapping[str, Any]], Mapping[str, Any] | None]

    def bundle(self, dispute: Dispute, run: ReconciliationRun | None) -> Bundle:
        """Collect the evidence of a dispute and put it into the bucket as a ZIP file."""
        document = self.collect(dispute, run)
        # The bucket forgets the file of the row; what it is called says what it was.
        known = {name: value for name, value in document.items() if name != "import_row"}
        found = hashlib.sha256(canonical(known)).hexdigest()
        key = f"evidence/{dispute.id}/{found}.zip"
        self.files.put(key, _zipped({"evidence.json": document}), media_type="application/zip")
        url = self.files.link(key, name=f"dispute-{dispute.id}.zip", seconds=LINK_S)
        return Bundle(document, found, key, url)

    def collect(self, dispute: Dispute, run: ReconciliationRun | None) -> dict[str, Any]:
        """What proves a dispute, as JSON."""
        addresses = list(dict.fromkeys(_addresses(dispute.said.get("evidence"))))
        partitions = list(dict.fromkeys(address.partition("/")[0] for address in addresses))
        records = [self._record(pk) for pk in partitions[:MOST_RECORDS]]
        return {
            "dispute": dispute.id,
            "month": dispute.month,
            "difference": dict(dispute.said),
            "named": addresses,
            "records": records,
            "records_left_out": max(0, len(partitions) - MOST_RECORDS),
            "files": dict(run.files) if run else {},
            "import_row": self.import_row(run, dispute.said) if run else None,
        }

    def _record(self, pk: str) -> dict[str, Any]:
        """One call or text: all that came of it, and the binding it was made by."""
        rows = [row for row in self.store.partition(pk) if row.get("kind") in _KINDS]
        shown = [self._row(row) for row in rows]
        named = {(row["application"], row["subscription_id"]) for row in rows if row.get("subscription_id")}
        return {
            "record": pk,
            "rows": shown,
            "bindings": [each for of in sorted(named) for each in self._bindings(*of, rows)],
        }

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: _plain(row[name]) for name in _SHOWN if name in row}
        numbers = {name: mask(closed_up(row[name])) for name in _X if row.get(name)}
        return {"row": row["sk"], **shown, **numbers, "numbers": self._numbers(row)}

    def _numbers(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Masked, by the names that the platform gives them; none of a row that cannot be opened any more."""
        if row["kind"] == "recording" or "sealed" not in row:
            return {}
        try:
            raw = json.loads(self.unseal(bytes(row["sealed"]), row["application"]))
        except (SealBroken, ValueError):
            return {}
        return dict(_masked(raw))

    def _bindings(
        self, application: str, subscription_id: str, rows: Sequence[Mapping[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        at = from_iso(min(str(row["received_at"]) for row in rows))
        asked = Asked(application, at, at, subscription_id=subscription_id)
        for binding in self.store.bindings(asked):
            identity = str(binding["pk"]).partition("#")[2]
            yield {
                "binding": identity,
                "subscription_id": subscription_id,
                "order": binding.get("order"),
                "state": binding.get("state"),
                "created_at": binding.get("created_at"),
                "history": [_history(entry) for entry in self.store.versions(identity)],
            }


def _addresses(value: Any) -> Iterator[str]:
    """Addresses of facts, wherever the evidence of a difference names them."""
    if isinstance(value, str):
        if _ADDRESS.fullmatch(value):
            yield value
    elif isinstance(value, Mapping):
        for name in sorted(value):
            yield from _addresses(value[name])
    elif isinstance(value, Sequence):
        for member in value:
            yield from _addresses(member)


def _masked(raw: Any) -> Iterator[tuple[str, str]]:
    if isinstance(raw, Mapping):
        for name, value in raw.items():
            if name in _NUMBERS and isinstance(value, str) and value:
                yield name, mask(closed_up(value))
            elif isinstance(value, Mapping):
                yield from _masked(value)


def _history(entry: BindingEntry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "at": iso(entry.at),
        "by": entry.by,
        "state": entry.state,
        "changed": [change.field for change in entry.changes],
    }


def _plain(value: Any) -> Any:
    """A stored value as JSON has it: numbers of the table are whole ones."""
    if isinstance(value, list | tuple | set | frozenset):
        return sorted(map(_plain, value), key=str)
    return value if isinstance(value, str | bool) or value is None else int(value)


def _zipped(documents: Mapping[str, Mapping[str, Any]]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, document in documents.items():
            text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
            archive.writestr(zipfile.ZipInfo(name, _MADE), text)
    return made.getvalue()

"""Whoever seals something new for a table has to say how an erasure finds it (docs/data-model.md)."""

from __future__ import annotations

import re

from builders.events import ROOT

LAYER = ROOT / "layers" / "privatenumber" / "privatenumber"
WRITES_SEALED = re.compile(r'^\s*"sealed":|"sealed": ', re.MULTILINE)

PLANTED = {
    "billing/reconciliation/importing.py",
    "calls/facts.py",
    "calls/switchboard.py",
    "store/barred.py",
    "store/binding_keys.py",
    "store/contacts.py",
    "store/derived.py",
    "store/fact_writes.py",
    "store/job_rows.py",
    "store/recordings.py",
    "store/webhook_events.py",
}
"""They write what is sealed of people: `builders.erasing` plants somebody in a row of each."""

OF_NOBODY = {
    "erasure/erased.py",  # empties it
    "store/erasures.py",  # forgets it itself
    "store/webhooks.py",  # the secrets of a webhook
}


def test_everything_sealed_is_planted_where_an_erasure_has_to_find_it() -> None:
    writing = {
        path.relative_to(LAYER).as_posix()
        for path in LAYER.rglob("*.py")
        if WRITES_SEALED.search(path.read_text(encoding="utf-8"))
    }
    assert writing == PLANTED | OF_NOBODY

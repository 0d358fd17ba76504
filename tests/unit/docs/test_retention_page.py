"""docs/data-model.md says of each kind of row how long it lives, as the code has it (operations.md §13)."""

from __future__ import annotations

import re

import pytest

from builders.events import ROOT
from local.template import load
from privatenumber.bindings.jobs_model import KEPT_DAYS as JOB_DAYS
from privatenumber.bindings.model import State
from privatenumber.bindings.records import KEPT_DAYS as BINDING_DAYS
from privatenumber.calls.guard import DoorPolicy
from privatenumber.erasure.remains import EXPIRES, STAYS
from privatenumber.recordings.note import KEPT as RECORDING_ROW
from privatenumber.settings import MAX_CONTACT_HOURS, Kept, Settings
from privatenumber.store import contacts, refusals, whole_x
from privatenumber.store.fact_writes import QUARANTINE_DAYS

PAGE = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## What is forgotten, and when")[2].partition("\n## ")[0]
PARAMETERS = load(ROOT / "template.yaml")["Parameters"]

LIVES = {
    "binding CLOSED / FAILED": f"{BINDING_DAYS[State.CLOSED]} / {BINDING_DAYS[State.FAILED]} days",
    "last contact": f"{contacts._KEPT.days} days",
    "refusals, of a day and of a person": f"{refusals.KEPT_DAYS} days",
    "jobs, their lanes and items": f"{JOB_DAYS} days",
    "releases of a whole X": f"{whole_x.KEPT.days} days",
    "facts of calls": f"`CallDays` ({Kept().calls.days})",
    "SMS notices with their texts": f"`SmsDays` ({Kept().texts.days})",
    "recordings (rows)": f"{RECORDING_ROW.days} days",
    "quarantine": f"{QUARANTINE_DAYS} days",
    "nonce": f"{2 * DoorPolicy().tolerance_s // 3600} h",
    "audit": f"`AuditDays` ({Settings({}).audit_days})",
}


@pytest.mark.parametrize("what", LIVES)
def test_a_kind_of_row_lives_as_long_as_the_page_says(what: str) -> None:
    row = next((line for line in TABLE.splitlines() if line.startswith(f"| {what}")), "")
    assert row, f"the page does not say how long {what} lives"
    assert LIVES[what] in row


@pytest.mark.parametrize("name", ["CallDays", "SmsDays", "AuditDays", "RecordingRetentionDays"])
def test_a_retention_that_can_be_set_is_a_parameter_and_told(name: str) -> None:
    assert name in PARAMETERS
    assert f"`{name}`" in SECURITY


@pytest.mark.parametrize("name", ["CallDays", "SmsDays"])
def test_the_default_is_that_of_the_code_and_outlives_the_statement_of_a_month(name: str) -> None:
    """A month is closed on the 3rd of the next one, out of its facts."""
    assert PARAMETERS[name]["Default"] == Kept().calls.days == Kept().texts.days
    assert PARAMETERS[name]["MinValue"] >= 31 + 31


def test_a_deployment_sets_how_long_calls_and_texts_live() -> None:
    kept = Settings({"CALL_DAYS": "90", "SMS_DAYS": "62"}).kept
    assert (kept.calls.days, kept.texts.days) == (90, 62)


def test_contacts_outlive_the_longest_memory_that_can_be_set() -> None:
    assert contacts._KEPT.total_seconds() > MAX_CONTACT_HOURS * 3600


def test_what_no_erasure_reaches_is_said_with_the_same_times() -> None:
    section = SECURITY.partition("## Erasure and retention")[2].partition("\n## ")[0]
    for each in EXPIRES:
        for time in re.findall(r"\d+ (?:days|hours)", each.until):
            assert time in section or time.replace(" days", "") in section, each.what
    assert all(each.why for each in STAYS)

"""Every row of the result-code table: the emulator answers it where documented, our client understands it.

result-codes.md §3, §4, §6. The request a situation needs is put on the wire in place of the client's own, so
that the client reads the platform's real answer. A row, or an API of a row, without a situation is a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from builders.contract import INTERFACES, LEFT_OUT, SCHEMES, A, Json, Mode, SchemeName, Subject
from builders.contract_account import Account, Control, subject_of
from builders.contract_client import SAMPLE_CALLS, ReplacingWire, client_of, soon
from builders.contract_door import DEFECTS, Defect, Draft
from builders.contract_rows import TABLES, Breach, CheckTable, arranged, scene_of
from privatenumber.codes.results import all_codes
from privatenumber.platform import errors
from privatenumber.platform.axe import AxeBind
from privatenumber.platform.session_calls import Stopped
from privatenumber.settings import Mode as OurMode

pytestmark = pytest.mark.contract("result codes")

Key = tuple[int, str, str]
"""HTTP status, code, API (``all`` for the common ones)."""

# result-codes.md §6: the internal set, and the codes that mean something else at one API.
INTERNAL: Mapping[type[errors.PlatformError], frozenset[str]] = {
    errors.NotFound: frozenset({"1011004", "1012007", "1016001", "1020152"}),
    errors.Conflict: frozenset({"1011005", "1012010", "1013102", "1016002", "1020167"}),
    errors.Full: frozenset({"1012009"}),
    errors.LimitPerUser: frozenset({"1011003", "1020178"}),
    errors.NoResource: frozenset({"1012008", "1011002"}),
    errors.NotOwned: frozenset({"1011001", "1012001"}),
    errors.NumberState: frozenset({"1012102"}),
    errors.Frozen: frozenset({"1010029"}),
    errors.FlowControl: frozenset({"403/1010010", "1011006"}),
    errors.AuthRefused: frozenset(
        {"1010003", "1010004", "1010008", "1020150", "1020166", "401/1010010", "1010013"}
        | {f"10230{number:02d}" for number in (*range(6, 14), *range(26, 39))}
    ),
    errors.LockedOut: frozenset({"1020176"}),
    errors.Invalid: frozenset({"1010002", "1010006", "1020001"}),
    errors.WrongMode: frozenset({"1010040"}),
    errors.NoRecording: frozenset({"1012012"}),
    errors.TransientFault: frozenset({"1010001", "1020002", "1023001", "1023002"}),
}
AT_API: Mapping[tuple[str, str], type[errors.PlatformError]] = {
    ("axb.bind", "1012007"): errors.NotOwned,
    ("ax.unbind", "1011001"): errors.NotFound,
    ("axb.unbind", "1012001"): errors.NotFound,
    ("axe.unbind", "1012001"): errors.NotFound,
    ("call.stop", "1010002"): errors.NotFound,
}
BINDS = ("ax.bind", "axb.bind", "axe.bind", "axyb.bind")
ONLY_BY_FAULT = frozenset(
    {"1010004", "1011002", "1013102", "1010001", "1020002", "1020150", "1023001", "1023002"}
)
"""result-codes.md §3, column Emu: f."""


@dataclass(frozen=True)
class Situation:
    """How a code comes about. ``arrange`` brings the emulator there and returns the parameters to send."""

    mode: Mode
    api: str
    arrange: Callable[[Control, Subject], Json | None] = lambda control, subject: None
    headers: Callable[[Subject], Mapping[str, str]] | None = None
    method: str | None = None
    application: Mapping[str, Any] = field(default_factory=dict)
    """What our side believes about the application."""


def mode_of(api: str, default: Mode = "AXB") -> Mode:
    mode: Any = INTERFACES[api].mode
    return mode or default


# Own codes of the APIs: the check tables, each row alone


def from_row(table: CheckTable, breach: Breach) -> Situation:
    def arrange(control: Control, subject: Subject) -> Json:
        values = arranged(table, (breach,), scene_of(subject, (breach,), control))
        return {name: value for name, value in values.items() if value is not LEFT_OUT}

    return Situation(mode_of(table.api), table.api, arrange)


# Common codes: the door


def from_defect(defect: Defect, scheme: SchemeName) -> Situation:
    def headers(subject: Subject) -> Mapping[str, str]:
        draft = Draft(subject, scheme)
        defect.spoil(draft)
        return draft.headers()

    def arrange(control: Control, subject: Subject) -> None:
        if defect.console is not None:
            defect.console(control, subject)

    return Situation("AXYB", "axyb.query", arrange, headers, "PUT" if defect.step == 3 else None)


def too_fast(**flow: int) -> Callable[[Control, Subject], Json]:
    """The second request within a second."""

    def arrange(control: Control, subject: Subject) -> Json:
        control.settings(flow=flow)
        subject.query(relationNum=subject.x)
        return {"relationNum": subject.x}

    return arrange


def locked(control: Control, subject: Subject) -> Json:
    """auth.md §9: this address has failed too often."""
    control.settings(auth={"lockout": {"exempt": [], "threshold": 1}})
    subject.send("GET", INTERFACES["axb.query"].path, headers=subject.signed(secret="wrong"))
    return {"relationNum": subject.x}


def faulty(http_status: int, code: str) -> Callable[[Control, Subject], None]:
    def arrange(control: Control, subject: Subject) -> None:
        control.admin.fault("status", times=None, params={"http_status": http_status, "code": code})

    return arrange


def found(control: Control, subject: Subject) -> Json:
    return {"subscriptionId": subject.bound()}


def recorded(control: Control, subject: Subject) -> Json:
    subject.bound(recordFlag="true", recordHintTone="rec.wav")
    call = control.call("+8613800138001", subject.x, wait=True)
    return {"fileName": call["recording"], "recordDomain": "ostor.example.com"}


COMMON: Mapping[Key, Situation] = {
    (200, "0", "all"): Situation("AXB", "axb.query", found),
    (301, "", "record.url"): Situation("AXB", "record.url", recorded),
    (403, "1010002", "all"): Situation("AXB", "axb.query", lambda control, subject: {}),
    (403, "1010006", "all"): Situation("AXB", "axb.query", method="PATCH"),
    (403, "1010040", "all"): Situation("AX", "axb.query", application={"mode": OurMode.AXB}),
    (403, "1010010", "all"): Situation("AXB", "axb.query", too_fast(app_tps=1)),
    (403, "1011006", "all"): Situation("AXB", "axb.query", too_fast(requester_tps=1)),
    (403, "1020176", "all"): Situation("AXB", "axb.query", locked),
    (500, "1020001", "call.stop"): Situation("AXB", "call.stop", lambda control, subject: {"signal": "stop"}),
    **{
        (status, code, api): Situation(mode_of(api), api, faulty(status, code))
        for status, code, apis in (
            (403, "1011002", BINDS),
            (403, "1013102", ("axb.bind", "axb.modify", "axe.bind")),
            (500, "1020002", ("call.stop",)),
            (500, "1020150", ("call.stop",)),
        )
        for api in apis
    },
    **{
        (status, code, "all"): Situation("AXB", "axb.query", faulty(status, code))
        for status, code in ((403, "1010004"), (500, "1010001"), (500, "1023001"), (500, "1023002"))
    },
}

SITUATIONS: dict[Key, Situation] = {
    **{
        (*defect.outcome(scheme), "all"): from_defect(defect, scheme)
        for defect in DEFECTS
        if defect.step < 24
        for scheme in SCHEMES
    },
    **{
        (*breach.outcome, table.api.replace("_yb", "")): from_row(table, breach)
        for table in TABLES
        for breach in table.rows
        if breach.code not in {"1010002", "1020001"}
    },
    **COMMON,
}
ROWS = [(row.http_status, row.code, api) for row in all_codes() for api in sorted(row.apis)]


def test_every_row_has_a_situation_and_every_situation_a_row() -> None:
    """A row that is added to the table needs one, for each of its APIs."""
    assert set(ROWS) == set(SITUATIONS)


def test_only_the_documented_codes_need_a_fault() -> None:
    """result-codes.md §3, column Emu."""
    by_fault = {
        code
        for (_, code, _), situation in SITUATIONS.items()
        if getattr(situation.arrange, "__qualname__", "").startswith("faulty.")
    }
    assert by_fault == ONLY_BY_FAULT


@pytest.mark.parametrize(
    ("http_status", "code", "api"), ROWS, ids=[f"{status}-{code}-{api}" for status, code, api in ROWS]
)
def test_the_emulator_answers_it_and_our_client_understands_it(
    account: Account, control: Control, http_status: int, code: str, api: str
) -> None:
    situation = SITUATIONS[http_status, code, api]
    subject = subject_of(account, situation.mode)
    values = situation.arrange(control, subject)
    spoilt = situation.headers
    wire = ReplacingWire(
        situation.api,
        subject.app_key,
        account.address,
        values,
        (lambda: spoilt(subject)) if spoilt else None,
        situation.method,
    )
    client = client_of(account, subject, transport=wire, **situation.application)
    before = len(control.admin.requests(kind="request"))

    outcome = outcome_of(lambda: SAMPLE_CALLS[situation.api](client, subject))

    answers = control.admin.requests(kind="request")[before:]
    assert {(entry["http_status"], entry["code"] or "") for entry in answers} == {(http_status, code)}
    assert outcome == expected(http_status, code, situation.api)


def outcome_of(call: Callable[[], object]) -> object:
    """What a call came to: the exception it raised, or what it means that none was raised."""
    try:
        result = call()
    except errors.PlatformError as error:
        return type(error) if error.meaning and error.remedy else f"unexplained: {error}"
    return result if isinstance(result, Stopped) else "success"


def expected(http_status: int, code: str, api: str) -> object:
    """result-codes.md §5 and §6."""
    if http_status in {200, 301}:
        return "success"
    names = {code, f"{http_status}/{code}"}
    error = AT_API.get((api, code)) or next(error for error, codes in INTERNAL.items() if codes & names)
    if error is errors.NotFound and api == "call.stop":
        return Stopped.ALREADY_ENDED
    return error


@pytest.mark.parametrize("api", [*BINDS, "axyb.bind_yb"])
@pytest.mark.parametrize("code", ["1010001", "1023001", "1023002"])
def test_a_transient_answer_to_a_bind_leaves_its_outcome_unknown(
    account: Account, control: Control, api: str, code: str
) -> None:
    """result-codes.md §5: nothing is repeated before it has been looked up."""
    subject = subject_of(account, mode_of(api.replace("_yb", "")))
    faulty(500, code)(control, subject)
    client = client_of(account, subject)
    assert outcome_of(lambda: SAMPLE_CALLS[api](client, subject)) is errors.UnknownOutcome
    assert len(control.admin.requests(kind="request")) == 1


def test_an_extension_of_the_platforms_choice_that_is_not_to_be_had_means_full(
    account: Account, control: Control, axe: Subject
) -> None:
    """result-codes.md §6: 1020167 is a conflict with a named extension, `full` with one chosen for us."""
    control.application(axe, axe_digits=1)
    for last in range(9):
        axe.bound(bindNum=f"+861390013900{last}", extendNum=str(last + 1))
    client = client_of(account, axe)
    named, chosen = (AxeBind(a=A, x=axe.x, extension=wanted) for wanted in ("1", None))
    assert outcome_of(lambda: client.axe.bind(named, deadline=soon())) is errors.Conflict
    assert outcome_of(lambda: client.axe.bind(chosen, deadline=soon())) is errors.Full


@pytest.mark.parametrize("api", list(SAMPLE_CALLS))
def test_a_wrong_address_is_a_page_without_code(account: Account, control: Control, api: str) -> None:
    """C-008, result-codes.md §1: no JSON, so the status alone decides."""
    mode = mode_of(api.replace("_yb", ""))
    subject = subject_of(account, mode)
    client = client_of(account, subject, base_url=account.address + "/wrong")
    assert outcome_of(lambda: SAMPLE_CALLS[api](client, subject)) is errors.Invalid

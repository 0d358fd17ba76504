"""Every row of every check table, and of any two broken rows the earlier one answers.

auth.md §4 step 26, result-codes.md §4; C-029, C-031, C-032, C-033, C-036, C-037, C-041.
"""

from __future__ import annotations

import pytest

from builders.contract import MODES, Mode
from builders.contract_account import Account, subject_of
from builders.contract_rows import TABLES, Breach, CheckTable, arranged, scene_of

pytestmark = pytest.mark.contract("order of checks")

OWN_CODES = {
    "ax.bind": "1012012 1011001 1012102 1011005 1011003 1020178 1012008",
    "ax.unbind": "1011001 1011004 1012102",
    "ax.modify": "1011001 1011004 1012102 1012012 1011003",
    "ax.query": "1016001",
    "ax.set_callee": "1011001 1011004 1012102",
    "axb.bind": "1012012 1012007 1012001 1012102 1012010 1012009 1020178 1012008",
    "axb.unbind": "1012001 1012007",
    "axb.modify": "1012007 1012102 1012012 1012010",
    "axb.query": "1012001 1012007",
    "axe.bind": "1012012 1012001 1012102 1012010 1020167 1020178 1012008",
    "axe.unbind": "1012001 1016001",
    "axe.query": "1012001 1016001",
    "axe.modify": "1012001 1016001 1012102 1012012",
    "axyb.bind": "1012012 1011003 1020178 1012008",
    "axyb.bind_yb": "1016001 1016002 1020178 1012008",
    "axyb.unbind": "1016001",
    "axyb.query": "1016001",
    "record.url": "1012012 1012007",
    "call.stop": "1020001 1020152",
}
"""result-codes.md §4: the own codes of each API in order of evaluation, those of AXYB by step."""

CASES = [
    pytest.param(
        table.api,
        mode,
        table,
        broken,
        id=f"{table.api}-{mode}-{'-before-'.join(str(breach.row) for breach in broken)}",
    )
    for table in TABLES
    for mode in (
        MODES if table.api in {"record.url", "call.stop"} else (table.api.partition(".")[0].upper(),)
    )
    for broken in table.pairs()
]


def test_every_own_code_of_every_api_is_a_row_here() -> None:
    """A table that forgets a row would leave its order unproven."""
    rows = {table.api: dict.fromkeys(breach.code for breach in table.rows) for table in TABLES}
    found = {api: " ".join(code for code in codes if code != "1010002") for api, codes in rows.items()}
    assert found == OWN_CODES


@pytest.mark.parametrize(("api", "mode", "table", "broken"), CASES)
def test_the_first_broken_row_answers(
    request: pytest.FixtureRequest,
    account: Account,
    api: str,
    mode: Mode,
    table: CheckTable,
    broken: tuple[Breach, ...],
) -> None:
    subject = subject_of(account, mode)
    particular = any(breach.console for breach in broken) or any(
        breach.named == "foreign" and len(broken) > 1 for breach in broken
    )
    control = request.getfixturevalue("control") if particular else None
    scene = scene_of(subject, broken, control)
    if scene.named == "foreign" and not scene.foreign:
        pytest.skip(f"no number of another application: set PN_CONTRACT_{mode}_FOREIGN")
    assert subject.call(api, arranged(table, broken, scene)).outcome == broken[0].outcome

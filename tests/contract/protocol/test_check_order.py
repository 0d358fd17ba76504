"""Every row of every check table, and of any two broken rows the earlier one answers.

auth.md §4 step 26, result-codes.md §4; C-028, C-031, C-033, C-036, C-041.
"""

from __future__ import annotations

import pytest

from builders.contract import MODES, Mode
from builders.contract_account import Account, subject_of
from builders.contract_rows import TABLES, Breach, CheckTable, arranged, scene_of

pytestmark = pytest.mark.contract("order of checks")

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

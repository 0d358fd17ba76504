"""Every row of every check table, and of any two broken rows the earlier one answers.

auth.md §4 step 26, result-codes.md §4; C-028, C-031, C-033, C-036, C-041.
"""

from __future__ import annotations

import pytest

from builders.contract import MODES, Mode, Subject
from builders.contract_account import Account, Control, subject_of
from builders.contract_rows import TABLES, Breach, CheckTable, NamedX, Scene

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


def broken_scene(
    account: Account, control: Control | None, subject: Subject, broken: tuple[Breach, ...]
) -> Scene:
    """A scene for these rows; the most particular X any of them names."""
    named: NamedX = next((breach.named for breach in broken if breach.named != "own"), "own")
    if named == "foreign" and subject.credentials.foreign is None:
        pytest.skip(f"no number of another application: set PN_CONTRACT_{subject.mode}_FOREIGN")
    numbers = frozenset(breach.row for breach in broken)
    return Scene(subject, numbers, named, subject.credentials.foreign or "", control)


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
    scene = broken_scene(account, control, subject, broken)
    limits = {name: value for breach in broken for name, value in breach.settings.get("limits", {}).items()}
    if limits and control is not None:
        control.settings(limits=limits)
    values = table.base(scene)
    for breach in broken:
        if not breach.also & scene.rows:
            breach.bind(scene)
    for breach in broken:
        breach.set_up(scene)
    for breach in broken:
        values |= breach.values
    assert subject.call(api, values).outcome == broken[0].outcome

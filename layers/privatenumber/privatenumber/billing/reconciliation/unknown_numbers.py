"""Records on numbers that are not in the inventory: one difference for each (billing-rules.md §9.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from privatenumber.billing.closing.lines import CallLine, Line
from privatenumber.billing.reconciliation.differences import Difference, Kind, hidden
from privatenumber.billing.reconciliation.gathering import MOST_OF_A_KIND, Gathering

_FACTS_SHOWN: Final = 10


@dataclass(slots=True)
class _Number:
    """What stands on one number. The least addresses are shown, whatever came first."""

    calls: int = 0
    messages: int = 0
    facts: list[str] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Count one more record."""
        if isinstance(line, CallLine):
            self.calls += 1
        else:
            self.messages += 1
        self.facts = sorted([*self.facts, line.fact])[:_FACTS_SHOWN]


@dataclass(slots=True)
class UnknownNumbers:
    """Numbers outside the inventory; the first ones by name, when there are very many."""

    _numbers: dict[tuple[str, str | None], _Number] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Count a record on a number that is not in the inventory."""
        key = line.application, line.x
        if key not in self._numbers and len(self._numbers) > MOST_OF_A_KIND:
            key = line.application, None
        self._numbers.setdefault(key, _Number()).add(line)

    def gathered(self) -> Gathering:
        """One difference for each number."""
        found = Gathering()
        for (application, x), number in sorted(
            self._numbers.items(), key=lambda item: (item[0][0], item[0][1] or "")
        ):
            told = [f"{number.calls} calls"] if number.calls else []
            told += [f"{number.messages} SMS"] if number.messages else []
            found.add(
                Difference(
                    kind=Kind.NUMBER_UNKNOWN,
                    cause=f"{' and '.join(told)} on X {hidden(x)}, which is not in the inventory; "
                    "rated as virtual",
                    action="import the console's number table",
                    amount=Decimal(0),
                    application=application,
                    x=hidden(x),
                    evidence={"facts": number.facts, "calls": number.calls, "messages": number.messages},
                )
            )
        return found

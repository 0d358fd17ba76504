"""The rules of an application at a question: what breaks one is refused before anybody is connected.

Asked are only rules that are on, and only where somebody would be reached. A black list that cannot be read
lets nobody through; a limit that cannot be read lets this one through, and says so: the list protects people,
a limit saves cost, and a table that is slow for a moment must not end the business of everybody.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final

from privatenumber.call_policy import CallPolicy
from privatenumber.calls import rules
from privatenumber.calls.routing import Asked, Reason, Ruling
from privatenumber.calls.rules import Broken, Moment, Parties
from privatenumber.calls.rules_counting import Counting, Left
from privatenumber.deadline import Deadline, OutOfTime, in_time
from privatenumber.store.barred import BarredStore
from privatenumber.store.facts import StoreUnavailable

#: Part of the time left that counting may take: the rest is for the answer without it.
_COUNT_SHARE: Final = 0.5
_LOG: Final = logging.getLogger("privatenumber.calls")


class RulesAsked:
    """Holds rulings against the rules, with stores that give up while there is time for an answer."""

    def __init__(self, barred: BarredStore, counting: Counting) -> None:
        self._barred = barred
        self._counting = counting

    def applied(self, policy: CallPolicy, asked: Asked, ruling: Ruling, own: Moment, left: Left) -> Ruling:
        """The ruling, or the refusal that a rule makes of it. Raises StoreUnavailable: list not read."""
        relation, callee = ruling.relation, ruling.callee
        if relation is None or callee is None:
            return ruling
        parties = Parties(
            asked.application,
            caller=asked.caller.token,
            callee=callee.token,
            x=own.x,
            named=relation.binding_id,
            binding_id=relation.binding_id,
            order=relation.order,
            x_number=asked.x,
        )
        if policy.black_list:
            found = rules.barred(self._barred.found(rules.bar_keys(parties), left), asked.now)
            if found:
                return _refused(ruling, found)
        try:
            broken = self._counted(policy, parties, own, left)
        except (StoreUnavailable, OutOfTime) as problem:
            _LOG.warning("limits not read", extra={"cause": type(problem).__name__})
            return replace(ruling, limits_unread=True)
        return _refused(ruling, broken) if broken else ruling

    def _counted(self, policy: CallPolicy, parties: Parties, own: Moment, left: Left) -> Broken | None:
        until = Deadline.after(left() * _COUNT_SHARE)

        def count() -> Broken | None:
            often = self._counting.too_often(policy, parties, own, until.remaining)
            return often or self._counting.answered_too_often(policy, parties, own, until.remaining)

        return in_time(count, until)


def _refused(ruling: Ruling, broken: Broken) -> Ruling:
    return replace(ruling, reason=Reason.RULE, callee=None, reference=None, broken=broken)

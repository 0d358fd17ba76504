"""AX at the platform (ax.md): X is A's alone, and the platform never ends a binding."""

from __future__ import annotations

from typing import Any

from privatenumber.bindings.gateway import Bound, Held, Standing, StandingPage
from privatenumber.bindings.gateways.base import ModeGateway, checked, chosen
from privatenumber.bindings.model import Binding, Callee, Terms
from privatenumber.deadline import Deadline
from privatenumber.platform.ax import AxBind, AxCallee, AxModify, AxPreVoice, AxRow
from privatenumber.platform.client import PlatformClient
from privatenumber.platform.errors import NotFound


class AxGateway(ModeGateway):
    """A on an X, and whom A reaches by dialling it."""

    def bind(self, binding: Binding, life_s: int | None, *, deadline: Deadline) -> Bound:
        """See `Gateway.bind`."""
        features = binding.features
        with checked("ax.bind"):
            bind = AxBind(
                a=binding.a.number,
                direction=binding.direction,
                max_duration=binding.max_minutes,
                private_sms=None if features.sms else False,
                pre_voice=_pre_voice(features.caller_tone, features.callee_tone),
                **chosen(binding),
                **_served(binding),
            )
        bound = self._client.ax.bind(bind, deadline=deadline)
        return Bound(bound.subscription_id, bound.x)

    def find(self, binding: Binding, *, deadline: Deadline) -> Held | None:
        """See `Gateway.find`."""
        terms = binding.pending or binding.terms
        row = self._client.ax.find(binding.x, terms.a.number, deadline=deadline)
        return Held(row.subscription_id, row.direction, row.max_duration) if row else None

    def modify(self, binding: Binding, terms: Terms, life_s: int | None, *, deadline: Deadline) -> None:
        """See `Gateway.modify`."""
        now = binding.terms
        with checked("ax.modify"):
            modify = AxModify(
                subscription_id=binding.subscription_id or "",
                a=terms.a.number if terms.a != now.a else None,
                direction=terms.direction if terms.direction != now.direction else None,
                max_duration=terms.max_minutes if terms.max_minutes != now.max_minutes else None,
            )
        self._client.ax.modify(modify, deadline=deadline)

    def impose(
        self, binding: Binding, subscription_id: str, life_s: int | None, *, deadline: Deadline
    ) -> None:
        """See `Gateway.impose`; tones before connection cannot be changed in AX (ax.md §4)."""
        with checked("ax.modify"):
            modify = AxModify(
                subscription_id=subscription_id,
                direction=binding.direction,
                max_duration=binding.max_minutes,
                private_sms=binding.features.sms,
                **_served(binding),
            )
        self._client.ax.modify(modify, deadline=deadline)

    def unbind(self, binding: Binding, *, deadline: Deadline) -> None:
        """See `Gateway.unbind`."""
        self._client.ax.unbind(binding.subscription_id or "", deadline=deadline)

    def unbind_standing(self, subscription_id: str, *, deadline: Deadline) -> None:
        """See `Gateway.unbind_standing`."""
        self._client.ax.unbind(subscription_id, deadline=deadline)

    def standing_on(self, x: str, page: int, *, deadline: Deadline) -> StandingPage:
        """See `Gateway.standing_on`: one at most (ax.md §1)."""
        try:
            rows = self._client.ax.query(x=x, deadline=deadline)
        except NotFound:
            rows = ()
        return StandingPage(tuple(map(_standing, rows)), len(rows), more=False)

    def standing_of(self, subscription_id: str, *, deadline: Deadline) -> Standing | None:
        """See `Gateway.standing_of`."""
        try:
            rows = self._client.ax.query(subscription_id=subscription_id, deadline=deadline)
        except NotFound:
            return None
        return next(map(_standing, rows), None)

    def set_callee(self, binding: Binding, callee: Callee, seconds: int, *, deadline: Deadline) -> None:
        """Set the temporary callee of X: it replaces another and serves one call (ax.md §6)."""
        with checked("ax.set_callee"):
            wish = AxCallee(
                subscription_id=binding.subscription_id or "",
                callee=callee.party.number,
                duration=seconds,
                user_data=callee.reference,
            )
        self._client.ax.set_callee(wish, deadline=deadline)


def open_gateway(client: PlatformClient) -> AxGateway:
    """The adapter of an AX application."""
    return AxGateway(client)


def _served(binding: Binding) -> dict[str, Any]:
    """What people hear and what is recorded, as settled when the binding was made."""
    return {
        "record_flag": binding.record_hint_tone is not None,
        "record_hint_tone": binding.record_hint_tone,
        "last_min_voice": binding.features.last_minute_tone,
        "user_data": binding.user_reference,
    }


def _pre_voice(caller: str | None, callee: str | None) -> AxPreVoice | None:
    return AxPreVoice(caller_hint_tone=caller, callee_hint_tone=callee) if caller or callee else None


def _standing(row: AxRow) -> Standing:
    return Standing(row.x, row.a, row.subscription_id, direction=row.direction, max_minutes=row.max_duration)

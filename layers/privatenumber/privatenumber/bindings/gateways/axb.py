"""AXB at the platform (axb.md)."""

from __future__ import annotations

from typing import Any

from privatenumber.bindings.gateway import Bound, Held, Standing, StandingPage
from privatenumber.bindings.gateways.base import ModeGateway, checked, chosen
from privatenumber.bindings.model import Binding, Terms
from privatenumber.deadline import Deadline
from privatenumber.platform.axb import AxbBind, AxbModify, AxbPreVoice, AxbRow
from privatenumber.platform.axb_calls import LONGEST_PAGE
from privatenumber.platform.client import PlatformClient
from privatenumber.platform.errors import NotFound


class AxbGateway(ModeGateway):
    """Pairs: A and B on an X."""

    def bind(self, binding: Binding, life_s: int | None, *, deadline: Deadline) -> Bound:
        """See `Gateway.bind`."""
        with checked("axb.bind"):
            bind = AxbBind(
                a=binding.a.number,
                b=_b(binding.terms),
                direction=binding.direction,
                duration=life_s or 0,
                max_duration=binding.max_minutes,
                private_sms=None if binding.features.sms else False,
                **chosen(binding),
                **_served(binding),
            )
        bound = self._client.axb.bind(bind, deadline=deadline)
        return Bound(bound.subscription_id, bound.x)

    def find(self, binding: Binding, *, deadline: Deadline) -> Held | None:
        """See `Gateway.find`."""
        terms = binding.pending or binding.terms
        row = self._client.axb.find(binding.x, terms.a.number, _b(terms), deadline=deadline)
        if row is None:
            return None
        return Held(row.subscription_id, row.direction, row.max_duration, row.duration)

    def modify(self, binding: Binding, terms: Terms, life_s: int | None, *, deadline: Deadline) -> None:
        """See `Gateway.modify`."""
        now = binding.terms
        with checked("axb.modify"):
            modify = AxbModify(
                subscription_id=binding.subscription_id or "",
                a=terms.a.number if terms.a != now.a else None,
                b=_b(terms) if terms.b != now.b else None,
                direction=terms.direction if terms.direction != now.direction else None,
                max_duration=terms.max_minutes if terms.max_minutes != now.max_minutes else None,
                duration=life_s,
            )
        self._client.axb.modify(modify, deadline=deadline)

    def impose(
        self, binding: Binding, subscription_id: str, life_s: int | None, *, deadline: Deadline
    ) -> None:
        """See `Gateway.impose`."""
        with checked("axb.modify"):
            modify = AxbModify(
                subscription_id=subscription_id,
                direction=binding.direction,
                duration=life_s,
                max_duration=binding.max_minutes,
                private_sms=binding.features.sms,
                **_served(binding),
            )
        self._client.axb.modify(modify, deadline=deadline)

    def unbind(self, binding: Binding, *, deadline: Deadline) -> None:
        """See `Gateway.unbind`."""
        self._client.axb.unbind(binding.subscription_id or "", deadline=deadline)

    def unbind_standing(self, subscription_id: str, *, deadline: Deadline) -> None:
        """See `Gateway.unbind_standing`."""
        self._client.axb.unbind(subscription_id, deadline=deadline)

    def standing_on(self, x: str, page: int, *, deadline: Deadline) -> StandingPage:
        """See `Gateway.standing_on`: up to 5,000 pairs, oldest first (axb.md §5)."""
        try:
            found = self._client.axb.query(x=x, page_index=page, page_size=LONGEST_PAGE, deadline=deadline)
        except NotFound:
            return StandingPage((), 0, more=False)
        more = bool(found.rows) and page * LONGEST_PAGE < found.total_count
        return StandingPage(tuple(map(_standing, found.rows)), found.total_count, more)

    def standing_of(self, subscription_id: str, *, deadline: Deadline) -> Standing | None:
        """See `Gateway.standing_of`."""
        try:
            found = self._client.axb.query(subscription_id=subscription_id, deadline=deadline)
        except NotFound:
            return None
        return next(map(_standing, found.rows), None)


def open_gateway(client: PlatformClient) -> AxbGateway:
    """The adapter of an AXB application."""
    return AxbGateway(client)


def _b(terms: Terms) -> str:
    if terms.b is None:
        raise ValueError("an AXB binding has a party B")
    return terms.b.number


def _served(binding: Binding) -> dict[str, Any]:
    """What people hear and what is recorded, as settled when the binding was made."""
    features = binding.features
    return {
        "record_flag": binding.record_hint_tone is not None,
        "record_hint_tone": binding.record_hint_tone,
        "last_min_voice": features.last_minute_tone,
        "pre_voice": _pre_voice(features.caller_tone, features.callee_tone),
        "user_data": binding.user_reference,
    }


def _pre_voice(caller: str | None, callee: str | None) -> AxbPreVoice | None:
    return AxbPreVoice(caller_hint_tone=caller, callee_hint_tone=callee) if caller or callee else None


def _standing(row: AxbRow) -> Standing:
    return Standing(
        row.x,
        row.a,
        row.subscription_id,
        b=row.b,
        direction=row.direction,
        max_minutes=row.max_duration,
        duration=row.duration,
    )

"""AXYB at the platform (axyb.md): first A's X, then a Y for each B; the platform chooses both."""

from __future__ import annotations

from collections.abc import Iterable

from privatenumber.bindings.gateway import Bound, Standing, StandingPage
from privatenumber.bindings.gateways.base import ModeGateway, checked
from privatenumber.bindings.model import Binding, Partner
from privatenumber.deadline import Deadline
from privatenumber.platform.axyb import AxybBindAx, AxybBindYb, AxybRow
from privatenumber.platform.client import PlatformClient
from privatenumber.platform.errors import NotFound


class AxybGateway(ModeGateway):
    """A with an X, and every B with a Y of his own.

    An AX of unknown outcome cannot be found again: no query tells an id by A (axyb.md §4). It ends with its
    own life, and nobody was ever told its X.
    """

    def bind(self, binding: Binding, life_s: int | None, *, deadline: Deadline) -> Bound:
        """Bind the AX alone; its YB follow by `bind_partner`."""
        with checked("axyb.bind"):
            bind = _ax(binding, life_s)
        bound = self._client.axyb.bind_ax(bind, deadline=deadline)
        return Bound(bound.subscription_id, bound.number)

    def unbind(self, binding: Binding, *, deadline: Deadline) -> None:
        """Unbind the AX with all its YB."""
        self._client.axyb.unbind_ax(binding.subscription_id or "", deadline=deadline)

    def unbind_standing(self, subscription_id: str, *, deadline: Deadline) -> None:
        """See `Gateway.unbind_standing`."""
        self._client.axyb.unbind_ax(subscription_id, deadline=deadline)

    def standing_on(self, x: str, page: int, *, deadline: Deadline) -> StandingPage:
        """See `Gateway.standing_on`: an AX with all its YB, without its id (axyb.md §4)."""
        try:
            rows = _together(self._client.axyb.query(x=x, deadline=deadline), None)
        except NotFound:
            rows = ()
        return StandingPage(rows, len(rows), more=False)

    def standing_of(self, subscription_id: str, *, deadline: Deadline) -> Standing | None:
        """See `Gateway.standing_of`."""
        try:
            rows = self._client.axyb.query(subscription_id=subscription_id, deadline=deadline)
        except NotFound:
            return None
        return next(iter(_together(rows, subscription_id)), None)

    def bind_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> str | None:
        """Bind a YB: the platform allocates the Y, in the city of X if it can."""
        with checked("axyb.bind"):
            bind = AxybBindYb(subscription_id=binding.subscription_id or "", b=partner.party.number)
        return self._client.axyb.bind_yb(bind, deadline=deadline).number

    def find_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> str | None:
        """The Y of a B under this AX, automatic ones included."""
        rows = self._client.axyb.query(subscription_id=binding.subscription_id or "", deadline=deadline)
        return next((row.y for row in rows if row.b == partner.party.number), None)

    def unbind_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> None:
        """Unbind one YB by its B: his Y may have gone to somebody else since (axyb.md §3)."""
        self._client.axyb.unbind_b(binding.subscription_id or "", partner.party.number, deadline=deadline)


def open_gateway(client: PlatformClient) -> AxybGateway:
    """The adapter of an AXYB application."""
    return AxybGateway(client)


def _together(rows: Iterable[AxybRow], subscription_id: str | None) -> tuple[Standing, ...]:
    """One AX for each A on an X: a row is one YB of it, or the AX alone."""
    partners: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in rows:
        of_ax = partners.setdefault((row.x, row.a), [])
        if row.y and row.b:
            of_ax.append((row.y, row.b))
    return tuple(Standing(x, a, subscription_id, partners=tuple(pairs)) for (x, a), pairs in partners.items())


def _ax(binding: Binding, life_s: int | None) -> AxybBindAx:
    return AxybBindAx(
        a=binding.a.number,
        area_code=binding.area,
        area_match_mode="1" if binding.cities else "0",
        direction=binding.direction,
        duration=life_s or 0,
        record_flag=binding.record_hint_tone is not None,
        record_hint_tone=binding.record_hint_tone,
        pre_voice_x=binding.features.caller_tone,
        pre_voice_y=binding.features.callee_tone,
        user_data=binding.user_reference,
    )

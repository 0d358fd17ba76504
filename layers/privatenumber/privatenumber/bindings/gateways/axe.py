"""AXE at the platform (axe.md): A behind an extension of X; lives are told in whole minutes."""

from __future__ import annotations

from typing import Any

from privatenumber.bindings.gateway import Bound, Held, Standing, StandingPage
from privatenumber.bindings.gateways.base import ModeGateway, checked, chosen
from privatenumber.bindings.model import Binding, Terms
from privatenumber.deadline import Deadline
from privatenumber.platform.axe import MINUTES, AxeBind, AxeModify, AxeRow
from privatenumber.platform.client import PlatformClient
from privatenumber.platform.errors import NotFound


class AxeGateway(ModeGateway):
    """A behind an extension of an X."""

    def bind(self, binding: Binding, life_s: int | None, *, deadline: Deadline) -> Bound:
        """See `Gateway.bind`."""
        with checked("axe.bind"):
            bind = AxeBind(
                a=binding.a.number,
                extension=binding.extension,
                life_minutes=_minutes(life_s) or 0,
                user_data=binding.user_reference,
                **chosen(binding),
                **_served(binding),
            )
        bound = self._client.axe.bind(bind, deadline=deadline)
        return Bound(bound.subscription_id, bound.x, bound.extension)

    def find(self, binding: Binding, *, deadline: Deadline) -> Held | None:
        """See `Gateway.find`. A row tells the life of the bind, whatever was changed since (axe.md §5)."""
        row = self._client.axe.find(binding.x, binding.extension or "", binding.a.number, deadline=deadline)
        if row is None:
            return None
        duration = row.life * (60 if row.time_unit == MINUTES else 3600)
        return Held(row.subscription_id, duration=None if binding.pending else duration)

    def modify(self, binding: Binding, terms: Terms, life_s: int | None, *, deadline: Deadline) -> None:
        """See `Gateway.modify`: only the life of a binding can be changed."""
        with checked("axe.modify"):
            modify = AxeModify(subscription_id=binding.subscription_id or "", life_minutes=_minutes(life_s))
        self._client.axe.modify(modify, deadline=deadline)

    def impose(
        self, binding: Binding, subscription_id: str, life_s: int | None, *, deadline: Deadline
    ) -> None:
        """See `Gateway.impose`; user data cannot be changed in AXE (axe.md §4)."""
        with checked("axe.modify"):
            modify = AxeModify(
                subscription_id=subscription_id, life_minutes=_minutes(life_s), **_served(binding)
            )
        self._client.axe.modify(modify, deadline=deadline)

    def unbind(self, binding: Binding, *, deadline: Deadline) -> None:
        """See `Gateway.unbind`."""
        self._client.axe.unbind(binding.subscription_id or "", deadline=deadline)

    def unbind_standing(self, subscription_id: str, *, deadline: Deadline) -> None:
        """See `Gateway.unbind_standing`."""
        self._client.axe.unbind(subscription_id, deadline=deadline)

    def standing_on(self, x: str, page: int, *, deadline: Deadline) -> StandingPage | None:
        """The platform does not list the bindings of an X (axe.md §5)."""
        return None

    def standing_of(self, subscription_id: str, *, deadline: Deadline) -> Standing | None:
        """See `Gateway.standing_of`."""
        try:
            return _standing(self._client.axe.query(subscription_id, deadline=deadline))
        except NotFound:
            return None

    def standing_behind(self, x: str, extension: str, *, deadline: Deadline) -> Standing | None:
        """See `Gateway.standing_behind`."""
        try:
            return _standing(self._client.axe.at(x, extension, deadline=deadline))
        except NotFound:
            return None


def open_gateway(client: PlatformClient) -> AxeGateway:
    """The adapter of an AXE application."""
    return AxeGateway(client)


def _served(binding: Binding) -> dict[str, Any]:
    """What A hears or reaches while nobody has called, and what is recorded, as settled at the bind."""
    return {
        "callback_number": binding.features.callback_number,
        "callback_tone": binding.features.callback_tone,
        "record_flag": binding.record_hint_tone is not None,
        "record_hint_tone": binding.record_hint_tone,
    }


def _minutes(life_s: int | None) -> int | None:
    return None if life_s is None else -(-life_s // 60)


def _standing(row: AxeRow) -> Standing:
    """Without the life: a row goes on telling that of the bind (axe.md §5)."""
    return Standing(row.x, row.a, row.subscription_id, extension=row.extension)

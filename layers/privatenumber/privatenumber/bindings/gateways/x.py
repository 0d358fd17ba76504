"""X mode at the platform: it stores no binding, ours decide each call when it asks (x.md §1, §5)."""

from __future__ import annotations

from privatenumber.bindings.gateway import Bound, Standing, StandingPage
from privatenumber.bindings.gateways.base import ModeGateway
from privatenumber.bindings.model import Binding, Callee, Terms
from privatenumber.deadline import Deadline
from privatenumber.platform.client import PlatformClient


class XGateway(ModeGateway):
    """Nothing is asked of the platform: what our table says is in force as soon as it stands there."""

    def bind(self, binding: Binding, life_s: int | None, *, deadline: Deadline) -> Bound:
        """In force at once, without an id."""
        return Bound(None)

    def modify(self, binding: Binding, terms: Terms, life_s: int | None, *, deadline: Deadline) -> None:
        """The next question is answered by the new terms."""

    def impose(
        self, binding: Binding, subscription_id: str, life_s: int | None, *, deadline: Deadline
    ) -> None:
        """The next question is answered by our terms."""

    def unbind(self, binding: Binding, *, deadline: Deadline) -> None:
        """The next question finds nothing."""

    def unbind_standing(self, subscription_id: str, *, deadline: Deadline) -> None:
        """The platform holds nobody."""

    def standing_on(self, x: str, page: int, *, deadline: Deadline) -> StandingPage | None:
        """The platform holds nobody."""
        return None

    def standing_of(self, subscription_id: str, *, deadline: Deadline) -> Standing | None:
        """The platform holds nobody."""
        return None

    def set_callee(self, binding: Binding, callee: Callee, seconds: int, *, deadline: Deadline) -> None:
        """The next call of A is answered by our record."""


def open_gateway(client: PlatformClient) -> XGateway:
    """The adapter of an X-mode application."""
    return XGateway(client)

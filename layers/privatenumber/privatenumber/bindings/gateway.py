"""What the life of a binding asks of the platform, in words common to all modes.

One adapter per mode in `gateways` speaks the wire models. An adapter, and with it the models, is imported
when an application of its mode is first used: a cold start pays for its own mode only.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from privatenumber.bindings.model import Binding, Callee, Partner, Terms
from privatenumber.deadline import Deadline
from privatenumber.settings import Application, Mode

if TYPE_CHECKING:
    from privatenumber.platform.client import PlatformClient


@dataclass(frozen=True, slots=True)
class Bound:
    """What a bind made; no id where the platform stores nothing (X mode).

    ``x`` and ``extension`` are those bound: where we named none, the platform chose them.
    """

    subscription_id: str | None
    x: str | None = None
    extension: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A binding as the platform holds it; None: the mode does not tell. ``duration`` in seconds, as set."""

    subscription_id: str
    direction: int | None = None
    max_minutes: int | None = None
    duration: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Standing:
    """Who stands on an X at the platform, whoever put him there; None: the mode does not tell it truly.

    ``subscription_id`` is None where a query by X does not tell it (axyb.md §4). ``partners`` are the Y and
    the number of each B of an AXYB binding.
    """

    x: str
    a: str
    subscription_id: str | None = None
    b: str | None = None
    extension: str | None = None
    direction: int | None = None
    max_minutes: int | None = None
    duration: int | None = None
    partners: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StandingPage:
    """One page of who stands on an X; ``total`` counts over all pages."""

    rows: tuple[Standing, ...]
    total: int
    more: bool


class Gateway(Protocol):
    """One application at the platform. Every operation raises PlatformError; subclasses tell what to do."""

    @property
    def application(self) -> Application:
        """The application in whose name it speaks."""
        ...

    def bind(self, binding: Binding, life_s: int | None, *, deadline: Deadline) -> Bound:
        """Bind; never repeated by the client after an unknown outcome."""
        ...

    def find(self, binding: Binding, *, deadline: Deadline) -> Held | None:
        """Find the binding of these people on its X; None when there is none, or it cannot be looked up."""
        ...

    def modify(self, binding: Binding, terms: Terms, life_s: int | None, *, deadline: Deadline) -> None:
        """Change what differs between the binding's terms and ``terms``; None leaves the life as it is."""
        ...

    def impose(
        self, binding: Binding, subscription_id: str, life_s: int | None, *, deadline: Deadline
    ) -> None:
        """Bring a binding that the platform holds to the terms of ours."""
        ...

    def unbind(self, binding: Binding, *, deadline: Deadline) -> None:
        """Unbind by its id; NotFound and NotOwned mean that it is gone."""
        ...

    def standing_on(self, x: str, page: int, *, deadline: Deadline) -> StandingPage | None:
        """One page (from 1) of everybody on an X; None where the platform does not list an X."""
        ...

    def standing_of(self, subscription_id: str, *, deadline: Deadline) -> Standing | None:
        """What the platform holds under an id; None for nothing."""
        ...

    def unbind_standing(self, subscription_id: str, *, deadline: Deadline) -> None:
        """Unbind what no binding of ours knows, by its id; NotFound means that it is gone."""
        ...

    def standing_behind(self, x: str, extension: str, *, deadline: Deadline) -> Standing | None:
        """Who stands behind an extension of an X, whoever it is; None in every mode but AXE."""
        ...

    def bind_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> str | None:
        """Put a B opposite A and return his Y; Conflict when he has one."""
        ...

    def find_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> str | None:
        """The Y of a B, None when he has none."""
        ...

    def unbind_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> None:
        """Take a B away; NotFound means that he is gone."""
        ...

    def set_callee(self, binding: Binding, callee: Callee, seconds: int, *, deadline: Deadline) -> None:
        """Say whom A reaches by dialling X next."""
        ...


_ADAPTERS: Final = {mode: f"privatenumber.bindings.gateways.{mode.value.lower()}" for mode in Mode}


class _Opening(Protocol):
    """What each adapter's module offers."""

    def open_gateway(self, client: PlatformClient) -> Gateway: ...


def gateway_to(client: PlatformClient) -> Gateway:
    """Return the adapter of the mode of a client's application."""
    module = cast(_Opening, import_module(_ADAPTERS[client.application.mode]))
    return module.open_gateway(client)

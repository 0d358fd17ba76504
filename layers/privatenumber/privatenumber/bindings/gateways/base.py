"""What an adapter answers to questions that its mode does not know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from pydantic import ValidationError

from privatenumber.bindings.gateway import Held, Standing
from privatenumber.bindings.model import Binding, Callee, Partner, Terms
from privatenumber.codes.results import lookup
from privatenumber.deadline import Deadline
from privatenumber.platform.caller import WRONG_MODE
from privatenumber.platform.client import PlatformClient
from privatenumber.platform.errors import error_for, unsendable
from privatenumber.platform.fields import violations
from privatenumber.settings import Application


@contextmanager
def checked(api: str) -> Iterator[None]:
    """Tell what a wire model refuses as the platform's refusal would be told: nothing was sent."""
    try:
        yield
    except ValidationError as error:
        raise unsendable(api, violations(error)) from None


def chosen(binding: Binding) -> dict[str, str | None]:
    """What a bind says of X: its name, or the city from which the platform chooses (numbers.md §2.1)."""
    if binding.x:
        return {"x": binding.x}
    city = {"area_code": binding.wanted_area}
    return {**city, "area_match_mode": "1"} if binding.cities else city


class ModeGateway:
    """An application's client, and a refusal for whatever the application's mode does not have."""

    def __init__(self, client: PlatformClient) -> None:
        self._client = client

    @property
    def application(self) -> Application:
        """The application in whose name it speaks."""
        return self._client.application

    def standing_behind(self, x: str, extension: str, *, deadline: Deadline) -> Standing | None:
        """Only AXE has extensions."""
        return None

    def find(self, binding: Binding, *, deadline: Deadline) -> Held | None:
        """Nothing can be looked up, unless the mode's adapter knows how."""
        return None

    def modify(self, binding: Binding, terms: Terms, life_s: int | None, *, deadline: Deadline) -> None:
        """AXYB has no way to change a binding (axyb.md §1)."""
        self._refuse("axyb.bind")

    def impose(
        self, binding: Binding, subscription_id: str, life_s: int | None, *, deadline: Deadline
    ) -> None:
        """AXYB has no way to change a binding (axyb.md §1)."""
        self._refuse("axyb.bind")

    def bind_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> str | None:
        """Only AXYB has partners at the platform."""
        self._refuse("axyb.bind")

    def find_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> str | None:
        """Only AXYB has partners at the platform."""
        self._refuse("axyb.query")

    def unbind_partner(self, binding: Binding, partner: Partner, *, deadline: Deadline) -> None:
        """Only AXYB has partners at the platform."""
        self._refuse("axyb.unbind")

    def set_callee(self, binding: Binding, callee: Callee, seconds: int, *, deadline: Deadline) -> None:
        """Only AX has a temporary callee at the platform."""
        self._refuse("ax.set_callee")

    def _refuse(self, api: str) -> NoReturn:
        raise error_for(api, lookup(403, WRONG_MODE, api))

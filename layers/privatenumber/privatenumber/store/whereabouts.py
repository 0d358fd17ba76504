"""Where X numbers belong: city by the inventory, enterprise by the settings (operations.md §5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privatenumber.settings import Application
    from privatenumber.store.numbers import XNumber


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where numbers belong: city and enterprise of an X, as the inventory and the settings know them."""

    cities: Mapping[str, str] = field(default_factory=dict, repr=False)
    enterprises: Mapping[str, str] = field(default_factory=dict, repr=False)
    enterprise: str = ""
    """Of every X that ``enterprises`` does not name."""

    def city(self, x: str | None, otherwise: str | None) -> str:
        """The city of an X, or what the binding says of it."""
        return self.cities.get(x or "") or otherwise or ""

    def enterprise_of(self, x: str | None) -> str:
        """The enterprise for which an X was ordered."""
        return self.enterprises.get(x or "", self.enterprise)


def whereabouts_of(application: Application | None, numbers: Iterable[XNumber]) -> Whereabouts:
    """Where the numbers of an application belong; of one that is no more, only the cities are known."""
    return Whereabouts(
        cities={number.x: number.area_code for number in numbers},
        enterprises=dict(application.enterprises) if application else {},
        enterprise=application.enterprise if application else "",
    )

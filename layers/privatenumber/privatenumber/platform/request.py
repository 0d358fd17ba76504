"""One operation of the platform's API, as it is handed to the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from privatenumber.settings import Mode


@dataclass(frozen=True, slots=True)
class Request:
    """One operation; ``repeatable`` when executing it twice does no harm.

    ``mode`` is the mode whose applications may use it, None for every mode.
    """

    api: str
    method: str
    path: str
    mode: Mode | None
    repeatable: bool
    query: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)

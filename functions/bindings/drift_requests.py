"""Bodies of drift repair and of the release of a whole number."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from privatenumber.bindings.drift_decision import Decision

from .requests import Name, RequestBody


class DriftBody(RequestBody):
    """Body of `POST /drift`; without `repair` a run only lists."""

    application: Name
    repair: bool = True


class ReleaseAllBody(RequestBody):
    """Body of `POST /numbers/{x}/release-all`: empty for a preview."""

    confirmation: Annotated[str, Field(max_length=64)] | None = None


class DecisionBody(RequestBody):
    """Body of `POST /drift/{run}/{difference}`."""

    application: Name
    decision: Decision

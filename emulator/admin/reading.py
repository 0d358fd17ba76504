"""Reading of admin requests, and the refusal of those that cannot be followed."""

from __future__ import annotations

import json
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from emulator.admin import models

Model = TypeVar("Model", bound=BaseModel)


class AdminError(Exception):
    """An order the emulator cannot follow; the text says why and what would work."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


async def read(request: Request, model: type[Model]) -> Model:
    """Read the body as a model. Raises AdminError, ValidationError."""
    body = await request.body()
    try:
        values = json.loads(body) if body else {}
    except json.JSONDecodeError as error:
        raise AdminError(400, f"the body is no JSON: {error}") from None
    except (UnicodeDecodeError, RecursionError):
        raise AdminError(400, "the body is no JSON: not UTF-8, or nested too deeply") from None
    return validate(model, values)


def validate(model: type[Model], values: object) -> Model:
    """Read values as a model. Raises ValidationError."""
    return model.model_validate(values)


def asked_x(request: Request) -> str | None:
    """Read the filter ``x``, as dialled or global, the ``+`` escaped or not."""
    text = request.query_params.get("x")
    if text is None:
        return None
    try:
        return models.private_number(text)
    except ValueError as error:
        raise AdminError(422, str(error)) from None

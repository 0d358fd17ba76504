"""Reading of admin requests, and the refusal of those that cannot be followed."""

from __future__ import annotations

import json
import math
import re
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from emulator.admin import models

Model = TypeVar("Model", bound=BaseModel)
_LIMIT = re.compile(r"[0-9]{1,9}")
_NO_JSON = "the body is no JSON: not UTF-8, nested too deeply, with half a surrogate or an endless number"


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
        # Half a surrogate would spoil every answer that shows it.
        json.dumps(values, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise AdminError(400, f"the body is no JSON: {error}") from None
    except (ValueError, RecursionError):
        raise AdminError(400, _NO_JSON) from None
    if not _finite(values):
        raise AdminError(422, "a number of the body is infinite, or none")
    return validate(model, values)


def _finite(values: object) -> bool:
    if isinstance(values, dict):
        return all(map(_finite, values.values()))
    if isinstance(values, list):
        return all(map(_finite, values))
    return not isinstance(values, float) or math.isfinite(values)


def asked_limit(request: Request) -> int | None:
    """Read ``limit``, how many of the newest are asked for."""
    text = request.query_params.get("limit")
    if text is None:
        return None
    if not _LIMIT.fullmatch(text):
        raise AdminError(422, "limit is a whole number of at most 9 digits")
    return int(text)


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

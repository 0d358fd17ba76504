"""What an answer of the HTTP API looks like (payload format 2.0)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Response = dict[str, Any]


def answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Build an answer with a JSON body; nothing here may be kept by caches."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    }

"""Refusals and the response envelope (numbers.md §7.6, result-codes.md §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from privatenumber.codes import results

Payload = dict[str, Any]
SUCCESS_TEXT = "Success"


@dataclass(frozen=True, slots=True)
class Redirect:
    """301 with an address and nothing else (recording-and-call-stop.md §2)."""

    location: str


class Refusal(Exception):
    """The platform says no: HTTP status and result code, with the text of the code table.

    ``detail`` is appended to the text (``Invalid request.<name> is missing.``); ``text`` replaces it.
    """

    def __init__(self, http_status: int, code: str, *, detail: str = "", text: str | None = None) -> None:
        super().__init__(f"{http_status}/{code}")
        self.http_status = http_status
        self.code = code
        self.detail = detail
        self.text = text

    def payload(self, api: str) -> Payload:
        """Return the JSON envelope of this refusal."""
        text = self.text if self.text is not None else results.lookup(self.http_status, self.code, api).text
        return {"resultcode": self.code, "resultdesc": text + self.detail}


class InvalidRequest(Refusal):
    """403 / 1010002; ``detail`` follows the text without a blank, as the platform writes it."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(403, "1010002", detail=detail)


def missing(name: str) -> InvalidRequest:
    """Return the refusal for an absent parameter."""
    return InvalidRequest(f"{name} is missing.")


def invalid(name: str) -> InvalidRequest:
    """Return the refusal for a value outside its type, range or form."""
    return InvalidRequest(f"{name} is invalid.")


def success(**members: Any) -> Payload:
    """Return the envelope of a success; members that are None are left out."""
    given = {name: value for name, value in members.items() if value is not None}
    return {"resultcode": "0", "resultdesc": SUCCESS_TEXT, **given}

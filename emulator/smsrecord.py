"""One SMS to a private number: the order to send it, and what became of it (notifications.md §6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator

from emulator.bounds import WaitSeconds
from emulator.inventory import Mode
from emulator.smsparts import parts_of
from privatenumber import phone

ABNORMAL = 2
"""``direction`` of an SMS of which no binding is known."""
LONGEST_TEXT = 2000


class SendResult(IntEnum):
    """What became of an SMS, as ``sendResult`` tells it (sms-results.csv)."""

    SENT = 0
    ACCOUNT_FROZEN = 1
    NO_BINDING = 2
    X_SUSPENDED = 3
    NOT_COMMERCIAL = 4
    INTERNAL_ERROR = 5
    DISCARDED = 6
    DECISION_TIMED_OUT = 7
    BLACKLISTED = 8
    PARTLY_SENT = 9
    NOTHING_SENT = 10
    NO_SMS = 11
    KEYWORD_MISSING = 12
    FORBIDDEN_WORD = 13


class SmsScript(BaseModel):
    """A scripted SMS. ``failed_parts`` of what is forwarded never arrive; all of them: nothing is sent.

    ``takes_s`` lie between its arrival, or the customer's answer, and the outcome. ``wait`` is for the admin
    route: advance the clock to the outcome and the first attempt of its push.
    """

    model_config = ConfigDict(extra="forbid")

    sender: str
    x: str
    text: str = Field(max_length=LONGEST_TEXT)
    failed_parts: int = Field(0, ge=0)
    takes_s: WaitSeconds = 1
    wait: bool = False

    @field_validator("sender", "x")
    @classmethod
    def _mobile(cls, number: str) -> str:
        """Numbers may be given as dialled; only mobile numbers send and receive SMS."""
        found = phone.normalise(number)
        if phone.kind(found) is not phone.NumberKind.MOBILE:
            raise ValueError("only mobile numbers send and receive SMS")
        return found


@dataclass(slots=True)
class Sms:
    """An SMS and its way (aware UTC). ``text`` is what was sent, ``forwarded`` what was passed on.

    ``result`` None: under way, or dropped without a word because its mode knows no SMS (``dropped``).
    """

    id: str
    app_key: str
    mode: Mode
    sender: str = field(repr=False)
    x: str
    text: str = field(repr=False)
    received_at: datetime
    number_type: str
    area_code: str
    direction: int = ABNORMAL
    subscription_id: str | None = None
    user_data: str | None = None
    receiver: str | None = field(default=None, repr=False)
    forwarded: str | None = field(default=None, repr=False)
    asked: bool = False
    dropped: bool = False
    result: SendResult | None = None
    parts_sent: int = 0
    finished_at: datetime | None = None
    next_at: datetime | None = None

    @property
    def finished(self) -> bool:
        """Whether its outcome is known."""
        return self.finished_at is not None

    @property
    def parts_received(self) -> int:
        """How many parts the text as it was sent needs."""
        return parts_of(self.text)

    @property
    def arrived(self) -> bool:
        """Whether anything of it reached somebody."""
        return self.result in (SendResult.SENT, SendResult.PARTLY_SENT)

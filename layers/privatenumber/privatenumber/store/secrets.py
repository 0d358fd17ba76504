"""The applications' credentials, read from Secrets Manager and kept for five minutes.

Two secrets per application let a rotation pass unnoticed (auth.md §12). A receiver that cannot verify a push
may ask for a fresh copy, but not more often than every ten seconds, or forged pushes would cost us dearly.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.applications import parse_applications
from privatenumber.deadline import Deadline, OutOfTime, in_time
from privatenumber.settings import Application, SettingsError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_AGE_S: Final = 300.0
MIN_AGE_S: Final = 10.0
RENEWAL_SHARE: Final = 0.25
"""Part of somebody's time for a new copy when an old one can serve."""

_LOG: Final = logging.getLogger("privatenumber.store")


class ApplicationsSecret:
    """The applications by id. Keep one per environment.

    A failed or unreadable refresh keeps the last good copy: credentials that worked beat none.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        secret_id: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._secret_id = secret_id
        self._monotonic = monotonic
        self._applications: Mapping[str, Application] | None = None
        self._read_at = 0.0
        self._asked_at = 0.0
        self._lock = threading.Lock()

    def load(self, *, refresh: bool = False, until: Deadline | None = None) -> Mapping[str, Application]:
        """The applications; ``refresh`` asks for a copy younger than ten seconds instead of five minutes.

        With ``until`` a copy that is late is not waited for: the old one serves, and the new one when it is
        there. Raises SettingsError, botocore's errors or OutOfTime only when no copy was ever read.
        """
        old, age = self._applications, self._monotonic() - self._read_at
        if old is not None and age < (MIN_AGE_S if refresh else MAX_AGE_S):
            return old
        try:
            found = self._renewed(until, spare=old is not None)
        except (BotoCoreError, ClientError, SettingsError, OutOfTime) as error:
            if old is None:
                raise
            _LOG.error("applications not refreshed", extra={"cause": type(error).__name__})
            found = old
        self._read_at = self._monotonic()
        return found

    def _renewed(self, until: Deadline | None, *, spare: bool) -> Mapping[str, Application]:
        if until is None:
            return self._renew()
        last = until.minus(until.remaining() * (1 - RENEWAL_SHARE)) if spare else until
        return in_time(self._renew, last)

    def _renew(self) -> Mapping[str, Application]:
        asked_at = self._monotonic()
        read = parse_applications(self._client.get_secret_value(SecretId=self._secret_id)["SecretString"])
        with self._lock:
            # An answer may be as late as the next thaw of this environment: it must bring nothing back.
            if self._applications is None or asked_at >= self._asked_at:
                self._applications, self._asked_at = read, asked_at
            return self._applications

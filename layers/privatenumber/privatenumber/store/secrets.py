"""The applications' credentials, read from Secrets Manager and kept for five minutes.

Two secrets per application let a rotation pass unnoticed (auth.md §12). A receiver that cannot verify a push
may ask for a fresh copy, but not more often than every ten seconds, or forged pushes would cost us dearly.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.settings import Application, SettingsError, parse_applications

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_AGE_S: Final = 300.0
MIN_AGE_S: Final = 10.0
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

    def load(self, *, refresh: bool = False) -> Mapping[str, Application]:
        """The applications; ``refresh`` asks for a copy younger than ten seconds instead of five minutes.

        Raises SettingsError or botocore's errors only when no copy was ever read.
        """
        age = self._monotonic() - self._read_at
        if self._applications is None:
            self._applications = self._read()
        elif age >= (MIN_AGE_S if refresh else MAX_AGE_S):
            try:
                self._applications = self._read()
            except (BotoCoreError, ClientError, SettingsError) as error:
                _LOG.error("applications not refreshed", extra={"cause": type(error).__name__})
        else:
            return self._applications
        self._read_at = self._monotonic()
        return self._applications

    def _read(self) -> Mapping[str, Application]:
        return parse_applications(self._client.get_secret_value(SecretId=self._secret_id)["SecretString"])

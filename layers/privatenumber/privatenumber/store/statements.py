"""Statements, their corrections and reconciliations of a month (``yyyy-MM``) in the Bills table.

``STATEMENT#<month>``, ``CORRECTION#<month>`` and ``RECONCILIATION#<month>`` hold versions (see `versions`): a
run that finds what the last one found adds nothing. The number of a correction is that of its version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from privatenumber.store.versions import Line, Version, VersionStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class MonthStore:
    """Versions of one kind of monthly document."""

    def __init__(self, client: DynamoDBClient, table: str, prefix: str) -> None:
        self._versions = VersionStore(client, table)
        self._prefix = prefix

    def latest(self, month: str) -> Version | None:
        """The newest version of a month (``yyyy-MM``)."""
        return self._versions.latest(self._name(month))

    def versions(self, month: str) -> Iterator[Version]:
        """All versions of a month, newest first."""
        return self._versions.versions(self._name(month))

    def version(self, month: str, number: int) -> Version | None:
        """One version of a month by its number."""
        return next((one for one in self.versions(month) if one.number == number), None)

    def lines(self, version: Version) -> list[dict[str, Any]]:
        """The lines of a version. Raises VersionBroken."""
        return self._versions.lines(version)

    def each_line(self, version: Version) -> Iterator[dict[str, Any]]:
        """The lines of a version, read as somebody wants them. Raises VersionBroken at the end."""
        return self._versions.each_line(version)

    def add(
        self,
        month: str,
        document: Mapping[str, Any],
        lines: Iterable[Line],
        *,
        seen: Version | None,
        made_at: datetime,
    ) -> Version:
        """Write the version after `seen`, or return `seen` if it says the same. Raises VersionTaken."""
        return self._versions.add(self._name(month), document, lines, seen=seen, made_at=made_at)

    def _name(self, month: str) -> str:
        return f"{self._prefix}#{month}"


def statement_store(client: DynamoDBClient, table: str) -> MonthStore:
    """Statements by month."""
    return MonthStore(client, table, "STATEMENT")


def correction_store(client: DynamoDBClient, table: str) -> MonthStore:
    """Corrections by the month that they correct."""
    return MonthStore(client, table, "CORRECTION")


def reconciliation_store(client: DynamoDBClient, table: str) -> MonthStore:
    """Reconciliations by month."""
    return MonthStore(client, table, "RECONCILIATION")


def plan_store(client: DynamoDBClient, table: str) -> MonthStore:
    """Plans by month."""
    return MonthStore(client, table, "PLAN")

"""The way from a name to bytes: a fresh address for every attempt, and only to hosts that are allowed.

The address is asked for, looked at, used and forgotten; it is not kept, not logged and not followed any
further (recording-and-call-stop.md §2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from privatenumber.deadline import Deadline
from privatenumber.recordings.addresses import allowed_hosts, checked, may_be_private
from privatenumber.recordings.download import Downloads
from privatenumber.recordings.note import Whereabouts
from privatenumber.settings import Application

if TYPE_CHECKING:
    from privatenumber.platform.client import PlatformClient


class ApplicationMissing(Exception):
    """The applications' secret does not hold the application of a recording (any more)."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Opens recordings: ``platform`` asks for an application, ``downloads`` is its way to the storage."""

    applications: Callable[[], Mapping[str, Application]]
    platform: Callable[[Application], PlatformClient]
    downloads: Callable[[Application], Downloads]

    @contextmanager
    def open(self, application_id: str, where: Whereabouts, deadline: Deadline) -> Iterator[Iterator[bytes]]:
        """The bytes of a recording.

        Raises PlatformError, AddressRefused, DownloadFailed (also while they are read), ApplicationMissing.
        """
        application = self.applications().get(application_id)
        if application is None:
            raise ApplicationMissing
        address, hosts = self._address(application, where, deadline)
        allowed = checked(address, hosts, allow_http=application.recording_allow_http)
        anywhere = may_be_private(application)
        with self.downloads(application).open(allowed, deadline, anywhere=anywhere) as chunks:
            yield chunks

    def _address(
        self, application: Application, where: Whereabouts, deadline: Deadline
    ) -> tuple[str, tuple[str, ...]]:
        if where.object_name and where.domain:
            sessions = self.platform(application).sessions
            address = sessions.record_address(where.object_name, where.domain, deadline=deadline)
            return address, allowed_hosts(application, where.domain)
        return where.url or "", allowed_hosts(application, None)

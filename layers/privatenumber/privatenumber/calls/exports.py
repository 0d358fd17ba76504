"""Exports: the calls or texts of a stretch of time as a file, of any length and in little memory.

A file grows in parts. Each part that is in the bucket is written down together with the place of its last
row, under the version that was read, so whoever goes on after a crash goes on there, and of two who work on
one export one stops. Nothing of a file can be fetched before it is complete.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.calls.export_rows import MEDIA_TYPES, head_of, line_of
from privatenumber.calls.relations import Unseal
from privatenumber.privacy import Keyring, token
from privatenumber.store.call_days import rows_between
from privatenumber.store.call_search import CallSearch, Kind, Place
from privatenumber.store.due import Overtaken
from privatenumber.store.exports import Export, ExportState, ExportStore, Format
from privatenumber.store.part_files import MAX_PARTS, PART_BYTES, PartFiles, UploadGone
from privatenumber.times import beijing_day, iso

LEASE: Final = timedelta(minutes=10)
"""So long nobody else takes up what somebody works on: longer than a run lasts."""

FILE_KEPT: Final = timedelta(days=31)
"""The exchange bucket forgets a file after so long."""

KEPT: Final = timedelta(days=400)
"""So long it is known who exported what (operations.md §12)."""

LINK_S: Final = 300
"""How long a link to a file works."""

MAX_DAYS: Final = 92
MAX_ATTEMPTS: Final = 8
"""Runs in a row that finish no part: then the export fails, and may be asked for again."""

TOO_OFTEN: Final = "it failed again and again"


class NoSuchExport(Exception):
    """No export has this id, or it is forgotten."""


class TooManyParts(Exception):
    """The file would have more parts than S3 takes: the export fails after some attempts."""


class OtherContent(Exception):
    """The Idempotency-Key was used for another export."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What shall be exported: ``since`` is included, ``until`` is not. ``by`` asks, and says ``why``."""

    application: str
    kind: Kind
    format: Format
    since: datetime
    until: datetime
    by: str
    why: str | None = None

    @property
    def content(self) -> str:
        """What two requests for the same file have in common."""
        told = [self.application, self.kind, self.format, iso(self.since), iso(self.until)]
        return json.dumps(told)


@dataclass(frozen=True, slots=True)
class ShownExport:
    """An export; ``url`` of its file for five minutes, while there is one (until ``kept_until``)."""

    export: Export
    url: str | None = None
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Exports:
    """Makes exports. ``send`` tells a worker of one that may be taken up; it may fail to reach him."""

    store: ExportStore
    files: PartFiles
    search: CallSearch
    keyring: Callable[[], Keyring]
    unseal: Unseal
    send: Callable[[str], None]

    def request(self, wanted: ExportRequest, *, key: str, now: datetime) -> tuple[ShownExport, bool]:
        """Ask for a file; the same ``key`` again is the same export. Says whether it is new.

        Raises OtherContent.
        """
        identity = "e" + token(self.keyring(), f"{wanted.application}\0{key}", purpose="export")
        form = wanted.format
        export = Export(
            id=identity,
            application=wanted.application,
            kind=wanted.kind,
            format=form,
            since=wanted.since,
            until=wanted.until,
            state=ExportState.WAITING,
            created_at=now,
            created_by=wanted.by,
            why=wanted.why,
            file=f"exports/{identity}.{form.value}",
            expires_at=int((now + KEPT).timestamp()),
            due_at=now,
        )
        known = self.store.add(export)
        if known and _content(known) != wanted.content:
            raise OtherContent
        found = known or export
        if not found.state.final:
            self.send(found.id)
        return self._shown(found, now), known is None

    def get(self, export_id: str, *, now: datetime) -> ShownExport:
        """An export and how far it has come. Raises NoSuchExport."""
        export = self.store.get(export_id)
        if export is None or export.expires_at <= now.timestamp():
            raise NoSuchExport
        return self._shown(export, now)

    def run(self, export_id: str, *, now: datetime, left: Callable[[], float]) -> ExportState:
        """Go on with an export until it is done or the time is over; the state that it is left in.

        ``left`` tells how many seconds there are. Raises NoSuchExport, and what the stores raise: it is then
        due again after the lease.
        """
        export = self.store.get(export_id)
        if export is None:
            raise NoSuchExport
        if export.due_at is None or export.due_at > now:
            return export.state
        try:
            if export.attempts >= MAX_ATTEMPTS:
                return self._failed(export, now, TOO_OFTEN).state
            return self._run(self._claimed(export, now), now, left)
        except Overtaken:
            return ExportState.RUNNING

    def _claimed(self, export: Export, now: datetime) -> Export:
        state = export.state if export.state is ExportState.CLOSING else ExportState.RUNNING
        return self._written(export, state=state, due_at=now + LEASE, attempts=export.attempts + 1)

    def _run(self, export: Export, now: datetime, left: Callable[[], float]) -> ExportState:
        try:
            if export.state is ExportState.RUNNING:
                export = self._grown(export, now, left)
            if export.state is ExportState.CLOSING:
                export = self._closed(export, now)
        except UploadGone:
            # The bucket has thrown away what there was: from the beginning.
            export = self._from_the_beginning(export, now)
        return export.state

    def _grown(self, export: Export, now: datetime, left: Callable[[], float]) -> Export:
        """Write parts until all rows are in (CLOSING, or DONE at once when they are few) or time is over."""
        buffer, counted = bytearray(b"" if export.parts else head_of(export.kind, export.format)), 0
        rows = rows_between(
            self.search, export.kind, export.application, export.since, export.until, after=export.cursor
        )
        with closing(rows):
            for place, row in rows:
                buffer += line_of(export.kind, export.format, row, self.unseal)
                counted += 1
                if len(buffer) >= PART_BYTES:
                    export = self._with_part(export, bytes(buffer), counted, place)
                    buffer, counted = bytearray(), 0
                if left() <= 0:
                    return self._interrupted(export, now)
        if export.upload is None:
            self.files.put(export.file, bytes(buffer), media_type=MEDIA_TYPES[export.format])
            return self._done(export, now, rows=counted, bytes=len(buffer))
        if not buffer:
            return self._written(export, state=ExportState.CLOSING)
        return self._with_part(export, bytes(buffer), counted, export.cursor, state=ExportState.CLOSING)

    def _with_part(
        self,
        export: Export,
        body: bytes,
        rows: int,
        cursor: Place | None,
        state: ExportState = ExportState.RUNNING,
    ) -> Export:
        """The export with one more part, which is in the bucket before it is written down."""
        if len(export.parts) >= MAX_PARTS:
            raise TooManyParts
        media_type = MEDIA_TYPES[export.format]
        upload = export.upload or self.files.begin(export.file, media_type=media_type)
        tag = self.files.part(export.file, upload, len(export.parts) + 1, body)
        return self._written(
            export,
            state=state,
            upload=upload,
            parts=(*export.parts, tag),
            cursor=cursor,
            rows=export.rows + rows,
            bytes=export.bytes + len(body),
            attempts=0,
        )

    def _closed(self, export: Export, now: datetime) -> Export:
        self.files.finish(export.file, export.upload or "", export.parts)
        return self._done(export, now)

    def _done(self, export: Export, now: datetime, **changes: Any) -> Export:
        done = {"state": ExportState.DONE, "due_at": None, "finished_at": now}
        return self._written(export, **done, parts=(), cursor=None, **changes)

    def _failed(self, export: Export, now: datetime, problem: str) -> Export:
        failed = {"state": ExportState.FAILED, "due_at": None, "finished_at": now}
        return self._written(export, **failed, problem=problem)

    def _interrupted(self, export: Export, now: datetime) -> Export:
        """Whoever is told next goes on."""
        export = self._written(export, due_at=now)
        self.send(export.id)
        return export

    def _from_the_beginning(self, export: Export, now: datetime) -> Export:
        nothing = {"upload": None, "parts": (), "cursor": None, "rows": 0, "bytes": 0}
        export = self._written(export, state=ExportState.RUNNING, due_at=now, **nothing)
        self.send(export.id)
        return export

    def _written(self, export: Export, **changes: Any) -> Export:
        new = replace(export, version=export.version + 1, **changes)
        self.store.replace(new, seen=export.version)
        return new

    def _shown(self, export: Export, now: datetime) -> ShownExport:
        if export.state is not ExportState.DONE or export.finished_at is None:
            return ShownExport(export)
        kept_until = export.finished_at + FILE_KEPT
        if kept_until <= now:
            return ShownExport(export, kept_until=kept_until)
        name = f"{export.application}-{export.kind.lower()}-{beijing_day(export.since)}.{export.format}"
        return ShownExport(export, self.files.link(export.file, name=name, seconds=LINK_S), kept_until)


def _content(export: Export) -> str:
    same = (export.application, export.kind, export.format, export.since, export.until)
    return ExportRequest(*same, by=export.created_by).content

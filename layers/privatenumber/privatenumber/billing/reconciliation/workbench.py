"""Where a month is laid out to be compared: tables on disk, so that memory does not grow with the month.

The tables live in a file that has no name any more when the first row comes, and end with the run. Nobody can
be found in them: a person stands there as a token or as the digits that the provider has left, an id of the
platform as a hash under a key of this run, and only the company's own numbers in clear.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

_CACHE_KB: Final = 96 * 1024
_BATCH: Final = 2000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_Any = TypeVar("_Any")


class Workbench:
    """The tables of one run, to be used in a ``with`` statement."""

    def __init__(self, *schemas: str) -> None:
        self._schemas = schemas
        self._keyed = hashlib.blake2b(digest_size=16, key=os.urandom(32))

    def __enter__(self) -> Self:
        handle, name = tempfile.mkstemp(prefix="reconciliation-")
        os.close(handle)
        self._tables = sqlite3.connect(name, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            self._tables.execute(f"PRAGMA {pragma}")
        self._tables.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        self._tables.execute("PRAGMA temp_store = FILE")
        for schema in self._schemas:
            self._tables.executescript(schema)
        # Whatever becomes of this process, nobody finds the file.
        Path(name).unlink()
        self._tables.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tables.close()

    def hidden(self, *values: object) -> bytes:
        """What stands for values wherever only their being equal matters, in this run alone."""
        digest = self._keyed.copy()
        digest.update(repr(values).encode())
        return digest.digest()

    def do(self, sql: str, *values: object) -> int:
        """Run one statement; says how many rows it changed."""
        return self._tables.execute(sql, values).rowcount

    def put(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of many rows."""
        self._tables.executemany(sql, rows)

    def insert(self, table: str, rows: Iterable[Sequence[object]]) -> None:
        """Put rows into a table, with a value for each column; a primary key that is ``None`` is the next."""
        width = len(self._tables.execute(f"SELECT * FROM {table} LIMIT 0").description)
        self.put(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)

    def ask(self, sql: str, *values: object) -> Iterator[Any]:
        """The rows of an answer, as they come."""
        yield from self._tables.execute(sql, values)

    def pages(self, sql: str, *values: object, size: int) -> Iterator[list[str]]:
        """Texts that an answer has, so many at a time.

        The question asks for those above the last one, in their order; it ends with that one and the number.
        """
        last = ""
        while page := [text for (text,) in self.ask(sql, *values, last, size)]:
            yield page
            last = page[-1]

    def named(self, sql: str, **values: object) -> Any:
        """The only row of an answer, its values named in the question."""
        return self._tables.execute(sql, values).fetchone()

    def one(self, sql: str, *values: object) -> Any:
        """The only row of an answer; its value when there is only one."""
        row = self._tables.execute(sql, values).fetchone()
        return row[0] if row is not None and len(row) == 1 else row


def batches(things: Iterable[_Any]) -> Iterator[list[_Any]]:
    """Things some at a time."""
    left = iter(things)
    while batch := list(islice(left, _BATCH)):
        yield batch


def clock(moment: datetime) -> int:
    """A moment as the tables count it: milliseconds, whole ones."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(clock: int) -> datetime:
    """The moment that `clock` counted, aware UTC."""
    return _EPOCH + clock * _MILLISECOND

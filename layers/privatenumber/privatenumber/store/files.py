"""Files that people exchange with the system: the S3 bucket of imports and exports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

#: Largest file read into memory.
MAX_BYTES: Final = 64 * 1024 * 1024
#: Largest file read as it comes: some ten million rows.
MAX_STREAMED_BYTES: Final = 2 * 1024 * 1024 * 1024
_ABSENT: Final = frozenset({"NoSuchKey", "404", "NoSuchBucket"})
_CHANGED: Final = "PreconditionFailed"


class FileMissing(Exception):
    """No file has that key in the exchange bucket."""


class FileTooLarge(Exception):
    """The file is larger than MAX_BYTES."""


class FileChanged(Exception):
    """Somebody has put another file in the place of the one that is being read: begin anew."""


@dataclass(frozen=True)
class StoredFile:
    """One file as it is now; whatever is put in its place later, nothing else is read as this."""

    key: str
    size: int
    _client: S3Client = field(repr=False)
    _bucket: str = field(repr=False)
    _etag: str

    def open(self) -> BinaryIO:
        """The bytes from the begin, as they come. Raises FileMissing and FileChanged."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self.key, IfMatch=self._etag)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _ABSENT:
                raise _missing() from None
            if code == _CHANGED:
                raise FileChanged("the file was replaced while it was read") from None
            raise
        return cast(BinaryIO, answer["Body"])


class FileStore:
    """Reads files of one bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str) -> bytes:
        """The bytes of a file. Raises FileMissing and FileTooLarge."""
        file = self.find(key, most_bytes=MAX_BYTES)
        with file.open() as body:
            return body.read()

    def find(self, key: str, *, most_bytes: int = MAX_STREAMED_BYTES) -> StoredFile:
        """A file to be read as it comes. Raises FileMissing and FileTooLarge."""
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise _missing() from None
            raise
        size = head["ContentLength"]
        if size > most_bytes:
            raise FileTooLarge(f"more than {most_bytes} bytes: split the file by days")
        return StoredFile(key, size, self._client, self._bucket, head["ETag"])


def _missing() -> FileMissing:
    return FileMissing("no such file in the exchange bucket")

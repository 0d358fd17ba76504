"""Files that people exchange with the system: the S3 bucket of imports and exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

#: Largest file read into memory.
MAX_BYTES: Final = 64 * 1024 * 1024
_ABSENT: Final = frozenset({"NoSuchKey", "404", "NoSuchBucket"})


class FileMissing(Exception):
    """No file has that key in the exchange bucket."""


class FileTooLarge(Exception):
    """The file is larger than MAX_BYTES."""


class FileStore:
    """Reads files of one bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str) -> bytes:
        """The bytes of a file. Raises FileMissing and FileTooLarge."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise FileMissing("no such file in the exchange bucket") from None
            raise
        if answer["ContentLength"] > MAX_BYTES:
            raise FileTooLarge(f"more than {MAX_BYTES} bytes: split the file by days")
        return answer["Body"].read()

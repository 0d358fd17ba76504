"""Files that are written in parts over several runs: whoever goes on after a crash finds what there is (S3).

A part that is sent again replaces itself. A file is there completely or not at all; of an upload that nobody
goes on with the bucket's life cycle removes the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PART_BYTES: Final = 6 * 1024 * 1024
"""Size of a part at least; S3 wants 5 MiB or more of all but the last."""

MAX_PARTS: Final = 5_000
"""30 GB. S3 takes 10,000, an item of the table the tags of about as many."""

_GONE: Final = frozenset({"NoSuchUpload", "404"})
_ABSENT: Final = frozenset({"NoSuchKey", "404"})


class UploadGone(Exception):
    """The upload is over: finished before, or removed by the bucket's life cycle."""


class PartFiles:
    """Files of one bucket, which encrypts them by default."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, body: bytes, *, media_type: str) -> None:
        """Write a small file at once."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=media_type)

    def begin(self, key: str, *, media_type: str) -> str:
        """Begin a file in parts; the id of its upload."""
        begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=media_type)
        return begun["UploadId"]

    def part(self, key: str, upload: str, number: int, body: bytes) -> str:
        """Write a part, the first of which is 1; its tag. Raises UploadGone."""
        try:
            answer = self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=body
            )
        except ClientError as error:
            raise _told(error) from None
        return answer["ETag"]

    def finish(self, key: str, upload: str, tags: Sequence[str]) -> None:
        """Make a file of its parts; again, when nobody heard that it is one. Raises UploadGone."""
        parts: Any = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        try:
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except ClientError as error:
            gone = _told(error)
            if not (isinstance(gone, UploadGone) and self.exists(key)):
                raise gone from None

    def exists(self, key: str) -> bool:
        """Whether the file is there."""
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return False
            raise
        return True

    def link(self, key: str, *, name: str, seconds: int) -> str:
        """An address at which anybody who has it can fetch the file, under a name, for some time."""
        wanted = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        return self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)


def _told(error: ClientError) -> Exception:
    return UploadGone() if error.response["Error"]["Code"] in _GONE else error

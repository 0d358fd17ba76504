"""The files of recordings: written once, in parts, never held as a whole (Amazon S3).

A file is there completely or not at all, and the first one to be there stays: whoever comes second is told so
(``If-None-Match``). What a crash leaves of an upload is removed by the bucket's life cycle.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PART_BYTES: Final = 6 * 1024 * 1024
"""Size of a part; S3 wants 5 MiB or more. Twelve minutes of talk are less, and travel in one request."""

_CHUNK_BYTES: Final = 64 * 1024
_ABSENT: Final = frozenset({"NoSuchKey", "404"})
_LOG: Final = logging.getLogger("privatenumber.store")


class AlreadyThere(Exception):
    """Another file has this key; it stays as it is."""


class RecordingFiles:
    """Files of one bucket, encrypted under one KMS key."""

    def __init__(self, client: S3Client, bucket: str, key_id: str) -> None:
        self._client = client
        self._bucket = bucket
        self._form: dict[str, Any] = {
            "ContentType": "audio/wav",
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": key_id,
            "BucketKeyEnabled": True,
        }

    def write(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write a file out of chunks of any size; one that raises leaves nothing behind.

        Raises AlreadyThere, and what `chunks` raises.
        """
        blocks = _blocks(chunks)
        first = next(blocks, b"")
        try:
            if len(first) < PART_BYTES:
                self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=first, IfNoneMatch="*", **self._form
                )
            else:
                self._write_in_parts(key, chain([first], blocks))
        except ClientError as error:
            if error.response["Error"]["Code"] == "PreconditionFailed":
                raise AlreadyThere from None
            raise

    def read(self, key: str) -> Iterator[bytes] | None:
        """The bytes of a file in chunks, None when there is none."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return _read(answer["Body"])

    def remove(self, key: str) -> None:
        """Remove a file; one that is not there is as good as gone."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def link(self, key: str, *, seconds: int) -> str:
        """An address at which anybody who has it can fetch the file for some time."""
        return self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
        )

    def _write_in_parts(self, key: str, blocks: Iterable[bytes]) -> None:
        begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, **self._form)
        upload: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "UploadId": begun["UploadId"]}
        try:
            parts: Any = []
            for number, block in enumerate(blocks, 1):
                answer = self._client.upload_part(**upload, PartNumber=number, Body=block)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._client.complete_multipart_upload(
                **upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            )
        except Exception:
            self._abort(upload)
            raise

    def _abort(self, upload: dict[str, Any]) -> None:
        try:
            self._client.abort_multipart_upload(**upload)
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("upload not aborted", extra={"cause": type(error).__name__})


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of exactly PART_BYTES and a last, shorter one, which may be missing but is never empty."""
    block = bytearray()
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            taken = chunk[at : at + PART_BYTES - len(block)]
            block += taken
            at += len(taken)
            if len(block) == PART_BYTES:
                yield _handed_over(block)
                block = bytearray()
    if block:
        yield _handed_over(block)


def _handed_over(block: bytearray) -> bytes:
    """Not a copy: no more than two parts exist, the one under way and the one that fills."""
    return cast("bytes", block)  # botocore takes either, its stubs know bytes only


def _read(body: Any) -> Iterator[bytes]:
    with closing(body):
        yield from body.iter_chunks(_CHUNK_BYTES)

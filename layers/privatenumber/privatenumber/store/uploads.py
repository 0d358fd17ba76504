"""Links by which somebody puts one file into the exchange bucket, whose key, size and content they fix."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3.client import S3Client


@dataclass(frozen=True, slots=True)
class UploadLink:
    """An address for one PUT with these headers, which are signed: another content does not fit it."""

    url: str
    headers: Mapping[str, str]


class Uploads:
    """Files that come into one bucket, which encrypts them by default."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def link(self, key: str, *, size: int, sha256: str, seconds: int) -> UploadLink:
        """An address for a file of ``size`` bytes with this SHA-256 (hex)."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        wanted = {
            "Bucket": self._bucket,
            "Key": key,
            "ContentLength": size,
            "ContentType": "application/octet-stream",
            "ChecksumSHA256": checksum,
        }
        url = self._client.generate_presigned_url("put_object", Params=wanted, ExpiresIn=seconds)
        headers = {
            "content-length": str(size),
            "content-type": "application/octet-stream",
            "x-amz-checksum-sha256": checksum,
        }
        return UploadLink(url, headers)

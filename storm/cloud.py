"""What the functions find beside the tables: queues, keys, the secret and files, in memory and faithful.

Only what the layer uses of each service; anything else is an AttributeError, never a guess.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody


@dataclass
class Message:
    """One message: when it can be received, and how often it has been."""

    id: str
    body: str
    sent_at: datetime
    visible_at: datetime
    receives: int = 0


@dataclass
class Queue:
    """A standard queue: at least once, in no order that anybody may rely on."""

    name: str
    visibility_s: float
    max_receives: int
    dead_letters: str | None
    messages: dict[str, Message] = field(default_factory=dict)


class Queues:
    """The part of SQS that the layer uses, and what an event source mapping needs (AWS: at least once).

    ``woken`` hears when a queue will have something to work on.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.woken: Callable[[str, datetime], None] = lambda name, when: None
        self.all: dict[str, Queue] = {}
        self.watchers: list[Callable[[str, str], None]] = []
        self.measured: Callable[[str, str, float, datetime], None] = lambda queue, name, value, at: None
        self._now = now
        self._serial = count(1)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Take messages."""
        for entry in Entries:
            self.put(QueueUrl, entry["MessageBody"], delay_s=entry.get("DelaySeconds", 0))
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries], "Failed": []}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        """How many wait, and how many are being worked on."""
        now, messages = self._now(), self.all[QueueUrl].messages.values()
        visible = sum(message.visible_at <= now for message in messages)
        counts = {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesNotVisible": len(messages) - visible,
        }
        return {"Attributes": {name: str(counts[name]) for name in AttributeNames}}

    def put(self, name: str, body: str, *, delay_s: float = 0) -> None:
        """Put one message into a queue."""
        visible_at = self._now() + timedelta(seconds=delay_s)
        message = Message(f"{name}-{next(self._serial)}", body, self._now(), visible_at)
        self.all[name].messages[message.id] = message
        waiting = float(len(self.all[name].messages))
        self.measured(name, "ApproximateNumberOfMessagesVisible", waiting, self._now())
        self.woken(name, visible_at)
        for watcher in self.watchers:
            watcher(f"a message of {name}", body)

    def receive(self, name: str, most: int) -> list[Message]:
        """Take messages to work on: they are invisible until they are deleted, or their time is over."""
        queue, now = self.all[name], self._now()
        visible = [one for one in queue.messages.values() if one.visible_at <= now]
        received: list[Message] = []
        for message in visible:
            if message.receives >= queue.max_receives and queue.dead_letters:
                self.delete(name, message)
                self.put(queue.dead_letters, message.body)
            elif len(received) < most:
                message.receives += 1
                message.visible_at = now + timedelta(seconds=queue.visibility_s)
                self.woken(name, message.visible_at)
                received.append(message)
        return received

    def delete(self, name: str, message: Message) -> None:
        """A message is done: so old it has become, minute by minute."""
        if self.all[name].messages.pop(message.id, None):
            age_s = (self._now() - message.sent_at).total_seconds()
            for second in (*range(0, int(age_s), 60), age_s):
                at = message.sent_at + timedelta(seconds=second)
                self.measured(name, "ApproximateAgeOfOldestMessage", float(second), at)


class Keys:
    """KMS: data keys that only open with the context they were made for."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._wrapped: dict[bytes, tuple[bytes, Mapping[str, str]]] = {}

    def generate_data_key(
        self,
        *,
        KeyId: str,  # noqa: N803
        KeySpec: str,  # noqa: N803
        EncryptionContext: Mapping[str, str],  # noqa: N803
    ) -> dict[str, Any]:
        """Make a key."""
        source = json.dumps([self._seed, KeyId, KeySpec, len(self._wrapped), dict(EncryptionContext)])
        plain = hashlib.sha256(source.encode()).digest()
        wrapped = hashlib.sha256(b"wrapped" + plain).digest()
        self._wrapped[wrapped] = (plain, dict(EncryptionContext))
        return {"CiphertextBlob": wrapped, "Plaintext": plain, "KeyId": KeyId}

    def decrypt(
        self,
        *,
        KeyId: str,  # noqa: N803
        CiphertextBlob: bytes,  # noqa: N803
        EncryptionContext: Mapping[str, str],  # noqa: N803
    ) -> dict[str, Any]:
        """Open a key."""
        plain, context = self._wrapped[CiphertextBlob]
        if context != dict(EncryptionContext):
            raise _error("InvalidCiphertextException", "Decrypt")
        return {"Plaintext": plain, "KeyId": KeyId}


@dataclass(frozen=True)
class Secret:
    """Secrets Manager with the one secret there is."""

    document: Mapping[str, Any]

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        """Read it."""
        return {"ARN": SecretId, "SecretString": json.dumps(self.document)}


@dataclass
class Files:
    """The part of S3 that keeps files; what is written is kept small, since voices say the same for hours.

    `written` counts by key how often a file was stored: the first one to be there stays (`If-None-Match`).
    """

    stored: dict[str, bytes] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    _small: dict[str, bytes] = field(default_factory=dict)
    _parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    _uploads: Iterator[int] = field(default_factory=lambda: count(1))

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        """Look at a file."""
        content = self._content(Key, "HeadObject")
        return {"ContentLength": len(content), "ETag": _etag(content)}

    def get_object(self, *, Bucket: str, Key: str, IfMatch: str | None = None) -> dict[str, Any]:  # noqa: N803
        """Read a file, as it was looked at."""
        content = self._content(Key, "GetObject")
        if IfMatch not in (None, _etag(content)):
            raise _error("PreconditionFailed", "GetObject")
        body = StreamingBody(io.BytesIO(content), len(content))
        return {"ContentLength": len(content), "Body": body, "ETag": _etag(content)}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
        **form: Any,
    ) -> dict[str, Any]:
        """Store a file, or only where none is."""
        self._store(Key, bytes(Body), IfNoneMatch, "PutObject")
        return {"ETag": _etag(bytes(Body))}

    def create_multipart_upload(self, *, Bucket: str, Key: str, **form: Any) -> dict[str, Any]:  # noqa: N803
        """Begin a file in parts."""
        upload = f"upload-{next(self._uploads)}"
        self._parts[upload] = {}
        return {"UploadId": upload}

    def upload_part(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        UploadId: str,  # noqa: N803
        PartNumber: int,  # noqa: N803
        Body: bytes,  # noqa: N803
    ) -> dict[str, Any]:
        """Take a part."""
        self._upload(UploadId, "UploadPart")[PartNumber] = bytes(Body)
        return {"ETag": _etag(bytes(Body))}

    def complete_multipart_upload(
        self,
        *,
        Bucket: str,  # noqa: N803
        Key: str,  # noqa: N803
        UploadId: str,  # noqa: N803
        MultipartUpload: Mapping[str, Any],  # noqa: N803
        IfNoneMatch: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        """The file is there from now on."""
        parts = self._upload(UploadId, "CompleteMultipartUpload")
        content = b"".join(parts[one["PartNumber"]] for one in MultipartUpload["Parts"])
        self._store(Key, content, IfNoneMatch, "CompleteMultipartUpload")
        del self._parts[UploadId]
        return {"ETag": _etag(content)}

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> dict[str, Any]:  # noqa: N803
        """Forget the parts."""
        self._upload(UploadId, "AbortMultipartUpload")
        del self._parts[UploadId]
        return {}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        """Remove a file; one that is not there is as good as gone."""
        self._small.pop(Key, None)
        self.stored.pop(Key, None)
        return {}

    def generate_presigned_url(self, operation: str, *, Params: Mapping[str, str], ExpiresIn: int) -> str:  # noqa: N803
        """An address that opens a file for a while."""
        return f"https://{Params['Bucket']}.example.com/{Params['Key']}?until={ExpiresIn}"

    def get(self, key: str) -> bytes | None:
        """What was written under a key."""
        return zlib.decompress(self._small[key]) if key in self._small else None

    def __iter__(self) -> Iterator[str]:
        """The keys of what was written and is there."""
        return iter(self._small)

    def _upload(self, upload: str, operation: str) -> dict[int, bytes]:
        if upload not in self._parts:
            raise _error("NoSuchUpload", operation)
        return self._parts[upload]

    def _store(self, key: str, content: bytes, only_if: str | None, operation: str) -> None:
        if only_if == "*" and (key in self._small or key in self.stored):
            raise _error("PreconditionFailed", operation)
        self.written[key] += 1
        self._small[key] = zlib.compress(content, 1)

    def _content(self, key: str, operation: str) -> bytes:
        if key in self._small:
            return zlib.decompress(self._small[key])
        if key not in self.stored:
            raise _error("NoSuchKey", operation)
        return self.stored[key]


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)

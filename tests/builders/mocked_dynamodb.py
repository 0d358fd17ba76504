"""What moto and botocore do too slowly or not safely enough for these tests, done here in their place."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.signers import RequestSigner
from botocore.useragent import UserAgentString
from moto.core import responses
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import ast_nodes
from moto.dynamodb.parsing.validators import ActionCountValidator, OverlappingPathsValidator
from moto.kms import models as kms_models
from moto.kms.utils import generate_private_key


@contextmanager
def safe_and_quick() -> Iterator[None]:
    """While the block runs, moto serves one request at a time and undoes transactions by their own items."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "process_request", _one_at_a_time(BotocoreStubber.process_request))
        patch.setattr(
            DynamoDBBackend, "transact_write_items", _undone_by_item(DynamoDBBackend.transact_write_items)
        )
        # moto copies the whole table for every item of a transaction; `_undone_by_item` is in place of that.
        patch.setattr(Table, "__deepcopy__", lambda table, memo: table, raising=False)
        patch.setattr(
            BaseJSONSerializer,
            "_serialize_type_structure",
            _values_as_they_are_typed(BaseJSONSerializer._serialize_type_structure),
        )
        # moto begins every session anew, and each read the models of all services again for its first client.
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        # Nobody reads how a request is signed or who sends it, and both take as long as serving it does.
        patch.setattr(RequestSigner, "handler", _unsigned_to_moto(RequestSigner.handler))
        patch.setattr(UserAgentString, "to_string", lambda agent: "tests")
        patch.setattr(responses, "method_names_from_class", cache(method_names_from_class))
        # Of an update expression moto asked each clause what only the whole has to be asked.
        patch.setattr(ActionCountValidator, "traverse", ActionCountValidator.verify_action_counts)
        patch.setattr(
            OverlappingPathsValidator, "traverse", OverlappingPathsValidator.check_for_overlapping_paths
        )
        traverser: Any = getattr(ast_nodes, "DepthFirstTraverser")  # noqa: B009 - moto leaves it untyped
        patch.setattr(traverser, "nodes_to_be_processed", _asked_once(traverser.nodes_to_be_processed))
        # Every key of KMS, symmetric or not, was given an RSA key of its own.
        patch.setattr(kms_models, "generate_private_key", cache(generate_private_key))
        yield


def _unsigned_to_moto(sign: Any) -> Any:
    """What is signed with the keys of moto's clients goes to moto, which looks at signatures for S3 only."""

    def handled(signer: RequestSigner, *args: Any, **request: Any) -> Any:
        keys = getattr(signer, "_credentials", None)
        to_moto = getattr(keys, "access_key", "") == "moto" and signer.signing_name != "s3"
        return None if to_moto else sign(signer, *args, **request)

    return handled


def _asked_once(nodes: Any) -> Any:
    """Which nodes a traverser processes is the same for each of them."""

    def asked(traverser: Any) -> Any:
        if not hasattr(traverser, "_nodes"):
            traverser._nodes = nodes(traverser)
        return traverser._nodes

    return asked


def _one_at_a_time(serve: Any) -> Any:
    """moto's tables are plain dictionaries: reading one while another thread writes it fails at random."""
    turn = threading.RLock()

    def served(stubber: BotocoreStubber, request: Any) -> Any:
        with turn:
            return serve(stubber, request)

    return served


def _values_as_they_are_typed(serialize: Any) -> Any:
    """A value of an item has one of ten types: only that one is looked for, not ten under many spellings."""

    def serialized(serializer: Any, into: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != "AttributeValue" or type(value) is not dict or not key:
            serialize(serializer, into, value, shape, key)
            return
        typed: dict[str, Any] = {}
        for name in value.keys() & shape.members.keys():
            member = shape.members[name]
            member.parent = shape
            serializer._serialize_structure_member(typed, value, member, name)
        serializer._default_serialize(into, typed, shape, key)

    return serialized


def _undone_by_item(write: Any) -> Any:
    """A transaction that fails puts back what its own items were: the work does not grow with the table."""

    def written(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        operations = [operation for entry in transact_items for operation in entry.values()]
        before = [_Before.of(backend, one) for one in operations if one["TableName"] in backend.tables]
        try:
            write(backend, transact_items)
        except BaseException:
            for was in before:
                was.put_back()
            raise

    return written


@dataclass(frozen=True)
class _Before:
    """An item as it was before a transaction, and how much its table's stream had told."""

    table: Table
    hash_key: DynamoType
    range_key: DynamoType | None
    item: Item | None
    told: int

    @classmethod
    def of(cls, backend: DynamoDBBackend, operation: dict[str, Any]) -> _Before:
        table = backend.get_table(operation["TableName"])
        keys = operation["Key"] if "Key" in operation else operation["Item"]
        hash_key, range_key = backend.get_keys_value(table, keys)
        told = len(table.stream_shard.items) if table.stream_shard else 0
        return cls(table, hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key)), told)

    def put_back(self) -> None:
        items: dict[Any, Any] = self.table.items
        if self.item is None:
            self.table.delete_item(self.hash_key, self.range_key)
        elif self.range_key:
            items[self.hash_key][self.range_key] = self.item
        else:
            items[self.hash_key] = self.item
        if self.table.stream_shard:
            del self.table.stream_shard.items[self.told :]

"""Rows of a table as its stream hands them to a function, made up or read from a real stream."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import boto3

from builders.dynamodb import Table
from privatenumber.store.items import encode

_TABLE = "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/bills"


def stream_event(
    rows: Iterable[Mapping[str, Any]], *, name: str = "INSERT", first: int = 1
) -> dict[str, Any]:
    """An event of a batch: one record per row, numbered upwards; binary values are Base64 text."""
    return {
        "Records": [
            {
                "eventID": f"{number:032x}",
                "eventName": name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "cn-north-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1788310800,
                    "Keys": {"pk": {"S": row["pk"]}, "sk": {"S": row["sk"]}},
                    "NewImage": {key: _json(value) for key, value in encode(row).items()},
                    "SequenceNumber": f"{number:021d}",
                    "SizeBytes": 1024,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
                "eventSourceARN": f"{_TABLE}/stream/2026-09-02T00:00:00.000",
            }
            for number, row in enumerate(rows, first)
        ]
    }


def passes(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a filter of an event source lets a record pass: lists of values, one of which must be there."""
    return all(
        passes(wanted, record.get(name, {})) if isinstance(wanted, Mapping) else record.get(name) in wanted
        for name, wanted in pattern.items()
    )


def records_of(table: Table) -> list[dict[str, Any]]:
    """Everything the stream of a table holds, oldest first, as records of an event."""
    endpoint = table.client.meta.endpoint_url
    streams: Any = boto3.client(
        "dynamodbstreams",
        region_name="cn-north-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        endpoint_url=None if "amazonaws" in endpoint else endpoint,
    )
    arn = table.client.describe_table(TableName=table.name)["Table"]["LatestStreamArn"]
    found: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            found += map(_record, page["Records"])
            iterator = page.get("NextShardIterator") if page["Records"] else None
    return found


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    change = dict(record["dynamodb"])
    for image in ("NewImage", "OldImage"):
        if image in change:
            change[image] = {name: _json(value) for name, value in change[image].items()}
    change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": change}


def _json(value: Any) -> Any:
    if not value:
        return {"M": {}}  # how the stream of DynamoDB Local writes an empty map
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: base64.b64encode(content).decode()}
    if kind == "BS":
        return {kind: [base64.b64encode(each).decode() for each in content]}
    if kind == "M":
        return {kind: {name: _json(member) for name, member in content.items()}}
    if kind == "L":
        return {kind: [_json(member) for member in content]}
    return value

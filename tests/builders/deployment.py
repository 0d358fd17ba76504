"""The template's stores on a local AWS endpoint: what a packaged function finds when it is deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from builders.events import ROOT
from local.aws import Aws
from local.template import load, resources

TABLE_PROPERTIES = (
    "AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "StreamSpecification",
)  # fmt: skip


def table_request(logical_id: str, name: str) -> dict[str, Any]:
    """The CreateTable request for a table of the template."""
    properties = _tables()[logical_id]
    request = {key: properties[key] for key in TABLE_PROPERTIES if key in properties}
    if "StreamSpecification" in request:
        request["StreamSpecification"] = {"StreamEnabled": True, **request["StreamSpecification"]}
    return {"TableName": name, **request}


@cache
def _tables() -> Mapping[str, Any]:
    """The tables of the template, which takes a while to read and is asked for by every test of a store."""
    return resources(load(ROOT / "template.yaml"), "AWS::DynamoDB::Table")


def create_stores(aws: Aws, applications: Mapping[str, Any]) -> dict[str, str]:
    """Create tables, queue, buckets, key and secret; return the functions' environment."""
    dynamodb = aws.client("dynamodb")
    for logical_id in ("BindingsTable", "BillsTable"):
        dynamodb.create_table(**table_request(logical_id, logical_id))
    for bucket in ("exchange", "recordings"):
        aws.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.session.region_name}
        )
    secret = aws.client("secretsmanager").create_secret(
        Name="applications", SecretString=json.dumps(applications)
    )
    return {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "BINDINGS_TABLE": "BindingsTable",
        "BILLS_TABLE": "BillsTable",
        "WORK_QUEUE_URL": aws.client("sqs").create_queue(QueueName="work")["QueueUrl"],
        "REPORTS_QUEUE_URL": aws.client("sqs").create_queue(QueueName="reports")["QueueUrl"],
        "BILLING_QUEUE_URL": aws.client("sqs").create_queue(QueueName="billing")["QueueUrl"],
        "RECONCILIATIONS_QUEUE_URL": aws.client("sqs").create_queue(QueueName="reconciliations")["QueueUrl"],
        "WEBHOOKS_QUEUE_URL": aws.client("sqs").create_queue(QueueName="webhooks")["QueueUrl"],
        "WEBHOOKS_BUS": "default",
        "WEBHOOK_TARGETS": "public",
        "JOBS_QUEUE_URL": aws.client("sqs").create_queue(QueueName="jobs")["QueueUrl"],
        "EXCHANGE_BUCKET": "exchange",
        "KEY_ID": aws.client("kms").create_key()["KeyMetadata"]["Arn"],
        "APPLICATIONS_SECRET": secret["ARN"],
        "SOURCE_CIDRS": "",
        "OUTBOUND_PROXY": "",
        "NONCE_CHECK": "log",
        "PUSH_SIGNATURE": "required",
        "MISSING_WARN_MINUTES": "15",
        "MISSING_ALARM_MINUTES": "330",
        "QUIET_MINUTES": "30",
        "PRICE_LIST": "",
        "IMPORT_LAYOUTS": "",
        "RENT_ALLOCATION": "number",
        "PACKAGE_ALLOCATION": "per_unit",
        "CLOSE_DAY": "3",
        "TOLERANCE_LINE": "0.01",
        "BUDGETS": "",
        "IDLE_DAYS": "30",
        "COMPLAINT_LIMIT": "0.0001",
        "MARGIN_SECONDS": "3600",
        "AUDIT_DAYS": "400",
        "CALL_DAYS": "400",
        "SMS_DAYS": "400",
        "DRIFT_REQUESTS_PER_SECOND": "5",
        "BLOCK_SECONDS": "2",
        "RECORDINGS_BUCKET": "recordings",
        "RECORDING_DAYS": "180",
        "RECORDING_RETRY_SECONDS": "",
    }

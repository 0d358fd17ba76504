"""The AWS clients of an environment: made on first use, kept for its life, impatient by configuration.

botocore's defaults (60 s time-outs) outlive every function of ours; these give up while the caller can
still answer. Region and endpoints come from the usual environment variables.
"""

from functools import cache
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

CONFIG: Final = Config(
    connect_timeout=1.5,
    read_timeout=4,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)


@cache
def dynamodb() -> "DynamoDBClient":
    """Tables."""
    return boto3.client("dynamodb", config=CONFIG)


@cache
def hurried_dynamodb() -> "DynamoDBClient":
    """Tables, for what the platform waits for: gives up, and tries once more, within its two seconds."""
    hurry = Config(
        connect_timeout=0.4, read_timeout=0.5, retries={"mode": "standard", "total_max_attempts": 2}
    )
    return boto3.client("dynamodb", config=CONFIG.merge(hurry))


@cache
def kms() -> "KMSClient":
    """Wrapping and unwrapping of the keyring."""
    return boto3.client("kms", config=CONFIG)


@cache
def secrets() -> "SecretsManagerClient":
    """The applications' credentials."""
    return boto3.client("secretsmanager", config=CONFIG)


@cache
def events() -> "EventBridgeClient":
    """The event bus that business systems listen to."""
    return boto3.client("events", config=CONFIG)


@cache
def sqs() -> "SQSClient":
    """The queue between sweep and worker."""
    return boto3.client("sqs", config=CONFIG)


@cache
def s3() -> "S3Client":
    """Files; they take longer to read than items do. Links to encrypted ones need signature version 4."""
    return boto3.client("s3", config=CONFIG.merge(Config(read_timeout=20, signature_version="s3v4")))

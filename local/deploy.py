"""Deploy what `make build` built of the one template.yaml to the local stack: `sam deploy`."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from pathlib import Path

from local.aws import CREDENTIALS, REGION, Aws
from local.processes import StackError, run

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
STACK = "private-number"
EXAMPLE_PRICES = [{"valid_from": "2026-01-01", "call": {"virtual": "0.10", "carrier": "0.10"}}]
"""The price of a minute was never published; this is the example value that the emulator bills with."""


def parameters() -> list[str]:
    """Template parameters of a local run: functions run in this interpreter, on this machine."""
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    prices = json.dumps(json.dumps(EXAMPLE_PRICES))
    return [
        f"Runtime={runtime}",
        f"Architecture={architecture}",
        "DeletionProtection=false",
        "WebhookTargets=any",
        f"PriceList={prices}",
    ]


def deploy(endpoint: str, *, log: Path) -> dict[str, str]:
    """Deploy the built template to the AWS endpoint given and return the stack's outputs.

    What `sam` says goes to `log`. Raises StackError when nothing was built or `sam deploy` fails.
    """
    if not BUILT.exists():
        raise StackError("nothing is built yet: run `make build` (`make demo` and `make up` do it for you)")
    command = [
        str(ROOT / ".venv-tools" / "bin" / "sam"), "deploy", "--template-file", str(BUILT),
        "--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
        "--no-fail-on-empty-changeset", "--no-progressbar", "--region", REGION,
        "--parameter-overrides", *parameters(),
    ]  # fmt: skip
    env = {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint, "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.2"}
    # It makes a folder for every archive, and leaves them there.
    with tempfile.TemporaryDirectory() as scratch:
        run(command, log=log, env={**env, "TMPDIR": scratch}, cwd=ROOT)
    aws = Aws(endpoint)
    stack = aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    _permit_what_only_ministack_refuses(aws, outputs)
    return outputs


def _permit_what_only_ministack_refuses(aws: Aws, outputs: dict[str, str]) -> None:
    """Bridge the two places where its permissions differ from those of AWS.

    It asks for `sqs:SendMessageBatch`, an action AWS does not know (SendMessage covers it there), and it
    speaks plain HTTP on loopback, which the buckets' TLS-only policies deny.
    """
    for bucket in ("ExchangeBucket", "RecordingsBucket"):
        aws.client("s3").delete_bucket_policy(Bucket=outputs[bucket])
    statement = {"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": "*"}
    for output, name in outputs.items():
        if not output.endswith("FunctionName"):
            continue
        configuration = aws.client("lambda").get_function_configuration(FunctionName=name)
        variables = configuration.get("Environment", {}).get("Variables", {})
        if any(variable.endswith("_QUEUE_URL") for variable in variables):
            aws.client("iam").put_role_policy(
                RoleName=configuration["Role"].rsplit("/", 1)[-1],
                PolicyName="ministack",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
            )

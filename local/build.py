"""Build and deploy the one template.yaml: `sam build`, then `sam deploy` to the local stack."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from local.aws import CREDENTIALS, REGION, Aws
from local.processes import run

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".local"
BUILD = ROOT / ".aws-sam" / "build"
STACK = "private-number"
SOURCES = ("template.yaml", "samconfig.toml", "functions", "layers")


def parameters() -> list[str]:
    """Template parameters of a local run: functions run in this interpreter, on this machine."""
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [f"Runtime={runtime}", f"Architecture={architecture}", "DeletionProtection=false"]


def build() -> bool:
    """Run `sam build` unless its result is already that of these sources; say whether it ran."""
    stamp, fingerprint = WORK / "build.sha256", _fingerprint()
    if (BUILD / "template.yaml").exists() and stamp.exists() and stamp.read_text() == fingerprint:
        return False
    stamp.unlink(missing_ok=True)
    run(
        [*_sam("build"), "--parallel", "--parameter-overrides", *parameters()],
        log=WORK / "logs" / "sam-build.log", env=_environment(), cwd=ROOT,
    )  # fmt: skip
    stamp.write_text(fingerprint)
    return True


def deploy(endpoint: str) -> dict[str, str]:
    """Deploy the built template to the AWS endpoint given and return the stack's outputs."""
    run(
        [*_sam("deploy"), "--template-file", str(BUILD / "template.yaml"), "--stack-name", STACK,
         "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
         "--no-fail-on-empty-changeset", "--no-progressbar", "--region", REGION,
         "--parameter-overrides", *parameters()],
        log=WORK / "logs" / "sam-deploy.log", env={**_environment(), "AWS_ENDPOINT_URL": endpoint}, cwd=ROOT,
    )  # fmt: skip
    stack = Aws(endpoint).client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _sam(command: str) -> list[str]:
    return [str(ROOT / ".venv-tools" / "bin" / "sam"), command]


def _environment() -> dict[str, str]:
    return {**CREDENTIALS, "SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true"}


def _fingerprint() -> str:
    digest = hashlib.sha256(" ".join([sys.version, *parameters()]).encode())
    for path in _source_files():
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        place = ROOT / name
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (p for p in found if p.is_file() and "__pycache__" not in p.parts)

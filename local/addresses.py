"""What `make up` prints: every address, and lines to paste into a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.aws import REGION
from local.tenant import APPLICATION

if TYPE_CHECKING:
    from local.stack import Stack


def describe(stack: Stack) -> str:
    """Return the addresses of a running stack and commands to play with."""
    aws = f"aws --endpoint-url {stack.aws_endpoint} --region {REGION}"
    sign = f'--aws-sigv4 "aws:amz:{REGION}:execute-api" --user test:test'
    bind = (
        f'{{"application":"{APPLICATION.id}","order":"order-1001","mode":"AXB",'
        f'"a":"13800138001","b":"13800138002","x":"{APPLICATION.numbers[0]}","ttl_seconds":7200}}'
    )
    call = f'{{"caller":"+8613800138001","called":"{APPLICATION.numbers[0]}","talk_s":95,"wait":true}}'
    outputs = "\n".join(f"  {name:<26} {value}" for name, value in sorted(stack.outputs.items()))
    return f"""
The stack is up.

  our API                    {stack.api_url}
  the platform (emulator)    {stack.platform_url}
  its control plane          {stack.platform_url}/__emu/health
  AWS (MiniStack)            {stack.aws_endpoint}
  logs                       {stack.ministack.log.parent}

Outputs of the deployed stack:
{outputs}

Play with it:

  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  # our inventory
  curl {sign} '{stack.api_url}/numbers?application={APPLICATION.id}'
  # bind an order's two parties to an X
  curl {sign} -H 'Content-Type: application/json' -d '{bind}' '{stack.api_url}/bindings'
  # let A call their X; the call's time passes at once
  curl -H 'Content-Type: application/json' -d '{call}' {stack.platform_url}/__emu/calls
  # what the platform pushed to us, and how we answered
  curl {stack.platform_url}/__emu/deliveries
  # the tables
  {aws} dynamodb scan --table-name {stack.outputs["BillsTable"]} --select COUNT
  # the sweep of this minute, now
  {aws} lambda invoke --function-name {stack.outputs["UnbindSweepFunctionName"]} /dev/stdout

`make down` stops it.
"""

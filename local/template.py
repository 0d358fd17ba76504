"""Read `template.yaml` as a deployment sees it: parsed, or translated by SAM into plain CloudFormation."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

Template = dict[str, Any]
Resource = dict[str, Any]


def load(path: Path) -> Template:
    """Parse a template; intrinsic functions come out in their long form (`{"Ref": ...}`)."""
    parsed: Template = yaml_parse(path.read_text(encoding="utf-8"))
    return parsed


def translate(template: Template, *, region: str, parameters: Mapping[str, str] | None = None) -> Template:
    """Return the CloudFormation template that SAM makes of `template` in `region`, once code is uploaded."""
    uploaded = copy.deepcopy(template)
    for kind, field in (("Function", "CodeUri"), ("LayerVersion", "ContentUri")):
        uploaded.get("Globals", {}).get(kind, {}).pop(field, None)
        for properties in resources(uploaded, f"AWS::Serverless::{kind}").values():
            properties[field] = "s3://bucket/key"

    class NoManagedPolicies:
        def load(self) -> dict[str, str]:
            return {}

    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = region
    try:
        translated: Template = transform(uploaded, dict(parameters or {}), NoManagedPolicies())
    finally:
        if before is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = before
    return translated


def resources(template: Template, kind: str) -> dict[str, Resource]:
    """Return the properties of every resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the (unbuilt or built) template.

    `code` and `layers` are folders; `environment` holds literal values, and None for what only a deployment
    knows.
    """

    name: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    environment: Mapping[str, str | None]
    timeout_s: int
    memory_mb: int


def functions(path: Path) -> Iterator[Function]:
    """Read the functions of a template that is not translated; folders are relative to the template's."""
    template, base = load(path), path.parent
    shared = template.get("Globals", {}).get("Function", {})
    layers = resources(template, "AWS::Serverless::LayerVersion")
    for name, own in resources(template, "AWS::Serverless::Function").items():
        # As SAM does: a function's own layers come beside those of all.
        merged = {**shared, **own, "Layers": [*shared.get("Layers", ()), *own.get("Layers", ())]}
        variables = {
            **shared.get("Environment", {}).get("Variables", {}),
            **own.get("Environment", {}).get("Variables", {}),
        }
        yield Function(
            name=name,
            handler=merged["Handler"],
            code=base / merged["CodeUri"],
            layers=tuple(base / layers[layer["Ref"]]["ContentUri"] for layer in merged["Layers"]),
            environment={k: v if isinstance(v, str) else None for k, v in variables.items()},
            timeout_s=int(merged["Timeout"]),
            memory_mb=int(merged["MemorySize"]),
        )

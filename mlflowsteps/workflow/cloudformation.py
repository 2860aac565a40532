"""A workflow as a CloudFormation template, in YAML.

The template's form is fixed, so that it is written out by hand: no YAML library is needed, and none is patched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlflowsteps.inputs.syntax import Json

if TYPE_CHECKING:
    from mlflowsteps.workflow.workflow import Workflow

__all__ = ["build_cloudformation_template", "build_template"]

DESCRIPTION = "CloudFormation template for AWS Step Functions - State Machine"


def build_cloudformation_template(workflow: Workflow, description: str | None = None) -> str:
    """The template of a workflow; ``workflow.get_cloudformation_template`` by its old name."""
    return workflow.get_cloudformation_template(description)


def build_template(
    name: str,
    definition: Json,
    role: str | None,
    tags: Sequence[dict[str, str]] = (),
    description: str | None = None,
    properties: Mapping[str, Json] | None = None,
) -> str:
    """The template of one state machine.

    Args:
        name: the machine's name.
        definition: its definition.
        role: ARN of its role.
        tags: its tags, with ``key`` and ``value``.
        description: of the template.
        properties: more properties of the machine, by CloudFormation's names.

    Returns:
        YAML text.
    """
    lines = [
        "AWSTemplateFormatVersion: '2010-09-09'",
        f"Description: {_text(description or DESCRIPTION)}",
        "Resources:",
        "  StateMachineComponent:",
        "    Type: AWS::StepFunctions::StateMachine",
        "    Properties:",
        "      DefinitionString: |-",
        *(f"        {line}" for line in json.dumps(definition, indent=2, ensure_ascii=True).splitlines()),
        f"      RoleArn: {_text(role)}",
        f"      StateMachineName: {_text(name)}",
    ]
    lines += [f"      {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in (properties or {}).items()]
    if tags:
        lines.append("      Tags:")
    for tag in tags:
        lines += [f"        - Key: {_text(tag['key'])}", f"          Value: {_text(tag['value'])}"]
    return "\n".join(lines) + "\n"


def _text(value: str | None) -> str:
    """A scalar in double quotes, which YAML reads as JSON does."""
    return json.dumps(value, ensure_ascii=False)

"""A workflow: a definition with a name and a role, and its life in a Step Functions service."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from mlflowsteps.asl.validate import check, validate
from mlflowsteps.exceptions import (
    Diagnostic,
    InvalidInput,
    MissingRequiredParameter,
    WorkflowExists,
    WorkflowNotFound,
)
from mlflowsteps.inputs.placeholders import Placeholder
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.graphs import FrozenGraph, Graph, GraphFields
from mlflowsteps.steps.state import State
from mlflowsteps.steps.states import Chain
from mlflowsteps.steps.tags import tag_list
from mlflowsteps.workflow.client import Connection, StepFunctionsClient, connect
from mlflowsteps.workflow.cloudformation import build_template
from mlflowsteps.workflow.execution import Execution, ExecutionStatus, linked

if TYPE_CHECKING:
    from mlflowsteps.display import ExecutionList, GraphView, WorkflowList

__all__ = ["Definition", "Workflow"]

Definition: TypeAlias = "State | Chain | Graph | Mapping[str, Any]"
"""What a workflow can be made of: steps, a graph, or a definition as a dict."""

MAX_DEFINITION = 1_048_576
"""Most bytes of a definition that the service takes; an indented one that is longer is sent without indentation."""

logger = logging.getLogger(__name__)


class Workflow:
    """A workflow: create it, execute it, draw it, list its executions.

    Building and drawing need no client, region, network or credentials.

    Args:
        name: its name, 1 to 80 characters, without white space and special characters.
        definition: steps, a graph, or a definition as a dict. It is compiled when it is needed, so that later changes
            of the steps are seen.
        role: ARN of the IAM role that Step Functions acts as; the embedded runtime takes any.
        tags: a dict, or a list of keys and values.
        execution_input: placeholders of the input; ``execute`` checks its inputs against them.
        timeout_seconds: longest time an execution may run, in seconds.
        comment: a remark for people.
        version: version of the Amazon States Language.
        state_machine_arn: ARN of the state machine, where it exists already.
        format_json: indent the definition and the inputs that are sent.
        client: a LocalRuntime, or an object with the methods of boto3's Step Functions client. None: the active
            runtime's client, else that of ``MLFLOWSTEPS_RUNTIME``, else boto3's; chosen at the first call to the
            service, and kept.
        query_language: JSONPath (the default) or JSONata; for states that name none.

    Raises:
        ValueError: ``definition`` is nothing that a workflow can be made of.
    """

    def __init__(
        self,
        name: str,
        definition: Definition,
        role: str | None,
        tags: Mapping[str, str] | list[dict[str, str]] | None = None,
        execution_input: Placeholder | None = None,
        timeout_seconds: int | None = None,
        comment: str | None = None,
        version: str | None = None,
        state_machine_arn: str | None = None,
        format_json: bool = True,
        client: object = None,
        *,
        query_language: str | None = None,
    ) -> None:
        self.name, self.role = name, role
        self.timeout_seconds, self.comment, self.version = timeout_seconds, comment, version
        self.query_language = query_language
        self.definition = self._graph(definition)
        self.tags = tag_list(tags, upper=False)
        self.workflow_input = execution_input
        self.format_json = format_json
        self.state_machine_arn = state_machine_arn
        self._given_client = client
        self._connection: Connection | None = None

    def _graph(self, definition: Definition) -> Graph:
        if isinstance(definition, Graph):
            return definition
        if isinstance(definition, Mapping):
            return FrozenGraph(definition)
        fields: GraphFields = {
            "comment": self.comment,
            "version": self.version,
            "timeout_seconds": self.timeout_seconds,
            "query_language": self.query_language,
        }
        return Graph(definition, **fields)

    # ------------------------------------------------------------------------------------------------- the client

    @property
    def connection(self) -> Connection:
        """The client with what is known of it; chosen at the first use, and kept."""
        if self._connection is None:
            self._connection = connect(self._given_client)
        return self._connection

    @property
    def client(self) -> StepFunctionsClient:
        """The client that this workflow speaks to; chosen at the first use, and kept."""
        return self.connection.client

    # --------------------------------------------------------------------------------------- creating and changing

    def validate(self) -> list[Diagnostic]:
        """All faults of the definition, and what looks like a mistake (severity WARNING).

        Raises:
            DefinitionError: the steps cannot be compiled to a definition.
        """
        return validate(self.definition.to_dict(), warnings=True)

    def create(self) -> str:
        """Create the state machine.

        Returns:
            Its ARN; that of the machine that exists where it has this name, definition and role.

        Raises:
            DefinitionError: the definition has faults; all of them are named.
            WorkflowExists: one of this name has another definition or role; ``update`` and ``upsert`` change it.
            MissingRequiredParameter: there is no role.
        """
        if self.state_machine_arn is not None:
            logger.info("Workflow %s exists already: %s", self.name, self.state_machine_arn)
            return self.state_machine_arn
        text = self._definition_text()
        role = self._required_role()
        try:
            response = self.client.create_state_machine(name=self.name, definition=text, roleArn=role, tags=self.tags)
        except self.client.exceptions.StateMachineAlreadyExists as error:
            found: str = self._existing_arn(error)
            self._check_same(found, text)
            self.state_machine_arn = found
        else:
            arn: str = response["stateMachineArn"]
            # The service takes the same definition once more, and silently leaves the role as it was.
            with contextlib.suppress(self.client.exceptions.StateMachineDoesNotExist):  # not yet to be seen: it is new
                self._check_same(arn, text)
            self.state_machine_arn = arn
            logger.info("Workflow %s was created: %s", self.name, arn)
        return self.state_machine_arn

    def update(self, definition: Definition | None = None, role: str | None = None) -> str:
        """Give the state machine another definition, role, or both.

        Executions that run go on with what they began with.

        Args:
            definition: as the constructor's.
            role: ARN of the role.

        Returns:
            The machine's ARN.

        Raises:
            MissingRequiredParameter: neither was given.
            WorkflowNotFound: the workflow was not created.
            DefinitionError: the definition has faults; nothing is changed then.
        """
        if definition is None and role is None:
            raise MissingRequiredParameter(
                "A new definition and/or role must be provided to update an existing workflow; upsert() sends the "
                "workflow as it is."
            )
        arn = self._required_arn("update")
        graph = self.definition if definition is None else self._graph(definition)
        text = self._definition_text(graph)
        self.client.update_state_machine(stateMachineArn=arn, definition=text, roleArn=role or self._required_role())
        self.definition, self.role = graph, role or self.role
        logger.info("Workflow %s was updated: %s", self.name, arn)
        return arn

    def upsert(self) -> str:
        """Create the state machine, or give the one of this name this definition and role.

        Returns:
            The machine's ARN.

        Raises:
            DefinitionError: the definition has faults.
            MissingRequiredParameter: there is no role.
        """
        if self.state_machine_arn is None:
            try:
                return self.create()
            except WorkflowExists as existing:
                self.state_machine_arn = existing.state_machine_arn
        return self.update(self.definition, self._required_role())

    def delete(self) -> None:
        """Delete the state machine, if it was created; executions that run are ended by the service."""
        if self.state_machine_arn is not None:
            self.client.delete_state_machine(stateMachineArn=self.state_machine_arn)
            logger.info("Workflow %s is being deleted: %s", self.name, self.state_machine_arn)
            self.state_machine_arn = None

    def _definition_text(self, graph: Graph | None = None) -> str:
        """The checked definition as JSON text."""
        definition = (graph or self.definition).to_dict()
        check(definition)
        if self.format_json:
            text = json.dumps(definition, indent=4, ensure_ascii=False)
            if len(text.encode()) <= MAX_DEFINITION:
                return text
        return json.dumps(definition, separators=(",", ":"), ensure_ascii=False)

    def _required_role(self) -> str:
        if not self.role:
            raise MissingRequiredParameter(
                f"Workflow {self.name!r} needs role=..., the ARN of the IAM role that Step Functions acts as; the "
                "embedded runtime takes any, such as 'arn:aws:iam::123456789012:role/workflow'."
            )
        return self.role

    def _required_arn(self, what: str) -> str:
        if self.state_machine_arn is None:
            raise WorkflowNotFound(
                f"Workflow {self.name!r} does not exist in the service as far as this object knows, so that it cannot "
                f"{what}. Call create() first, or Workflow.attach(state_machine_arn) for one that exists."
            )
        return self.state_machine_arn

    def _existing_arn(self, error: Any) -> str:
        """The ARN that the service's refusal names; else that of the machine of this name in the list."""
        match = re.search(r"arn:[^\s'\"]+", error.response["Error"].get("Message", ""))
        if match:
            return match[0]
        pages = self.client.get_paginator("list_state_machines").paginate()
        machines = (machine for page in pages for machine in page["stateMachines"])
        arn = next((str(machine["stateMachineArn"]) for machine in machines if machine["name"] == self.name), None)
        if arn is None:
            raise error
        return arn

    def _check_same(self, arn: str, text: str) -> None:
        """Refuse to take a machine for this workflow that has another definition or role.

        Raises:
            WorkflowExists: it has.
        """
        found = self.client.describe_state_machine(stateMachineArn=arn)
        differences = []
        if not _same_json(found["definition"], text):
            differences.append("definition")
        if found["roleArn"] != self.role:
            differences.append("role")
        if differences:
            raise WorkflowExists(self.name, arn, " and ".join(differences))

    # ------------------------------------------------------------------------------------------------- executions

    def execute(self, name: str | None = None, inputs: Json = None) -> Execution:
        """Start an execution.

        Args:
            name: its name, unique among those of this workflow in 90 days; the service makes one where left out.
            inputs: its input: a dict, any other JSON, or JSON text.

        Returns:
            The execution, which has begun.

        Raises:
            InvalidInput: the inputs do not fit ``execution_input``, or are no JSON; every fault is named.
            WorkflowNotFound: the workflow was not created.
        """
        text = self._input_text(inputs)
        request: dict[str, Any] = {"stateMachineArn": self._required_arn("execute")}
        if name is not None:
            request["name"] = name
        if text is not None:
            request["input"] = text
        response = self.client.start_execution(**request)
        return Execution(
            workflow=self,
            execution_arn=response["executionArn"],
            start_date=response.get("startDate"),
            status=ExecutionStatus.Running,
            name=name,
        )

    def _input_text(self, inputs: Json) -> str | None:
        """The checked input as JSON text; None where none was given."""
        value = inputs
        if isinstance(inputs, str):
            try:
                value = json.loads(inputs)
            except ValueError as error:
                raise InvalidInput(f"inputs is text that is no JSON: {error}. Give a dict, or JSON text.") from None
        if self.workflow_input is not None:
            faults = self.workflow_input.faults(value)
            if faults:
                raise InvalidInput(_fault_text(faults, self.workflow_input))
        if inputs is None or isinstance(inputs, str):
            return inputs
        try:
            return json.dumps(value, indent=4 if self.format_json else None, allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"inputs cannot be written as JSON: {error}") from error

    def list_executions(
        self, max_items: int = 100, status_filter: ExecutionStatus | str | None = None, html: bool = False
    ) -> ExecutionList[Execution]:
        """The executions of this workflow, the newest first.

        Args:
            max_items: most executions.
            status_filter: only those of this status.
            html: for notebooks and files: the list shows itself as a table.

        Returns:
            A list of ``Execution``, with ``to_html()`` and ``to_text()``; empty where the workflow was not created.
        """
        from mlflowsteps.display import ExecutionList

        if self.state_machine_arn is None:
            return ExecutionList(html=html, title=self.name)
        request: dict[str, Any] = {"stateMachineArn": self.state_machine_arn}
        if status_filter is not None:
            request["statusFilter"] = str(ExecutionStatus(status_filter))
        rows, note = _listed(self.client, "list_executions", "executions", max_items, request)
        found = [
            Execution(
                workflow=self,
                execution_arn=row["executionArn"],
                start_date=row["startDate"],
                status=row["status"],
                name=row["name"],
                stop_date=row.get("stopDate"),
            )
            for row in rows
        ]
        return ExecutionList(found, links=not self.connection.local, note=note, html=html, title=self.name)

    # --------------------------------------------------------------------------------------------- those that exist

    @classmethod
    def list_workflows(
        cls, max_items: int = 100, client: object = None, html: bool = False
    ) -> WorkflowList[dict[str, Any]]:
        """The state machines that exist.

        Args:
            max_items: most of them.
            client: as the constructor's.
            html: for notebooks and files: the list shows itself as a table.

        Returns:
            A list of ListStateMachines' entries, with ``to_html()`` and ``to_text()``.
        """
        from mlflowsteps.display import WorkflowList

        connection = connect(client)
        rows, note = _listed(connection.client, "list_state_machines", "stateMachines", max_items, {})
        return WorkflowList(rows, links=not connection.local, note=note, html=html)

    @classmethod
    def attach(cls, state_machine_arn: str, client: object = None) -> Workflow:
        """The workflow of a state machine that exists.

        Args:
            state_machine_arn: its ARN.
            client: as the constructor's.
        """
        connection = connect(client)
        found = connection.client.describe_state_machine(stateMachineArn=state_machine_arn)
        workflow = cls(
            name=found["name"],
            definition=FrozenGraph.from_json(found["definition"]),
            role=found["roleArn"],
            state_machine_arn=found["stateMachineArn"],
            client=client,
        )
        workflow._connection = connection
        return workflow

    # --------------------------------------------------------------------------------------------------- showing it

    def to_json(self, pretty: bool = False) -> str:
        """The definition as JSON text.

        Args:
            pretty: indent it.
        """
        return self.definition.to_json(pretty)

    def render_graph(self, portrait: bool | None = None) -> GraphView:
        """A picture of the workflow; it needs no client.

        Args:
            portrait: True: from top to bottom; False: from left to right; None: whichever suits.

        Returns:
            The picture, which shows itself in a notebook, saves itself (``save("graph.svg")``) and prints as text.
        """
        from mlflowsteps.display import GraphView

        return GraphView(self.definition.to_dict(), portrait=portrait, title=self.name)

    def get_cloudformation_template(self, description: str | None = None) -> str:
        """The workflow as a CloudFormation template, in YAML.

        ARNs in the definition keep the region and account that they name.

        Args:
            description: of the template.
        """
        return build_template(self.name, self.definition.to_dict(), self.role, self.tags, description)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(name={self.name!r}, role={self.role!r}, "
            f"state_machine_arn={self.state_machine_arn!r})"
        )

    def _repr_html_(self) -> str:
        from mlflowsteps.display.links import machine_link

        if self.state_machine_arn is None:
            return f"Workflow: {linked('', self.name)} (not created yet)"
        address = "" if self.connection.local else machine_link(self.state_machine_arn)
        return f"Workflow: {linked(address, self.state_machine_arn)}"


def _listed(
    client: StepFunctionsClient, operation: str, key: str, max_items: int, request: dict[str, Any]
) -> tuple[list[dict[str, Any]], str]:
    """Rows of a list, and what it says where it was cut."""
    pages = client.get_paginator(operation).paginate(
        **request, PaginationConfig={"MaxItems": max_items, "PageSize": 1000}
    )
    rows = [row for page in pages for row in page[key]]
    cut = getattr(pages, "resume_token", None)
    return rows, f"showing {len(rows)} of more: raise max_items" if isinstance(cut, str) else ""


def _same_json(first: str, second: str) -> bool:
    try:
        return bool(json.loads(first) == json.loads(second))
    except ValueError:
        return False


def _fault_text(faults: list[Any], schema: Placeholder) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = [f"inputs does not fit the workflow's execution_input ({count}):", *(f"  {fault}" for fault in faults)]
    return "\n".join([*lines, f"Expected run input with the schema: {schema.get_schema_as_json()}"])

"""A workflow: a definition with a name and a role, and its life in a Step Functions service."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mlflowsteps.asl.validate import check, validate
from mlflowsteps.exceptions import (
    Diagnostic,
    MissingRequiredParameter,
    WorkflowExists,
    WorkflowNotFound,
)
from mlflowsteps.inputs.placeholders import Placeholder
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.foreign import adopted_input, is_foreign
from mlflowsteps.steps.graphs import FrozenGraph, Graph, GraphFields
from mlflowsteps.steps.state import State
from mlflowsteps.steps.states import Chain, ValidationVisitor
from mlflowsteps.steps.tags import tag_list
from mlflowsteps.workflow import polling
from mlflowsteps.workflow.arguments import (
    check_input,
    check_machine_arn,
    check_name,
    check_role,
    checked_schema,
    input_text,
    plain_input,
    read_input,
)
from mlflowsteps.workflow.client import Connection, StepFunctionsClient, connect
from mlflowsteps.workflow.cloudformation import build_template
from mlflowsteps.workflow.execution import Execution, ExecutionStatus, linked
from mlflowsteps.workflow.settings import Settings, tag_changes
from mlflowsteps.workflow.uploads import check_requests, request_faults, upload_sources
from mlflowsteps.workflow.versions import Versioned

if TYPE_CHECKING:
    from mlflowsteps.display import ExecutionList, GraphView, WorkflowList

__all__ = ["Definition", "Workflow"]

Definition: TypeAlias = "State | Chain | Graph | Mapping[str, Any]"
"""What a workflow can be made of: steps, a graph, or a definition as a dict."""

MAX_DEFINITION = 1_048_576
"""Most bytes of a definition that the service takes; an indented one that is longer is sent without indentation."""

logger = logging.getLogger(__name__)


class Workflow(Versioned):
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
        s3_client: the client that uploads what steps of SageMaker's SDKs need in S3; None: the local runtime's, else
            boto3's.
        type: STANDARD or EXPRESS; it cannot be changed later.
        logging_configuration: where executions are logged, as CreateStateMachine's ``loggingConfiguration``.
        tracing: whether X-Ray traces executions.
        encryption_configuration: the key data is encrypted with, as CreateStateMachine's ``encryptionConfiguration``.
        publish: publish a version with each creation and update.
        version_description: of that version.

    Raises:
        ValueError: ``definition`` is nothing that a workflow can be made of, two of its states have one name, or a
            setting is none.
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
        s3_client: Any = None,
        type: str = "STANDARD",  # noqa: A002 - the service's name
        logging_configuration: Mapping[str, Json] | None = None,
        tracing: bool | None = None,
        encryption_configuration: Mapping[str, Json] | None = None,
        publish: bool = False,
        version_description: str | None = None,
    ) -> None:
        self.name, self.role = name, role
        self.settings = Settings(
            type, logging_configuration, tracing, encryption_configuration, publish, version_description
        )
        self.timeout_seconds, self.comment, self.version = timeout_seconds, comment, version
        self.query_language = query_language
        self.definition = self._graph(definition)
        self.tags = tag_list(tags, upper=False)
        self._tags_given = tags is not None
        self.workflow_input = checked_schema(adopted_input(execution_input))
        self.format_json = format_json
        self.state_machine_arn = state_machine_arn
        self._type_known = state_machine_arn is None  # of one that exists the service knows it
        self._given_client = client
        self.s3_client = s3_client
        self._connection: Connection | None = None

    def _graph(self, definition: Definition) -> Graph:
        if isinstance(definition, Graph):
            return definition
        given: Any = definition
        if is_foreign(given) and {"branch", "definition"} & vars(given).keys():  # a Graph or FrozenGraph of theirs
            return FrozenGraph(given.to_dict())
        if isinstance(definition, Mapping):
            return FrozenGraph(definition)
        fields: GraphFields = {
            "comment": self.comment,
            "version": self.version,
            "timeout_seconds": self.timeout_seconds,
            "query_language": self.query_language,
        }
        graph = Graph(definition, **fields)
        graph.branch.accept(ValidationVisitor())
        return graph

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

    @property
    def type(self) -> str:
        """STANDARD or EXPRESS."""
        return self.settings.type

    def validate(self) -> list[Diagnostic]:
        """All faults of the definition, and what looks like a mistake (severity WARNING).

        Raises:
            DefinitionError: the steps cannot be compiled to a definition.
        """
        found = validate(self.definition.to_dict(), machine_type=self.type, warnings=True)
        return [*found, *request_faults(self.definition)]

    def create(self) -> str:
        """Create the state machine, after the uploads that its steps need.

        Returns:
            Its ARN; that of the machine that exists where it has this name, definition and role.

        Raises:
            DefinitionError: the definition has faults; all of them are named.
            WorkflowExists: one of this name has another definition or role; ``update`` and ``upsert`` change it.
            MissingRequiredParameter: there is no role.
            ValueError: the name or the role is none.
        """
        if self.state_machine_arn is not None:
            logger.info("Workflow %s exists already: %s", self.name, self.state_machine_arn)
            return self.state_machine_arn
        check_name(self.name, "workflow")
        text = self._definition_text()
        role = self._required_role()
        upload_sources(self.definition, self.connection, self.s3_client)
        try:
            response = self.client.create_state_machine(
                name=self.name, definition=text, roleArn=role, tags=self.tags, **self.settings.for_creation()
            )
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
        if definition is not None:
            upload_sources(graph, self.connection, self.s3_client)
        self._send(arn, text, self._required_role(role))
        self.definition, self.role = graph, role or self.role
        logger.info("Workflow %s was updated: %s", self.name, arn)
        return arn

    def _send(self, arn: str, text: str, role: str) -> dict[str, Any]:
        """UpdateStateMachine, and what it answers."""
        return self.client.update_state_machine(
            stateMachineArn=arn, definition=text, roleArn=role, **self.settings.for_update()
        )

    def upsert(self, *, timeout: float = 60.0) -> str:
        """Create the state machine, or make the one of this name what this workflow is; wait until that is in effect.

        Definition, role, logging, tracing and encryption are sent where they differ. Tags are made what ``tags`` says
        where it was given. What was not given stays as it is.

        Args:
            timeout: most seconds to wait until executions begin with the new definition.

        Returns:
            The machine's ARN.

        Raises:
            DefinitionError: the definition has faults.
            MissingRequiredParameter: there is no role.
            WorkflowExists: the one that exists is of the other type, STANDARD or EXPRESS, which cannot be changed.
            TimeoutError: the service still shows the old definition.
        """
        arn = self._created_or_found()
        text, role = self._definition_text(), self._required_role()
        revision = None
        if not self._in_effect(arn, text, role, None):
            upload_sources(self.definition, self.connection, self.s3_client)
            revision = self._send(arn, text, role).get("revisionId")
            logger.info("Workflow %s was updated: %s", self.name, arn)
        self._await(arn, text, role, revision, timeout)
        if self._tags_given:
            self._set_tags(arn)
        return arn

    def _created_or_found(self) -> str:
        """ARN of the machine, which is made where there is none of this name."""
        if self.state_machine_arn is None:
            try:
                return self.create()
            except WorkflowExists as existing:
                if "type" in existing.what:
                    raise
                self.state_machine_arn = existing.state_machine_arn
        return self.state_machine_arn

    def _in_effect(self, arn: str, text: str, role: str, revision: str | None) -> bool:
        """True where the service shows what was sent."""
        try:
            found = self.client.describe_state_machine(stateMachineArn=arn)
        except self.client.exceptions.StateMachineDoesNotExist:
            return False  # not yet to be seen: it is new
        if revision is not None and found.get("revisionId") == revision:
            return True
        return _same_json(found["definition"], text) and found["roleArn"] == role and self.settings.are_those_of(found)

    def _await(self, arn: str, text: str, role: str, revision: str | None, timeout: float) -> None:
        """Wait until the service shows what was sent.

        Raises:
            TimeoutError: it did not in time.
        """
        pace = polling.Pace(0.2, longest=5.0)
        if not polling.poll(lambda: self._in_effect(arn, text, role, revision) or None, timeout=timeout, pace=pace):
            raise TimeoutError(
                f"Workflow {self.name!r} was updated, but after {timeout:g} s the service still shows the old one "
                f"({arn}). Call upsert() again."
            )

    def _set_tags(self, arn: str) -> None:
        """Make the machine's tags what ``tags`` says."""
        there = self.client.list_tags_for_resource(resourceArn=arn)["tags"]
        changed, removed = tag_changes(there, self.tags)
        if changed:
            self.client.tag_resource(resourceArn=arn, tags=changed)
        if removed:
            self.client.untag_resource(resourceArn=arn, tagKeys=removed)

    def delete(self) -> None:
        """Delete the state machine, if it was created; executions that run are ended by the service."""
        if self.state_machine_arn is not None:
            self.client.delete_state_machine(stateMachineArn=self.state_machine_arn)
            logger.info("Workflow %s is being deleted: %s", self.name, self.state_machine_arn)
            self.state_machine_arn = None

    def _definition_text(self, graph: Graph | None = None) -> str:
        """The checked definition as JSON text."""
        definition = (graph or self.definition).to_dict()
        for warning in check(definition, machine_type=self.type):
            logger.warning("Workflow %s: %s", self.name, warning)
        check_requests(graph or self.definition)
        if self.format_json:
            text = json.dumps(definition, indent=4, ensure_ascii=False)
            if len(text.encode()) <= MAX_DEFINITION:
                return text
        return json.dumps(definition, separators=(",", ":"), ensure_ascii=False)

    def _required_role(self, given: str | None = None) -> str:
        role = given or self.role
        if not role:
            raise MissingRequiredParameter(
                f"Workflow {self.name!r} needs role=..., the ARN of the IAM role that Step Functions acts as; the "
                "embedded runtime takes any, such as 'arn:aws:iam::123456789012:role/workflow'."
            )
        check_role(role)
        return role

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
        definition, role, kind = (found.get(key) for key in ("definition", "roleArn", "type"))
        differences = []  # what is not told, such as the definition of a machine whose key we may not use, is no text
        if isinstance(definition, str) and not _same_json(definition, text):
            differences.append("definition")
        if isinstance(role, str) and role != self.role:
            differences.append("role")
        if isinstance(kind, str) and kind != self.type:
            differences.append("type")
        if differences:
            raise WorkflowExists(self.name, arn, " and ".join(differences))

    # ------------------------------------------------------------------------------------------------- executions

    def execute(self, name: str | None = None, inputs: Json = None, *, qualifier: int | str | None = None) -> Execution:
        """Start an execution.

        Args:
            name: its name, unique among those of this workflow in 90 days; the service makes one where left out.
            inputs: its input: a dict, any other JSON, JSON text, or an instance of the class that is the schema. The
                defaults of ``execution_input`` are filled in.
            qualifier: number of a version, or name of an alias; what the machine is now where left out.

        Returns:
            The execution, which has begun.

        Raises:
            InvalidInput: the inputs do not fit ``execution_input``, or are no JSON; every fault is named.
            ValueError: the name is none.
            WorkflowNotFound: the workflow was not created.
        """
        response = self.client.start_execution(**self._start(name, inputs, qualifier))
        return Execution(
            workflow=self,
            execution_arn=response["executionArn"],
            start_date=response.get("startDate"),
            status=ExecutionStatus.Running,
            name=name,
        )

    def execute_sync(
        self, name: str | None = None, inputs: Json = None, *, qualifier: int | str | None = None
    ) -> Execution:
        """Run an execution of an EXPRESS workflow, and wait for its end in the one call.

        Args:
            name: its name.
            inputs: as ``execute``'s.
            qualifier: as ``execute``'s.

        Returns:
            The execution, which has ended; ``get_output()`` gives its output, or raises ExecutionFailed.

        Raises:
            InvalidInput: as ``execute``.
            ValueError: it is no EXPRESS workflow.
            WorkflowNotFound: the workflow was not created.
        """
        if self.type != "EXPRESS" and self._type_known:
            raise ValueError(
                f"execute_sync() is for EXPRESS workflows, and {self.name!r} is a {self.type} one: "
                "use execute() and get_output(wait=True)."
            )
        response = self.client.start_sync_execution(**self._start(name, inputs, qualifier))
        return Execution(
            workflow=self,
            execution_arn=response["executionArn"],
            start_date=response.get("startDate"),
            status=response["status"],
            name=response.get("name"),
            stop_date=response.get("stopDate"),
            description=response,
        )

    def _start(self, name: str | None, inputs: Json, qualifier: int | str | None) -> dict[str, Any]:
        """The request that starts an execution."""
        text = self._input_text(inputs)
        self._required_arn("execute")
        request: dict[str, Any] = {"stateMachineArn": self.qualified_arn(qualifier)}
        if name is not None:
            check_name(name, "execution")
            request["name"] = name
        if text is not None:
            request["input"] = text
        return request

    def executions(
        self, status_filter: ExecutionStatus | str | None = None, redrive_filter: str | None = None
    ) -> Iterator[Execution]:
        """Every execution of this workflow, the newest first, asked for page by page as they are taken.

        Args:
            status_filter: only those of this status.
            redrive_filter: REDRIVEN or NOT_REDRIVEN: only those.

        Returns:
            An iterator; over nothing where the workflow was not created.
        """
        if self.state_machine_arn is None:
            return
        request: dict[str, Any] = {"stateMachineArn": self.state_machine_arn}
        if status_filter is not None:
            request["statusFilter"] = str(ExecutionStatus(status_filter))
        if redrive_filter is not None:
            request["redriveFilter"] = redrive_filter
        pages = self.client.get_paginator("list_executions").paginate(**request, PaginationConfig={"PageSize": 1000})
        for page in pages:
            yield from map(self._execution_of, page["executions"])

    def _execution_of(self, row: Mapping[str, Any]) -> Execution:
        """The execution of a row of ListExecutions."""
        return Execution(
            workflow=self,
            execution_arn=row["executionArn"],
            start_date=row["startDate"],
            status=row["status"],
            name=row["name"],
            stop_date=row.get("stopDate"),
        )

    def _input_text(self, inputs: Json) -> str | None:
        """The checked input as JSON text; None where none was given."""
        inputs = plain_input(inputs)
        value = read_input(inputs) if isinstance(inputs, str) else inputs
        if self.workflow_input is not None:
            given, value = value, self.workflow_input.filled(value)
            check_input(value, self.workflow_input)
            if value != given:
                inputs = value
        if inputs is None or isinstance(inputs, str):
            return inputs
        return input_text(value, indent=4 if self.format_json else None)

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
        found = [self._execution_of(row) for row in rows]
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

        Raises:
            ValueError: the ARN is no state machine's.
        """
        check_machine_arn(state_machine_arn)
        connection = connect(client)
        found = connection.client.describe_state_machine(stateMachineArn=state_machine_arn)
        settings = Settings.described(found)
        workflow = cls(
            name=found["name"],
            definition=FrozenGraph.from_json(found["definition"]),
            role=found["roleArn"],
            state_machine_arn=found["stateMachineArn"],
            client=client,
        )
        workflow.settings, workflow._connection, workflow._type_known = settings, connection, True
        return workflow

    @classmethod
    def from_definition(
        cls,
        definition: Mapping[str, Any] | str | PathLike[str],
        name: str | None = None,
        role: str | None = None,
        **more: Any,
    ) -> Workflow:
        """A workflow of a definition from elsewhere; it draws, validates, runs, and its dict can be edited.

        Args:
            definition: a dict, JSON text, or the path of a file that holds JSON.
            name: the workflow's name; the file's without its suffixes, or ``workflow``, where left out.
            role: ARN of the role.
            more: as the constructor's.

        Raises:
            ValueError: the text or the file is no JSON object.
            OSError: the file cannot be read.
        """
        if isinstance(definition, Mapping):
            return cls(name or "workflow", FrozenGraph(definition), role, **more)
        text = definition if isinstance(definition, str) else ""
        if not text.lstrip().startswith("{"):
            path = Path(definition)
            text, name = path.read_text(encoding="utf-8"), name or path.name.partition(".")[0]
        return cls(name or "workflow", FrozenGraph.from_json(text), role, **more)

    # --------------------------------------------------------------------------------------------------- showing it

    def to_json(self, pretty: bool = False) -> str:
        """The definition as JSON text.

        Args:
            pretty: indent it.
        """
        return self.definition.to_json(pretty)

    def render_graph(self, portrait: bool | None = None, *, collapse: bool | None = None) -> GraphView:
        """A picture of the workflow; it needs no client.

        Args:
            portrait: True: from top to bottom; False: from left to right; None: whichever suits.
            collapse: draw Parallel and Map closed; None: only in workflows of more than 150 states.

        Returns:
            The picture, which shows itself in a notebook, saves itself (``save("graph.svg")``) and prints as text.
        """
        from mlflowsteps.display import GraphView

        return GraphView(self.definition.to_dict(), portrait=portrait, title=self.name, collapse=collapse)

    def get_cloudformation_template(self, description: str | None = None) -> str:
        """The workflow as a CloudFormation template, in YAML.

        ARNs in the definition keep the region and account that they name. Warns where ``execution_input`` has
        defaults: only ``execute`` fills them in.

        Args:
            description: of the template.
        """
        if self.workflow_input is not None and self.workflow_input.has_defaults():
            warnings.warn(
                f"The defaults of execution_input are filled in by Workflow.execute; executions of the exported "
                f"{self.name!r} that are started otherwise must be given every key.",
                stacklevel=2,
            )
        return build_template(
            self.name, self.definition.to_dict(), self.role, self.tags, description, self.settings.for_template()
        )

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

"""What tests of the runtime share: one Task state run to its end, and a network that must not be touched."""

import json
import socket
import uuid

ROLE = "arn:aws:iam::123456789012:role/workflow"


def forbid_sockets(monkeypatch):
    """Make every use of the network a failure."""

    def refuse(*arguments, **_):
        raise AssertionError(f"the network was touched: {arguments}")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)


def task(resource, parameters=None, **fields):
    """A definition of one Task state."""
    state = {"Type": "Task", "Resource": resource, "End": True, **fields}
    if parameters is not None:
        state["Parameters"] = parameters
    return {"StartAt": "Task", "States": {"Task": state}}


def start(runtime, definition, data=None):
    """Create the state machine and start it; returns the execution's ARN."""
    client = runtime.client("stepfunctions")
    machine = client.create_state_machine(
        name=f"machine-{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
    )
    arn = machine["stateMachineArn"]
    return client.start_execution(stateMachineArn=arn, input=json.dumps(data or {}))["executionArn"]


def finish(runtime, execution_arn):
    """Wait for an execution and describe it, its output parsed."""
    client = runtime.client("stepfunctions")  # the first one has interrupted executions go on
    runtime.scheduler.wait(execution_arn, 30)
    described = client.describe_execution(executionArn=execution_arn)
    described["output"] = json.loads(described["output"]) if "output" in described else None
    return described


def run(runtime, definition, data=None):
    """Run a definition to its end."""
    return finish(runtime, start(runtime, definition, data))

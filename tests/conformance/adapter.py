"""The embedded runtime under the conformance runner: opens a LocalRuntime with what a case needs.

The runner (``run.py --adapter tests/conformance/adapter.py``) puts its own folder on the path, where ``adapters.base``
tells how a case is run through a boto3 client.
"""

from __future__ import annotations

import ast
import json
import re
import threading
from typing import Any

from adapters.base import BotoAdapter, NotRunnable, handler_of

ACCOUNT = "111111111111"
PLAYED = {"lambda", "states", "sfn", "s3", "callback"}
MOTO = {"sns", "sqs", "dynamodb", "secretsmanager"}


def as_bytes(value: Any) -> Any:
    """The bytes whose Python text a case holds, since JSON has none; anything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"(b'.*'|bytearray\(b'.*'\))", value, re.DOTALL):
        return ast.literal_eval(value.removeprefix("bytearray(").removesuffix(")"))
    return value


class Adapter(BotoAdapter):
    """A new runtime in a temporary folder for each case; Moto behind it where a case needs it."""

    services = PLAYED | MOTO

    def warm_up(self) -> None:
        """Load what every case loads, before the processes of the cases are forked."""
        from mlflowsteps.local import LocalRuntime

        with LocalRuntime.temporary(account_id=ACCOUNT) as runtime:
            runtime.client("stepfunctions").list_state_machines()

    def open(self, case: dict[str, Any]) -> Any:
        """The client of a runtime that has the functions and resources of a case."""
        from mlflowsteps.local import LocalRuntime

        needs = set(case.get("needs", ())) | {call["service"] for call in case.get("setup", ())}
        self.runtime = LocalRuntime.temporary(account_id=ACCOUNT, aws="moto" if needs & MOTO else None)
        self.closing = threading.Event()
        for name, spec in (case.get("lambdas") or {}).items():
            self.runtime.register_function(name, handler_of(spec))
        for call in case.get("setup", ()):
            if call["operation"] == "receive_message":
                threading.Thread(target=self.answer_messages, args=(call["kwargs"]["QueueUrl"],), daemon=True).start()
            elif call["service"] in self.services:  # calls that only look into the service's own logs are left out
                self.prepare(call)
        return self.unchecked()

    def unchecked(self) -> Any:
        """A client that leaves the judging of parameters to the service, as the recordings' did."""
        from botocore.config import Config

        return self.runtime.session().client(
            "stepfunctions", config=Config(parameter_validation=False, inject_host_prefix=False)
        )

    def prepare(self, call: dict[str, Any]) -> None:
        """One call that a case makes before its execution."""
        kwargs = {key: as_bytes(value) for key, value in call["kwargs"].items()}
        try:
            getattr(self.runtime.client(call["service"]), call["operation"])(**kwargs)
        except Exception as error:
            raise NotRunnable(f"setup {call['service']}.{call['operation']}: {error}") from error

    def answer_messages(self, queue_url: str) -> None:
        """The worker of the recordings: sends heartbeats for each message, then the message itself as the result."""
        queue, states = self.runtime.client("sqs"), self.runtime.client("stepfunctions")
        while not self.closing.wait(0.05):
            for message in queue.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=1).get("Messages", []):
                token = json.loads(message["Body"])["TaskToken"]
                for _ in range(2):
                    states.send_task_heartbeat(taskToken=token)
                states.send_task_success(taskToken=token, output=message["Body"])

    def execution(self, client: Any, case: dict[str, Any]) -> dict[str, Any]:
        """An execution; an asynchronous EXPRESS one, which the API does not describe, by the runtime's own means."""
        if (case["type"], case["mode"]) != ("EXPRESS", "async"):
            return dict(super().execution(client, case))
        machine = client.create_state_machine(
            name=case["machine_name"], definition=self.text(case["definition"]), roleArn=case["role"], type="EXPRESS"
        )
        start = {"stateMachineArn": machine["stateMachineArn"], "input": case["input"], "name": case["name"]}
        arn = client.start_execution(**{key: value for key, value in start.items() if value is not None})
        record = self.runtime.scheduler.wait(arn["executionArn"], 20)
        return {"status": record.status, "events": None, **record.result}

    def close(self) -> None:
        """Stop the runtime; its folder goes with it."""
        self.closing.set()
        self.runtime.close()

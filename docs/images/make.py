"""Draws the pictures of the documentation: ``python docs/images/make.py [FOLDER]``; FOLDER is this one if left out.

``python docs/images/make.py --record`` runs the demo first and keeps what its history says of order and time in
``execution.json``, from which the picture of the finished execution is drawn.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rooms import picture  # stands beside this script

from mlflowsteps.demo.run import ROLE
from mlflowsteps.demo.workflow import build_workflow
from mlflowsteps.display import ProgressView

HERE = Path(__file__).parent
RECORDED = HERE / "execution.json"


def record() -> None:
    """Run the demo; keep its description and events, without what they carried."""
    from mlflowsteps.demo.run import run_demo
    from mlflowsteps.local import LocalRuntime

    with LocalRuntime.temporary() as runtime:
        run_demo(runtime)
        client = runtime.client("stepfunctions")
        machine = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        arn = client.list_executions(stateMachineArn=machine)["executions"][0]["executionArn"]
        described = client.describe_execution(executionArn=arn)
        events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    start = described["startDate"].timestamp()
    kept = {
        "description": {
            "name": "diabetes-demo",
            "status": described["status"],
            "startDate": 0,
            "stopDate": round(described["stopDate"].timestamp() - start, 3),
        },
        "events": [stripped(event, start) for event in events],
    }
    RECORDED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def stripped(event: dict[str, Any], start: float) -> dict[str, Any]:
    """The event's order, type, seconds since the start, and the state that it names."""
    names = {
        key: {"name": value["name"]} for key, value in event.items() if isinstance(value, dict) and "name" in value
    }
    kept = {key: event[key] for key in ("id", "previousEventId", "type")}
    return {**kept, "timestamp": round(event["timestamp"].timestamp() - start, 3), **names}


def main(folder: Path) -> None:
    """Write ``graph.svg``, the demo's workflow, ``progress.svg``, an execution of it that ended, and ``rooms.svg``."""
    workflow = build_workflow("mlflowsteps-demo", ROLE)
    print(workflow.render_graph().save(folder / "graph.svg"))
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    definition, description = workflow.definition.to_dict(), recorded["description"]
    view = ProgressView(definition, description, recorded["events"], now=description["stopDate"])
    print(view.save(folder / "progress.svg"))
    (folder / "rooms.svg").write_text(picture(), encoding="utf-8")
    print(folder / "rooms.svg")


if __name__ == "__main__":
    if "--record" in sys.argv:
        sys.argv.remove("--record")
        record()
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

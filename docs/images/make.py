"""Draws the pictures of the documentation: ``python docs/images/make.py [FOLDER]``; FOLDER is this one if left out."""

from __future__ import annotations

import sys
from pathlib import Path

from mlflowsteps.demo.workflow import build_workflow

ROLE = "arn:aws:iam::123456789012:role/WorkflowRole"


def main(folder: Path) -> None:
    """Write ``graph.svg``, the picture of the demo's workflow, into ``folder``."""
    workflow = build_workflow("mlflowsteps-demo", ROLE)
    print(workflow.render_graph().save(folder / "graph.svg"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)

"""What a step sends while its workflow runs on the embedded runtime, in virtual time, to a SageMaker that keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from mlflowsteps import steps
from mlflowsteps.asl.validate import validate
from mlflowsteps.local import LocalRuntime, VirtualClock
from mlflowsteps.workflow import Workflow
from tests.parity.harness import ROLE

__all__ = ["Sender"]


class _SageMaker:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            self.requests.append(request)
            return {}

        return call


class Sender:
    """A runtime for many steps; closed as a context manager.

    Args:
        first: the state before each of them.
        values: the execution's input.
    """

    def __init__(self, first: steps.State, values: Mapping[str, Any]) -> None:
        self._first, self._values, self._client = first, dict(values), _SageMaker()
        self._runtime = LocalRuntime.temporary(clock=VirtualClock(), clients={"sagemaker": self._client})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runtime.close()

    def sent(self, step: steps.State, language: str) -> dict[str, Any]:
        """The one request that a step sends, in a definition without faults."""
        self._client.requests.clear()
        graph = steps.Graph(steps.Chain([self._first, step]), query_language=language)
        assert [found for found in validate(graph.to_dict()) if found.severity == "ERROR"] == []
        workflow = Workflow("W", graph, ROLE, client=self._runtime)
        workflow.upsert()
        workflow.execute(inputs=self._values).get_output(wait=True)
        (request,) = self._client.requests
        return request

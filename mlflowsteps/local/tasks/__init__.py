"""Carries out Task states: one handler per kind of resource, found by ``TaskHandlers.handler_for``.

``lambda_tasks`` calls functions, ``aws_tasks`` any action of an AWS service through a client, SageMaker's jobs among
them, ``execution_tasks`` other state machines. ``calls`` is what they share, ``shapes`` turns parameters and responses
between the two worlds, ``errors`` names errors as Step Functions does, ``names`` the services. A handler calls clients
only, never the store or the engine.
"""

from __future__ import annotations

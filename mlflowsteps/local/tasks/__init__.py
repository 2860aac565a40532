"""Carries out Task states: one handler per kind of resource, found by ``TaskHandlers.handler_for``.

``lambda_tasks`` calls functions, ``sagemaker_tasks`` SageMaker, ``execution_tasks`` other state machines, ``aws_tasks``
any other action through a client; ``shapes`` turns parameters and responses between the two worlds, ``errors`` names
errors as Step Functions does, ``names`` the services. A handler calls clients only, never the store or the engine.
"""

from __future__ import annotations

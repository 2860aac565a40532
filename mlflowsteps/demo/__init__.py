"""The demo: a pipeline on real data, from raw CSV to an endpoint that answers, on the embedded runtime.

``workflow`` builds the pipeline and is there to be copied, ``scripts/`` holds what its jobs run, ``data`` the Lambda
function that brings the data, ``run`` puts them together and tells what came of it. This room owns nothing that other
rooms use; the command line starts it.
"""

from __future__ import annotations

__all__: list[str] = []

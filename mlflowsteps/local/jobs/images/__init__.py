"""What runs in place of container images: a registry, and the images that the runtime plays itself.

``registry`` matches image URIs to commands. The other modules run in child processes, started through ``run.py``:
``script_mode`` (training scripts of framework images), ``inference`` (their inference scripts), ``xgboost_algorithm``
(the built-in algorithm, with ``xgboost_folds`` and ``xgboost_answers``), ``sklearn_algorithms`` (the others) and
``server`` (HTTP). They import nothing of the runtime that is not needed in a child.
"""

from __future__ import annotations

__all__: list[str] = []

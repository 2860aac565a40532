"""Hyperparameter tuning jobs: many training jobs, each with values that a strategy proposes.

- ``ranges`` what may be drawn, and how a number is scaled; ``requests`` what the service refuses, and the request of
  each training job; ``trials`` what is known of the training jobs: counters, the best, summaries;
- ``strategies`` Random and Grid, ``optuna_strategies`` Bayesian and Hyperband; ``stopping`` when a training job, or the
  whole, ends early; ``tuner`` the work itself.

A tuning job keeps its trials beside its description, written down before each training job is created: after a crash it
goes on with those that it had begun. It starts no process of its own and takes none of the places of ``max_jobs``.

Source:
    Amazon SageMaker developer guide, "Automatic model tuning"; the API's model.
"""

from __future__ import annotations

__all__: list[str] = []

from __future__ import annotations

import sys

import pytest

from mlflowsteps.steps import sagemaker


def test_a_function_of_sdk_2_is_missed_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sagemaker.workflow.airflow", None)
    with pytest.raises(
        ImportError, match=r"training_config is a function of .* SDK 2.*Steps do without it.*pip install"
    ):
        from mlflowsteps.steps.sagemaker import training_config  # noqa: F401 - it is what fails


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trainig_config'"):
        sagemaker.trainig_config  # noqa: B018 - it is what fails

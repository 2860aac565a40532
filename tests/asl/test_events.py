"""The table of history event types against the API's own model."""

from __future__ import annotations

import botocore.session
import pytest

from mlflowsteps.asl.events import DETAILS_KEYS, ENTERED, EXITED, details_key


@pytest.fixture(scope="module")
def model() -> botocore.model.ServiceModel:
    return botocore.session.get_session().get_service_model("stepfunctions")


def test_every_type_of_the_api_is_in_the_table(model: botocore.model.ServiceModel) -> None:
    assert set(DETAILS_KEYS) == set(model.shape_for("HistoryEventType").enum)


def test_every_details_key_of_the_api_is_used_and_no_other(model: botocore.model.ServiceModel) -> None:
    members = {name for name in model.shape_for("HistoryEvent").members if name.endswith("Details")}
    assert {key for key in DETAILS_KEYS.values() if key is not None} == members


def test_states_are_entered_and_left_by_types_of_the_table() -> None:
    assert {details_key(name) for name in ENTERED.values()} == {"stateEnteredEventDetails"}
    assert {details_key(name) for name in EXITED.values()} == {"stateExitedEventDetails"}
    with pytest.raises(KeyError):
        details_key("StateEntered")

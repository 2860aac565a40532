import base64
import json

import pytest

from mlflowsteps.exceptions import ServiceError


def first_page(service):
    for name in ("a", "b"):
        service.make(name)
    return service.list_state_machines({"maxResults": 1})["nextToken"]


def refused(service, token):
    with pytest.raises(ServiceError) as raised:
        service.list_state_machines({"nextToken": token})
    return raised.value.code


def test_a_token_of_a_page_expires_after_a_day(service):
    token = first_page(service)
    service.clock.advance(seconds=86_000)
    assert [row["name"] for row in service.list_state_machines({"nextToken": token})["stateMachines"]] == ["b"]
    service.clock.advance(seconds=1_000)
    assert refused(service, token) == "InvalidToken"


@pytest.mark.parametrize("position", [None, 5, ["a"], {"a": 1}, True])
def test_a_forged_position_is_refused(service, position):
    forged = json.dumps(["ListStateMachines", position, 1_000_000.0]).encode()
    assert refused(service, base64.urlsafe_b64encode(forged).decode()) == "InvalidToken"


def test_a_token_of_another_listing_is_refused(service):
    token = first_page(service)
    with pytest.raises(ServiceError) as raised:
        service.list_activities({"nextToken": token})
    assert raised.value.code == "InvalidToken"


@pytest.mark.parametrize("given", ["now", None, [], 2_000_000.0])
def test_a_forged_time_is_refused(service, given):
    forged = json.dumps(["ListStateMachines", "a", given]).encode()
    assert refused(service, base64.urlsafe_b64encode(forged).decode()) == "InvalidToken"

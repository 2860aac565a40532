import json

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.quotas import Quotas
from tests.local.scheduler.bench import machine
from tests.local.services.stepfunctions.conftest import Service

ONE, TWO = ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": result, "End": True}}} for result in (1, 2))


def refusal(call):
    with pytest.raises(ServiceError) as raised:
        call()
    return raised.value.code, raised.value.message, raised.value.details.get("reason")


@pytest.fixture
def published(service):
    """A state machine with two versions, that give 1 and 2."""
    arn = service.make("m", ONE, publish=True, versionDescription="first")
    service.update_state_machine({"stateMachineArn": arn, "definition": json.dumps(TWO), "publish": True})
    return arn


def route(*weights):
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"
    return [{"stateMachineVersionArn": f"{arn}:{number}", "weight": weight} for number, weight in weights]


def output(service, arn, **params):
    return service.describe_execution({"executionArn": service.finish(arn, **params)})


def test_a_version_keeps_what_the_state_machine_was(service, published):
    first = service.describe_state_machine({"stateMachineArn": f"{published}:1"})
    assert (json.loads(first["definition"]), first["description"]) == (ONE, "first")
    assert "revisionId" not in first
    newest = service.describe_state_machine({"stateMachineArn": published})
    assert service.describe_state_machine({"stateMachineArn": f"{published}:2"})["revisionId"] == newest["revisionId"]


def test_publishing_a_revision_twice_gives_the_version_that_is_there(service, published):
    request = {"stateMachineArn": published}
    assert service.publish_state_machine_version(request)["stateMachineVersionArn"] == f"{published}:2"
    assert (
        refusal(lambda: service.publish_state_machine_version(request | {"revisionId": "old"}))[0]
        == "ConflictException"
    )
    assert (
        refusal(lambda: service.publish_state_machine_version(request | {"description": "another"}))[0]
        == "ConflictException"
    )


def test_the_number_of_a_deleted_version_is_not_used_again(service, published):
    service.delete_state_machine_version({"stateMachineVersionArn": f"{published}:2"})
    assert service.delete_state_machine_version({"stateMachineVersionArn": f"{published}:2"}) == {}
    version = service.publish_state_machine_version({"stateMachineArn": published})
    assert version["stateMachineVersionArn"] == f"{published}:3"


def test_versions_are_listed_newest_first_in_pages(service, published):
    page = service.list_state_machine_versions({"stateMachineArn": published, "maxResults": 1})
    assert [row["stateMachineVersionArn"] for row in page["stateMachineVersions"]] == [f"{published}:2"]
    page = service.list_state_machine_versions({"stateMachineArn": published, "nextToken": page["nextToken"]})
    assert [row["stateMachineVersionArn"] for row in page["stateMachineVersions"]] == [f"{published}:1"]
    assert "nextToken" not in page


def test_an_execution_started_by_a_version_runs_it_and_names_it(service, published):
    described = output(service, f"{published}:1", name="run")
    assert described["output"] == "1"
    assert described["executionArn"] == published.replace("stateMachine", "execution") + ":run"
    assert (described["stateMachineArn"], described["stateMachineVersionArn"]) == (published, f"{published}:1")
    assert output(service, published)["output"] == "2"


def test_executions_are_listed_by_version_and_by_alias(service, published):
    service.create_state_machine_alias({"name": "live", "routingConfiguration": route((1, 100))})
    service.finish(published, name="plain")
    service.finish(f"{published}:2", name="by-version")
    service.finish(f"{published}:live", name="by-alias")
    names = {}
    for suffix in ("", ":1", ":2", ":live"):
        rows = service.list_executions({"stateMachineArn": published + suffix})["executions"]
        names[suffix] = [row["name"] for row in rows]
    assert names == {
        "": ["by-alias", "by-version", "plain"],
        ":1": ["by-alias"],
        ":2": ["by-version"],
        ":live": ["by-alias"],
    }


def test_an_alias_routes_by_its_weights_and_the_same_name_the_same_way(service, published):
    service.create_state_machine_alias({"name": "live", "routingConfiguration": route((1, 90), (2, 10))})
    arn = f"{published}:live"
    described = [output(service, arn, name=f"run-{number}") for number in range(60)]
    first = [one["output"] for one in described].count("1")
    assert 40 < first < 60
    assert {one["stateMachineAliasArn"] for one in described} == {arn}
    assert all(one["stateMachineVersionArn"] == f"{published}:{one['output']}" for one in described)


def test_an_alias_lives_from_creation_through_update_to_deletion(service, published):
    request = {"name": "live", "description": "d", "routingConfiguration": route((1, 100))}
    made = service.create_state_machine_alias(request)
    assert service.create_state_machine_alias(request) == made
    arn = made["stateMachineAliasArn"]
    assert arn == f"{published}:live"
    service.clock.advance(seconds=5)
    service.update_state_machine_alias({"stateMachineAliasArn": arn, "routingConfiguration": route((2, 100))})
    described = service.describe_state_machine_alias({"stateMachineAliasArn": arn})
    assert described == {
        "stateMachineAliasArn": arn, "name": "live", "description": "d", "routingConfiguration": route((2, 100)),
        "creationDate": 1_000_000.0, "updateDate": 1_000_005.0,
    }  # fmt: skip
    in_use = refusal(lambda: service.delete_state_machine_version({"stateMachineVersionArn": f"{published}:2"}))
    assert in_use[0] == "ConflictException"
    assert "live" in in_use[1]
    service.delete_state_machine_alias({"stateMachineAliasArn": arn})
    assert refusal(lambda: service.describe_state_machine_alias({"stateMachineAliasArn": arn}))[0] == "ResourceNotFound"
    assert refusal(lambda: service.start(arn))[0] == "StateMachineDoesNotExist"


def test_aliases_are_listed_of_a_machine_and_of_a_version_newest_first(service, published):
    for name, version in (("a", 1), ("b", 2), ("c", 1)):
        service.create_state_machine_alias({"name": name, "routingConfiguration": route((version, 100))})

    def names(**params):
        page = service.list_state_machine_aliases({"stateMachineArn": published} | params)
        return [row["stateMachineAliasArn"].rpartition(":")[2] for row in page["stateMachineAliases"]], page.get(
            "nextToken"
        )

    assert names()[0] == ["c", "b", "a"]
    assert names(stateMachineArn=f"{published}:1")[0] == ["c", "a"]
    first, token = names(maxResults=2)
    assert first == ["c", "b"]
    assert names(nextToken=token) == (["a"], None)


@pytest.mark.parametrize(
    ("routing", "code", "reason"),
    [
        (route((1, 50)), "ValidationException", "INVALID_ROUTING_CONFIGURATION"),
        (route((1, 50), (1, 50)), "ValidationException", "INVALID_ROUTING_CONFIGURATION"),
        (route((1, 150), (2, -50)), "ValidationException", "INVALID_ROUTING_CONFIGURATION"),
        ([], "ValidationException", "INVALID_ROUTING_CONFIGURATION"),
        (route((9, 100)), "ResourceNotFound", None),
        (route(("live", 100)), "InvalidArn", None),
    ],
)
def test_a_wrong_routing_is_refused(service, published, routing, code, reason):
    found = refusal(lambda: service.create_state_machine_alias({"name": "live", "routingConfiguration": routing}))
    assert (found[0], found[2]) == (code, reason)


@pytest.mark.parametrize("name", ["7", "a b", "", "a" * 81, "a:b"])
def test_an_alias_needs_a_name_that_no_version_could_have(service, published, name):
    request = {"name": name, "routingConfiguration": route((1, 100))}
    assert refusal(lambda: service.create_state_machine_alias(request))[0] == "InvalidName"


def test_an_alias_update_must_change_something(service, published):
    found = refusal(lambda: service.update_state_machine_alias({"stateMachineAliasArn": f"{published}:live"}))
    assert (found[0], found[2]) == ("ValidationException", "MISSING_REQUIRED_PARAMETER")


def test_the_arn_of_a_distributed_map_is_refused_where_a_machine_is_wanted(service, published):
    for operation in (service.describe_state_machine, service.start_execution, service.update_state_machine):
        found = refusal(
            lambda operation=operation: operation({"stateMachineArn": f"{published}/Rows", "definition": "{}"})
        )
        assert (found[0], found[2]) == ("ValidationException", "API_DOES_NOT_SUPPORT_LABELED_ARNS")


def test_a_deleted_machine_takes_its_versions_and_aliases_along(service, published):
    service.create_state_machine_alias({"name": "live", "routingConfiguration": route((1, 100))})
    service.delete_state_machine({"stateMachineArn": published})
    assert service.make("m", machine(A={"Type": "Succeed"})) == published
    assert service.list_state_machine_versions({"stateMachineArn": published})["stateMachineVersions"] == []
    assert service.list_state_machine_aliases({"stateMachineArn": published})["stateMachineAliases"] == []


def test_versions_and_aliases_survive_a_restart(tmp_path):
    path = tmp_path / "store.sqlite"
    service = Service(path)
    arn = service.make("m", ONE, publish=True)
    service.create_state_machine_alias({"name": "live", "routingConfiguration": route((1, 100))})
    service.close()
    service = Service(path)
    assert output(service, f"{arn}:live")["output"] == "1"
    service.close()


def test_quotas_of_versions_and_aliases_are_enforced(tmp_path):
    service = Service(tmp_path / "store.sqlite", quotas=Quotas.of({"versions": 1, "aliases": 1}))
    arn = service.make("m", ONE, publish=True)
    update = {"stateMachineArn": arn, "definition": json.dumps(TWO), "publish": True}
    assert refusal(lambda: service.update_state_machine(update))[0] == "ServiceQuotaExceededException"
    service.create_state_machine_alias({"name": "a", "routingConfiguration": route((1, 100))})
    request = {"name": "b", "routingConfiguration": route((1, 100))}
    assert refusal(lambda: service.create_state_machine_alias(request))[0] == "ServiceQuotaExceededException"
    service.close()


def test_an_execution_keeps_its_definition_while_the_machine_is_updated(service):
    arn = service.make("m", machine(W={"Type": "Wait", "Seconds": 50}))
    release = service.clock.hold()
    execution = service.start(arn)
    service.update_state_machine({"stateMachineArn": arn, "definition": json.dumps(TWO)})
    release()
    service.scheduler.wait(execution, 30)
    described = service.describe_state_machine_for_execution({"executionArn": execution})
    assert "W" in described["definition"]
    assert service.describe_execution({"executionArn": execution})["output"] == "{}"

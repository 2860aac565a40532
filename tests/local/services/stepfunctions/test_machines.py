import json
import threading

import pytest

from mlflowsteps.exceptions import ServiceError
from tests.local.scheduler.bench import FUNCTION, machine, task
from tests.local.services.stepfunctions.conftest import PASS, ROLE, Service

BAD_NAMES = [
    "", "x" * 81, "a b", "a\tb", "a/b", "../x", "a:b", "a*", "a?", "a<b", "a{b", "a[b", 'a"b', "a#b", "a%b", "a\\b",
    "a^b", "a|b", "a~b", "a`b", "a$b", "a&b", "a,b", "a;b", "a\x00b", "a\x7fb", "a\x9fb", "a\ud800b", "\n",
]  # fmt: skip


def refusal(call):
    with pytest.raises(ServiceError) as raised:
        call()
    return raised.value.code, raised.value.message


def test_a_state_machine_is_described_as_it_was_created(service):
    response = service.create_state_machine({"name": "m", "definition": json.dumps(PASS, indent=4), "roleArn": ROLE})
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:m"
    assert response == {"stateMachineArn": arn, "creationDate": 1_000_000.0}
    described = service.describe_state_machine({"stateMachineArn": arn})
    assert described["definition"] == json.dumps(PASS, indent=4)
    assert (described["name"], described["roleArn"], described["status"]) == ("m", ROLE, "ACTIVE")
    assert (described["type"], described["creationDate"]) == ("STANDARD", 1_000_000.0)


def test_creating_the_same_again_gives_the_one_that_is_there(service):
    arn = service.make()
    service.clock.advance(60)
    again = service.create_state_machine({"name": "m", "definition": json.dumps(PASS, indent=1), "roleArn": ROLE})
    assert again == {"stateMachineArn": arn, "creationDate": 1_000_000.0}


@pytest.mark.parametrize(
    "other", [{"definition": machine(B={"Type": "Succeed"})}, {"roleArn": ROLE + "2"}, {"type": "EXPRESS"}]
)
def test_creating_another_under_a_taken_name_is_refused(service, other):
    arn = service.make()
    assert refusal(lambda: service.make(**other)) == (
        "StateMachineAlreadyExists",
        f"State Machine Already Exists: '{arn}'",
    )
    assert json.loads(service.describe_state_machine({"stateMachineArn": arn})["definition"]) == PASS


def test_of_many_creators_of_one_name_all_get_the_same_or_are_refused(service):
    outcomes, barrier = [], threading.Barrier(8)

    def create(number):
        barrier.wait(30)
        try:
            service.make("same", machine(**{f"S{number % 2}": {"Type": "Pass"}}))
            outcomes.append(number % 2)
        except ServiceError:
            outcomes.append("refused")

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("refused") == 4
    assert len({outcome for outcome in outcomes if outcome != "refused"}) == 1


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_none_is_refused(service, name):
    assert refusal(lambda: service.make(name))[0] == "InvalidName"
    arn = service.make()
    assert refusal(lambda: service.start(arn, name=name))[0] == "InvalidName"


@pytest.mark.parametrize("name", ["é", "名前", "a-b_c.d+e@f=g!h(i)", "x" * 80, "😀"])
def test_a_name_may_be_of_any_script(service, name):
    arn = service.make(name)
    execution = service.finish(arn, name=name)
    assert execution.endswith(f":execution:{name}:{name}")
    assert service.describe_execution({"executionArn": execution})["name"] == name


def test_an_invalid_definition_is_refused_with_every_fault(service):
    code, message = refusal(lambda: service.make("m", {"States": {"A": {"Type": "Nope"}}}))
    assert code == "InvalidDefinition"
    assert message.startswith("Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: ")
    assert "StartAt" in message
    assert " at /" in message
    assert service.list_state_machines({})["stateMachines"] == []


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "null", '{"a": 1', '"\ud800"', "{" * 5000])
def test_a_text_that_is_no_definition_is_refused(service, text):
    request = {"name": "m", "definition": text, "roleArn": ROLE}
    assert refusal(lambda: service.create_state_machine(request))[0] == "InvalidDefinition"


def test_a_definition_larger_than_a_mebibyte_is_refused(service):
    code, message = refusal(lambda: service.make("m", PASS | {"Comment": "x" * 1_048_577}))
    assert (code, len(message) < 1000) == ("ValidationException", True)


@pytest.mark.parametrize("role", ["", "role", "arn:aws:s3:::bucket", "arn:aws:iam::123456789012:user/me"])
def test_a_role_that_is_none_is_refused(service, role):
    assert refusal(lambda: service.make(roleArn=role))[0] == "InvalidArn"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("nonsense", "InvalidArn"),
        ("arn:aws:s3:::bucket", "InvalidArn"),
        ("arn:aws:states:eu-central-1:123456789012:activity:m", "InvalidArn"),
        ("arn:aws:states:eu-central-1:123456789012:stateMachine:none", "StateMachineDoesNotExist"),
        ("arn:aws:states:us-east-1:123456789012:stateMachine:m", "StateMachineDoesNotExist"),
        ("arn:aws:states:eu-central-1:123456789012:stateMachine:m:7", "StateMachineDoesNotExist"),
    ],
)
def test_an_arn_that_names_no_state_machine_is_refused(service, arn, code):
    service.make()
    for operation in (service.describe_state_machine, service.list_executions, service.start_execution):
        assert refusal(lambda operation=operation: operation({"stateMachineArn": arn}))[0] == code


def test_an_update_changes_what_it_names_and_running_executions_keep_theirs(service):
    arn = service.make("m", machine(A=task(FUNCTION + "silent")))
    execution = service.start(arn)
    service.clock.advance(60)
    response = service.update_state_machine({"stateMachineArn": arn, "definition": json.dumps(PASS)})
    assert response["updateDate"] == 1_000_060.0
    described = service.describe_state_machine({"stateMachineArn": arn})
    assert (json.loads(described["definition"]), described["roleArn"]) == (PASS, ROLE)
    assert described["revisionId"] == response["revisionId"]
    kept = service.describe_state_machine_for_execution({"executionArn": execution})
    assert json.loads(kept["definition"]) == machine(A=task(FUNCTION + "silent"))
    assert kept["updateDate"] == 1_000_000.0
    later = service.finish(arn)
    assert json.loads(service.describe_state_machine_for_execution({"executionArn": later})["definition"]) == PASS


def test_an_update_must_name_something_and_be_valid(service):
    arn = service.make()
    assert refusal(lambda: service.update_state_machine({"stateMachineArn": arn}))[0] == "MissingRequiredParameter"
    bad = {"stateMachineArn": arn, "definition": "{}"}
    assert refusal(lambda: service.update_state_machine(bad))[0] == "InvalidDefinition"
    assert json.loads(service.describe_state_machine({"stateMachineArn": arn})["definition"]) == PASS


def test_deleting_stops_executions_and_frees_the_name(service):
    arn = service.make("m", machine(A=task(FUNCTION + "silent")))
    execution = service.start(arn, name="run")
    assert service.delete_state_machine({"stateMachineArn": arn}) == {}
    assert service.delete_state_machine({"stateMachineArn": arn}) == {}  # again: nothing to do
    assert refusal(lambda: service.start(arn))[0] == "StateMachineDoesNotExist"
    assert service.describe_execution({"executionArn": execution})["status"] == "ABORTED"
    assert service.make() == arn
    assert service.list_executions({"stateMachineArn": arn})["executions"] == []
    assert service.finish(arn, name="run") == execution


def test_state_machines_are_listed_by_name_in_pages(service):
    for number in range(7):
        service.make(f"m{number}")
    names, token, pages = [], {}, 0
    while True:
        page = service.list_state_machines({"maxResults": 3, **token})
        names += [item["name"] for item in page["stateMachines"]]
        pages += 1
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert (names, pages) == ([f"m{number}" for number in range(7)], 3)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "W10=", "bnVsbA==", "e30="])
def test_a_page_token_that_is_none_is_refused(service, token):
    assert refusal(lambda: service.list_state_machines({"nextToken": token}))[0] == "InvalidToken"


@pytest.mark.parametrize("size", [-1, 1001])
def test_a_page_of_impossible_size_is_refused(service, size):
    assert refusal(lambda: service.list_state_machines({"maxResults": size}))[0] == "ValidationException"


def test_validate_tells_every_fault_and_creates_nothing(service):
    answer = service.validate_state_machine_definition({"definition": "{}"})
    assert answer["result"] == "FAIL"
    assert answer["diagnostics"][0]["code"] == "SCHEMA_VALIDATION_FAILED"
    assert answer["truncated"] is False
    ok = service.validate_state_machine_definition({"definition": json.dumps(PASS)})
    assert ok == {"result": "OK", "diagnostics": [], "truncated": False}
    many = {"StartAt": "A", "States": {f"S{n}": {"Type": "Nope"} for n in range(200)}}
    answer = service.validate_state_machine_definition({"definition": json.dumps(many), "maxResults": 5})
    assert (len(answer["diagnostics"]), answer["truncated"]) == (5, True)


# Tags


def test_tags_are_added_replaced_and_removed(service):
    arn = service.make(tags=[{"key": "team", "value": "ml"}])
    service.tag_resource({"resourceArn": arn, "tags": [{"key": "team", "value": "ai"}, {"key": "x", "value": ""}]})
    service.untag_resource({"resourceArn": arn, "tagKeys": ["x", "never there"]})
    assert service.list_tags_for_resource({"resourceArn": arn}) == {"tags": [{"key": "team", "value": "ai"}]}


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"key": str(number), "value": ""} for number in range(51)], "TooManyTags"),
        ([{"key": "", "value": ""}], "ValidationException"),
        ([{"key": "k" * 129, "value": ""}], "ValidationException"),
        ([{"key": "k", "value": "v" * 257}], "ValidationException"),
        ([{"key": "AWS:x", "value": ""}], "ValidationException"),
        ([{"key": "\ud800", "value": ""}], "ValidationException"),
    ],
)
def test_tags_beyond_the_services_limits_are_refused(service, tags, code):
    assert refusal(lambda: service.make("bad", tags=tags))[0] == code
    arn = service.make()
    assert refusal(lambda: service.tag_resource({"resourceArn": arn, "tags": tags}))[0] == code
    assert service.list_tags_for_resource({"resourceArn": arn}) == {"tags": []}


def test_tags_of_what_is_not_there_are_refused(service):
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:none"
    assert refusal(lambda: service.list_tags_for_resource({"resourceArn": arn}))[0] == "ResourceNotFound"


# Read-only


def test_a_read_only_runtime_describes_and_lists_but_changes_nothing(service, tmp_path):
    arn = service.make()
    execution = service.finish(arn)
    reader = Service(tmp_path / "store.sqlite", read_only=True)
    assert reader.describe_state_machine({"stateMachineArn": arn})["name"] == "m"
    assert reader.describe_execution({"executionArn": execution})["status"] == "SUCCEEDED"
    assert len(reader.get_execution_history({"executionArn": execution})["events"]) == 4
    calls = [
        lambda: reader.make("other"),
        lambda: reader.start(arn),
        lambda: reader.delete_state_machine({"stateMachineArn": arn}),
        lambda: reader.update_state_machine({"stateMachineArn": arn, "roleArn": ROLE + "2"}),
        lambda: reader.stop_execution({"executionArn": execution}),
        lambda: reader.tag_resource({"resourceArn": arn, "tags": [{"key": "k", "value": "v"}]}),
    ]
    for call in calls:
        assert "open for reading only" in refusal(call)[1]
    reader.close()

"""What is judged before it is sent: names, roles, ARNs and inputs, with rule and fix in the message."""

from __future__ import annotations

import pytest

from mlflowsteps.exceptions import InvalidInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.steps import Pass
from mlflowsteps.workflow import ExecutionStatus, Workflow
from mlflowsteps.workflow.arguments import check_machine_arn, check_name, check_role, input_text, read_input
from tests.workflow.conftest import ROLE


class NoClient:
    """A client that nobody may call."""

    def start_execution(self, **request):
        raise AssertionError(request)


@pytest.mark.parametrize("name", ["w", "Train-1_b.c(d)!", "x" * 80, "Überblick"])
def test_a_name_that_the_service_takes_is_taken(name, tmp_path):
    check_name(name, "workflow")
    with LocalRuntime(tmp_path / "root") as runtime:
        assert runtime.client("stepfunctions").create_activity(name=name)


@pytest.mark.parametrize(
    ("name", "tried"), [("W w", "W-w"), ("a/b: c", "a-b-c"), ("x" * 81, "x" * 80), ("ready?", "ready"), ("a\nb", "a-b")]
)
def test_a_name_that_is_none_is_refused_with_the_rule_and_one_that_would_do(name, tried):
    with pytest.raises(ValueError, match="1 to 80 characters, none of them white space") as caught:
        check_name(name, "workflow")

    assert f"Such as {tried!r}." in str(caught.value)
    check_name(tried, "workflow")


def test_a_name_of_nothing_but_blanks_gets_no_proposal():
    with pytest.raises(ValueError, match=r"cannot be the name of the execution\.") as caught:
        check_name("  ", "execution")
    assert "Such as" not in str(caught.value)


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match=r"The name of the workflow is text, not 5 \(int\)"):
        check_name(5, "workflow")  # type: ignore[arg-type]


def test_names_are_judged_before_the_service_is_called():
    workflow = Workflow("W w", Pass("A"), role=ROLE, client=NoClient())
    with pytest.raises(ValueError, match="'W w'"):
        workflow.create()
    workflow.state_machine_arn = "arn:aws:states:us-east-1:123456789012:stateMachine:w"
    with pytest.raises(ValueError, match=r"'a b'.*the execution"):
        workflow.execute(name="a b")


@pytest.mark.parametrize("role", ["myrole", "arn:aws:iam::123456789012:user/me", "arn:aws:s3:::bucket", 5, ["a"]])
def test_what_is_no_role_is_refused_before_the_service_is_called(role):
    with pytest.raises(ValueError, match=r"must be the ARN of an IAM role, such as 'arn:aws:iam::123456789012:role/"):
        Workflow("w", Pass("A"), role=role, client=NoClient()).create()


def test_a_status_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"'foo' is no status of an execution; write one of RUNNING, SUCCEEDED, "):
        ExecutionStatus("foo")


def test_a_standard_workflow_does_not_run_in_one_call():
    workflow = Workflow("w", Pass("A"), role=ROLE, client=NoClient())
    with pytest.raises(ValueError, match=r"'w' is a STANDARD one: use execute\(\) and get_output\(wait=True\)"):
        workflow.execute_sync()


def test_whether_a_workflow_of_a_given_arn_runs_in_one_call_is_the_services_to_say():
    with LocalRuntime.temporary() as runtime:
        made = Workflow("w", Pass("A"), role=ROLE, type="EXPRESS", client=runtime)
        known = Workflow("w", Pass("A"), role=ROLE, state_machine_arn=made.create(), client=runtime)
        assert known.execute_sync(inputs={"a": 1}).get_output() == {"a": 1}
        standard = Workflow("s", Pass("A"), role=ROLE, client=runtime).create()
        with pytest.raises(ValueError, match="'s' is a STANDARD one"):
            Workflow.attach(standard, client=runtime).execute_sync()


@pytest.mark.parametrize("whole", [True, False])
def test_an_input_that_holds_itself_is_refused(whole):
    value: list[object] = []
    value.append(value)
    workflow = Workflow("w", Pass("A"), role=ROLE, client=NoClient(), state_machine_arn="arn")
    with pytest.raises(InvalidInput, match="holds itself"):
        workflow.execute(inputs=value if whole else {"a": value})


def test_an_execution_input_is_an_execution_input():
    with pytest.raises(TypeError, match=r"must be an ExecutionInput, .*not \{'a': <class 'str'>\} \(dict\)"):
        Workflow("w", Pass("A"), role=ROLE, execution_input={"a": str})  # type: ignore[arg-type]


def test_roles_of_other_partitions_and_paths_are_roles():
    check_role("arn:aws-cn:iam::123456789012:role/service-role/StepFunctions")


@pytest.mark.parametrize("arn", ["nope", None, "arn:aws:states:us-east-1:123456789012:execution:w:x", ROLE])
def test_attach_refuses_what_is_no_state_machine(arn):
    with pytest.raises(ValueError, match="must be the ARN of a state machine"):
        Workflow.attach(arn, client=NoClient())


def test_versions_and_aliases_are_state_machines():
    check_machine_arn("arn:aws:states:us-east-1:123456789012:stateMachine:w:prod")


CIRCLE: dict[str, object] = {}
CIRCLE["again"] = CIRCLE


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": [1, {"b": {2}}]}, r"inputs\['a'\]\[1\]\['b'\] is \{2\} \(set\)"),
        ({"a": float("nan")}, r"inputs\['a'\] is nan, which JSON does not have"),
        ((1, -float("inf")), r"inputs\[1\] is -inf"),
        (b"{}", r"inputs is b'\{\}' \(bytes\)"),
        ({"a": {(1, 2): 3}}, r"inputs\['a'\] has the key \(1, 2\) \(tuple\)"),
        ({"a": "x", "b": range(3)}, r"inputs\['b'\] is range\(0, 3\) \(range\)"),
        (CIRCLE, "Circular reference"),
    ],
)
def test_what_json_does_not_have_is_told_with_its_place(value, told):
    with pytest.raises(InvalidInput, match=told):
        input_text(value, None)


def test_text_that_is_no_json_is_refused_with_the_place():
    assert read_input('"hello"') == "hello"
    with pytest.raises(InvalidInput, match=r"no JSON: .*line 1 column 1.*Give a dict"):
        read_input("hello")

from __future__ import annotations

import copy
import inspect
import json
import pickle
import typing
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.asl.fields import STATE_TYPES, fields_of
from mlflowsteps.asl.validate import validate
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.inputs import ExecutionInput, StepInput, StepResult, context, intrinsics
from mlflowsteps.steps import keywords
from mlflowsteps.steps.states import State, to_pascalcase

INPUTS = ExecutionInput()
X = INPUTS["x"]
PATH = "$$.Execution.Input['x']"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def test_every_field_of_a_pass_is_written() -> None:
    state = steps.Pass(
        "P", comment="c", input_path="$.i", parameters={"a": 1}, result_path="$.r", result={"b": 2}, output_path="$.o"
    )

    assert state.to_dict() == {
        "Type": "Pass",
        "Comment": "c",
        "InputPath": "$.i",
        "OutputPath": "$.o",
        "Parameters": {"a": 1},
        "Result": {"b": 2},
        "ResultPath": "$.r",
        "End": True,
    }
    assert (state.comment, state.parameters, state.type, state.state_type) == ("c", {"a": 1}, "Pass", "Pass")


def test_the_order_of_the_fields_is_the_same_whatever_that_of_the_keywords() -> None:
    first = steps.Task("T", resource=ARN, parameters={"a": 1}, timeout_seconds=5, comment="c")
    second = steps.Task("T", comment="c", timeout_seconds=5, parameters={"a": 1}, resource=ARN)

    assert first.to_json() == second.to_json()
    assert list(first.to_dict()) == ["Type", "Comment", "Resource", "Parameters", "TimeoutSeconds", "End"]


def test_none_is_null_in_paths_and_leaves_out_anything_else() -> None:
    state = steps.Task(
        "T", resource=ARN, comment=None, parameters=None, input_path=None, output_path=None, result_path=None
    )

    assert state.to_dict() == {
        "Type": "Task",
        "Resource": ARN,
        "InputPath": None,
        "OutputPath": None,
        "ResultPath": None,
        "End": True,
    }
    assert '"ResultPath": null' in state.to_json()
    assert "Path" not in steps.Task("T", resource=ARN).to_json()


def test_terminal_states_have_neither_next_nor_end() -> None:
    assert steps.Succeed("S", comment="c").to_dict() == {"Type": "Succeed", "Comment": "c"}
    assert steps.Fail("F", error="E", cause="C").to_dict() == {"Type": "Fail", "Error": "E", "Cause": "C"}


@pytest.mark.parametrize("state", [steps.Succeed("S"), steps.Fail("F")])
def test_nothing_follows_a_terminal_state(state: State) -> None:
    with pytest.raises(ValueError, match="does not support method `next`"):
        state.next(steps.Pass("P"))
    with pytest.raises(ValueError, match="does not support"):
        _ = state >> steps.Pass("P")


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"seconds": 10}, "Seconds", 10),
        ({"seconds": X}, "SecondsPath", PATH),
        ({"seconds_path": "$.s"}, "SecondsPath", "$.s"),
        ({"timestamp": "2026-01-01T00:00:00Z"}, "Timestamp", "2026-01-01T00:00:00Z"),
        ({"timestamp": X}, "TimestampPath", PATH),
        ({"timestamp_path": X}, "TimestampPath", PATH),
    ],
)
def test_a_wait_takes_one_time_in_any_form(fields: dict[str, Any], name: str, value: Any) -> None:
    assert steps.Wait("W", **fields).to_dict() == {"Type": "Wait", name: value, "End": True}


@pytest.mark.parametrize("fields", [{}, {"seconds": 1, "timestamp": "x"}, {"seconds": None}])
def test_a_wait_without_exactly_one_time_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one of"):
        steps.Wait("W", **fields)


@pytest.mark.parametrize("name", ["timeout_seconds", "heartbeat_seconds"])
def test_a_task_takes_one_form_of_a_timeout(name: str) -> None:
    with pytest.raises(ValueError, match="Only one of"):
        steps.Task("T", **{name: 5, f"{name}_path": "$.x"})  # type: ignore[arg-type]


def _classes() -> list[tuple[type[State], type[Any], set[str]]]:
    return [
        (steps.Pass, keywords.PassFields, set()),
        (steps.Succeed, keywords.SucceedFields, set()),
        (steps.Fail, keywords.FailFields, set()),
        (steps.Wait, keywords.WaitFields, set()),
        (steps.Choice, keywords.ChoiceFields, {"choices", "default"}),
        (steps.Parallel, keywords.ParallelFields, {"branches", "retry", "catch"}),
        (steps.Map, keywords.MapFields, {"retry", "catch", "iterator", "item_processor"}),
        (steps.Task, keywords.TaskFields, {"retry", "catch"}),
    ]


@pytest.mark.parametrize(("state", "typed", "structure"), _classes(), ids=lambda value: getattr(value, "__name__", ""))
def test_every_field_of_the_language_is_a_typed_keyword(
    state: type[State], typed: type[Any], structure: set[str]
) -> None:
    rows = fields_of(state.__name__)
    language = {row.keyword for row in rows.values()} - {"type", "next", "end"} - structure

    assert set(typing.get_type_hints(typed)) == language
    assert set(state.known) == language
    assert language <= set(inspect.signature(state).parameters)


def test_there_is_a_class_for_each_type() -> None:
    assert {name for name in STATE_TYPES if not issubclass(getattr(steps, name), State)} == set()


@pytest.mark.parametrize(
    ("make", "near"),
    [
        (lambda: steps.Task("T", resouce=ARN), "'resource'"),
        (lambda: steps.Pass("P", coment="x"), "'comment'"),
        (lambda: steps.Wait("W", second=1), "'seconds'"),
        (lambda: steps.Map("M", item_path="$"), "'items_path'"),
        (lambda: steps.Parallel("P", results_path="$"), "'result_path'"),
        (lambda: steps.LambdaStep("L", parameter={}), "'parameters'"),
        (lambda: steps.Retry(error_equal=["x"]), "'error_equals'"),
        (lambda: steps.Catch(steps.Pass("P"), eror_equals=["x"]), "'error_equals'"),
        (lambda: steps.Graph(steps.Pass("P"), coment="x"), "'comment'"),
        (lambda: steps.Fail("F", zzz=1), "It takes comment"),
    ],
)
def test_an_unknown_keyword_is_a_type_error_that_names_the_nearest(make: Any, near: str) -> None:
    with pytest.raises(TypeError, match="is not supported") as caught:
        make()
    assert near in str(caught.value)


def test_an_attribute_that_is_no_field_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = steps.Pass("P").resource  # type: ignore[attr-defined]


def test_a_state_id_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="state_id"):
        steps.Pass(X)  # type: ignore[arg-type]


def test_fields_set_later_are_written() -> None:
    state = steps.Task("T", resource=ARN)
    state.update_parameters({"a": X})
    state.comment = "later"
    state.add_retry(steps.Retry(error_equals=["States.ALL"], max_attempts=2))

    written = state.to_dict()

    assert written["Parameters"] == {"a.$": PATH}
    assert written["Comment"] == "later"
    assert written["Retry"] == [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]


# ------------------------------------------------------------------------------------------------- placeholders


def test_placeholders_stand_in_every_kind_of_field() -> None:
    state = steps.Task(
        "T",
        resource=ARN,
        input_path=X,
        parameters={"a": [1, X], "b": {"c": f"{X}-1"}},
        result_selector={"out": StepResult()["Payload"], "all": StepResult()},
        result_path="$.r",
        output_path=StepInput()["r"],
        credentials={"RoleArn": X},
        timeout_seconds=X,
        heartbeat_seconds_path=X,
        assign={"v": X},
    )

    assert state.to_dict() == {
        "Type": "Task",
        "Resource": ARN,
        "InputPath": PATH,
        "Parameters": {"a.$": f"States.Array(1, {PATH})", "b": {"c.$": f"States.Format('{{}}-1', {PATH})"}},
        "ResultSelector": {"out.$": "$['Payload']", "all.$": "$"},
        "ResultPath": "$.r",
        "OutputPath": "$['r']",
        "Credentials": {"RoleArn.$": PATH},
        "TimeoutSecondsPath": PATH,
        "HeartbeatSecondsPath": PATH,
        "Assign": {"v.$": PATH},
        "End": True,
    }


def test_a_whole_payload_that_is_a_placeholder_becomes_the_input_path() -> None:
    assert steps.Task("T", resource=ARN, parameters=X).to_dict()["InputPath"] == PATH
    assert steps.Pass("P", parameters=StepInput()).to_dict() == {"Type": "Pass", "InputPath": "$", "End": True}
    assert steps.Pass("P", parameters=f"{X}").to_dict()["InputPath"] == PATH


@pytest.mark.parametrize(
    "make",
    [
        lambda: steps.Task("T", resource=ARN, parameters=X, input_path="$.a"),
        lambda: steps.Task("T", resource=ARN, parameters=intrinsics.uuid()),
        lambda: steps.Map("M", iterator=steps.Pass("P"), parameters=X),
        lambda: steps.Pass("P", parameters=[X]),
    ],
)
def test_a_whole_payload_that_cannot_be_said_is_refused_with_the_fix(make: Any) -> None:
    with pytest.raises(TypeError, match="needs a key to stand under"):
        make().to_dict()


def test_a_result_with_placeholders_becomes_parameters() -> None:
    assert steps.Pass("P", result={"a": [X]}).to_dict() == {
        "Type": "Pass",
        "Parameters": {"a.$": f"States.Array({PATH})"},
        "End": True,
    }
    assert steps.Pass("P", result=X).to_dict()["InputPath"] == PATH
    assert steps.Pass("P", result="$.literal").to_dict()["Result"] == "$.literal"


def test_an_error_may_be_computed() -> None:
    state = steps.Fail("F", error=StepInput()["Error"], cause=intrinsics.format("why: {}", X))

    assert state.to_dict() == {
        "Type": "Fail",
        "ErrorPath": "$['Error']",
        "CausePath": f"States.Format('why: {{}}', {PATH})",
    }


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: steps.Task("T", resource=X), "state 'T'/Resource is fixed when the workflow is created"),
        (lambda: steps.Pass("P", comment=f"for {X}"), "Comment is fixed"),
        (lambda: steps.Wait("W", seconds=intrinsics.math_add(1, 2)), "only a path may stand here"),
        (lambda: steps.Pass("P", input_path=intrinsics.uuid()), "compute it in an earlier Pass state"),
        (lambda: steps.Pass("P", result_path=5), "must be a path"),
        (lambda: steps.Wait("W", seconds=X, seconds_path="$.a", query_language=None), "exactly one"),
    ],
)
def test_a_placeholder_where_none_can_stand_is_refused(make: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        make().to_dict()


def test_a_token_in_a_name_is_an_error() -> None:
    with pytest.raises(DefinitionError, match="holds a placeholder"):
        steps.Pass(f"job {X}").to_dict()


def test_map_fields_take_placeholders() -> None:
    state = steps.Map(
        "M",
        item_processor=steps.Pass("P"),
        processor_config={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        items_path=X,
        item_selector={"v": context.map.item.value},
        item_reader={
            "Resource": "arn:aws:states:::s3:getObject",
            "Parameters": {"Bucket": X, "Key": f"{X}/items.json"},
            "ReaderConfig": {"InputType": "JSON", "MaxItems": X},
        },
        item_batcher={"MaxItemsPerBatch": X, "BatchInput": {"a": X}},
        max_concurrency=X,
        tolerated_failure_percentage=X,
        tolerated_failure_count=5,
        label="l",
    )

    written = state.to_dict()

    assert written["ItemsPath"] == PATH
    assert written["ItemSelector"] == {"v.$": "$$.Map.Item.Value"}
    assert written["ItemReader"]["ReaderConfig"] == {"InputType": "JSON", "MaxItemsPath": PATH}
    assert written["ItemReader"]["Parameters"] == {
        "Bucket.$": PATH,
        "Key.$": f"States.Format('{{}}/items.json', {PATH})",
    }
    assert written["ItemBatcher"] == {"MaxItemsPerBatchPath": PATH, "BatchInput": {"a.$": PATH}}
    assert written["MaxConcurrencyPath"] == PATH
    assert written["ToleratedFailurePercentagePath"] == PATH
    assert written["ItemProcessor"] == {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "End": True}},
    }


# --------------------------------------------------------------------------------------------- containers, choice


def test_a_map_takes_its_steps_in_every_form() -> None:
    inner = {
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "Parameters": {"v.$": "$$.Map.Item.Value['a']"}, "End": True}},
    }
    made = steps.Map("M", iterator=lambda item: steps.Pass("P", parameters={"v": item["a"]}))
    attached = steps.Map("M")
    attached.attach_iterator(steps.Pass("P", parameters={"v.$": "$$.Map.Item.Value['a']"}))
    replaced = steps.Map("M", item_processor=steps.Pass("Old"))
    replaced.attach_iterator(lambda item: steps.Pass("P", parameters={"v": item["a"]}))
    frozen = steps.Map("M", item_processor=inner)

    assert made.to_dict()["Iterator"] == attached.to_dict()["Iterator"] == inner
    assert replaced.to_dict()["ItemProcessor"] == frozen.to_dict()["ItemProcessor"] == inner
    assert frozen.to_dict()["ItemProcessor"] is not inner


def test_a_map_with_nothing_to_run_is_refused_when_it_is_compiled() -> None:
    state = steps.Map("M")
    with pytest.raises(DefinitionError, match="attach_iterator"):
        state.to_dict()


def test_a_map_takes_one_of_the_two_forms() -> None:
    with pytest.raises(TypeError, match="old form of item_processor"):
        steps.Map("M", iterator=steps.Pass("P"), item_processor=steps.Pass("Q"))


def test_branches_are_given_at_once_or_one_by_one() -> None:
    first = steps.Parallel("P", branches=[steps.Pass("a"), steps.Pass("b") >> steps.Pass("c")])
    second = steps.Parallel("P")
    second.add_branch(steps.Pass("a"))
    second.add_branch(steps.Chain([steps.Pass("b"), steps.Pass("c")]))

    assert first.to_dict() == second.to_dict()
    assert list(first.to_dict()["Branches"][1]["States"]) == ["b", "c"]


@pytest.mark.parametrize("wrong", ["text", None, 5, {"StartAt": "x"}])
def test_what_is_no_step_is_refused_at_once(wrong: Any) -> None:
    for call in (
        steps.Parallel("P").add_branch,
        steps.Pass("P").next,
        steps.Choice("C").default_choice,
        steps.Map("M").attach_iterator,
    )[: 3 if wrong is None else 4]:
        with pytest.raises(TypeError, match="Expected a state or a chain"):
            call(wrong)
    with pytest.raises(TypeError):
        _ = steps.Pass("P") >> wrong


def test_a_choice_reads_as_python() -> None:
    auc, topic = StepInput()["auc"], StepInput()["topic"]
    deploy, notify, stop = steps.Pass("Deploy"), steps.Pass("Notify"), steps.Fail("Stop")
    fluent = (
        steps.Choice("Good?")
        .when(auc >= 0.9, deploy)
        .when(topic.is_present() & ~topic.is_null(), notify)
        .otherwise(stop)
    )
    plain = steps.Choice("Good?")
    rule = steps.ChoiceRule
    plain.add_choice(rule.NumericGreaterThanEquals("$['auc']", 0.9), deploy)
    plain.add_choice(rule.And([rule.IsPresent("$['topic']", True), rule.Not(rule.IsNull("$['topic']", True))]), notify)
    plain.default_choice(stop)

    assert fluent.to_dict() == plain.to_dict()
    assert validate(steps.Graph(fluent).to_dict()) == []


def test_a_rule_may_set_variables() -> None:
    choice = steps.Choice("C").when(X.equals(1), steps.Pass("P"), assign={"v": X})
    assert choice.to_dict()["Choices"][0]["Assign"] == {"v.$": PATH}


def test_what_is_no_rule_is_refused() -> None:
    with pytest.raises(TypeError, match="is no rule"):
        steps.Choice("C").add_choice(True, steps.Pass("P"))  # type: ignore[arg-type]


def test_what_follows_a_choice_is_its_default() -> None:
    choice, after = steps.Choice("C").when(X.equals(1), steps.Pass("P")), steps.Pass("After")

    assert choice.next(after) is after
    assert choice.to_dict()["Default"] == "After"
    assert "Next" not in choice.to_dict()


# ------------------------------------------------------------------------------------------------------ handlers


def test_handlers_are_given_at_once_or_added() -> None:
    fail = steps.Fail("F")
    retry = steps.Retry(
        error_equals=["A"],
        interval_seconds=1,
        max_attempts=2,
        backoff_rate=1.5,
        max_delay_seconds=9,
        jitter_strategy="FULL",
    )
    catch = steps.Catch(fail, error_equals=["States.ALL"], result_path="$.e", assign={"v": X})
    given = steps.Task("T", retry, [catch], resource=ARN)
    added = steps.Task("T", resource=ARN)
    added.add_retry([retry])
    added.add_catch(catch)

    assert given.to_dict() == added.to_dict()
    assert given.to_dict()["Retry"] == [
        {
            "ErrorEquals": ["A"],
            "IntervalSeconds": 1,
            "MaxAttempts": 2,
            "BackoffRate": 1.5,
            "MaxDelaySeconds": 9,
            "JitterStrategy": "FULL",
        }
    ]
    assert given.to_dict()["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Assign": {"v.$": PATH}, "Next": "F"}
    ]
    assert (given.retries, given.catches, retry.max_attempts) == ([retry], [catch], 2)


@pytest.mark.parametrize("state", [steps.Pass("P"), steps.Choice("C"), steps.Wait("W", seconds=1), steps.Fail("F")])
def test_states_that_cannot_fail_take_no_handlers(state: State) -> None:
    with pytest.raises(ValueError, match="does not support retry field"):
        state.add_retry(steps.Retry(error_equals=["x"]))
    with pytest.raises(ValueError, match="does not support catch field"):
        state.add_catch(steps.Catch(steps.Pass("Q"), error_equals=["x"]))


def test_what_is_no_handler_is_refused() -> None:
    with pytest.raises(TypeError, match="expected Retry"):
        steps.Task("T", retry={"ErrorEquals": ["x"]})  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------- copying


def test_copies_and_pickles_are_equal_and_independent() -> None:
    fail = steps.Fail("F")
    inner = steps.Pass("I")
    task = steps.Task("T", resource=ARN, parameters={"a": [X]}, catch=steps.Catch(fail, error_equals=["x"]))
    chain = task >> steps.Map("M", iterator=inner) >> steps.Choice("C").when(X.equals(1), task)
    expected = steps.Graph(chain).to_dict()

    for twin in (copy.deepcopy(chain), pickle.loads(pickle.dumps(chain))):
        assert steps.Graph(twin).to_dict() == expected
        twin.steps[0].update_parameters({"b": 1})
        assert twin.steps[0].catches[0].next_step is not fail
        assert steps.Graph(chain).to_dict() == expected


def test_a_copy_keeps_identity_within_itself() -> None:
    a, b = steps.Pass("a"), steps.Pass("b")
    a.next(b)
    first, second = copy.deepcopy((a, b))

    assert first.next_step is second
    assert second is not b


def test_a_long_chain_can_be_copied_and_pickled() -> None:
    chain = steps.Chain([steps.Pass(f"s{i}") for i in range(3000)])
    for twin in (copy.deepcopy(chain), pickle.loads(pickle.dumps(chain))):
        assert twin.steps[0] is not chain.steps[0]
        assert steps.Graph(twin).to_dict() == steps.Graph(chain).to_dict()


# ------------------------------------------------------------------------------------------------------- the rest


def test_the_base_state_takes_the_common_fields() -> None:
    state = State(
        "S", "Void", comment="c", input_path="$.i", output_path="$.o", parameters={"k": "v"}, result_path="$.r"
    )

    assert state.to_dict() == {
        "Type": "Void",
        "Comment": "c",
        "InputPath": "$.i",
        "OutputPath": "$.o",
        "Parameters": {"k": "v"},
        "ResultPath": "$.r",
        "End": True,
    }
    with pytest.raises(TypeError):
        State("S", "Void", unknown=True)


def test_text_forms() -> None:
    state = steps.Pass("P", comment="ü")

    assert json.loads(state.to_json(pretty=True)) == json.loads(str(state)) == state.to_dict()
    assert "ü" in state.to_json()
    assert repr(state) == "P Pass(comment='ü')"
    assert to_pascalcase("input_path") == "InputPath"


def test_a_visitor_sees_every_state_once() -> None:
    class Visitor:
        seen: list[str] = []  # noqa: RUF012 - one test's own

        def is_visited(self, state: State) -> bool:
            return state.state_id in self.seen

        def visit(self, state: State) -> None:
            self.seen.append(state.state_id)

    a, b = steps.Pass("a"), steps.Pass("b")
    _ = a >> b
    b.next(a)
    visitor = Visitor()
    a.accept(visitor)
    assert visitor.seen == ["a", "b"]


def test_output_schema_types_the_output() -> None:
    state = steps.Task("T", resource=ARN, output_schema={"Payload": {"auc": float}})

    assert state.output()["Payload"]["auc"].type is float
    with pytest.raises(ValueError, match="has no key"):
        state.output()["Body"]


@pytest.mark.parametrize(
    "kind", [steps.Task, steps.Map, steps.LambdaStep, steps.TrainingStep, steps.Retry, steps.Graph]
)
def test_help_names_and_describes_every_keyword(kind: Any) -> None:
    for name, row in kind.known.items():
        if name not in kind.fixed:
            assert f"{name}: {row.doc}" in kind.__doc__
            assert name in inspect.signature(kind).parameters
    for name in kind.fixed:
        assert name not in inspect.signature(kind).parameters

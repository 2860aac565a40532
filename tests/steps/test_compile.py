from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.asl.validate import validate
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.inputs import ExecutionInput, StepInput
from mlflowsteps.workflow import Workflow
from tests.counting import calls_of

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def compiled(step: Any, **fields: Any) -> dict[str, Any]:
    return steps.Graph(step, **fields).to_dict()


def test_states_stand_in_the_order_in_which_they_are_reached() -> None:
    fail = steps.Fail("Failed")
    first = steps.Task("First", resource=ARN, catch=steps.Catch(fail, error_equals=["States.ALL"]))
    choice = steps.Choice("Choice").when(StepInput()["a"].equals(1), steps.Pass("One") >> steps.Pass("Two"))
    chain = first >> choice >> steps.Succeed("Default")

    definition = compiled(chain, comment="c", version="1.0", timeout_seconds=60)

    assert list(definition) == ["Comment", "Version", "TimeoutSeconds", "StartAt", "States"]
    assert list(definition["States"]) == ["First", "Choice", "One", "Two", "Default", "Failed"]
    assert validate(definition) == []


def test_compiling_twice_agrees_and_shares_nothing() -> None:
    task = steps.Task("T", resource=ARN, parameters={"a": {"b": [1]}})
    graph = steps.Graph(task)

    first, second = graph.to_dict(), graph.to_dict()
    first["States"]["T"]["Parameters"]["a"]["b"].append(2)

    assert graph.to_json() == graph.to_json()
    assert second == graph.to_dict()
    assert task.parameters == {"a": {"b": [1]}}


def test_later_changes_are_seen() -> None:
    task = steps.Task("T", resource=ARN)
    graph = steps.Graph(task)
    before = graph.to_dict()
    task.update_parameters({"a": 1})
    task.next(steps.Pass("P"))

    assert before["States"]["T"] == {"Type": "Task", "Resource": ARN, "End": True}
    assert graph.to_dict()["States"]["T"]["Parameters"] == {"a": 1}
    assert graph.contains(steps.Pass("P"))


def test_loops_are_written_once() -> None:
    wait, task = steps.Wait("Wait", seconds=1), steps.Task("Check", resource=ARN)
    choice = steps.Choice("Done?").when(StepInput()["done"].equals(True), steps.Succeed("Done"))
    _ = wait >> task >> choice
    choice.next(wait)

    definition = compiled(wait)

    assert list(definition["States"]) == ["Wait", "Check", "Done?", "Done"]
    assert definition["States"]["Done?"]["Default"] == "Wait"


def test_two_different_states_of_one_name_are_an_error() -> None:
    with pytest.raises(DefinitionError, match="two different ones are called 'a'") as caught:
        compiled(steps.Pass("a") >> steps.Pass("b") >> steps.Pass("a", comment="other"))
    assert caught.value.diagnostics[0].pointer == "/States/a"


def test_two_equal_states_of_one_name_are_one() -> None:
    choice = steps.Choice("C")
    for value in (1, 2):
        choice.add_choice(StepInput()["a"].equals(value), steps.Pass("End"))

    assert list(compiled(choice)["States"]) == ["C", "End"]


def test_a_name_taken_in_another_branch_is_a_fault_of_the_definition() -> None:
    parallel = steps.Parallel("P", branches=[steps.Pass("a"), steps.Pass("a")])
    assert any(found.code == "DUPLICATE_STATE_NAME" for found in validate(compiled(parallel)))


def nested(depth: int) -> Any:
    state: Any = steps.Pass("innermost")
    for level in range(depth):
        state = steps.Parallel(f"p{level}", branches=[state]) if level % 2 else steps.Map(f"m{level}", iterator=state)
    return state


def test_150_levels_of_nesting_compile() -> None:
    definition = compiled(nested(150))
    assert json.dumps(definition).count('"Iterator"') == 75


def test_deeper_nesting_is_a_definition_error() -> None:
    with pytest.raises(DefinitionError, match="nested deeper than 150 levels"):
        compiled(nested(151))


def test_one_state_is_nested_as_deeply_as_a_whole_workflow_and_no_deeper() -> None:
    assert json.dumps(nested(150).to_dict()).count('"Iterator"') == 75
    with pytest.raises(DefinitionError, match="nested deeper than 150 levels"):
        nested(151).to_dict()


def test_a_state_inside_itself_is_a_definition_error() -> None:
    parallel = steps.Parallel("P")
    parallel.add_branch(steps.Pass("a") >> parallel)
    with pytest.raises(DefinitionError, match="'P' stands inside itself"):
        compiled(parallel)


def test_the_work_of_nesting_is_linear_in_its_depth() -> None:
    calls = {}
    for depth in (20, 40):
        count = 0

        def profile(frame: Any, event: str, argument: Any) -> None:
            nonlocal count
            count += event == "call"

        state = nested(depth)
        sys.setprofile(profile)
        try:
            compiled(state)
        finally:
            sys.setprofile(None)
        calls[depth] = count
    assert calls[40] < 2.5 * calls[20]


def test_ten_thousand_states_compile_without_recursion() -> None:
    chain = steps.Chain([steps.Pass(f"s{i}", parameters={"i": i}) for i in range(10_000)])
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        definition = compiled(chain)
    finally:
        sys.setrecursionlimit(limit)
    assert len(definition["States"]) == 10_000
    assert definition["States"]["s9998"]["Next"] == "s9999"


def test_chaining_by_the_operator_takes_work_in_proportion() -> None:
    def build(length: int) -> None:
        chain = steps.Chain([steps.Pass("s0")])
        for i in range(1, length):
            chain = chain >> steps.Pass(f"s{i}")
        assert len(compiled(chain)["States"]) == length

    assert calls_of(lambda: build(2_000)) < 4.4 * calls_of(lambda: build(500))


def test_a_graph_takes_a_step_only() -> None:
    with pytest.raises(ValueError, match="Expected branch to be a State or a Chain"):
        steps.Graph("x")  # type: ignore[arg-type]


def test_a_frozen_graph_is_what_it_was_given() -> None:
    definition = compiled(steps.Pass("a"), comment="c")
    frozen = steps.FrozenGraph.from_json(json.dumps(definition))

    assert isinstance(frozen, steps.Graph)
    assert frozen.to_dict() == definition
    assert frozen.comment == "c"
    frozen.to_dict()["States"].clear()
    assert frozen.to_dict() == definition
    with pytest.raises(ValueError, match="Expected definition to be a dict"):
        steps.FrozenGraph("x")  # type: ignore[arg-type]


def test_a_token_left_in_a_ready_definition_is_an_error() -> None:
    token = f"job-{ExecutionInput()['x']}"
    with pytest.raises(DefinitionError, match=r"Write 'key.\$'"):
        steps.FrozenGraph({"StartAt": "a", "States": {"a": {"Type": "Pass", "Parameters": {"n": token}}}})


# ---------------------------------------------------------------------------------------- outputs of other states


def test_an_output_that_a_state_between_replaces_is_an_error() -> None:
    first, between = steps.Pass("First"), steps.Pass("Between", parameters={"x": 1})
    last = steps.Pass("Last", parameters={"deep": [{"y": first.output()["k"]}]})

    with pytest.raises(DefinitionError, match="'Last' is using an illegal placeholder") as caught:
        compiled(first >> between >> last)
    assert caught.value.diagnostics[0].pointer == "/States/Last"
    assert "result_path" in caught.value.diagnostics[0].hint


@pytest.mark.parametrize(
    "between",
    [
        lambda: steps.Pass("Between"),
        lambda: steps.Pass("Between", parameters={"x": 1}, result_path="$.x"),
        lambda: steps.Task("Between", resource=ARN, result_path=None),
        lambda: steps.Task("Between", resource=ARN, output_path="$.a"),
        lambda: steps.Wait("Between", seconds=1),
        lambda: steps.Choice("Between").when(StepInput()["a"].equals(1), steps.Succeed("S")),
    ],
)
def test_an_output_that_the_states_between_keep_may_be_used(between: Any) -> None:
    first = steps.Pass("First")
    last = steps.Pass("Last", parameters={"y": first.output()["k"]})
    assert "Last" in compiled(first >> between() >> last)["States"]


def test_an_output_used_before_it_is_made_is_an_error() -> None:
    late = steps.Pass("Late")
    early = steps.Pass("Early", parameters={"y": late.output()["k"]})
    with pytest.raises(DefinitionError, match="the output of 'Late' is not in its input"):
        compiled(early >> late)


def kept(count: int) -> steps.Chain:
    return steps.Chain([steps.Wait(f"w{at}", seconds=1) for at in range(count)])


def test_an_output_that_is_far_back_is_allowed_where_it_would_take_long_to_tell() -> None:
    def compile_with(between: int) -> dict[str, Any]:
        first, lost = steps.Pass("First"), steps.Pass("Lost", parameters={"x": 1})
        return compiled(first >> lost >> kept(between) >> steps.Pass("Last", parameters={"y": first.output()["k"]}))

    assert len(compile_with(2_500)["States"]) == 2_503
    with pytest.raises(DefinitionError, match="the output of 'First' is not in its input"):
        compile_with(1_500)


def test_every_output_that_is_not_there_is_told_at_once() -> None:
    late, other = steps.Pass("Late"), steps.Pass("Other")
    early = steps.Pass("a/b", parameters={"y": late.output()["k"], "z": other.output()["k"]})
    with pytest.raises(DefinitionError) as caught:
        compiled(early >> late >> other)
    assert [fault.pointer for fault in caught.value.diagnostics] == ["/States/a~1b", "/States/a~1b"]
    assert {"'Late'" in fault.message for fault in caught.value.diagnostics} == {True, False}


def test_outputs_are_checked_in_branches_too() -> None:
    first, between = steps.Pass("First"), steps.Pass("Between", parameters={"x": 1})
    last = steps.Pass("Last", parameters={"y": first.output()["k"]})
    parallel = steps.Parallel("P", branches=[first >> between >> last])
    with pytest.raises(DefinitionError) as caught:
        compiled(parallel)
    assert caught.value.diagnostics[0].pointer == "/States/P/States/Last"


def test_the_output_of_a_container_may_be_used_in_it_and_a_loop_keeps_what_it_may() -> None:
    container = steps.Map("M")
    container.attach_iterator(steps.Pass("I", parameters={"a": container.output()["X"]}))
    assert compiled(container)["States"]["M"]["Iterator"]["States"]["I"]["Parameters"] == {"a.$": "$['X']"}

    work = steps.Task("Work", resource=ARN)
    again = steps.Choice("Again?").when(StepInput()["more"].equals(True), work)
    use = steps.Pass("Use", parameters={"y": work.output()["k"]})
    assert "Use" in compiled(work >> again >> use)["States"]


def test_an_output_may_be_used_where_an_error_leads() -> None:
    before = steps.Pass("Before", result={"a": 1})
    handler = steps.Pass("Handler", parameters={"y": before.output()["a"]})
    work = steps.Task("Work", resource=ARN, catch=steps.Catch(handler, error_equals=["States.ALL"], result_path="$.e"))
    assert "Handler" in compiled(before >> work)["States"]


def test_a_chain_that_an_error_leads_to_is_entered_at_its_first_state() -> None:
    before, lost = steps.Pass("Before"), steps.Pass("Lost", parameters={"x": 1})

    def compile_with(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
        handlers = steps.Chain([steps.Pass("H1", parameters=first), steps.Pass("H2", parameters=second)])
        catch = steps.Catch(handlers, error_equals=["States.ALL"])
        return compiled(before >> lost >> steps.Task("Work", resource=ARN, catch=catch))

    used = {"y": before.output()["a"]}
    assert "H1" in compile_with(used, {})["States"]
    before, lost = steps.Pass("Before"), steps.Pass("Lost", parameters={"x": 1})
    with pytest.raises(DefinitionError, match="'H2' is using an illegal placeholder"):
        compile_with({}, {"y": before.output()["a"]})


# -------------------------------------------------------------------------------------------------------- JSONata


def test_one_program_makes_both_languages() -> None:
    inputs = ExecutionInput()

    def program() -> Any:
        task = steps.Task("T", resource=ARN, parameters={"a": inputs["x"]}, result_selector={"b": StepInput()["r"]})
        return (
            task
            >> steps.Map(
                "M", items_path=StepInput()["l"], iterator=lambda item: steps.Pass("P", parameters={"v": item})
            )
            >> steps.Choice("C").when(StepInput()["n"] > 1, steps.Fail("F", cause=f"was {StepInput()['n']}"))
            >> steps.Wait("W", seconds=inputs["s"])
        )

    jsonata = compiled(program(), query_language="JSONata")

    assert validate(compiled(program())) == []
    found = jsonata["States"]
    assert jsonata["QueryLanguage"] == "JSONata"
    assert found["T"]["Arguments"] == {"a": "{% $states.context.Execution.Input.x %}"}
    assert found["T"]["Output"] == {"b": "{% $states.result.r %}"}
    assert found["M"]["Items"] == "{% $states.input.l %}"
    assert found["M"]["Iterator"]["States"]["P"]["Output"] == {"v": "{% $states.context.Map.Item.Value %}"}
    assert found["C"]["Choices"][0]["Condition"] == "{% $states.input.n > 1 %}"
    assert found["F"]["Cause"] == '{% "was " & $string($states.input.n) %}'
    assert found["W"]["Seconds"] == "{% $states.context.Execution.Input.s %}"


def test_a_state_may_have_a_language_of_its_own() -> None:
    task = steps.Task("T", resource=ARN, arguments={"a": StepInput()["x"]}, query_language="JSONata")
    definition = compiled(steps.Pass("P") >> task)
    assert definition["States"]["T"]["Arguments"] == {"a": "{% $states.input.x %}"}
    assert validate(definition) == []


def test_numbers_and_texts_may_be_jsonata() -> None:
    seconds = steps.Wait("W", seconds=f"{{% {StepInput()['n']} + 1 %}}", query_language="JSONata").to_dict()
    computed = steps.Wait("W", seconds="{% $n %}", query_language="JSONata").to_dict()
    error = steps.Fail("F", error=f"E-{StepInput()['n']}", query_language="JSONata").to_dict()

    assert seconds["Seconds"] == "{% $states.input.n + 1 %}"
    assert computed["Seconds"] == "{% $n %}"
    assert error["Error"] == '{% "E-" & $string($states.input.n) %}'
    with pytest.raises(TypeError, match="Resource is fixed"):
        steps.Task("T", resource=f"{StepInput()['arn']}", query_language="JSONata").to_dict()


def test_150_levels_are_built_written_judged_copied_and_drawn() -> None:
    inner: steps.State = steps.Pass("S")
    for level in range(150):
        inner = (
            steps.Map(f"M{level}", item_processor=inner) if level % 2 else steps.Parallel(f"M{level}", branches=[inner])
        )

    definition = steps.Graph(inner).to_dict()

    assert json.loads(json.dumps(definition)) == definition == steps.FrozenGraph(definition).to_dict()
    assert validate(definition, warnings=True) == []
    assert "M0" in str(Workflow("Deep", definition, role=None).render_graph())
    with pytest.raises(DefinitionError, match="TOO_DEEPLY_NESTED"):
        steps.Graph(steps.Parallel("One more", branches=[inner])).to_dict()


def test_a_chain_that_was_gone_on_with_stays_as_it_was() -> None:
    a, b, c, d = (steps.Pass(name) for name in "abcd")
    short = a >> b
    long = short >> c
    assert [step.state_id for step in short] == ["a", "b"]
    assert [step.state_id for step in long] == ["a", "b", "c"]
    with pytest.warns(UserWarning, match="went to 'c' and now goes to 'd'"):
        short.append(d)
    assert [step.state_id for step in short] == ["a", "b", "d"]
    assert [step.state_id for step in long] == ["a", "b", "c"]

"""Validation: the service's recordings, every fault at once, near misses, hostile definitions."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflowsteps.asl.choices import COMPARATORS
from mlflowsteps.asl.fields import FIELDS
from mlflowsteps.asl.rules import RULES
from mlflowsteps.asl.validate import check, invalid_definition_message, service_location, validate
from mlflowsteps.exceptions import DefinitionError
from tests.counting import calls_of

from .recordings import FOLDER, as_params, cases, families
from .rules.machines import ARN, IS, PASS, choice, jsonata, machine, one, task

# --- recordings


def _accepted():
    """Every definition that the service took, once, with its machine type."""
    seen = set()
    for family in families():
        for case in cases(family):
            if case["kind"] == "test_state" or case["expected"].get("result") == "FAIL":
                continue
            machines = [(case["definition"], case["type"])]
            machines += [(m["definition"], m.get("type", "STANDARD")) for m in case.get("machines") or []]
            for definition, kind in machines:
                text = json.dumps([definition, kind])
                if text not in seen:
                    seen.add(text)
                    yield pytest.param(definition, kind, id=f"{family}-{len(seen)}")


ACCEPTED = list(_accepted()) or [pytest.param(None, "", marks=pytest.mark.skip(reason=f"no recordings at {FOLDER}"))]


@pytest.mark.parametrize(("definition", "kind"), ACCEPTED)
def test_no_false_alarm_on_what_the_service_took(definition, kind):
    before = copy.deepcopy(definition)
    assert validate(definition, machine_type=kind) == []
    assert definition == before


@pytest.mark.parametrize("case", as_params(cases("validation")))
def test_recorded_verdicts_and_words(case):
    definition, expected = case["definition"], case["expected"]
    found = validate(definition, machine_type=case["type"])
    assert bool(found) == (expected["result"] == "FAIL")
    if expected.get("message"):
        assert invalid_definition_message(definition, found) == expected["message"]
    if "diagnostics" in expected:
        parsed = {} if definition == "{}" else definition
        told = [_told(parsed, diagnostic) for diagnostic in found]
        assert told == expected["diagnostics"]


def _told(definition, diagnostic):
    told = {"code": diagnostic.code, "message": diagnostic.message, "severity": diagnostic.severity}
    location = service_location(definition, diagnostic)
    return {**told, **({"location": location} if location else {})}


# --- telling


def test_all_faults_are_told_at_once_in_the_order_of_the_definition():
    definition = machine(
        A={"Type": "Pass", "Nxt": "B", "Next": "C"}, B={"Type": "Wait", "Seconds": -1, "End": True}, D={"Type": "Tsk"}
    )
    found = validate(definition)
    assert [d.pointer for d in found if d.pointer.startswith("/States/A")]
    assert {d.code for d in found} == {"SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET"}
    assert len(found) >= 6


@pytest.mark.parametrize(
    ("definition", "hint"),
    [
        (machine(A={"Type": "Pass", "Next": "Tran"}, Train=PASS), "Did you mean 'Train'?"),
        (one({"Type": "Tsk", "End": True}), "Did you mean 'Task'?"),
        (one({**PASS, "ResultPth": "$"}), "Did you mean 'ResultPath'?"),
        (task(timeoutSeconds=1), "Did you mean 'TimeoutSeconds'?"),
        (choice({"Variable": "$.a", "StringEqual": "x", "Next": "B"}), "Did you mean 'StringEquals'?"),
        (
            task(Resource="arn:aws:states:::sagemaker:createTrainigJob.sync"),
            "Did you mean arn:aws:states:::sagemaker:createTrainingJob.sync?",
        ),
        (task(Resource="seed-data"), "arn:aws:lambda:<region>:<account>:function:seed-data"),
        (
            task(Resource="arn:aws:states:::lambda:invoke", Parameters={"functionName": "f"}),
            "It is written 'FunctionName'",
        ),
        (one({**PASS, "Output": 1}), "QueryLanguage"),
        (one({**PASS, "TimeoutSeconds": 1}), "It belongs to Task"),
        (one({**PASS, "Parameters": {"a.$": "States.Formt('x')"}}), "Did you mean States.Format?"),
    ],
)
def test_a_near_miss_is_told_what_was_meant(definition, hint):
    assert any(hint in d.hint for d in validate(definition)), [str(d) for d in validate(definition)]


def test_warnings_are_told_on_request():
    definition = one({**PASS, "Parameters": {"a": "$.x"}, "Result": {"b.$": "$.y"}})
    assert validate(definition) == []
    codes = {(d.code, d.severity) for d in validate(definition, warnings=True)}
    assert codes == {("NO_DOLLAR", "WARNING"), ("PASS_RESULT_IS_STATIC", "WARNING")}
    (unknown,) = validate(task(Retry=[{"ErrorEquals": ["States.Tiemout"]}]), warnings=True)
    assert (unknown.severity, unknown.hint) == ("WARNING", "Did you mean 'States.Timeout'?")


def test_check_refuses_with_every_fault():
    check(one(PASS))
    with pytest.raises(DefinitionError) as caught:
        check({"StartAt": "B", "States": {"A": {"Type": "Pass"}}})
    assert len(caught.value.diagnostics) == 2


def test_the_message_of_the_service_joins_all_faults():
    definition = machine(pass1={"Type": "Pass", "Next": "pass3"}, pass2=PASS)
    assert invalid_definition_message(definition, validate(definition)) == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: pass3 at "
        '/States/pass1/Next, MISSING_TRANSITION_TARGET: State "pass2" is not reachable. at /States/pass2\''
    )


def test_a_definition_without_an_end_has_no_location():
    definition = machine(A={"Type": "Pass", "Next": "A"})
    assert invalid_definition_message(definition, validate(definition)) == (
        "Invalid State Machine Definition: 'MISSING_END_STATE: Workflow has no terminal state at null'"
    )


def test_places_in_lists_are_written_in_brackets():
    definition = choice({**IS, "Next": "C"}, Default="B")
    (found,) = validate(definition)
    assert service_location(definition, found) == "/States/A/Choices[0]/Next"


def test_names_are_escaped_in_pointers_and_plain_in_locations():
    definition = machine(**{"a/b~c": {"Type": "Pass", "Next": "x"}})
    (found,) = validate(definition)
    assert found.pointer == "/States/a~1b~0c/Next"
    assert service_location(definition, found) == "/States/a/b~c/Next"


# --- text


def test_text_is_read_and_judged():
    assert validate(json.dumps(one(PASS))) == []
    assert validate("") == validate("   ") != []
    assert validate("[1]")[0].message == "Definition must be a valid JSON object"
    assert validate('{"StartAt": NaN}')[0].code == "INVALID_JSON_DESCRIPTION"
    assert validate('{"a":1')[0].code == "INVALID_JSON_DESCRIPTION"


@pytest.mark.parametrize("value", [None, 1, True, [], "x", 1.5])
def test_what_is_no_object_is_no_definition(value):
    assert len(validate(value)) == 1


# --- hostile


def test_states_nest_to_a_bound():
    definition: dict = machine(S0=PASS)
    for level in range(1, 151):
        definition = machine(**{f"S{level}": {"Type": "Parallel", "Branches": [definition], "End": True}})
    assert validate(definition) == []
    for level in range(151, 5_000):
        definition = machine(**{f"S{level}": {"Type": "Parallel", "Branches": [definition], "End": True}})
    assert {d.code for d in validate(definition)} == {"TOO_DEEPLY_NESTED"}


def _deep(levels):
    value: dict = {"x.$": "$"}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        (_deep(100_000), "SCHEMA_VALIDATION_FAILED"),
        (one({**PASS, "Parameters": _deep(100_000)}), "TOO_DEEPLY_NESTED"),
        (one({**PASS, "Result": _deep(100_000)}), None),  # taken as it stands
        (jsonata({**PASS, "Output": _deep(100_000)}), "TOO_DEEPLY_NESTED"),
        (task(Retry=[_deep(100_000)]), "SCHEMA_VALIDATION_FAILED"),
        ("[" * 100_000, "INVALID_JSON_DESCRIPTION"),
        ('{"a":' * 100_000, "INVALID_JSON_DESCRIPTION"),
    ],
    ids=["definition", "template", "result", "jsonata", "retrier", "array text", "object text"],
)
def test_depth_is_an_answer_and_no_crash(definition, code):
    found = validate(definition, warnings=True)
    assert {diagnostic.code for diagnostic in found} == ({code} if code else set())
    for diagnostic in found:
        assert len(str(diagnostic)) < 20_000


def test_deep_choice_rules_are_refused():
    rule = IS
    for _ in range(20_000):
        rule = {"Not": rule}
    assert "TOO_DEEPLY_NESTED" in {d.code for d in validate(choice({**rule, "Next": "B"}))}


def _chain(length, broken):
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}{'x' if broken else ''}"} for n in range(length)}
    return {"StartAt": "S0", "States": {**states, f"S{length}": PASS}}


@pytest.mark.parametrize("broken", [False, True])
def test_work_is_linear_in_the_number_of_states(broken):
    short, long = _chain(1_000, broken), _chain(4_000, broken)
    assert bool(validate(short)) is broken
    assert calls_of(lambda: validate(long)) < 4.4 * calls_of(lambda: validate(short))


NAMES = [
    *(field.name for field in FIELDS),
    *COMPARATORS,
    "And",
    "Or",
    "Not",
    "Variable",
    "Condition",
    "States",
    "StartAt",
    "ErrorEquals",
    "BackoffRate",
    "ProcessorConfig",
    "Mode",
    "A",
    "B",
    "a.$",
    "TimeoutSeconds",
    "ReaderConfig",
]
WORDS = [
    "Pass",
    "Task",
    "Choice",
    "Map",
    "Parallel",
    "Wait",
    "JSONata",
    "A",
    "B",
    "$",
    "$.a",
    "{% $a %}",
    "{% a %}",
    ARN,
    "DISTRIBUTED",
]
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**9)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
STATES = st.fixed_dictionaries(
    {"Type": st.sampled_from(["Pass", "Task", "Choice", "Map", "Parallel", "Wait", "Fail", "Succeed"])}
).flatmap(lambda base: st.dictionaries(st.sampled_from(NAMES), ANY, max_size=6).map(lambda more: {**more, **base}))
LIKELY = st.fixed_dictionaries(
    {
        "StartAt": st.sampled_from(["A", "B"]),
        "States": st.dictionaries(st.sampled_from(["A", "B", "C"]), STATES | ANY, max_size=3),
    },
    optional={"QueryLanguage": st.sampled_from(["JSONata", "JSONPath"]), "Comment": ANY},
)


@settings(max_examples=400, deadline=None)
@given(ANY | LIKELY, st.sampled_from(["STANDARD", "EXPRESS"]))
def test_any_json_is_judged_and_left_alone(definition, kind):
    before = copy.deepcopy(definition)
    found = validate(definition, machine_type=kind, warnings=True)
    assert definition == before
    for diagnostic in found:
        assert diagnostic.code
        assert diagnostic.message
        assert diagnostic.pointer == "" or diagnostic.pointer.startswith("/")
    assert invalid_definition_message(definition, found).startswith("Invalid State Machine Definition: '")


@settings(max_examples=100, deadline=None)
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_that_is_no_definition_is_refused(text):
    assert validate(text)


def test_every_rule_is_listed_once_and_says_what_it_checks():
    assert len(set(RULES)) == len(RULES)
    assert all(rule.__doc__ for rule in RULES)

from mlflowsteps.asl.references import variable_references


def test_each_state_has_the_variables_that_it_reads_itself():
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Parameters": {"x.$": "$outer[0]"}, "End": True}}}
    definition = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"outer.$": "$.x", "text": "$not"}, "Next": "B"},
            "B": {
                "Type": "Choice",
                "Choices": [{"Variable": "$outer.n", "NumericEqualsPath": "$limit", "Next": "M"}],
                "Default": "M",
            },
            "M": {"Type": "Map", "ItemsPath": "$rows", "ItemProcessor": inner, "Next": "J"},
            "J": {
                "Type": "Pass",
                "QueryLanguage": "JSONata",
                "Output": {"a": "{% $a + $states.input.b %}", "b": "$text"},
                "End": True,
            },
        },
    }
    assert variable_references(definition) == {"B": ["limit", "outer"], "M": ["rows"], "J": ["a"], "I": ["outer"]}


def test_the_input_and_the_context_object_are_no_variables():
    state = {"Type": "Pass", "InputPath": "$.a", "Parameters": {"b.$": "$$.Execution.Id", "c.$": "$"}, "End": True}
    assert variable_references({"StartAt": "A", "States": {"A": state}}) == {}

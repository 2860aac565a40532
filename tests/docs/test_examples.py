"""The examples of the documentation: what they compile to stands in golden files, and each runs on the runtime.

``pytest tests/docs/test_examples.py --rewrite-golden`` writes the golden files anew; nothing else does.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mlflowsteps.asl.validate import validate
from mlflowsteps.workflow import Workflow

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
GOLDEN = EXAMPLES / "asl"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


NAMES = ["preprocess_and_train", "train_and_transform", "train_transform_deploy", "own_container"]
MODULES = {name: example(name) for name in NAMES}
WORKFLOWS: dict[str, Workflow] = {
    workflow.name: workflow for module in MODULES.values() for workflow in module.workflows()
}


def golden(name: str) -> Path:
    return GOLDEN / f"{name}.asl.json"


def test_every_program_of_the_folder_is_run_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*NAMES, "container"}  # the container is own_container's


@pytest.mark.parametrize("name", WORKFLOWS)
def test_definition_is_the_golden_one_byte_by_byte(name: str, request: pytest.FixtureRequest) -> None:
    text = json.dumps(WORKFLOWS[name].definition.to_dict(), indent=2, ensure_ascii=False) + "\n"
    if request.config.getoption("--rewrite-golden"):
        golden(name).write_text(text, encoding="utf-8")

    assert text == golden(name).read_text(encoding="utf-8"), "if this is meant: pytest ... --rewrite-golden"


def test_every_golden_file_belongs_to_an_example() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {golden(name).name for name in WORKFLOWS}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_definition_is_valid_and_nothing_in_it_looks_like_a_mistake(name: str) -> None:
    assert WORKFLOWS[name].validate() == []


def test_the_preprocessed_data_trains_a_model() -> None:
    output = MODULES["preprocess_and_train"].main()
    assert output["TrainingJobStatus"] == "Completed"
    assert output["HyperParameters"]["num_round"] == "30"


def test_every_row_is_predicted() -> None:
    predictions = MODULES["train_and_transform"].main()
    assert len(predictions) == 50
    assert max(predictions) - min(predictions) > 0.2


def test_the_endpoint_of_the_tutorial_answers_as_it_was_trained() -> None:
    answer, label = MODULES["train_transform_deploy"].main()
    assert answer == pytest.approx(label, abs=0.1)


def test_the_own_container_trains_with_parameters_in_variants_and_answers_when_hosted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = MODULES["own_container"].main()

    assert found["TrainingTask"]["TrainingJobStatus"] == "Completed"
    assert found["TrainingTaskWithInput"]["HyperParameters"] == {"rounds": "20"}
    assert found["TrainingTaskWithInput"]["TrainingJobName"] == "byo-by-input-0"
    assert found["TrainSeveralModels"] == [
        {"TrainingJobName": f"byo-variant-{index}", "TrainingJobStatus": "Completed"} for index in (0, 1)
    ]
    assert found["answer"] == pytest.approx(0.325, abs=0.05)


# --- npm's asl-validator, the one validator that is current (https://www.npmjs.com/package/asl-validator)


@pytest.fixture(scope="session")
def asl_validator() -> Path:
    """The folder it is in; installed once into the user's cache, outside the tree."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node is not on PATH: npm's asl-validator cannot be asked")
    folder = Path.home() / ".cache" / "mlflowsteps-tests" / "asl-validator-4.0.0"
    if not (folder / "node_modules" / "asl-validator" / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), "asl-validator@4.0.0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install asl-validator here: {done.stderr.strip()[-300:]}")
    return folder


# One process judges all: starting Node with this module takes seconds.
ASK = """
const judge = require("asl-validator");
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = Object.entries(given).map(([name, definition]) => {
  const found = (judge.default || judge)(definition);
  return [name, found.isValid ? "" : found.errorsText("\\n") || "refused"];
});
console.log(JSON.stringify(Object.fromEntries(answers)));
"""


def asl_validator_says(folder: Path, definitions: dict[str, object]) -> dict[str, str]:
    """What asl-validator says of each definition; empty where it accepts it."""
    done = subprocess.run(
        ["node", "-e", ASK],
        cwd=folder,
        input=json.dumps(definitions),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_asl_validator_accepts_every_definition_of_the_examples(asl_validator: Path) -> None:
    definitions = {name: workflow.definition.to_dict() for name, workflow in WORKFLOWS.items()}
    assert set(asl_validator_says(asl_validator, definitions).values()) == {""}


PASS = {"Type": "Pass", "End": True}
TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
INVALID = {
    "missing target": {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}},
    "missing start": {"StartAt": "B", "States": {"A": PASS}},
    "no start": {"States": {"A": PASS}},
    "unreachable": {"StartAt": "A", "States": {"A": PASS, "B": PASS}},
    "no end": {"StartAt": "A", "States": {"A": {"Type": "Pass"}}},
    "unknown type": {"StartAt": "A", "States": {"A": {"Type": "Run", "End": True}}},
    "unknown field": {"StartAt": "A", "States": {"A": {**PASS, "Resullt": 1}}},
    "duplicate name": {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": PASS}}], "End": True},
        },
    },
    "no resource": {"StartAt": "A", "States": {"A": {"Type": "Task", "End": True}}},
    "bad path": {"StartAt": "A", "States": {"A": {**PASS, "InputPath": "a.b["}}},
    "bad intrinsic": {"StartAt": "A", "States": {"A": {**PASS, "Parameters": {"a.$": "States.Formt('x')"}}}},
    "two times": {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "SecondsPath": "$.a", "End": True}}},
    "no comparator": {
        "StartAt": "A",
        "States": {"A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "Next": "B"}]}, "B": PASS},
    },
    "no choices": {"StartAt": "A", "States": {"A": {"Type": "Choice", "Default": "B"}, "B": PASS}},
    "retry without errors": {"StartAt": "A", "States": {"A": {**TASK, "Retry": [{"MaxAttempts": 1}]}}},
    "catch without next": {"StartAt": "A", "States": {"A": {**TASK, "Catch": [{"ErrorEquals": ["States.ALL"]}]}}},
    "all not alone": {
        "StartAt": "A",
        "States": {"A": {**TASK, "Retry": [{"ErrorEquals": ["States.ALL", "E"]}]}},
    },
    "map without processor": {"StartAt": "A", "States": {"A": {"Type": "Map", "End": True}}},
    "succeed with next": {"StartAt": "A", "States": {"A": {"Type": "Succeed", "Next": "A"}}},
    "jsonata with parameters": {
        "QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {**TASK, "Parameters": {}}},
    },
    "bad jsonata": {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {**PASS, "Output": "{% $sum( %}"}}},
    "negative seconds": {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": -1, "End": True}}},
    "bad header place": {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Map",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "B",
                    "States": {"B": PASS},
                },
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "LAST_ROW"},
                    "Parameters": {"Bucket": "b", "Key": "k"},
                },
                "End": True,
            }
        },
    },
}  # fmt: skip


def test_our_validation_finds_a_fault_wherever_asl_validator_does(asl_validator: Path) -> None:
    theirs = {name for name, text in asl_validator_says(asl_validator, INVALID).items() if text}
    assert len(theirs) > 15
    assert {name for name in theirs if not validate(INVALID[name])} == set()


@pytest.mark.parametrize("name", INVALID)
def test_our_validation_finds_the_fault(name: str) -> None:
    assert validate(INVALID[name]) != []

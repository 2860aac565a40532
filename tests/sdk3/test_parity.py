"""SDK 3: for every class and every argument of its constructor, the step holds what the SDK itself would send."""

from __future__ import annotations

import importlib
import inspect
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.exceptions import DefinitionError
from tests.parity.harness import compare_page, kept_by_family, no_network, normal
from tests.sdk3.objects import config, made, of, shape, source_folder, train, trainer
from tests.sdk3.samples import BY_CLASS, CALL, CLASSES, FINE_TUNERS, ONLINE, REFUSED, REFUSED_CLASSES, SAMPLES, UNSEEN

ROWS: dict[str, list[tuple[str, str, str]]] = {}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source_folder(tmp_path)


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the constructors of the fine-tuning trainers ask SageMaker's hub for."""
    options: dict[str, Any] = {"learning_rate": {"default": 0.1, "type": "float", "min": 0, "max": 1}}
    judge = {"judge_model_id": {"default": ""}, "judge_prompt_template": {"default": "one", "enum": ["one", "two"]}}
    arn = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/m/1.0.0"

    def look(name: str, technique: str, *_: Any, **__: Any) -> Any:
        extra = judge if technique == "RLAIF" else {}
        return of("train.common.FineTuningOptions")({**options, **extra}), arn, False

    for name in ("sft", "dpo", "rlvr", "rlaif"):
        module = importlib.import_module(f"sagemaker.train.{name}_trainer")
        monkeypatch.setattr(module, "_get_fine_tuning_options_and_model_arn", look)
        monkeypatch.setattr(module, "_resolve_model_and_name", lambda model, *_: (model, model))


def one(name: str, extra: dict[str, Any]) -> tuple[Any, Any]:
    """What the SDK sends of an object, and what a step holds of one that is made the same way."""
    cls, (base, usual) = of(name), CLASSES[name]
    given = {key: value for key, value in {**base, **extra}.items() if key != CALL}
    call = extra.get(CALL, usual)
    own = normal(call(made(cls, given), True))
    mine_of = made(cls, given)
    before = repr(vars(mine_of))
    with no_network() as tried, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of members that Step Functions' integration may not know
        mine = normal(json.loads(json.dumps(call(mine_of, False))))
    assert tried == []
    assert repr(vars(mine_of)) == before
    return json.loads(json.dumps(own)), mine


def arguments(cls: Any) -> Iterator[str]:
    """The arguments of a constructor, with those that it passes on to its base."""
    for name in inspect.signature(cls).parameters:
        if name == "kwargs":
            yield from (
                n for n in inspect.signature(cls.__mro__[1]).parameters if n not in inspect.signature(cls).parameters
            )
        else:
            yield name


def without(name: str, argument: str, extra: dict[str, Any], plain: Any) -> Any:
    """What the SDK sends without an argument, but with what was set beside it, where that is enough for an object."""
    beside = {other: value for other, value in extra.items() if other != argument}
    try:
        return one(name, beside)[0] if beside else plain
    except ValueError:
        return plain


def verdict(name: str, argument: str, plain: Any) -> str:
    """What becomes of an argument: shown by its samples, or the reason that there are none."""
    key = (name.rpartition(".")[2], argument)
    if key in ONLINE:
        return ONLINE[key]
    if key in REFUSED:
        text, value, told = REFUSED[key]
        with pytest.raises(DefinitionError, match=told):
            CLASSES[name][1](made(of(name), {**CLASSES[name][0], argument: value}), False)
        return text
    reason = UNSEEN.get(key, None if key in BY_CLASS else UNSEEN.get(argument))
    changed = []
    for extra in BY_CLASS.get(key, SAMPLES.get(argument, []) if key not in UNSEEN else []):
        own, mine = one(name, extra)
        assert mine == own, f"{name}({argument})"
        changed.append(own != without(name, argument, extra, plain))
    assert reason or changed, f"{name}: no sample of {argument}"
    assert not any(changed) if reason else all(changed), f"{name}({argument}): {changed} says otherwise than {reason!r}"
    return reason or "kept"


@pytest.mark.parametrize("name", CLASSES)
def test_step_holds_what_the_sdk_sends(name: str) -> None:
    plain, mine = one(name, {})
    assert mine == plain
    ROWS[name] = [(name, argument, verdict(name, argument, plain)) for argument in arguments(of(name))]


METHODS: dict[str, Any] = {
    "with_checkpoint_config": lambda: config("CheckpointConfig", s3_uri="s3://c/w"),
    "with_infra_check_config": lambda: config("InfraCheckConfig", enable_infra_check=True),
    "with_metric_definitions": lambda: [config("MetricDefinition", name="n", regex="r")],
    "with_remote_debug_config": lambda: config("RemoteDebugConfig", enable_remote_debug=True),
    "with_retry_strategy": lambda: config("RetryStrategy", maximum_retry_attempts=3),
    "with_session_chaining_config": lambda: shape("SessionChainingConfig", enable_session_tag_chaining=True),
    "with_tensorboard_output_config": lambda: config("TensorBoardOutputConfig", s3_output_path="s3://t/b"),
}


def test_the_methods_of_the_trainer_that_set_something_are_kept() -> None:
    cls = of("train.model_trainer.ModelTrainer")
    assert {name for name in dir(cls) if name.startswith("with_")} == set(METHODS)
    rows = []
    for method, value in METHODS.items():
        own = normal(train(getattr(trainer(), method)(value()), True))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of members that Step Functions' integration may not know
            mine = normal(train(getattr(trainer(), method)(value()), False))
        assert mine == json.loads(json.dumps(own)), method
        assert own != normal(train(trainer(), True)), method
        rows.append(("train.model_trainer.ModelTrainer", f"{method}()", "kept"))
    ROWS["methods"] = rows


def test_no_sample_or_reason_stands_for_an_argument_that_is_gone() -> None:
    known = {(name.rpartition(".")[2], argument) for name in CLASSES for argument in arguments(of(name))}
    plain = {argument for _, argument in known}
    keys = [*BY_CLASS, *UNSEEN, *REFUSED, *ONLINE, *SAMPLES]
    left = [key for key in keys if (key not in known if isinstance(key, tuple) else key not in plain)]
    assert [key for key in left if not (isinstance(key, tuple) and key[0] in FINE_TUNERS)] == []


def test_the_documented_table_is_what_was_found() -> None:
    if set(ROWS) != {*CLASSES, "methods"}:
        pytest.skip("needs the rows of every class: run the whole file")
    refused = [(name, "all", text) for name, (_, _, text) in REFUSED_CLASSES.items()]  # shown by test_classes
    families = {
        "fine-tuning trainer": [name for name in CLASSES if name.rpartition(".")[2] in FINE_TUNERS],
        "processor": [name for name in CLASSES if name.endswith("Processor")],
    }
    rows = kept_by_family([row for name in (*CLASSES, "methods") for row in ROWS[name]], families)
    compare_page("SDK 3", grouped([*rows, *refused]))


def grouped(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The rows with the classes together of which the same is told; what is kept stays with its class."""
    classes: dict[tuple[str, str], list[str]] = {}
    for name, setting, found in rows:
        classes.setdefault((setting, found), []).append(name)
    having = {setting: {name for name, other, _ in rows if other == setting} for _, setting, _ in rows}
    told: dict[tuple[str, str, str], None] = {}
    for name, setting, found in rows:
        names = [name] if found == "kept" else classes[setting, found]
        everywhere = found != "kept" and len(names) > 1 and set(names) == having[setting]
        told["every class that has it" if everywhere else ", ".join(names), setting, found] = None
    return sorted(told, key=lambda row: row[0] != "every class that has it")

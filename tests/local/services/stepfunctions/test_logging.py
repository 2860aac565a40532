import json

import pytest

from mlflowsteps.exceptions import ServiceError
from tests.local.scheduler.bench import FUNCTION, machine, task
from tests.local.services.stepfunctions.conftest import Service

GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/vendedlogs/demo:*"
FAILING = {
    "StartAt": "A",
    "States": {"A": {"Type": "Pass", "Next": "F"}, "F": {"Type": "Fail", "Error": "E", "Cause": "c"}},
}


def logging(level, include=False):
    destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}]
    return {"level": level, "includeExecutionData": include, "destinations": destinations}


def lines(path, execution=None):
    file = path / "logs" / "aws-vendedlogs-demo.jsonl"
    found = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [line for line in found if execution in (None, line["execution_arn"])]


def types(path):
    return [line["type"] for line in lines(path)]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("ALL", ["ExecutionStarted", "PassStateEntered", "PassStateExited", "FailStateEntered", "ExecutionFailed"]),
        ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
        ("OFF", []),
    ],
)
@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_level_takes_its_events_of_both_types_of_state_machine(service, tmp_path, kind, level, expected):
    arn = service.make("m", FAILING, type=kind, loggingConfiguration=logging(level))
    service.finish(arn)
    assert types(tmp_path) == expected


def test_a_line_has_ids_time_and_details(service, tmp_path):
    execution = service.finish(service.make("m", FAILING, loggingConfiguration=logging("FATAL")))
    assert lines(tmp_path) == [
        {
            "id": "5", "type": "ExecutionFailed", "details": {"error": "E", "cause": "c"}, "previous_event_id": "4",
            "event_timestamp": "1000000000", "execution_arn": execution,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("include", [True, False])
def test_payloads_are_logged_where_they_are_wanted(service, tmp_path, include):
    service.finish(service.make("m", FAILING, loggingConfiguration=logging("ALL", include)), input='{"secret":1}')
    assert ("secret" in json.dumps(lines(tmp_path))) is include


def test_an_update_of_the_configuration_counts_for_later_executions(service, tmp_path):
    arn = service.make("m", FAILING)
    service.finish(arn)
    service.update_state_machine({"stateMachineArn": arn, "loggingConfiguration": logging("FATAL")})
    execution = service.finish(arn)
    assert [line["execution_arn"] for line in lines(tmp_path)] == [execution]


def test_a_log_is_complete_and_without_doubles_after_a_crash(tmp_path):
    service = Service(tmp_path / "store.sqlite")
    arn = service.make("m", machine(A=task(FUNCTION + "silent")), loggingConfiguration=logging("ALL"))
    execution = service.start(arn)
    service.handlers[FUNCTION + "silent"].was_started.wait(20)
    service.close()
    file = tmp_path / "logs" / "aws-vendedlogs-demo.jsonl"
    whole = file.read_text().splitlines(keepends=True)
    file.write_text("".join(whole[:-1]) + whole[-1][:9] + "\n")  # the last line was cut off
    service = Service(tmp_path / "store.sqlite")
    service.handlers[FUNCTION + "silent"] = service.handlers[FUNCTION + "echo"]
    service.scheduler.resume_all()
    service.scheduler.wait(execution, 30)
    service.close()
    ids = [json.loads(line)["id"] for line in file.read_text().splitlines() if line.endswith("}")]
    assert ids == [str(number) for number in range(1, len(ids) + 1)]
    assert len(ids) == 7


@pytest.mark.parametrize(
    "configuration",
    [
        {"level": "SOME"},
        {"level": "ALL"},
        {"level": "ALL", "destinations": logging("ALL")["destinations"] * 2},
        {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:s3:::bucket"}}]},
        {"level": "ALL", "destinations": [{}]},
    ],
)
def test_a_configuration_that_is_none_is_refused(service, configuration):
    with pytest.raises(ServiceError) as raised:
        service.make("m", FAILING, loggingConfiguration=configuration)
    assert raised.value.code == "InvalidLoggingConfiguration"


def test_a_name_of_a_log_group_stays_in_the_folder(service, tmp_path):
    hostile = GROUP.replace("/aws/vendedlogs/demo", "../../../../escape")
    configuration = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": hostile}}]}
    service.finish(service.make("m", FAILING, loggingConfiguration=configuration))
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["escape.jsonl"]

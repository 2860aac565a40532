"""LocalRuntime: its folder, who owns it, its life, and what is left when it dies."""

import copy
import json
import os
import pickle
import signal
import stat
import subprocess
import sys
import threading

import pytest
from botocore.exceptions import ClientError

from mlflowsteps.exceptions import RuntimeBusy, RuntimeClosed
from mlflowsteps.local import LocalRuntime, VirtualClock, active
from tests.local.runs import ROLE, finish, run, start, task

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9999, "End": True}}}
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "project" / ".mlflowsteps"


def test_the_folder_is_private_versioned_and_out_of_git(root):
    with LocalRuntime(root):
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        assert (root / "VERSION").read_text() == "1\n"
        assert (root / ".gitignore").read_text().splitlines()[-1] == "*"
        assert (root / "pid").read_text() == f"{os.getpid()}\n"
        assert (root / "store.sqlite").exists()
    assert not (root / "pid").exists()


def test_opening_starts_no_thread_and_loads_no_boto3(tmp_path):
    program = (
        "import sys, threading\n"
        "from mlflowsteps.local import LocalRuntime\n"
        f"runtime = LocalRuntime({str(tmp_path / 'r')!r})\n"
        "print(threading.active_count(), [name for name in ('boto3', 'botocore', 'networkx', 'numpy', 'IPython') "
        "if name in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("1 []\n", "")


@pytest.mark.parametrize(
    ("version", "message"), [("2", "has version 2; this release reads up to 1"), ("x", "'x' and no version's number")]
)
def test_a_folder_of_another_version_is_refused_and_left_alone(root, version, message):
    root.mkdir(parents=True)
    (root / "VERSION").write_text(version)
    with pytest.raises(ValueError, match=message):
        LocalRuntime(root)
    assert sorted(path.name for path in root.iterdir()) in (["VERSION"], ["VERSION", "lock"])
    assert (root / "VERSION").read_text() == version


def test_a_folder_with_other_things_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notebook.ipynb").write_text("{}")
    mode = tmp_path.stat().st_mode
    with pytest.raises(ValueError, match=r"notebook\.ipynb.*such as .*\.mlflowsteps"):
        LocalRuntime(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notebook.ipynb"]
    assert tmp_path.stat().st_mode == mode
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is no folder"):
        LocalRuntime(tmp_path / "file")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"region": "mars"}, "region"),
        ({"account_id": "123"}, "12 digits"),
        ({"aws": "real"}, "never calls AWS"),
        ({"max_jobs": 0}, "max_jobs"),
        ({"clients": {"stepfunctions": object()}}, "leave it out"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_made(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        LocalRuntime(root, **arguments)
    with pytest.raises(TypeError, match="list of names"):
        LocalRuntime(root, pass_environment="HOME")
    assert not root.exists()


# One owner


def test_a_second_runtime_of_this_process_is_refused_until_the_first_is_closed(root):
    first = LocalRuntime(root)
    with pytest.raises(
        RuntimeBusy, match=rf"is open in this process \({os.getpid()}\) already.*close\(\) it first"
    ) as caught:
        LocalRuntime(root)
    assert (caught.value.pid, caught.value.root) == (os.getpid(), str(root))
    first.close()
    LocalRuntime(root).close()


HOLD = """
import sys
from mlflowsteps.local import LocalRuntime
runtime = LocalRuntime(sys.argv[1])
runtime.client("s3").create_bucket(Bucket="bucket")
runtime.client("s3").put_object(Bucket="bucket", Key="k", Body=b"1")
import json
client = runtime.client("stepfunctions")
arn = client.create_state_machine(name="m", definition=sys.argv[2], roleArn=sys.argv[3])["stateMachineArn"]
arn = client.start_execution(stateMachineArn=arn, name="n")["executionArn"]
{more}
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(root):
    """Starts another process that has the folder open and runs an execution in it."""
    started = []

    def hold(definition, more=""):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD.replace("{more}", more), str(root), json.dumps(definition), ROLE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_a_folder_that_another_process_owns_is_busy_with_its_pid_and_free_at_its_death(root, holder):
    process = holder(WAIT)
    with pytest.raises(RuntimeBusy, match=f"process {process.pid}.*read_only=True"):
        LocalRuntime(root)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with LocalRuntime(root, resume=False) as runtime:
        assert (root / "pid").read_text() == f"{os.getpid()}\n"
        assert runtime.client("s3").list_buckets()["Buckets"][0]["Name"] == "bucket"


def test_read_only_lists_describes_and_reads_while_another_process_owns_it(root, holder):
    holder(WAIT)
    before = sorted(path.name for path in root.iterdir())
    with LocalRuntime(root, read_only=True) as runtime:
        client = runtime.client("stepfunctions")
        (machine,) = client.list_state_machines()["stateMachines"]
        (execution,) = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        assert execution["status"] == "RUNNING"
        assert client.get_execution_history(executionArn=execution["executionArn"])["events"]
        assert client.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["name"] == "m"
        s3 = runtime.client("s3")
        assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"1"
        assert runtime.client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []
        for change in (
            lambda: s3.put_object(Bucket="bucket", Key="x"),
            lambda: client.start_execution(stateMachineArn=machine["stateMachineArn"]),
            lambda: client.stop_execution(executionArn=execution["executionArn"]),
        ):
            with pytest.raises(ClientError, match="read_only=True"):
                change()
        with pytest.raises(RuntimeClosed, match="runs nothing"):
            runtime.resume()
        assert "read only" in repr(runtime)
    assert sorted(path.name for path in root.iterdir()) == before


def test_read_only_of_a_folder_that_is_not_there_makes_none(root):
    with pytest.raises(FileNotFoundError):
        LocalRuntime(root, read_only=True)
    assert not root.exists()


# Life


def test_an_execution_that_a_killed_process_left_goes_on_with_the_first_client(root, holder):
    definition = {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Wait", "Seconds": 2, "Next": "Second"},
            "Second": {"Type": "Task", "Resource": FUNCTION, "End": True},
        },
    }
    process = holder(definition)
    process.send_signal(signal.SIGKILL)
    process.wait()
    called = []
    with LocalRuntime(root) as runtime:
        runtime.register_function("f", lambda event, context: called.append(1) or "done")
        assert called == []
        arn = "arn:aws:states:us-east-1:123456789012:execution:m:n"
        assert finish(runtime, arn)["output"] == "done"
    assert called == [1]


def test_without_resume_only_the_call_of_that_name_goes_on(root):
    with LocalRuntime(root) as runtime:
        runtime.register_function("f", lambda event, context: threading.Event().wait(600))
        arn = start(runtime, task(FUNCTION))
    with LocalRuntime(root, resume=False) as runtime:
        runtime.register_function("f", lambda event, context: "done")
        client = runtime.client("stepfunctions")
        assert client.describe_execution(executionArn=arn)["status"] == "RUNNING"
        assert runtime.resume() == 1
        assert finish(runtime, arn)["output"] == "done"
        assert runtime.resume() == 0


def test_closing_leaves_executions_running_and_says_so_in_one_line(root, caplog):
    runtime = LocalRuntime(root)
    arn = start(runtime, WAIT)
    runtime.close()
    runtime.close()
    (record,) = [record for record in caplog.records if record.name.startswith("mlflowsteps")]
    assert "1 execution is left RUNNING" in record.getMessage()
    assert str(root) in record.getMessage()
    with LocalRuntime(root, resume=False) as again:
        assert again.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "RUNNING"


def test_closing_with_wait_finishes_them_first(root, caplog):
    runtime = LocalRuntime(root, clock=VirtualClock())
    arn = start(runtime, WAIT)
    runtime.close(wait=True)
    assert not [record for record in caplog.records if record.name.startswith("mlflowsteps")]
    with LocalRuntime(root) as again:
        assert again.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "SUCCEEDED"


def test_a_program_that_ends_without_closing_says_what_is_left(root, tmp_path):
    program = HOLD.replace("{more}", "").replace("sys.stdin.read()", "")
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(root), json.dumps(WAIT), ROLE],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (0, "ready\n")
    (line,) = ended.stderr.splitlines()
    assert "1 execution is left RUNNING" in line
    assert str(root) in line
    assert not (root / "pid").exists()


FORK = """
import os, sys
from mlflowsteps.exceptions import RuntimeBusy
from mlflowsteps.local import LocalRuntime
runtime = LocalRuntime(sys.argv[1])
child = os.fork()
if child == 0:
    sys.exit(0)  # runs what is to be done at exit
os.waitpid(child, 0)
print(os.path.exists(os.path.join(sys.argv[1], "pid")))
try:
    LocalRuntime(sys.argv[1])
except RuntimeBusy:
    print("still ours")
"""


def test_a_fork_that_ends_takes_nothing_from_the_owner(root):
    ended = subprocess.run([sys.executable, "-c", FORK, str(root)], check=True, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("True\nstill ours\n", "")


def test_a_closed_runtime_refuses_everything_clearly(root):
    runtime = LocalRuntime(root)
    client = runtime.client("stepfunctions")
    runtime.close()
    for call in (
        lambda: runtime.client("s3"),
        runtime.session,
        runtime.resume,
        runtime.activate,
        lambda: runtime.register_function("f", print),
        lambda: runtime.register_integration("sns:publish", print),
        lambda: runtime.register_image("a", ["b"]),
        lambda: runtime.fail_next("s3", "PutObject", "SlowDown"),
        client.list_state_machines,
    ):
        with pytest.raises(RuntimeClosed, match="was closed"):
            call()
    assert "closed" in repr(runtime)


def test_state_machines_objects_and_jobs_outlive_the_process(root):
    with LocalRuntime(root) as runtime:
        ended = run(runtime, PASS, {"a": 1})
        runtime.client("s3").create_bucket(Bucket="bucket")
        runtime.client("sagemaker").create_model(
            ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "x:1"}
        )
    with LocalRuntime(root) as runtime:
        again = runtime.client("stepfunctions").describe_execution(executionArn=ended["executionArn"])
        assert again["output"] == '{"a": 1}'
        assert runtime.client("s3").list_buckets()["Buckets"][0]["Name"] == "bucket"
        assert runtime.client("sagemaker").describe_model(ModelName="m")["PrimaryContainer"]["Image"] == "x:1"


def test_a_temporary_runtime_leaves_nothing(caplog):
    with LocalRuntime.temporary(region="eu-west-1") as runtime:
        root = runtime.root
        assert root.is_dir()
        assert runtime.client("s3").meta.region_name == "eu-west-1"
        start(runtime, WAIT)
    assert not root.exists()
    assert "1 execution is dropped with the temporary runtime" in caplog.text


def test_active_runtimes_are_nested(root, tmp_path):
    outer, inner = LocalRuntime(root), LocalRuntime(tmp_path / "inner")
    assert active() is None
    with outer:
        assert active() is outer
        inner.activate()
        seen = []
        thread = threading.Thread(target=lambda: seen.append(active()))
        thread.start()
        thread.join()
        assert seen == [inner]
        inner.close()
        assert active() is outer
    assert active() is None


def test_repr_names_folder_state_and_place(root):
    with LocalRuntime(root) as runtime:
        assert repr(runtime) == f"<LocalRuntime {str(root)!r} (open, us-east-1, account 123456789012)>"


def test_a_clock_is_a_clock(root):
    with pytest.raises(TypeError, match=r"must be a SystemClock\(\) or a VirtualClock\(\), not 'virtual'"):
        LocalRuntime(root, clock="virtual")
    assert not root.exists()


@pytest.mark.parametrize("take", [pickle.dumps, copy.deepcopy, copy.copy])
def test_a_runtime_is_not_pickled_and_says_what_to_do_instead(root, take):
    with LocalRuntime(root) as runtime, pytest.raises(TypeError, match=r"it owns its folder.*read_only=True"):
        take(runtime)


# Clients and faults


def test_a_service_that_nothing_plays_is_refused_with_what_to_add(root):
    with LocalRuntime(root) as runtime:
        with pytest.raises(ValueError, match=r"does not play sns.*clients=\{'sns': client\}"):
            runtime.client("sns")
        with pytest.raises(ValueError, match=r"Did you mean 'stepfunctions'\? It plays lambda, logs, s3, "):
            runtime.client("stepfunction")
        assert runtime.client("states") is runtime.client("stepfunctions")
        assert runtime.client("s3") is runtime.client("s3")


def test_faults_reach_clients_and_tasks_alike_and_only_as_often_as_asked(root):
    with LocalRuntime(root) as runtime:
        runtime.register_function("f", lambda event, context: 1)
        runtime.fail_next("lambda", "invoke", "TooManyRequestsException", times=2)
        client = runtime.client("lambda")
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName="f")
        assert run(runtime, task(FUNCTION))["error"] == "Lambda.TooManyRequestsException"
        assert run(runtime, task(FUNCTION))["output"] == 1
        runtime.fail_next("s3", "PutObject", "SlowDown")
        with pytest.raises(ClientError) as caught:
            runtime.client("s3").put_object(Bucket="bucket", Key="k")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense", "PutObject", "E"), "no AWS service"),
        (("s3", "Nonsense", "E"), "no operation 'Nonsense'"),
        (("s3", "PutObject", "E", 0), "at least 1"),
    ],
)
def test_a_fault_of_what_does_not_exist_is_refused(root, arguments, message):
    with LocalRuntime(root) as runtime, pytest.raises(ValueError, match=message):
        runtime.fail_next(*arguments)


def test_lambda_through_its_client(root):
    with LocalRuntime(root) as runtime:
        called = threading.Event()
        runtime.register_function("f", lambda event, context: called.set() or {"event": event})
        client = runtime.client("lambda")
        answer = client.invoke(FunctionName="f", Payload=b'{"a": 1}')
        assert (json.loads(answer["Payload"].read()), answer["StatusCode"], answer["ExecutedVersion"]) == (
            {"event": {"a": 1}}, 200, "$LATEST",
        )  # fmt: skip
        assert "FunctionError" not in answer
        called.clear()
        assert client.invoke(FunctionName="f", InvocationType="Event")["StatusCode"] == 202
        assert called.wait(10)
        assert client.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
        assert [function["FunctionName"] for function in client.list_functions()["Functions"]] == ["f"]
        assert client.get_function(FunctionName=FUNCTION)["Configuration"]["FunctionArn"] == FUNCTION
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_function(FunctionName="none")
        runtime.register_function("g", lambda event, context: 1 / 0)
        assert client.invoke(FunctionName="g")["FunctionError"] == "Unhandled"


def test_sagemaker_lists_tags_and_deletes(root):
    with LocalRuntime(root) as runtime:
        client = runtime.client("sagemaker")
        for name in ("alpha", "beta", "gamma"):
            arn = client.create_model(
                ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "x:1"},
                Tags=[{"Key": "team", "Value": name}],
            )["ModelArn"]  # fmt: skip
        pages = list(client.get_paginator("list_models").paginate(PaginationConfig={"PageSize": 2}))
        assert [[model["ModelName"] for model in page["Models"]] for page in pages] == [["gamma", "beta"], ["alpha"]]
        found = client.list_models(NameContains="A", SortBy="Name", SortOrder="Ascending")["Models"]
        assert [model["ModelName"] for model in found] == ["alpha", "beta", "gamma"]
        assert client.list_models(NameContains="bet")["Models"][0]["ModelName"] == "beta"
        assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "gamma"}]
        client.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
        client.delete_tags(ResourceArn=arn, TagKeys=["team"])
        assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
        client.delete_model(ModelName="gamma")
        with pytest.raises(ClientError, match="gamma"):
            client.describe_model(ModelName="gamma")
        with pytest.raises(ClientError, match="NextToken"):
            client.list_models(NextToken="nonsense")


def test_who_the_caller_is(root):
    with LocalRuntime(root, account_id="210987654321") as runtime:
        assert runtime.session().client("sts").get_caller_identity()["Account"] == "210987654321"

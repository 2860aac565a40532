"""Moto as a server process: asked for, apart from this process, gone with the runtime."""

import os
import subprocess
import sys

import pytest

from mlflowsteps.local import LocalRuntime
from tests.local.runs import run, task

pytest.importorskip("moto")


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    with LocalRuntime(tmp_path_factory.mktemp("moto") / "root", aws="moto", account_id="210987654321") as runtime:
        yield runtime


def test_tasks_reach_what_moto_plays(runtime):
    topic = runtime.client("sns").create_topic(Name="alerts")["TopicArn"]
    assert topic == "arn:aws:sns:us-east-1:210987654321:alerts"
    output = run(runtime, task("arn:aws:states:::sns:publish", {"TopicArn": topic, "Message": {"a": 1}}))["output"]
    assert output["MessageId"]
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_errors_of_moto_are_named_as_the_services(runtime):
    topic = "arn:aws:sns:us-east-1:210987654321:none"
    ended = run(runtime, task("arn:aws:states:::sns:publish", {"TopicArn": topic, "Message": "m"}))
    assert ended["error"] == "SNS.NotFoundException"
    ended = run(runtime, task("arn:aws:states:::dynamodb:getItem", {"TableName": "none", "Key": {"id": {"S": "1"}}}))
    assert ended["error"] == "DynamoDB.ResourceNotFoundException"


def test_the_runtimes_own_services_stay_its_own(runtime):
    runtime.client("s3").create_bucket(Bucket="ours")
    assert runtime.objects.has_bucket("ours")


def test_moto_is_not_loaded_into_this_process(tmp_path):
    program = (
        "import sys\n"
        "from mlflowsteps.local import LocalRuntime\n"
        f"with LocalRuntime({str(tmp_path / 'root')!r}, aws='moto') as runtime:\n"
        "    runtime.client('sqs').create_queue(QueueName='q')\n"
        "    process = runtime._players._moto._process\n"
        "    print(process.poll(), [name for name in sys.modules if name.startswith('moto')])\n"
        "print(process.poll() is not None)\n"
    )
    variables = os.environ | {"AWS_PROFILE": "missing", "HTTP_PROXY": "http://127.0.0.1:9"}
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=variables)
    assert ended.stdout == "None []\nTrue\n"


def test_the_server_ends_when_its_owner_is_killed(tmp_path):
    program = (
        "import os, signal\n"
        "from mlflowsteps.local import LocalRuntime\n"
        f"runtime = LocalRuntime({str(tmp_path / 'root')!r}, aws='moto')\n"
        "runtime.client('sqs')\n"
        "print(runtime._players._moto._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # The server holds the other end of our pipe for its log to none of us, but its own stdin closes with its owner.
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    pid = int(ended.stdout)
    with pytest.raises(ProcessLookupError):  # a zombie would still be there; its new parent reaps it
        _wait_gone(pid)


def _wait_gone(pid):
    import threading

    pause = threading.Event()
    for _ in range(1000):
        os.kill(pid, 0)
        if _is_zombie(pid):
            raise ProcessLookupError(pid)
        pause.wait(0.01)


def _is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return False


def test_moto_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'moto\[server\]'"):
        LocalRuntime(tmp_path / "root", aws="moto")
    assert not (tmp_path / "root").exists()

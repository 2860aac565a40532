"""http:invoke against a server on this machine; nothing else is asked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlflowsteps.local import LocalRuntime

ROLE = "arn:aws:iam::123456789012:role/workflow"


class Echo(BaseHTTPRequestHandler):
    """Answers what it was asked, as JSON; ``/<status>`` with that status."""

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        asked = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        status = int(self.path.strip("/")) if self.path.strip("/").isdecimal() else 200
        body = b"x" * 300_000 if self.path == "/large" else json.dumps(asked).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if self.path == "/text" else "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "http://example.com/")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.do_POST()

    def log_message(self, *arguments):
        """Quiet."""


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    with LocalRuntime(tmp_path_factory.mktemp("http") / "runtime", allowed_hosts=["unreachable.invalid"]) as runtime:
        yield runtime


def ask(runtime, **parameters):
    state = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Parameters": parameters, "End": True}
    return runtime.client("stepfunctions").test_state(
        definition=json.dumps(state), roleArn=ROLE, input="{}", inspectionLevel="TRACE"
    )


def answer(runtime, **parameters):
    response = ask(runtime, **parameters)
    assert response["status"] == "SUCCEEDED", response
    return json.loads(response["output"])


def test_a_request_has_method_query_headers_and_a_json_body(runtime, server):
    output = answer(
        runtime, ApiEndpoint=server + "/a?x=1", Method="POST", Headers={"X-One": "1"},
        QueryParameters={"y": "a b", "z": [1, 2]}, RequestBody={"k": [1]},
    )  # fmt: skip
    asked = output["ResponseBody"]
    assert (asked["method"], asked["path"], asked["body"]) == ("POST", "/a?x=1&y=a+b&z=1&z=2", '{"k":[1]}')
    assert asked["headers"]["x-one"] == "1"
    assert asked["headers"]["content-type"] == "application/json"
    assert asked["headers"]["user-agent"].startswith("Amazon|StepFunctions|HttpInvoke|")
    assert (output["StatusCode"], output["StatusText"]) == (200, "OK")
    assert output["Headers"]["content-type"] == ["application/json"]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("INDICES", "a%5B0%5D=1&a%5B1%5D=2&b%5Bc%5D=x"),
        ("REPEAT", "a=1&a=2&b%5Bc%5D=x"),
        ("COMMAS", "a=1,2&b%5Bc%5D=x"),
        ("BRACKETS", "a%5B%5D=1&a%5B%5D=2&b%5Bc%5D=x"),
    ],
)
def test_a_form_writes_arrays_as_it_is_told(runtime, server, form, body):
    transform = {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": form}}
    output = answer(
        runtime, ApiEndpoint=server, Method="POST", Transform=transform, RequestBody={"a": [1, 2], "b": {"c": "x"}}
    )
    assert output["ResponseBody"]["body"] == body.replace("%5B", "[").replace("%5D", "]")
    assert output["ResponseBody"]["headers"]["content-type"] == "application/x-www-form-urlencoded"


def test_text_that_is_no_json_stays_text(runtime, server):
    assert isinstance(answer(runtime, ApiEndpoint=server + "/text", Method="GET")["ResponseBody"], str)


@pytest.mark.parametrize("status", [302, 404, 503])
def test_a_status_that_is_no_success_fails_the_state_and_a_redirect_is_not_followed(runtime, server, status):
    response = ask(runtime, ApiEndpoint=f"{server}/{status}", Method="GET")
    assert (response["status"], response["error"]) == ("FAILED", f"States.Http.StatusCode.{status}")


def test_a_trace_shows_request_and_response(runtime, server):
    data = ask(runtime, ApiEndpoint=server + "/a", Method="GET")["inspectionData"]
    assert (data["request"]["method"], data["request"]["url"]) == ("GET", server + "/a")
    assert (data["response"]["statusCode"], data["response"]["statusMessage"]) == ("200", "OK")


def test_a_large_answer_is_too_much(runtime, server):
    assert ask(runtime, ApiEndpoint=server + "/large", Method="GET")["error"] == "States.DataLimitExceeded"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://example.com/", "http://169.254.169.254/latest", "http://127.0.0.1@example.com/", "http://10.0.0.1/",
        "http://localhost.example.com/", "http://127.0.0.1.nip.io/", "ftp://127.0.0.1/", "file:///etc/passwd",
        "nothing", "http://[::1", "http://127.0.0.1/\r\nX: y", "http://0.0.0.0/",
    ],
)  # fmt: skip
def test_no_other_host_is_asked(runtime, endpoint):
    response = ask(runtime, ApiEndpoint=endpoint, Method="GET")
    assert (response["status"], response["error"]) == ("FAILED", "States.Runtime")


def test_the_refusal_names_the_line_that_allows_a_host(runtime):
    assert 'allowed_hosts=["example.com"]' in ask(runtime, ApiEndpoint="https://example.com", Method="GET")["cause"]


def test_an_allowed_host_is_asked_and_its_absence_is_a_socket_error(runtime):
    assert ask(runtime, ApiEndpoint="http://unreachable.invalid/", Method="GET")["error"] == "States.Http.Socket"


@pytest.mark.parametrize(
    "fields",
    [{"Headers": {"Host": "x"}}, {"Headers": {"X": "a\r\nb"}}, {"Method": "TRACE"}, {"Headers": {"X-Amz-Y": "1"}}],
)
def test_what_no_request_may_have_is_refused(runtime, server, fields):
    assert ask(runtime, **{"ApiEndpoint": server, "Method": "GET", **fields})["error"] == "States.Runtime"

from __future__ import annotations

import io
import sys
import types

import pytest

from mlflowsteps.display import Live, ProgressView
from mlflowsteps.display import live as module
from tests.graph import histories, samples
from tests.graph.histories import BEGIN


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def view(count: int | None = None, events=None, status: str = "RUNNING") -> ProgressView:
    events = histories.target_failed() if events is None else events
    shown = events[:count]
    now = shown[-1]["timestamp"] if shown else BEGIN
    return ProgressView(samples.TARGET, {"name": "run", "status": status, "startDate": BEGIN}, shown, now=now)


def test_log_has_one_line_for_each_change_of_a_state():
    out = io.StringIO()
    live = Live(mode="lines", stream=out)
    events = histories.target_failed()
    for count in range(1, len(events)):
        live.update(view(count))
        live.update(view(count))
    live.update(view(status="FAILED"))
    live.close()
    lines = out.getvalue().splitlines()
    assert "run: ▶" in lines[0]
    assert len([line for line in lines if "Validate input: Succeeded" in line]) == 1
    assert any("Train candidates / Train LightGBM: Failed" in line and "out of memory" in line for line in lines)
    assert "Cause: AlgorithmError: out of memory, exit code 137" in lines
    assert "Log: jobs/lgbm/log.txt" in lines
    assert lines[-1].startswith("Earlier: Train candidates / Train LightGBM: States.TaskFailed")
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()


def test_log_tells_a_note_once_as_long_as_it_stands():
    out = io.StringIO()
    live = Live(mode="lines", stream=out)
    told = ["Watching was interrupted"], ["Watching was interrupted", "Throttled\x1b[2J"], []
    for notes in (*told, told[0]):
        live.update(ProgressView(samples.TARGET, {"name": "run", "status": "RUNNING"}, [], notes=notes, now=BEGIN))
    lines = out.getvalue().splitlines()[1:]
    assert [line[:9] for line in lines] == ["Watching ", "Throttled", "Watching "]
    assert "\x1b" not in out.getvalue()


def test_log_speaks_each_five_minutes_without_a_change():
    out, clock = io.StringIO(), Clock()
    live = Live(mode="lines", stream=out, clock=clock)
    live.update(view(5))
    spoken = len(out.getvalue().splitlines())
    for clock.now in (100, 299, 300, 301, 599, 600):
        live.update(view(5))
    lines = out.getvalue().splitlines()[spoken:]
    assert len(lines) == 2
    assert all(line.startswith("still running: run") for line in lines)


def test_line_is_written_with_escapes_where_the_encoding_lacks_a_character():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    Live(mode="lines", stream=out).update(view(6))
    assert b"\\u2713" in raw.getvalue()


@pytest.mark.parametrize(
    ("stream", "environ", "mode"),
    [
        (Terminal(), {"TERM": "xterm"}, "terminal"),
        (Terminal(), {"TERM": "dumb"}, "lines"),
        (Terminal(), {"CI": "true"}, "lines"),
        (io.StringIO(), {"TERM": "xterm"}, "lines"),
    ],
)
def test_mode_follows_stream_and_environment(stream, environ, mode):
    assert Live(stream=stream, environ=environ).mode == mode


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="notebook, terminal, lines"):
        Live(mode="gui")


def test_ansi_terminal_redraws_its_own_lines(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    out, clock = Terminal(), Clock()
    live = Live(mode="terminal", stream=out, clock=clock)
    live.update(view(6))
    first = out.getvalue()
    assert "\x1b[20F" not in first
    live.update(view(6))
    assert out.getvalue() == first  # nothing new, and the same second
    clock.now = 5
    live.update(view(12))
    assert out.getvalue().removeprefix(first).startswith("\x1b[20F")
    live.close()
    assert "Prepare data" in out.getvalue()


def test_rich_terminal_ends_with_the_last_snapshot():
    pytest.importorskip("rich")
    out = Terminal()
    live = Live(mode="terminal", stream=out)
    live.update(view(6))
    live.update(view(status="FAILED"))
    live.close()
    assert "Notify failure" in out.getvalue()
    assert "NotGoodEnough" in out.getvalue()


def test_names_cannot_send_escapes_to_a_terminal():
    for mode in ("lines", "terminal"):
        out = Terminal()
        history = histories.History()
        history.start()
        history.task("null\x00bell\x07esc\x1b[31m", 0)
        snapshot = ProgressView(
            samples.HOSTILE, {"name": "\x1b]0;x\x07", "status": "RUNNING"}, history.events, now=BEGIN
        )
        live = Live(mode=mode, stream=out)
        live.update(snapshot)
        live.close()
        assert "\x07" not in out.getvalue()
        assert "\x1b[31mnull" not in out.getvalue()
        assert "\\x1b]0;x\\x07" in out.getvalue()


def test_tall_trees_show_what_is_going_on(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(module, "_window", lambda stream: (80, 8))
    out = Terminal()
    Live(mode="terminal", stream=out).update(view(14, histories.target_failed()))
    assert "more lines" in out.getvalue()
    assert "Train XGBoost" in out.getvalue()
    assert len(out.getvalue().splitlines()) <= 9


class Handle:
    def __init__(self, log):
        self.log = log

    def update(self, shown):
        self.log.append(("update", shown))


def test_notebook_output_is_replaced_only_when_something_changed(monkeypatch):
    log = []

    def display(shown, *, display_id):
        assert display_id is True
        log.append(("display", shown))
        return Handle(log)

    fake = types.ModuleType("IPython")
    fake.display = types.SimpleNamespace(display=display)
    shell = types.SimpleNamespace(kernel=object(), execution_count=7)
    fake.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", fake)
    clock = Clock()
    live = Live(clock=clock)
    assert live.mode == "notebook"
    live.update(view(6))
    live.update(view(6))
    live.update(view(12))
    clock.now = 29
    live.update(view(12))
    assert [kind for kind, _ in log] == ["display", "update"]
    clock.now = 31  # nothing has changed but the time
    last = view(12)
    live.update(last)
    with pytest.raises(NotImplementedError):
        last._ipython_display_()
    live.close()
    live.update(view(14))
    assert [kind for kind, _ in log] == ["display", "update", "update"]
    last._ipython_display_()  # as that cell's result: it is there already
    shell.execution_count = 8
    with pytest.raises(NotImplementedError):
        last._ipython_display_()


def test_ipython_is_not_loaded_to_find_out(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    Live(stream=io.StringIO())
    assert "IPython" not in sys.modules


def test_with_statement_closes():
    out = io.StringIO()
    with Live(mode="lines", stream=out) as live:
        live.update(view(3))
    before = out.getvalue()
    live.update(view(12))
    assert out.getvalue() == before

"""One view kept up to date where a person looks: in a notebook's output, on a terminal, or line by line in a log.

Owns finding out which of the three, and showing a view in it only when it tells something new. Polls nothing: whoever
has a new view calls ``update``. IPython and rich are used only where they are there already.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from mlflowsteps.display.progress import ProgressView
from mlflowsteps.display.view import cell_number
from mlflowsteps.graph.visits import STATUSES
from mlflowsteps.graph.words import brief, cut, duration, visible

__all__ = ["HEARTBEAT_SECONDS", "Live"]

HEARTBEAT_SECONDS = 300.0
"""Without a terminal, a line says after so long without a change that the execution goes on."""

_REFRESH_SECONDS = 30.0  # a notebook's running durations and time of update are renewed so often without a change
_REDRAW_SECONDS = 1.0  # a terminal's running durations are redrawn no more often


class _Screen(Protocol):
    def show(self, view: ProgressView) -> None: ...

    def close(self) -> None: ...


class Live:
    """Shows the latest snapshot of one execution.

    Args:
        mode: ``notebook``, ``terminal`` or ``lines``; None: a notebook where IPython runs in one, a terminal where the
            stream is one and neither ``TERM=dumb`` nor ``CI`` is set, else lines.
        stream: where text goes; None: standard output.
        clock: seconds that only grow; for the heartbeat.
        environ: environment variables; None: the process's.

    Raises:
        ValueError: there is no such mode.
    """

    def __init__(
        self,
        *,
        mode: str | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        out = sys.stdout if stream is None else stream
        variables = os.environ if environ is None else environ
        self.mode = mode or _found_mode(out, variables)
        makers: dict[str, Callable[[], _Screen]] = {
            "notebook": lambda: _Notebook(clock),
            "terminal": lambda: _terminal(out, clock),
            "lines": lambda: _Lines(out, clock),
        }
        if self.mode not in makers:
            raise ValueError(f"mode {self.mode!r} is none of {', '.join(makers)}")
        self._screen = makers[self.mode]()
        self._closed = False

    def update(self, view: ProgressView) -> None:
        """Show a new snapshot; one that tells nothing new costs nothing but the look."""
        if not self._closed:
            self._screen.show(view)

    def close(self) -> None:
        """Leave the last snapshot standing; further updates are dropped."""
        if not self._closed:
            self._closed = True
            self._screen.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _found_mode(stream: TextIO, environ: Mapping[str, str]) -> str:
    if _in_notebook() and stream is sys.stdout:
        return "notebook"
    if environ.get("TERM") == "dumb" or environ.get("CI") or not stream.isatty():
        return "lines"
    return "terminal"


def _in_notebook() -> bool:
    """Whether IPython runs here already, with a front end that shows HTML; it is not loaded to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell is not None and hasattr(shell, "kernel")


class _Notebook:
    """One output, replaced when the view has changed, or its durations have grown old."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._drawn = clock, 0.0
        self._handle: Any = None
        self._digest = ""
        self._last: ProgressView | None = None

    def show(self, view: ProgressView) -> None:
        digest, now = view.digest(), self._clock()
        if digest == self._digest and now - self._drawn < _REFRESH_SECONDS:
            return
        self._digest, self._drawn, self._last = digest, now, view
        if self._handle is None:
            from IPython import display

            self._handle = display.display(view, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(view)

    def close(self) -> None:
        """The last frame stays in the notebook, once: as a cell's result it is not shown by that cell again."""
        if self._last is not None:
            self._last.shown_by_cell(cell_number())


class _Lines:
    """One plain line for each change of a state and each new note, and a heartbeat."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream, self._clock = stream, clock
        self._known: dict[str, tuple[str, int, int, str]] = {}
        self._status = ""
        self._notes: tuple[str, ...] = ()
        self._spoke = clock()

    def show(self, view: ProgressView) -> None:
        lines = []
        if not self._status:
            lines.append(view.headline())
        for path, state in view.status.states.items():
            counts = ""
            if state.shown and state.shown.counts:
                counts = str(sorted((key, number) for key, number in state.shown.counts.items() if key != "RUNNING"))
            now = (state.status, len(state.visits), state.attempts, counts)
            if state.visits and self._known.get(path) != now:
                self._known[path] = now
                lines.append(_line(view, path))
        if self._status and view.finished and self._status != "finished":
            lines += [view.headline(), *view.failure().splitlines()]
        elif not self._status and view.finished:
            lines += view.failure().splitlines()
        self._status = "finished" if view.finished else "running"
        lines += [visible(note) for note in view.notes if note not in self._notes]
        self._notes = view.notes
        if not lines and not view.finished and self._clock() - self._spoke >= HEARTBEAT_SECONDS:
            lines.append(f"still running: {view.headline()}")
        if lines:
            self._spoke = self._clock()
            _write(self._stream, "\n".join(lines) + "\n")

    def close(self) -> None:
        """All is said already."""


def _line(view: ProgressView, path: str) -> str:
    state = view.status.states[path]
    at = duration(view.elapsed)
    error = "  " + cut(visible(f"{state.error}: {brief(state.cause)}"), 200) if state.error else ""
    icon = STATUSES[state.status].icon
    return f"[{at:>9}] {icon} {visible(view.place_of(path))}: {state.summary(view.looked)}{error}"


def _write(stream: TextIO, text: str) -> None:
    """Write what the stream's encoding can show, the rest as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _terminal(stream: TextIO, clock: Callable[[], float]) -> _Screen:
    if importlib.util.find_spec("rich") is None:
        return _Ansi(stream, clock)
    return _Rich(stream, clock)


class _Paced:
    """When a terminal is drawn again: on a change at once, for running durations once a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._digest, self._drawn = clock, "", float("-inf")

    def due(self, view: ProgressView) -> bool:
        digest, now = view.digest(), self._clock()
        if digest == self._digest and now - self._drawn < _REDRAW_SECONDS:
            return False
        self._digest, self._drawn = digest, now
        return True


class _Ansi:
    """Redraws its lines with escape sequences; what does not fit the window's height is left out at the top."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream, self._pace, self._lines = stream, _Paced(clock), 0
        self._last: ProgressView | None = None

    def show(self, view: ProgressView) -> None:
        self._last = view
        if self._pace.due(view):
            width, height = _window(self._stream)
            self._draw([cut(line, width - 1) for line in _fitting(view, height - 1)])

    def _draw(self, lines: list[str]) -> None:
        up = f"\x1b[{self._lines}F" if self._lines else ""
        self._lines = len(lines)
        _write(self._stream, up + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")

    def close(self) -> None:
        if self._last is not None:
            self._draw(self._last.to_text().splitlines())
        self._lines = 0


class _Rich:
    """The same with rich, which knows the terminal better and colours the statuses."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._pace = _Paced(clock)
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live = RichLive(console=self._console, auto_refresh=False, vertical_overflow="visible")
        self._last: ProgressView | None = None
        self._started = False

    def show(self, view: ProgressView) -> None:
        self._last = view
        if not self._pace.due(view):
            return
        if not self._started:
            self._started = True
            self._live.start()
        self._live.update(_coloured(_fitting(view, self._console.size.height - 1)), refresh=True)

    def close(self) -> None:
        if self._started and self._last is not None:
            self._live.update(_coloured(self._last.to_text().splitlines()), refresh=True)
            self._live.stop()


_STYLES = {
    "SUCCEEDED": "green",
    "RUNNING": "bold blue",
    "FAILED": "bold red",
    "CAUGHT": "yellow",
    "RETRYING": "magenta",
    "ABORTED": "bright_black",
    "TIMED_OUT": "red",
    "NOT_STARTED": "bright_black",
}


def _coloured(lines: list[str]) -> Any:
    """Lines as rich text; the colour only repeats what icon and word say."""
    from rich.text import Text

    shown = Text(no_wrap=True, overflow="ellipsis")
    for index, line in enumerate(lines):
        style = next((_STYLES[key] for key, look in STATUSES.items() if line.lstrip().startswith(look.icon)), "")
        shown.append(("\n" if index else "") + line, style=style)
    return shown


def _window(stream: TextIO) -> tuple[int, int]:
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return 100, 30
    return max(20, size.columns), max(5, size.lines)


def _fitting(view: ProgressView, height: int) -> list[str]:
    """The headline, and of the rest so many lines as fit: those round what is going on."""
    lines = view.to_text().splitlines()
    if len(lines) <= height:
        return lines
    marks = {STATUSES[key].icon for key in ("RUNNING", "RETRYING", "FAILED")}
    busy = [index for index, line in enumerate(lines) if index and line.lstrip()[:1] in {mark[0] for mark in marks}]
    last = (busy[-1] + 2) if busy else len(lines)
    first = max(1, min(last, len(lines)) - (height - 2))
    shown = lines[first : first + height - 2]
    return [lines[0], *shown, f"… {len(lines) - 1 - len(shown)} more lines"]

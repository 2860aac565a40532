"""Small pieces of HTML that survive a notebook's sanitiser: inline styles, plain colours, real tables.

Owns escaping for HTML: every function here takes plain text and gives markup. Cells set neither background nor text
colour, so that they are readable in any theme; badges set both.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from mlflowsteps.graph.svg import COLOURS
from mlflowsteps.graph.visits import STATUSES
from mlflowsteps.graph.words import Json, as_text, cut, visible

__all__ = [
    "FONT",
    "Markup",
    "badge",
    "block",
    "data_uri",
    "details",
    "field",
    "iso",
    "link",
    "markdown",
    "page",
    "pretty",
    "table",
    "text",
    "to_seconds",
]

FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:13px;line-height:1.45"
SHOWN = 4096
"""Longer values than this are cut; their size is told, and the call that gives all of them."""

_CELL = "text-align:left;vertical-align:top;padding:3px 10px 3px 0"
_BORDER = ";border-bottom:1px solid #8c959f"
_MARKDOWN = frozenset("\\`*_{}[]()#+-!|<>~$")
_PLAIN = ("#e9edf1", "#3d4650")


class Markup(str):
    """Text that is HTML already; anything else is escaped when it is put into a page."""

    __slots__ = ()


def text(value: Any) -> Markup:
    """A value as HTML text: escaped, controls visible; Markup as it is, None as nothing."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup()
    return Markup(escape(visible(as_text(value), lines=True)))


def badge(status: str) -> Markup:
    """A status as icon and word on its colour."""
    known = STATUSES.get(status)
    if known is None:
        icon, word, fill, ink = "", status, *_PLAIN
    else:
        icon, word = known.icon + " ", known.word
        fill, ink = COLOURS[status][0][0], "#17212b"
    edge = COLOURS[status][1][0] if known else ink
    style = f"background-color:{fill};color:{ink};border:1px solid {edge};border-radius:9px;padding:0 8px"
    return Markup(f'<span style="{style};white-space:nowrap">{escape(icon)}{text(word)}</span>')


def link(address: str, label: Any) -> Markup:
    """A link; the label alone where the address is empty or no http(s) one."""
    if not address.startswith(("https://", "http://")):
        return text(label)
    return Markup(f'<a href="{escape(visible(address), quote=True)}" target="_blank" rel="noopener">{text(label)}</a>')


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, caption: str = "", note: str = "", empty: str = "none"
) -> Markup:
    """A table with a caption and column headers; the first cell of each row is its header.

    Args:
        columns: headers.
        rows: cells, Markup or plain values.
        caption: what the table shows.
        note: a line under it.
        empty: what to say where there are no rows.
    """
    head = "".join(f'<th scope="col" style="{_CELL}{_BORDER}">{text(name)}</th>' for name in columns)
    lines = []
    for row in rows:
        cells = [f'<th scope="row" style="{_CELL};font-weight:normal">{text(row[0])}</th>']
        cells += [f'<td style="{_CELL}">{text(cell)}</td>' for cell in row[1:]]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    if not lines:
        lines.append(f'<tr><td colspan="{len(columns)}" style="{_CELL}">{text(empty)}</td></tr>')
    title = f'<caption style="text-align:left;font-weight:bold;padding:4px 0">{text(caption)}</caption>'
    under = f'<div style="padding:4px 0">{text(note)}</div>' if note else ""
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return Markup(f'<table style="border-collapse:collapse;margin:0">{title if caption else ""}{body}</table>{under}')


def details(summary: Any, body: Any, *, state: str = "", opened: bool = False) -> Markup:
    """A fold: what a click opens.

    Args:
        summary: its line.
        body: what it holds.
        state: key of the state it belongs to; a click on that state in the picture opens it.
        opened: whether it is open at first.
    """
    key = f' data-state="{escape(visible(state), quote=True)}"' if state else ""
    flag = " open" if opened else ""
    return Markup(
        f'<details{key}{flag}><summary style="cursor:pointer">{text(summary)}</summary>'
        f'<div style="margin:2px 0 8px 18px">{text(body)}</div></details>'
    )


def block(value: Json, *, more: str = "", most: float = SHOWN) -> Markup:
    """A value as preformatted text, JSON indented; cut where it is long.

    Args:
        value: JSON, or JSON text as the API gives it.
        more: the call that gives all of it.
        most: most characters.
    """
    shown = pretty(value)
    note = ""
    if len(shown) > most:
        words = f"cut at {most:,} of {len(shown):,} characters" + (f"; all of it: {more}" if more else "")
        note = f"<div>{text(words)}</div>"
        shown = cut(shown, int(most))
    style = "margin:2px 0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px"
    return Markup(f'<pre style="{style}">{text(shown)}</pre>{note}')


def pretty(value: Json) -> str:
    r"""JSON indented; a text that is JSON too; any other text as it is.

    >>> pretty('{"a":1}')
    '{\n  "a": 1\n}'
    """
    if isinstance(value, str):
        # Only what can become more readable is parsed: a huge text would be cut anyway.
        if value.lstrip()[:1] not in {"{", "["} or len(value) > 64 * SHOWN:
            return value
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return str(value)
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return as_text(value)


def markdown(value: Json) -> str:
    r"""Text for a cell of a Markdown table: nothing in it is markup.

    >>> markdown("a|b")
    'a\\|b'
    """
    shown = "" if value is None else visible(as_text(value)).replace("&", "&amp;")
    return "".join(f"\\{character}" if character in _MARKDOWN else character for character in shown)


def data_uri(svg: str) -> str:
    """An SVG text as an address for ``img``; base64, which every renderer of notebooks reads."""
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()


def field(row: Any, *names: str, default: Any = None) -> Any:
    """The first of the names that a dict has as key or an object as attribute."""
    for name in names:
        value = row.get(name) if isinstance(row, dict) else getattr(row, name, None)
        if value is not None and not callable(value):
            return value
    return default


def to_seconds(value: Any) -> float | None:
    """Epoch seconds of a datetime (without a zone: UTC) or a number; None for anything else."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def iso(value: Any, *, milliseconds: bool = False) -> str:
    """A time in ISO 8601, in UTC with its mark; empty where there is none.

    >>> iso(0)
    '1970-01-01 00:00:00Z'
    """
    seconds = to_seconds(value)
    if seconds is None:
        return "" if value is None else as_text(value)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return as_text(value)
    if milliseconds:
        return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def page(title: str, body: Markup) -> str:
    """A whole document that needs nothing outside itself, and follows the reader's light or dark setting."""
    style = (
        ":root{color-scheme:light dark}body{margin:24px auto;max-width:1200px;padding:0 16px;"
        "background:#fff;background:light-dark(#fff,#14181d);color:#17212b;color:light-dark(#17212b,#e6edf3)}"
        "a{color:#0550ae;color:light-dark(#0550ae,#79b8ff)}"
    )
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{text(title)}</title><style>{style}</style></head><body>{body}</body></html>\n"
    )

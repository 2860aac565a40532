"""The official JSONata test suite through the library and the adapter that expressions run on.

::

    python -m tests.benchmarks.jsonata_suite FOLDER

FOLDER is ``jsonata-test-suite`` (``groups`` and ``datasets``), which stands in the source distribution of jsonata2py,
among others. The suite's data is the top-level context, which Step Functions has not; all else is as in a state: the
functions that the service replaces, its limits of time and memory, and results that are plain JSON. Prints one line for
each case that differs, and the figures; the exit code is always 0.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from jsonata2py import MISSING, JsonataBindings, JsonataError

from mlflowsteps.asl import jsonata_library as library
from mlflowsteps.asl.values import Entropy


def cases(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every case of the suite, with its name."""
    found = []
    for path in sorted((folder / "groups").glob("*/*.json")):
        content = json.loads(path.read_text("utf-8"))
        for number, case in enumerate(content if isinstance(content, list) else [content]):
            if "expr" not in case:
                case["expr"] = (path.parent / case["expr-file"]).read_text("utf-8")
            found.append((f"{path.parent.name}/{path.stem}#{number}", case))
    return found


def data_of(case: dict[str, Any], folder: Path) -> Any:
    """The case's input; MISSING where it has none."""
    if case.get("dataset"):
        return json.loads((folder / "datasets" / f"{case['dataset']}.json").read_text("utf-8"))
    return case.get("data", MISSING)


def outcome(case: dict[str, Any], folder: Path) -> tuple[str, Any]:
    """What an expression comes to: ``result`` with its value, ``undefined``, or ``error`` with its code."""
    bindings = JsonataBindings()
    for name, value in (case.get("bindings") or {}).items():
        bindings.bind_value(name, value)
    token = library._entropy.set(Entropy("suite"))
    try:
        expression = library.compile_program(case["expr"]).expression
        return "result", library._plain(expression.evaluate(data_of(case, folder), bindings))
    except library.Undefined:
        return "undefined", None
    except (library.Unparsable, library.Failed, JsonataError, RecursionError) as error:
        return "error", getattr(error, "error_code", getattr(error, "code", None))
    finally:
        library._entropy.reset(token)


def same(left: Any, right: Any) -> bool:
    """Whether two results are the same, numbers but for their last digits."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool) or not isinstance(left, int | float):
        return bool(type(left) is type(right) and left == right)
    return isinstance(right, int | float) and math.isclose(left, right, rel_tol=1e-12)


def verdict(case: dict[str, Any], found: tuple[str, Any]) -> bool:
    """Whether a case came out as the suite says; of an error, that there is one."""
    if "result" in case:
        return found[0] == "result" and (
            same(found[1], case["result"])
            or (case.get("unordered") and sorted(map(str, found[1])) == sorted(map(str, case["result"])))
        )
    if case.get("undefinedResult"):
        return found[0] == "undefined"
    return found[0] == "error"


def main(arguments: list[str]) -> int:
    """Run the suite in the folder that is named."""
    folder = Path(arguments[0])
    counts: Counter[str] = Counter()
    for name, case in cases(folder):
        found = outcome(case, folder)
        passed = verdict(case, found)
        counts["passed" if passed else "differ"] += 1
        if not passed:
            expected = next((f"{key} {case[key]!r}" for key in ("result", "code", "error") if key in case), "undefined")
            sys.stdout.write(f"{name}: {case['expr'][:80]!r}: {str(found)[:120]}, expected {expected[:120]}\n")
    sys.stdout.write(f"{counts['passed']} of {counts.total()} as the suite says\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

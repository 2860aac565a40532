"""The command line: arguments in, exit code out.

Owns the arguments, the exit codes and how an expected error is told in a line. What the commands do stands in
``commands``; it is loaded, and anything heavy with it, only when a command runs.

Exit codes:

- 0: done; what was asked about is well.
- 1: the definition has faults, or the execution did not succeed.
- 2: it could not be tried: wrong arguments, a file that is missing or no JSON, a busy folder, a package not installed.
- 130: interrupted (Ctrl-C).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlflowsteps import __version__
from mlflowsteps.exceptions import DefinitionError, ExecutionFailed, InvalidInput, RuntimeBusy

__all__ = ["build_parser", "main"]

DEFAULT_ROOT = Path(".mlflowsteps")

SUCCESS, NEGATIVE, NOT_TRIED, INTERRUPTED = 0, 1, 2, 130

EPILOG = """\
exit codes: 0 done; 1 the definition has faults or the execution failed; 2 it could not be tried; 130 interrupted

Running a definition runs the code that it names, as you. Validating and drawing never do.
"""


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of the command line; each command's name is an entry of ``commands.COMMANDS``."""
    parser = argparse.ArgumentParser(
        prog="mlflowsteps",
        description="Machine-learning workflows on AWS Step Functions and SageMaker, run on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mlflowsteps {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    demo = commands.add_parser("demo", help="train, deploy and ask a model on real data, in about a minute")
    _add_root(demo)

    validate = commands.add_parser("validate", help="tell every fault of a definition (ASL in JSON)")
    validate.add_argument("file", metavar="FILE", help="the definition; - reads standard input")

    render = commands.add_parser("render", help="draw a definition")
    render.add_argument("file", metavar="FILE", help="the definition; - reads standard input")
    render.add_argument(
        "-o",
        "--output",
        type=Path,
        help="file to write: .svg, .png, .html, .dot, .mmd, .md or .txt; without it, text to the terminal",
    )

    run = commands.add_parser("run", help="run a definition here, for real: the code it names runs as you")
    run.add_argument("file", metavar="FILE", help="the definition; - reads standard input")
    run.add_argument("--input", default="{}", metavar="JSON", help="the execution's input; @FILE reads it from a file")
    run.add_argument("--name", help="the execution's name; without it, one is made up")
    _add_root(run)

    executions = commands.add_parser("executions", help="list the executions in a runtime's folder")
    _add_root(executions)

    show = commands.add_parser("show", help="show one execution: its steps, times and errors")
    show.add_argument("execution", metavar="EXECUTION", help="name or ARN")
    show.add_argument("-o", "--output", type=Path, help="file to write, such as report.html; without it, text")
    _add_root(show)
    return parser


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root", type=Path, default=DEFAULT_ROOT, metavar="DIR", help="the runtime's folder (default: %(default)s)"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments, without the program's name; None: ``sys.argv``'s.

    Returns:
        The exit code; the module's docstring lists them.
    """
    arguments = build_parser().parse_args(argv)
    from mlflowsteps.cli.commands import COMMANDS, CommandError

    try:
        return COMMANDS[arguments.command](arguments)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:  # such as `mlflowsteps executions | head`
        sys.stderr.close()  # the interpreter would complain of standard output there
        return SUCCESS
    except (DefinitionError, ExecutionFailed) as error:
        return _fail(str(error), NEGATIVE)
    except (CommandError, InvalidInput, RuntimeBusy, OSError) as error:
        return _fail(str(error), NOT_TRIED)


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"mlflowsteps: {message}\n")
    return code

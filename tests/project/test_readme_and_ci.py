"""The README's commands are the ones that CI runs, and what they name is there."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
README = (TREE / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]


def marked_command(name: str) -> str:
    """The code block under ``<!-- command: name -->``."""
    (block,) = re.findall(rf"<!-- command: {name} -->\n```shell\n(.*?)\n```", README, flags=re.DOTALL)
    return block


@pytest.mark.parametrize("name", ["demo", "test"])
def test_command_is_one_line_that_makes_its_own_environment(name: str) -> None:
    command = marked_command(name)

    assert "\n" not in command
    assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")


def test_ci_runs_the_test_command_as_the_readme_gives_it() -> None:
    printed = subprocess.run(["bash", TREE / ".ci" / "run", "--command"], check=True, capture_output=True, text=True)

    assert printed.stdout == marked_command("test") + "\n"


def test_ci_refuses_arguments_it_does_not_know() -> None:
    refused = subprocess.run(["bash", TREE / ".ci" / "run", "--al"], check=False, capture_output=True, text=True)

    assert refused.returncode == 2
    assert "usage" in refused.stderr


@pytest.mark.parametrize("name", ["demo", "test"])
def test_extras_in_the_commands_exist(name: str) -> None:
    wanted = re.findall(r"\.\[([\w,]+)\]", marked_command(name))

    assert wanted
    assert set(wanted[0].split(",")) <= set(EXTRAS)


def test_readme_explains_every_extra() -> None:
    table = "\n".join(line for line in README.splitlines() if line.startswith("|"))

    assert [extra for extra in EXTRAS if f"`{extra}`" not in table] == []


@pytest.mark.parametrize(
    "page", ["README.md", *(str(path.relative_to(TREE)) for path in sorted(TREE.glob("docs/**/*.md")))]
)
def test_links_to_files_lead_somewhere(page: str) -> None:
    text = (TREE / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]

    assert [link for link in links if not (TREE / page).parent.joinpath(link).exists()] == []


def test_version_stands_in_one_place_and_its_copy_agrees() -> None:
    import mlflowsteps

    assert PYPROJECT["project"]["version"] == mlflowsteps.__version__


def test_pre_commit_downloads_nothing() -> None:
    text = (TREE / ".pre-commit-config.yaml").read_text(encoding="utf-8")

    assert re.findall(r"repo: (.+)", text) == ["local"]
    assert set(re.findall(r"language: (.+)", text)) == {"system"}

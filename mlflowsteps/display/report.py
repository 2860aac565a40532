"""A finished or running execution as one self-contained HTML file that a person keeps, sends and opens years later.

Owns the report's chapters round a ``ProgressView``: metrics, training curves, definition, environment, code. What they
hold is handed in; nothing is fetched or looked up here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from mlflowsteps.display.html import FONT, Markup, block, data_uri, details, link, page, table, text
from mlflowsteps.display.plots import line_plot
from mlflowsteps.display.progress import ProgressView
from mlflowsteps.graph.words import Json, visible

__all__ = ["JobFacts", "Report"]

_MOST_PLOTS = 40


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What is known of one job that the execution ran.

    Args:
        step: the state's name, with the iteration where there were several.
        name: the job's.
        address: a page about it; empty where there is none.
        metrics: final values by metric.
        curves: all values by metric, one for each round or report.
        hyperparameters: as the job was given them.
    """

    step: str
    name: str
    address: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)


class Report:
    """The file's content.

    Args:
        view: the execution.
        jobs: its jobs, in the order they ran.
        environment: facts of the environment by name.
        packages: versions of installed packages by name.
        code: facts of the code's version by name; empty where they are not known.
    """

    def __init__(
        self,
        view: ProgressView,
        *,
        jobs: Sequence[JobFacts] = (),
        environment: Mapping[str, str] | None = None,
        packages: Mapping[str, str] | None = None,
        code: Mapping[str, str] | None = None,
    ) -> None:
        self.view, self.jobs = view, tuple(jobs)
        self.environment, self.packages, self.code = dict(environment or {}), dict(packages or {}), dict(code or {})

    def to_html(self) -> str:
        """The whole document."""
        chapters = [self._metrics(), self._curves(), self._definition(), self._surroundings()]
        body = "".join([self.view.whole_html(), f'<div style="{FONT}">', *chapters, "</div>"])
        return page(f"{self.view.title or 'Execution'}: report", Markup(body))

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the document.

        Args:
            path: an ``.html`` file; replaced where it exists.

        Raises:
            ValueError: another suffix.
            OSError: the file cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() not in {".html", ".htm"}:
            raise ValueError(
                f"a report is an .html file, not {target.name!r}; the picture alone: render_progress().save()"
            )
        target.write_text(self.to_html(), encoding="utf-8")
        return target

    def _metrics(self) -> Markup:
        """One row for each job that reported any: jobs trained side by side can be compared."""
        told = [job for job in self.jobs if job.metrics]
        names = list(dict.fromkeys(name for job in told for name in job.metrics))
        varied = _varied(told)
        rows = [
            [job.step, link(job.address, job.name)]
            + [job.hyperparameters.get(name, "") for name in varied]
            + [f"{job.metrics[name]:.6g}" if name in job.metrics else "" for name in names]
            for job in told
        ]
        if not rows:
            return Markup()
        return _chapter("Metrics", table(["Step", "Job", *varied, *names], rows))

    def _curves(self) -> Markup:
        plots = [*_compared(self.jobs), *(plot for job in self.jobs for plot in _plots(job))]
        shown = "".join(
            f'<img alt="{text(name)}" style="margin:0 8px 8px 0;max-width:100%" src="{data_uri(plot)}">'
            for name, plot in plots[:_MOST_PLOTS]
        )
        left = f"<div>{len(plots) - _MOST_PLOTS} more plots are left out</div>" if len(plots) > _MOST_PLOTS else ""
        return _chapter("Training curves", Markup(shown + left)) if shown else Markup()

    def _definition(self) -> Markup:
        return _chapter("Definition", details("Amazon States Language", _whole(self.view.definition)))

    def _surroundings(self) -> Markup:
        facts = table(["What", "Value"], [*self.code.items(), *self.environment.items()])
        packages = table(["Package", "Version"], sorted(self.packages.items(), key=lambda item: item[0].lower()))
        folded = details(f"{len(self.packages)} installed packages", packages) if self.packages else Markup()
        note = Markup("<div>Code and packages are those of the place where this report was made.</div>")
        return _chapter("Code and environment", Markup(f"{facts}{note}{folded}"))


def _chapter(title: str, body: Markup) -> Markup:
    return Markup(f'<h2 style="font-size:15px;margin:18px 0 6px 0">{text(title)}</h2>{body}')


def _whole(definition: Json) -> Markup:
    """The definition uncut: the report is where it is kept."""
    return block(definition, most=math.inf)


def _varied(jobs: Sequence[JobFacts]) -> list[str]:
    """The hyperparameters in which the jobs differ."""
    if len(jobs) < 2:
        return []
    names = dict.fromkeys(name for job in jobs for name in job.hyperparameters)
    return [name for name in names if len({job.hyperparameters.get(name) for job in jobs}) > 1]


def _compared(jobs: Sequence[JobFacts]) -> list[tuple[str, str]]:
    """One plot for each metric that several jobs report, their curves together; the plot draws the first few."""
    names = dict.fromkeys(name for job in jobs for name in job.curves if not name.startswith("train:"))
    found = []
    for name in names:
        lines = {f"{job.step}, {job.name}": job.curves[name] for job in jobs if name in job.curves}
        plot = line_plot(f"Compared: {name}", lines) if len(lines) > 1 else ""
        if plot:
            found.append((visible(f"Compared: {name} of {len(lines)} jobs"), plot))
    return found


def _plots(job: JobFacts) -> list[tuple[str, str]]:
    """One plot for each quantity, the channels (``train:rmse``, ``validation:rmse``) together."""
    together: dict[str, dict[str, Sequence[float]]] = {}
    for name, values in job.curves.items():
        together.setdefault(name.rpartition(":")[2], {})[name] = values
    found = []
    for quantity, lines in together.items():
        title = f"{job.step}: {quantity}"
        plot = line_plot(title, lines)
        if plot:
            ends = ", ".join(f"{name} ends at {values[-1]:.6g}" for name, values in lines.items() if values)
            found.append((visible(f"{title}; {ends}"), plot))
    return found

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.scheduler.bench import Bench, Handler


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Opens an engine on this test's store; all are closed at the end."""
    opened: list[Bench] = []

    def make(handlers: dict[str, Handler] | None = None, **options: Any) -> Bench:
        bench = Bench(tmp_path / "store.sqlite", handlers, **options)
        opened.append(bench)
        return bench

    yield make
    for bench in opened:
        bench.close()

"""Runs one of the image modules in a job's process: ``python -P run.py MODULE [ARGUMENT ...]``.

``python -m`` would put the working folder, which holds the user's files, before the packages; this puts the folder that
mlflowsteps is imported from after them, so that it is found however it was installed.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def main() -> None:
    """Become the module."""
    module = sys.argv.pop(1)
    sys.path.append(str(Path(__file__).resolve().parents[4]))
    runpy.run_module(f"mlflowsteps.local.jobs.images.{module}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

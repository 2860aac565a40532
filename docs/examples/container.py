"""A container of one's own, as its image would run it: ``container.py train`` and ``container.py serve``.

Least squares with a squared feature by gradient descent, without any library.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ML = Path("/opt/ml")


def features(x: list[float]) -> list[float]:
    """What the label is a weighted sum of."""
    return [1.0, *x, x[1] * x[1]]


def predicted(weights: list[float], x: list[float]) -> float:
    """The label for one row."""
    return sum(w * v for w, v in zip(weights, features(x), strict=True))


def train() -> None:
    """Read the channel, write the model."""
    settings = json.loads((ML / "input/config/hyperparameters.json").read_text())
    files = sorted((ML / "input/data/training").iterdir())
    rows = [[float(v) for v in row] for file in files for row in csv.reader(file.open())]
    weights = [0.0] * len(features(rows[0][1:]))
    for _ in range(int(settings.get("rounds", 300))):
        slope = [0.0] * len(weights)
        for label, *x in rows:
            error = predicted(weights, x) - label
            slope = [s + error * v for s, v in zip(slope, features(x), strict=True)]
        weights = [w - 0.5 * s / len(rows) for w, s in zip(weights, slope, strict=True)]
    error = sum((predicted(weights, x) - label) ** 2 for label, *x in rows) / len(rows)
    (ML / "model/weights.json").write_text(json.dumps(weights))
    print(f"trained on {len(rows)} rows; mse={error:.6f}")


class Handler(BaseHTTPRequestHandler):
    """Answers GET /ping and POST /invocations, which is all that SageMaker asks."""

    weights: list[float]

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(200)
        self.end_headers()
        answers = [predicted(self.weights, [float(v) for v in line.split(",")]) for line in body.split()]
        self.wfile.write("\n".join(map(str, answers)).encode())


def serve() -> None:
    """Load the model and answer."""
    Handler.weights = json.loads((ML / "model/weights.json").read_text())
    HTTPServer(("127.0.0.1", int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))), Handler).serve_forever()


if __name__ == "__main__":
    {"train": train, "serve": serve}[sys.argv[1]]()

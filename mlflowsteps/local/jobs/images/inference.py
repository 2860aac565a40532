"""Inference scripts, as a process: ``inference [--framework NAME] serve`` serves the user's model_fn and its like.

The script is ``<model>/code/<SAGEMAKER_PROGRAM>`` (``inference.py`` where that is not set); its requirements.txt is
installed into the job's own folder.

Source:
    aws/sagemaker-inference-toolkit; the scikit-learn, XGBoost and PyTorch containers for defaults.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from mlflowsteps.local.jobs.images.paths import base_folder
from mlflowsteps.local.jobs.images.requirements import PACKAGES, InstallError, install
from mlflowsteps.local.jobs.images.server import HttpError, Predict, Request, Response, serve
from mlflowsteps.local.jobs.images.textdata import TextError, read_csv, read_libsvm

__all__ = ["Context", "handlers", "main"]

_JSON, _CSV, _NPY, _NPZ = "application/json", "text/csv", "application/x-npy", "application/x-npz"
_LIBSVM = ("text/libsvm", "text/x-libsvm")
Handler = Callable[..., Any]


class InferenceError(Exception):
    """The model cannot be served; the text is for the log."""


class Context:
    """What the optional last argument of a handler is: the model's folder and manifest."""

    def __init__(self, model_folder: str) -> None:
        self.system_properties = {"model_dir": model_folder, "gpu_id": None}
        self.manifest = {"model": {"modelName": "model"}}


def _call(function: Handler, *arguments: Any, context: Context) -> Any:
    """Call a handler, with the context where it takes one argument more."""
    count = len(inspect.signature(function).parameters)
    return function(*arguments, context) if count == len(arguments) + 1 else function(*arguments)


def _media(content_type: str) -> str:
    return content_type.split(";", maxsplit=1)[0].strip().lower()


def decode(body: bytes, content_type: str) -> Any:
    """The default input_fn: JSON, CSV, npy or npz to numpy.

    Raises:
        HttpError: 415, the type is another or the body does not fit it.
    """
    import numpy as np

    kind = _media(content_type)
    try:
        if kind == _JSON:
            return np.array(json.loads(body))
        if kind == _CSV:
            return np.genfromtxt(io.StringIO(body.decode("utf-8")), delimiter=",")
        if kind in (_NPY, _NPZ):
            return np.load(io.BytesIO(body), allow_pickle=False)
    except ValueError as error:
        raise HttpError(415, f"the body does not fit its Content-Type {content_type!r}: {error}") from error
    raise HttpError(415, f"Content-Type {content_type!r} is not supported; write an input_fn in your script")


def _decode_float(body: bytes, content_type: str) -> Any:
    """scikit-learn's: float32 for text."""
    import numpy as np

    found = decode(body, content_type)
    return found.astype(np.float32) if _media(content_type) in (_JSON, _CSV) else found


def _decode_matrix(body: bytes, content_type: str) -> Any:
    """The XGBoost container's: a DMatrix."""
    import xgboost

    kind = _media(content_type)
    try:
        text = body.decode("utf-8")
        if kind == _CSV:
            return xgboost.DMatrix(read_csv(text, name="payload", label=False).features)
        if kind in _LIBSVM:
            return xgboost.DMatrix(read_libsvm(text, name="payload", label=False).features)
    except (TextError, ValueError) as error:
        raise HttpError(415, f"the body does not fit its Content-Type {content_type!r}: {error}") from error
    raise HttpError(415, f"Content-Type {content_type!r} is not supported; write an input_fn in your script")


def encode(prediction: Any, accept: str) -> tuple[bytes, str]:
    """The default output_fn: JSON, CSV or npy.

    Raises:
        HttpError: 406, the type is another.
    """
    import numpy as np

    array = np.asarray(prediction)
    kind = _media(accept)
    if kind == _JSON:
        return json.dumps(array.tolist()).encode(), _JSON
    if kind == _CSV:
        rows = array.reshape(1, -1) if array.ndim == 0 else array
        lines = [",".join(map(str, np.atleast_1d(row).tolist())) for row in rows]
        return ("\n".join(lines) + "\n").encode(), _CSV
    if kind == _NPY:
        out = io.BytesIO()
        np.save(out, array, allow_pickle=False)
        return out.getvalue(), _NPY
    raise HttpError(406, f"Accept {accept!r} is not supported; write an output_fn in your script")


def _predict_rows(data: Any, model: Any) -> Any:
    """scikit-learn's: a single row becomes a table of one row."""
    return model.predict(data.reshape(1, -1) if getattr(data, "ndim", 2) == 1 else data)


def _predict(data: Any, model: Any) -> Any:
    return model.predict(data)


def _call_torch(data: Any, model: Any) -> Any:
    torch = importlib.import_module("torch")
    with torch.no_grad():
        return model(torch.as_tensor(data, dtype=torch.float32)).cpu().numpy()


def _load_torch(folder: str) -> Any:
    torch = importlib.import_module("torch")
    return torch.jit.load(str(Path(folder) / "model.pt"), map_location="cpu").eval()


def _load_pipeline(folder: str) -> Any:
    """Hugging Face's: the pipeline of HF_TASK, of the archive's model or that of HF_MODEL_ID."""
    model = folder if (Path(folder) / "config.json").is_file() else os.environ.get("HF_MODEL_ID")
    if not model:
        raise InferenceError("The model's archive holds no config.json, and HF_MODEL_ID is not set: there is no model.")
    pipeline = importlib.import_module("transformers").pipeline
    return pipeline(os.environ.get("HF_TASK") or None, model=model)


def _decode_json(body: bytes, content_type: str) -> Any:
    if _media(content_type) != _JSON:
        raise HttpError(415, f"Content-Type {content_type!r} is not supported; write an input_fn in your script")
    try:
        return json.loads(body)
    except ValueError as error:
        raise HttpError(415, f"the body does not fit its Content-Type {content_type!r}: {error}") from error


def _call_pipeline(data: Any, model: Any) -> Any:
    """Hugging Face's: ``{"inputs": ..., "parameters": {...}}``."""
    if not isinstance(data, dict) or "inputs" not in data:
        raise HttpError(400, 'the body must be {"inputs": ..., "parameters": {...}}')
    return model(data["inputs"], **(data.get("parameters") or {}))


def _encode_json(prediction: Any, accept: str) -> tuple[bytes, str]:
    if _media(accept) != _JSON:
        raise HttpError(406, f"Accept {accept!r} is not supported; write an output_fn in your script")
    return json.dumps(prediction, default=float).encode(), _JSON  # numpy's numbers are none of JSON's


_DEFAULTS: dict[str, dict[str, Handler]] = {
    "scikit-learn": {"input_fn": _decode_float, "predict_fn": _predict_rows, "output_fn": encode},
    "xgboost": {"input_fn": _decode_matrix, "predict_fn": _predict, "output_fn": encode},
    "pytorch": {"model_fn": _load_torch, "input_fn": decode, "predict_fn": _call_torch, "output_fn": encode},
    "huggingface": {
        "model_fn": _load_pipeline,
        "input_fn": _decode_json,
        "predict_fn": _call_pipeline,
        "output_fn": _encode_json,
    },
    "generic": {"input_fn": decode, "predict_fn": _predict, "output_fn": encode},
}


def handlers(module: ModuleType | None, framework: str) -> dict[str, Handler]:
    """The functions that answer: the script's own, else the framework's defaults.

    Raises:
        InferenceError: there is no model_fn, or transform_fn stands beside what it replaces.
    """
    names = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
    own = {name: getattr(module, name) for name in names if callable(getattr(module, name, None))}
    mixed = [name for name in ("input_fn", "predict_fn", "output_fn") if name in own]
    if "transform_fn" in own and mixed:
        raise InferenceError(f"Cannot use transform_fn implementation with {', '.join(mixed)}; write one or the other.")
    found = _DEFAULTS.get(framework, _DEFAULTS["generic"]) | own
    if "model_fn" not in found:
        raise InferenceError(
            f"The {framework} container has no default model_fn: put model_fn(model_dir) into the script "
            f"code/{_program()} of the model's archive."
        )
    return found


def _program() -> str:
    return os.environ.get("SAGEMAKER_PROGRAM") or "inference.py"


def _load_script(model: Path) -> ModuleType | None:
    """The user's module; None where the model has no code."""
    given = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "").removeprefix("file://")
    folder = Path(given) if given and (Path(given) / _program()).is_file() else model / "code"
    file = folder / _program()
    try:
        packages = install(folder / "requirements.txt", os.environ.get(PACKAGES, ""))
    except InstallError as error:
        raise InferenceError(str(error)) from error
    sys.path[:0] = [str(folder), *packages]
    if not file.is_file():
        if "SAGEMAKER_PROGRAM" in os.environ:
            raise InferenceError(f"The script {_program()!r} (SAGEMAKER_PROGRAM) is not in the model's code/ folder.")
        return None
    specification = importlib.util.spec_from_file_location(file.stem, file)
    if specification is None or specification.loader is None:
        raise InferenceError(f"The script {_program()!r} is no Python file.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[file.stem] = module  # classes that the script defines are found again when a model is unpickled
    specification.loader.exec_module(module)
    return module


def _predictor(found: dict[str, Handler], model: Any, context: Context) -> Predict:
    default_accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or _JSON

    def predict(request: Request) -> Response:
        content_type = request.content_type or _JSON
        accept = request.accept if request.accept not in ("", "*/*") else default_accept
        text = _media(content_type) in (_JSON, _CSV)
        body: Any = request.body
        if text and (found["input_fn"] not in _BUILTIN_INPUTS or "transform_fn" in found):
            body = request.body.decode("utf-8")
        if "transform_fn" in found:
            return _response(_call(found["transform_fn"], model, body, content_type, accept, context=context), accept)
        data = _call(found["input_fn"], body, content_type, context=context)
        prediction = _call(found["predict_fn"], data, model, context=context)
        return _response(_call(found["output_fn"], prediction, accept, context=context), accept)

    return predict


_BUILTIN_INPUTS = (decode, _decode_float, _decode_matrix, _decode_json)


def _response(answer: Any, accept: str) -> Response:
    """What output_fn gave: a body, or (body, content type)."""
    body, kind = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, accept)
    if hasattr(body, "get_data"):  # werkzeug's response, as scikit-learn scripts return it
        body, kind = body.get_data(), getattr(body, "mimetype", kind)
    if isinstance(body, bytes | bytearray):
        return Response(bytes(body), kind)
    return Response((body if isinstance(body, str) else json.dumps(body)).encode(), kind)


def main() -> int:
    """Load the model and serve; returns the exit code."""
    parser = argparse.ArgumentParser("inference")
    parser.add_argument("--framework", default="generic")
    parser.add_argument("work", choices=["serve"])
    options = parser.parse_args()
    folder = base_folder() / "model"
    try:
        context = Context(str(folder))
        found = handlers(_load_script(folder), options.framework)
        model = _call(found["model_fn"], str(folder), context=context)
    except InferenceError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - the container's log
        return 1
    except Exception:  # noqa: BLE001 - the user's code: what it raises goes to the log
        traceback.print_exc()
        return 1
    serve(_predictor(found, model, context))
    return 0


if __name__ == "__main__":
    sys.exit(main())

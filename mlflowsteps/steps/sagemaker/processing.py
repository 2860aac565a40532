"""Processing and batch transform jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, Unpack

from mlflowsteps.inputs.expressions import Expression
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import TOKEN, Json, Reference
from mlflowsteps.steps.keywords import TaskFields, Text
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.sagemaker.base import Integration, SageMakerStep, Tags
from mlflowsteps.steps.sagemaker.objects import is_sdk_object
from mlflowsteps.steps.sagemaker.requests import as_text, copied, merged, put, put_tags, request_of

__all__ = ["ProcessingStep", "TransformStep"]

Ports: TypeAlias = "list[Any] | Mapping[str, Any] | None"
"""Inputs or outputs: a list in boto3's shape, or a dict of names to S3 URIs or placeholders."""


class ProcessingStep(SageMakerStep):
    """Runs a SageMaker processing job.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        processor: the request of CreateProcessingJob, in boto3's shape, without the job's name; or a Processor of
            SageMaker SDK 2 or 3, or what its ``run`` returns under a PipelineSession. It stays as it is.
        job_name: name of the job, new for each execution: a placeholder, as a rule.
        inputs: entries of ProcessingInputs, or a dict of input names to S3 URIs; put over the request's by name. A new
            name is read to ``/opt/ml/processing/input/<name>``.
        outputs: entries of ProcessingOutputConfig.Outputs, or a dict of output names to S3 URIs; put over the request's
            by name. A new name is written from ``/opt/ml/processing/output/<name>``.
        experiment_config: ExperimentName, TrialName and TrialComponentDisplayName.
        container_arguments: arguments of the container; placeholders may stand among them.
        container_entrypoint: entrypoint of the container.
        kms_key_id: key that the outputs are encrypted with.
        wait_for_completion: False: go on when the job is started.
        tags: a dict, or a list of Key and Value.
        code: the script of an SDK's ScriptProcessor or FrameworkProcessor: a file, or an S3 URI.
        call: further keywords for the own method (``run``) of an SDK's object, such as ``source_dir``.
        integration: ``aws-sdk``: call and ask SageMaker by SDK calls, for requests that ``optimized`` does not take.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.

    Raises:
        TypeError: ``processor`` is no request; a member of it is unknown.
        MissingRequiredParameter: the job has no name.
    """

    service, action = "sagemaker", "createProcessingJob"

    def __init__(
        self,
        state_id: str,
        processor: object,
        job_name: Text | None,
        inputs: Ports = None,
        outputs: Ports = None,
        experiment_config: dict[str, Any] | Expression | None = None,
        container_arguments: list[Any] | Expression | None = None,
        container_entrypoint: list[Any] | Expression | None = None,
        kms_key_id: Text | None = None,
        wait_for_completion: bool = True,
        tags: Tags = None,
        *,
        code: str | None = None,
        call: Mapping[str, Any] | None = None,
        integration: Integration = "optimized",
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        calling = {**(call or {}), **({"code": code} if code is not None else {})}
        if is_sdk_object(processor):
            inputs, outputs = _take_ports(calling, "inputs", inputs), _take_ports(calling, "outputs", outputs)
        request = request_of(processor, "CreateProcessingJob", "processor", call=calling)
        put(request, "ProcessingJobName", job_name)
        if inputs:
            put(request, "ProcessingInputs", _with_ports(request.get("ProcessingInputs"), inputs, _INPUT))
        if outputs:
            config = request.get("ProcessingOutputConfig")
            known = config.get("Outputs") if isinstance(config, Mapping) else None
            put(request, "ProcessingOutputConfig.Outputs", _with_ports(known, outputs, _OUTPUT))
        put(request, "ProcessingOutputConfig.KmsKeyId", kms_key_id)
        put(request, "AppSpecification.ContainerArguments", container_arguments)
        put(request, "AppSpecification.ContainerEntrypoint", container_entrypoint)
        application = request.get("AppSpecification")
        if isinstance(application, dict):
            for key in {"ContainerArguments", "ContainerEntrypoint"} & application.keys():
                application[key] = _texts(application[key])
        put(request, "ExperimentConfig", experiment_config)
        put_tags(request, tags)
        self.processor, self.job_name = processor, job_name
        waits = self._waiting(wait_for_completion, integration)
        self._start(state_id, request, "ProcessingJobName", waits, retry, catch, output_schema, fields)


class TransformStep(SageMakerStep):
    """Runs a SageMaker batch transform job.

    Args:
        state_id: name of the state, 1 to 80 characters, unique in the whole workflow.
        transformer: the request of CreateTransformJob, in boto3's shape, without job, model and data; or a Transformer
            of SageMaker SDK 2 or 3, or what its ``transform`` returns under a PipelineSession. It stays as it is.
        job_name: name of the job, new for each execution: a placeholder, as a rule.
        model_name: name of the model.
        data: S3 URI of the data; the request's TransformInput where None.
        data_type: S3Prefix: ``data`` is the beginning of keys. ManifestFile: it is a list of them.
        content_type: MIME type of the data.
        compression_type: Gzip, or None for data that is not compressed.
        split_type: how records are told apart: None, Line, RecordIO or TFRecord.
        experiment_config: ExperimentName, TrialName and TrialComponentDisplayName.
        wait_for_completion: False: go on when the job is started.
        tags: a dict, or a list of Key and Value.
        input_filter: JSONPath of what of each record is given to the model.
        output_filter: JSONPath of what of each record is written.
        join_source: Input: the record is joined to its prediction.
        call: keywords for the own method (``transform``) of an SDK's object.
        integration: ``aws-sdk``: call and ask SageMaker by SDK calls, for requests that ``optimized`` does not take.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Task, by keyword; ``parameters`` is put over the whole request, at every depth.

    Raises:
        TypeError: ``transformer`` is no request; a member of it is unknown.
        MissingRequiredParameter: the job has no name.
    """

    service, action = "sagemaker", "createTransformJob"

    def __init__(
        self,
        state_id: str,
        transformer: object,
        job_name: Text | None,
        model_name: Text | None,
        data: Text | None = None,
        data_type: Text = "S3Prefix",
        content_type: Text | None = None,
        compression_type: Text | None = None,
        split_type: Text | None = None,
        experiment_config: dict[str, Any] | Expression | None = None,
        wait_for_completion: bool = True,
        tags: Tags = None,
        input_filter: Text | None = None,
        output_filter: Text | None = None,
        join_source: Text | None = None,
        *,
        call: Mapping[str, Any] | None = None,
        integration: Integration = "optimized",
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        output_schema: Schema = None,
        **fields: Unpack[TaskFields],
    ) -> None:
        request = request_of(transformer, "CreateTransformJob", "transformer", call=call)
        put(request, "TransformJobName", job_name)
        put(request, "ModelName", model_name)
        if data is not None:
            put(request, "TransformInput.DataSource.S3DataSource.S3DataType", data_type)
            put(request, "TransformInput.DataSource.S3DataSource.S3Uri", data)
        put(request, "TransformInput.ContentType", content_type)
        put(request, "TransformInput.CompressionType", compression_type)
        put(request, "TransformInput.SplitType", split_type)
        put(request, "DataProcessing.InputFilter", input_filter)
        put(request, "DataProcessing.OutputFilter", output_filter)
        put(request, "DataProcessing.JoinSource", join_source)
        put(request, "ExperimentConfig", experiment_config)
        put_tags(request, tags)
        self.transformer, self.job_name, self.model_name = transformer, job_name, model_name
        waits = self._waiting(wait_for_completion, integration)
        self._start(state_id, request, "TransformJobName", waits, retry, catch, output_schema, fields)


# Of a processing job's inputs and outputs: member that names one, member that holds its S3 source or target, and what
# a new one says of it.
_INPUT = (
    "InputName",
    "S3Input",
    "/opt/ml/processing/input/",
    {
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3CompressionType": "None",
    },
)
_OUTPUT = ("OutputName", "S3Output", "/opt/ml/processing/output/", {"S3UploadMode": "EndOfJob"})


def _take_ports(calling: dict[str, Any], keyword: str, ports: Ports) -> Ports:
    """Inputs or outputs that are the SDK's own go to its method; what is left is put into the request."""
    if not isinstance(ports, list | tuple):
        return ports
    own = [port for port in ports if is_sdk_object(port)]
    if own:
        calling[keyword] = [*(calling.get(keyword) or []), *own]
    return [port for port in ports if not is_sdk_object(port)]


def _with_ports(ports: Json, given: Json, kind: tuple[str, str, str, dict[str, str]]) -> list[dict[str, Json]]:
    """Inputs or outputs of a request with the given ones put over them, by name."""
    name_key, s3_key, folder, defaults = kind
    found: list[dict[str, Json]] = copied(ports) if isinstance(ports, list) else []
    entries = given.items() if isinstance(given, Mapping) else [_entry(item, name_key) for item in given]
    for name, value in entries:
        index = next((i for i, port in enumerate(found) if port.get(name_key) == name), len(found))
        base = found[index] if index < len(found) else {name_key: name}
        if isinstance(value, str | Reference):
            if s3_key not in base:
                base = {**base, s3_key: {"LocalPath": f"{folder}{name}", **defaults}}
            value = {s3_key: {"S3Uri": value}}  # noqa: PLW2901 - the URI is a short form of this
        elif not isinstance(value, Mapping) and not is_sdk_object(value):
            raise TypeError(f"{name_key} {name!r} is an S3 URI, a placeholder or a dict with {s3_key}, not {value!r}")
        found[index : index + 1] = [merged(base, value)]
    return found


def _entry(item: Json, name_key: str) -> tuple[str, Json]:
    """Name and description of one input or output of a list; the SDK's objects describe themselves."""
    described = copied(item)
    if not isinstance(described, Mapping) and hasattr(item, "_to_request_dict"):
        described = item._to_request_dict()  # noqa: SLF001 - what describes itself as the SDK's do
    if isinstance(described, Mapping) and isinstance(described.get(name_key), str):
        return described[name_key], described
    raise TypeError(f"An input or output of a processing job is a dict with {name_key}, not {item!r}")


def _texts(values: Json) -> Json:
    """Arguments of a container: SageMaker takes texts only."""
    if isinstance(values, Reference) or (isinstance(values, str) and TOKEN.fullmatch(values)):
        return values
    if isinstance(values, str):
        raise TypeError(f"Arguments of a container are a list, not the text {values!r}; write [{values!r}]")
    return [as_text(value) if isinstance(value, str | Reference) else str(value) for value in values]

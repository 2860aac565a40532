"""Training jobs: channels and configuration in, the image's process, the model and its metrics out.

Source:
    Amazon SageMaker developer guide, "How Amazon SageMaker Runs Your Training Image" and "Provides Training
    Information"; sagemaker-training-toolkit.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from mlflowsteps.local.jobs import archives
from mlflowsteps.local.jobs.code import decode, fetch_code, is_remote
from mlflowsteps.local.jobs.failures import JobFailure, JobStopped
from mlflowsteps.local.jobs.folders import OPT_ML
from mlflowsteps.local.jobs.images.builtin import is_stand_in, is_xgboost_algorithm
from mlflowsteps.local.jobs.job import MOST_INSTANCES, Job, Record
from mlflowsteps.local.jobs.metrics import all_metrics, quality_metrics, xgboost_metrics
from mlflowsteps.local.jobs.pathmode import REWRITTEN, refuse_literal_paths, rewrite_json
from mlflowsteps.local.jobs.process import Ending
from mlflowsteps.local.jobs.transfer import TreeUploader, download, read_uri, require_bucket, sources
from mlflowsteps.local.jobs.user_code import prepare_training

__all__ = ["describe", "metric_values", "run"]

_ECHOED = [
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "CheckpointConfig",
    "Environment",
    "ExperimentConfig",
    "DebugHookConfig",
    "TensorBoardOutputConfig",
    "RetryStrategy",
]
_DEFAULT_STOP = {"MaxRuntimeInSeconds": 86400}
_SUBFOLDERS = ("input/config", "input/data", "model", "output/data", "code", "checkpoints")


def describe(request: Record) -> Record:
    """What DescribeTrainingJob answers at once: the request, with the service's defaults."""
    found = {key: copy.deepcopy(request[key]) for key in _ECHOED if key in request}
    found.setdefault("AlgorithmSpecification", {}).setdefault("EnableSageMakerMetricsTimeSeries", False)
    for key in ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"):
        found[key] = bool(request.get(key, False))
    found["StoppingCondition"] = copy.deepcopy(request.get("StoppingCondition") or _DEFAULT_STOP)
    base = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"
    plain = request["OutputDataConfig"].get("CompressionType") == "NONE"
    found["ModelArtifacts"] = {"S3ModelArtifacts": f"{base}/model/" if plain else f"{base}/model.tar.gz"}
    found["SecondaryStatus"] = "Starting"
    return found


def run(job: Job) -> None:
    """Do the whole job.

    Raises:
        JobFailure: with the FailureReason.
        JobStopped: it was stopped or ran too long; its model was kept.
    """
    image, argv = _prepare(job)
    require_bucket(job.services.objects, job.request["OutputDataConfig"]["S3OutputPath"], "OutputDataConfig")
    job.start_clock()
    job.enter("Downloading", "Downloading the training data")
    for host in range(1, job.instances + 1):
        _fill(job, host)
    checkpoints = _checkpoints(job)
    python_path = prepare_training(job)
    if job.services.mode == REWRITTEN:
        _refuse_literals(job, argv)
    job.enter("Training", f"Training in progress. Log: {job.folder.log}")
    commands = [
        job.container.command(argv, _variables(job), cwd=f"{OPT_ML}/code", host=host, python_path=python_path)
        for host in range(1, job.instances + 1)
    ]
    ending = job.run(commands, tick=checkpoints.upload if checkpoints else None)
    if checkpoints:
        checkpoints.upload()
    _metrics(job, image)
    _conclude(job, ending)


def _prepare(job: Job) -> tuple[str, list[str]]:
    specification = job.request["AlgorithmSpecification"]
    image = specification.get("TrainingImage")
    if not image:
        raise JobFailure(
            f"ClientError: AlgorithmName {specification['AlgorithmName']!r} names a resource of an AWS account, which "
            "the local runtime cannot run; give a TrainingImage."
        )
    if job.instances > MOST_INSTANCES:
        raise JobFailure(
            f"ClientError: {job.instances} instances are asked for; this machine plays at most {MOST_INSTANCES}. Set "
            "InstanceCount to 1 for local runs."
        )
    if job.instances > 1 and job.services.mode == REWRITTEN:
        job.folder.note(
            "the names algo-1, algo-2, ... lead nowhere: path mode 'rewritten' has no hosts file of its own"
        )
    if job.instances > 1 and (is_stand_in(image) or is_xgboost_algorithm(image, job.request)):
        raise JobFailure("ClientError: built-in algorithms train on one instance here; set InstanceCount to 1.")
    return image, job.container.entrypoint(image, specification, ["train"])


def _fill(job: Job, host: int) -> None:
    """Everything that instance ``host`` finds below /opt/ml when it starts."""
    root = job.folder.opt_ml(host)
    for name in _SUBFOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for channel in job.request.get("InputDataConfig") or ():
        job.control.check()
        _download_channel(job, channel, root / "input/data" / channel["ChannelName"], host)
    _download_code(job, root / "code")
    for name, document in _configuration(job, host).items():
        shown = rewrite_json(document, root) if job.services.mode == REWRITTEN else document
        (root / "input/config" / name).write_text(json.dumps(shown), encoding="utf-8")


def _download_channel(job: Job, channel: Record, folder: Path, host: int) -> None:
    what = f"channel {channel['ChannelName']!r}"
    mode = _input_mode(job, channel)
    if mode == "Pipe":
        raise JobFailure(
            f"ClientError: {what} asks for Pipe mode, which the local runtime lacks; use File or FastFile."
        )
    source = channel["DataSource"].get("S3DataSource")
    if not source:
        kinds = ", ".join(channel["DataSource"])
        raise JobFailure(f"ClientError: {what} has the data source {kinds}; the local runtime reads S3DataSource only.")
    found = sources(job.services.objects, source["S3Uri"], source["S3DataType"], what)
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    shard = (host - 1, job.instances) if sharded else (0, 1)
    download(job.services.objects, found, folder, what, shard=shard)


def _input_mode(job: Job, channel: Record) -> str:
    default = job.request["AlgorithmSpecification"].get("TrainingInputMode", "File")
    return str(channel.get("InputMode") or default)


def _download_code(job: Job, folder: Path) -> None:
    """Unpack the script's folder, which a container would download by itself; jobs have no access to the S3 store."""
    given = decode(job.request.get("HyperParameters", {}).get("sagemaker_submit_directory", ""))
    uri = given or job.request.get("Environment", {}).get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if is_remote(uri):
        fetch_code(job.container, uri, folder)


def _configuration(job: Job, host: int) -> dict[str, Any]:
    request = job.request
    resources = request.get("ResourceConfig") or {}
    hosts = sorted(f"algo-{number}" for number in range(1, job.instances + 1))
    kind = resources.get("InstanceType") or (resources.get("InstanceGroups") or [{}])[0].get("InstanceType", "local")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": kind, "hosts": hosts}
    found: dict[str, Any] = {
        "hyperparameters.json": request.get("HyperParameters") or {},
        "inputdataconfig.json": {
            channel["ChannelName"]: _channel_configuration(job, channel)
            for channel in request.get("InputDataConfig") or ()
        },
        "resourceconfig.json": {
            "current_host": f"algo-{host}",
            "current_instance_type": kind,
            "current_group_name": "homogeneousCluster",
            "hosts": hosts,
            "instance_groups": [group],
            "network_interface_name": "lo",
        },
        "upstreamoutputdataconfig.json": [],
    }
    if "CheckpointConfig" in request:
        found["checkpointconfig.json"] = request["CheckpointConfig"]
    return found


def _channel_configuration(job: Job, channel: Record) -> dict[str, str]:
    source = channel["DataSource"].get("S3DataSource") or {}
    found = {
        "TrainingInputMode": _input_mode(job, channel),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),  # the service's own spelling
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    if "ContentType" in channel:
        found["ContentType"] = channel["ContentType"]
    return found


def _variables(job: Job) -> dict[str, str]:
    found = {"TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.description["TrainingJobArn"]}
    return found | (job.request.get("Environment") or {})


def _checkpoints(job: Job) -> TreeUploader | None:
    given = job.request.get("CheckpointConfig")
    if not given:
        return None
    uri, what = given["S3Uri"], "CheckpointConfig"
    folder = job.folder.inside(given.get("LocalPath") or f"{OPT_ML}/checkpoints")
    require_bucket(job.services.objects, uri, what)
    folder.mkdir(parents=True, exist_ok=True)
    bucket, key = read_uri(uri, what)
    prefix = f"{key.rstrip('/')}/" if key else ""
    if next(iter(job.services.objects.list(bucket, prefix)), None) is not None:
        found = sources(job.services.objects, f"s3://{bucket}/{prefix}", "S3Prefix", what)
        download(job.services.objects, found, folder, what)
    return TreeUploader(job.services.objects, folder, uri, what)


def _refuse_literals(job: Job, argv: list[str]) -> None:
    files = [Path(job.container.shown(part)) for part in argv] + sorted(job.folder.opt_ml().glob("code/**/*"))
    files += sorted(job.folder.opt_ml().glob("input/data/*/*.py")) + sorted(
        job.folder.opt_ml().glob("input/data/*/*.sh")
    )
    commands = job.container.command(argv, _variables(job))
    refuse_literal_paths(files, dict.fromkeys(_SCRIPT_VARIABLES, "") | dict(commands.environment))


_SCRIPT_VARIABLES = ("SM_MODEL_DIR", "SM_OUTPUT_DATA_DIR", "SM_OUTPUT_DIR", "SM_INPUT_DIR", "SM_INPUT_CONFIG_DIR")


def metric_values(log: Path, image: str, request: Record) -> dict[str, list[float]]:
    """Every value of each metric that a training job has written so far: the algorithm's own, then the request's."""
    definitions = request["AlgorithmSpecification"].get("MetricDefinitions") or []
    found = xgboost_metrics(log) if is_xgboost_algorithm(image, request) else {}
    if is_stand_in(image):
        found = quality_metrics(log)
    return found | all_metrics(log, definitions)


def _metrics(job: Job, image: str) -> None:
    found = metric_values(job.folder.log, image, job.request)
    if found:
        now = job.services.clock.now()
        rows = [{"MetricName": name, "Value": values[-1], "Timestamp": now} for name, values in found.items()]
        job.update(FinalMetricDataList=rows)


def _conclude(job: Job, ending: Ending) -> None:
    """Upload what is to be kept, and say how it ended."""
    failed = ending.code != 0 and ending.stopped is None
    if not failed:
        job.enter("Uploading", "Uploading generated training model")
        _upload_model(job)
    _upload_output(job)
    if ending.stopped:
        raise JobStopped(ending.stopped)
    if failed:
        raise JobFailure(job.reason(_failure(job, ending.code)))


def _failure(job: Job, code: int) -> str:
    """The FailureReason's head: the failure file's text, else the exit code."""
    text = job.read_result(f"{OPT_ML}/output/failure")
    if text is None:
        killed = f" (killed by signal {-code})" if code < 0 else ""
        return f"AlgorithmError: Exit Code: {code if code >= 0 else 128 - code}{killed}"
    prefix = "" if text.startswith(("ClientError: ", "AlgorithmError: ")) else "AlgorithmError: "
    return f"{prefix}{text}, exit code: {code if code >= 0 else 128 - code}"


def _upload_model(job: Job) -> None:
    folders = [job.folder.opt_ml(host) / "model" for host in range(1, job.instances + 1)]
    uri = job.description["ModelArtifacts"]["S3ModelArtifacts"]
    if uri.endswith("/model/"):
        for folder in folders:
            TreeUploader(job.services.objects, folder, uri, "model").upload()
        return
    _upload_archive(job, folders, uri)


def _upload_output(job: Job) -> None:
    folders = [job.folder.opt_ml(host) / "output/data" for host in range(1, job.instances + 1)]
    if any(path.is_file() for folder in folders for path in folder.rglob("*")):
        base = job.request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        _upload_archive(job, folders, f"{base}/{job.name}/output/output.tar.gz")


def _upload_archive(job: Job, folders: list[Path], uri: str) -> None:
    bucket, key = read_uri(uri, "OutputDataConfig")
    archive = job.folder.tmp / key.rsplit("/", 1)[-1]
    archives.pack(folders, archive)
    job.services.objects.put(bucket, key, archive)
    archive.unlink()

"""Training jobs: channels and configuration in, the image's process, the model and its metrics out.

Source:
    Amazon SageMaker developer guide, "How Amazon SageMaker Runs Your Training Image" and "Provides Training
    Information"; sagemaker-training-toolkit.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlflowsteps.local.jobs import archives
from mlflowsteps.local.jobs.channels import channels_of, configuration_of, fill_channels, open_pipes
from mlflowsteps.local.jobs.cluster import groups_of
from mlflowsteps.local.jobs.code import decode, fetch_code, is_remote
from mlflowsteps.local.jobs.failures import JobFailure, JobStopped
from mlflowsteps.local.jobs.folders import OPT_ML
from mlflowsteps.local.jobs.images.builtin import is_stand_in, is_xgboost_algorithm
from mlflowsteps.local.jobs.job import MOST_INSTANCES, Job, Record
from mlflowsteps.local.jobs.metrics import all_metrics, quality_metrics, xgboost_metrics
from mlflowsteps.local.jobs.pathmode import REWRITTEN, refuse_literal_paths, rewrite_json
from mlflowsteps.local.jobs.pipes import Pipe
from mlflowsteps.local.jobs.process import Command, Ending
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
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
    "MlflowConfig",
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
    synced = _synced(job)
    python_path = prepare_training(job)
    if job.services.mode == REWRITTEN:
        _refuse_literals(job, argv)
    job.enter("Training", f"Training in progress. Log: {job.folder.log}")
    commands = [
        job.container.command(argv, _variables(job), cwd=f"{OPT_ML}/code", host=host, python_path=python_path)
        for host in range(1, job.instances + 1)
    ]
    ending = _run(job, commands, synced)
    _upload_all(synced)
    _metrics(job, image)
    _conclude(job, ending)


def _run(job: Job, commands: list[Command], synced: list[TreeUploader]) -> Ending:
    """Run the program on all instances, its pipes fed.

    Raises:
        JobFailure: a pipe's data could not be read to its end.
    """
    pipes = open_pipes(job)

    def tick() -> None:
        _raise_if_ended_early(job, pipes)  # the program may wait for an epoch that will never come
        _upload_all(synced)

    try:
        ending = job.run(commands, tick=tick if pipes or synced else None)
    finally:
        for pipe in pipes:
            pipe.close()
    _raise_if_ended_early(job, pipes)
    return ending


def _raise_if_ended_early(job: Job, pipes: Sequence[Pipe]) -> None:
    error = next((pipe.error for pipe in pipes if pipe.error), None)
    if error:
        raise JobFailure(job.reason(f"ClientError: Data download failed: {error}"))


def _prepare(job: Job) -> tuple[str, list[str]]:
    specification = job.request["AlgorithmSpecification"]
    image = specification["TrainingImage"]
    if job.instances > 1 and (is_stand_in(image) or is_xgboost_algorithm(image, job.request)):
        job.folder.note(f"{job.instances} instances are asked for; a built-in algorithm has one here, and all data")
        job.alone = True
    if job.instances > MOST_INSTANCES:
        raise JobFailure(
            f"ClientError: {job.instances} instances are asked for; this machine plays at most {MOST_INSTANCES}. Set "
            "InstanceCount to 1 for local runs."
        )
    if job.instances > 1 and job.services.mode == REWRITTEN:
        job.folder.note(
            "the names algo-1, algo-2, ... lead nowhere: path mode 'rewritten' has no hosts file of its own"
        )
    return image, job.container.entrypoint(image, specification, ["train"])


def _fill(job: Job, host: int) -> None:
    """Everything that instance ``host`` finds below /opt/ml when it starts."""
    root = job.folder.opt_ml(host)
    for name in _SUBFOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    fill_channels(job, root / "input/data", host)
    _download_code(job, root / "code")
    for name, document in _configuration(job, host).items():
        shown = rewrite_json(document, root) if job.services.mode == REWRITTEN else document
        (root / "input/config" / name).write_text(json.dumps(shown), encoding="utf-8")


def _download_code(job: Job, folder: Path) -> None:
    """Unpack the script's folder, which a container would download by itself; jobs have no access to the S3 store."""
    given = decode(job.request.get("HyperParameters", {}).get("sagemaker_submit_directory", ""))
    uri = given or job.request.get("Environment", {}).get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if is_remote(uri):
        fetch_code(job.container, uri, folder)


def _configuration(job: Job, host: int) -> dict[str, Any]:
    request = job.request
    groups = groups_of(request, job.instances)
    own = next(group for group in groups if host in group.hosts)
    found: dict[str, Any] = {
        "hyperparameters.json": request.get("HyperParameters") or {},
        "inputdataconfig.json": {
            channel["ChannelName"]: configuration_of(job, channel) for channel, _ in channels_of(job, host)
        },
        "resourceconfig.json": {
            "current_host": f"algo-{host}",
            "current_instance_type": own.kind,
            "current_group_name": own.name,
            "hosts": _names(range(1, job.instances + 1)),
            "instance_groups": [
                {"instance_group_name": group.name, "instance_type": group.kind, "hosts": _names(group.hosts)}
                for group in groups
            ],
            "network_interface_name": "lo",
        },
        "upstreamoutputdataconfig.json": [],
    }
    if "CheckpointConfig" in request:
        found["checkpointconfig.json"] = request["CheckpointConfig"]
    return found


def _names(hosts: Iterable[int]) -> list[str]:
    return sorted(f"algo-{number}" for number in hosts)


def _variables(job: Job) -> dict[str, str]:
    found = {"TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.description["TrainingJobArn"]}
    return found | (job.request.get("Environment") or {})


def _synced(job: Job) -> list[TreeUploader]:
    """What is uploaded while the job runs: checkpoints, and what TensorBoard and the debugger are to read."""
    found = []
    for host in range(1, job.instances + 1):
        if given := job.request.get("CheckpointConfig"):
            found.append(_checkpoints(job, given, host))
        for member, folder, name in _SIDE_OUTPUTS:
            if (side := job.request.get(member)) and side.get("S3OutputPath"):
                uri = f"{side['S3OutputPath'].rstrip('/')}/{job.name}/{name}"
                found.append(_uploader(job, side.get("LocalPath") or folder, uri, member, host))
    return found


_SIDE_OUTPUTS = (
    ("TensorBoardOutputConfig", f"{OPT_ML}/output/tensorboard", "tensorboard-output"),
    ("DebugHookConfig", f"{OPT_ML}/output/tensors", "debug-output"),
)


def _uploader(job: Job, path: str, uri: str, what: str, host: int) -> TreeUploader:
    folder = job.folder.inside(path, host)
    require_bucket(job.services.objects, uri, what)
    folder.mkdir(parents=True, exist_ok=True)
    return TreeUploader(job.services.objects, folder, uri, what)


def _checkpoints(job: Job, given: Record, host: int) -> TreeUploader:
    """The folder of checkpoints, with those of an earlier job."""
    uri, what = given["S3Uri"], "CheckpointConfig"
    path = given.get("LocalPath") or f"{OPT_ML}/checkpoints"
    uploader = _uploader(job, path, uri, what, host)
    bucket, key = read_uri(uri, what)
    prefix = f"{key.rstrip('/')}/" if key else ""
    if next(iter(job.services.objects.list(bucket, prefix)), None) is not None:
        found = sources(job.services.objects, f"s3://{bucket}/{prefix}", "S3Prefix", what)
        download(job.services.objects, found, job.folder.inside(path, host), what)
    return uploader


def _upload_all(uploads: Sequence[TreeUploader]) -> None:
    for upload in uploads:
        upload.upload()


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

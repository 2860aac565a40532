"""Processing jobs: inputs in, the image's or the request's command, outputs out.

Source:
    Amazon SageMaker developer guide, "Build Your Own Processing Container".
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

from mlflowsteps.local.jobs.failures import JobFailure, JobStopped
from mlflowsteps.local.jobs.folders import OPT_ML
from mlflowsteps.local.jobs.job import MOST_INSTANCES, Job, Record
from mlflowsteps.local.jobs.pathmode import REWRITTEN, refuse_literal_paths, rewrite_json
from mlflowsteps.local.jobs.process import Command
from mlflowsteps.local.jobs.transfer import TreeUploader, download, require_bucket, sources
from mlflowsteps.local.jobs.user_code import prepare_processing

__all__ = ["describe", "run"]

_ECHOED = [
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
]
_DEFAULT_STOP = {"MaxRuntimeInSeconds": 86400}


def describe(request: Record) -> Record:
    """What DescribeProcessingJob answers at once."""
    found = {key: copy.deepcopy(request[key]) for key in _ECHOED if key in request}
    found["StoppingCondition"] = copy.deepcopy(request.get("StoppingCondition") or _DEFAULT_STOP)
    return found


def run(job: Job) -> None:
    """Do the whole job.

    Raises:
        JobFailure: with the FailureReason.
        JobStopped: it was stopped or ran too long.
    """
    specification = job.request["AppSpecification"]
    argv = job.container.entrypoint(specification["ImageUri"], specification, [])
    if job.instances > MOST_INSTANCES:
        raise JobFailure(
            f"ClientError: {job.instances} instances are asked for; this machine plays at most {MOST_INSTANCES}. Set "
            "InstanceCount to 1 for local runs."
        )
    hosts = range(1, job.instances + 1)
    uploads = [upload for host in hosts for upload in _outputs(job, host)]
    job.start_clock()
    for host in hosts:
        for given in job.request.get("ProcessingInputs") or ():
            job.control.check()
            _download(job, given, host)
        _configure(job, host)
    python_path = prepare_processing(job, argv)
    variables = job.request.get("Environment") or {}
    commands = [job.container.command(argv, variables, host=host, python_path=python_path) for host in hosts]
    if job.services.mode == REWRITTEN:
        _refuse_literals(job, commands[0])
    continuous = [upload for mode, upload in uploads if mode == "Continuous"]
    ending = job.run(commands, tick=(lambda: _upload_all(continuous)) if continuous else None)
    _upload_all([upload for _, upload in uploads])
    message = job.read_result(f"{OPT_ML}/output/message")
    if message:
        job.update(ExitMessage=message)
    if ending.stopped:
        raise JobStopped(ending.stopped)
    if ending.code:
        code = ending.code if ending.code > 0 else 128 - ending.code
        raise JobFailure(job.reason(f"AlgorithmError: See job logs for more information, exit code: {code}"))


def _refuse_literals(job: Job, command: Command) -> None:
    inputs = job.folder.opt_ml() / "processing"
    files = [Path(part) for part in command.argv]
    refuse_literal_paths([*files, *sorted(inputs.glob("input/**/*.[ps][yh]"))], command.environment)


def _download(job: Job, given: Record, host: int) -> None:
    what = f"processing input {given['InputName']!r}"
    source = given.get("S3Input")
    if not source or "LocalPath" not in source:
        raise JobFailure(f"ClientError: {what} has no S3Input with a LocalPath; the local runtime reads no other.")
    found = sources(job.services.objects, source["S3Uri"], source["S3DataType"], what)
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    shard = (host - 1, job.instances) if sharded else (0, 1)
    download(job.services.objects, found, job.folder.inside(source["LocalPath"], host), what, shard=shard)


def _outputs(job: Job, host: int) -> list[tuple[str, TreeUploader]]:
    """Make the output folders and check their buckets, before anything runs."""
    found = []
    for given in (job.request.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
        what = f"processing output {given['OutputName']!r}"
        target = given.get("S3Output")
        if not target or "LocalPath" not in target:
            raise JobFailure(f"ClientError: {what} has no S3Output with a LocalPath; the local runtime knows no other.")
        require_bucket(job.services.objects, target["S3Uri"], what)
        folder = job.folder.inside(target["LocalPath"], host)
        folder.mkdir(parents=True, exist_ok=True)
        uploader = TreeUploader(job.services.objects, folder, target["S3Uri"], what)
        found.append((target.get("S3UploadMode", "EndOfJob"), uploader))
    return found


def _upload_all(uploads: list[TreeUploader]) -> None:
    for upload in uploads:
        upload.upload()


def _configure(job: Job, host: int) -> None:
    root = job.folder.opt_ml(host)
    folder = root / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (root / "output").mkdir(exist_ok=True)
    keys = ("ProcessingJobArn", "ProcessingJobName", *_ECHOED[:5], "RoleArn", "StoppingCondition")
    document: object = {key: job.description[key] for key in keys if key in job.description}
    if job.services.mode == REWRITTEN:
        document = rewrite_json(document, root)
    hosts = sorted(f"algo-{number}" for number in range(1, job.instances + 1))
    resources = {"current_host": f"algo-{host}", "hosts": hosts}
    (folder / "processingjobconfig.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "resourceconfig.json").write_text(json.dumps(resources), encoding="utf-8")

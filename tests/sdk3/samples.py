"""What the parity tests of SDK 3 set: classes with what they need, samples of arguments, what does not count.

A sample gives the argument, and what must be set beside it; ``CALL`` in it: another call than the class's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.parity.harness import ROLE
from tests.sdk3.objects import (
    BUILDER,
    CODE,
    COMPUTE,
    PROCESSOR,
    TRAINER,
    TRANSFORMER,
    Call,
    build,
    clarify,
    config,
    fine_tune,
    made,
    of,
    resource,
    run,
    shape,
    train,
    trainer,
    transform,
    tune,
)

CALL = "(call)"
ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"


def code() -> Any:
    return config("SourceCode", **CODE)


def preference() -> Any:
    return shape("InstancePreference", instance_type="ml.m5.large", instance_count=1)


def finished() -> Any:
    """A training job that has ended."""
    artifacts = shape("ModelArtifacts", s3_model_artifacts="s3://m/out/model.tar.gz")
    return resource("TrainingJob", training_job_name="j", model_artifacts=artifacts)


def trained() -> Any:
    """A ModelTrainer whose job has ended."""
    found = trainer()
    found._latest_training_job = finished()
    return found


def core_model(image: str) -> Any:
    container = shape("ContainerDefinition", image=image, model_data_url="s3://m/a.tar.gz", environment={"A": "1"})
    return resource("Model", model_name="m", primary_container=container)


def bias_config() -> Any:
    return of("core.clarify.BiasConfig")(label_values_or_threshold=[1], facet_name="f", facet_values_or_threshold=[0])


def data_config() -> Any:
    return of("core.clarify.DataConfig")(
        s3_data_input_path="s3://d/in.csv",
        s3_output_path="s3://d/out",
        label="l",
        headers=["l", "f"],
        dataset_type="text/csv",
    )


def model_config() -> Any:
    return of("core.clarify.ModelConfig")(model_name="m", instance_count=1, instance_type="ml.m5.large")


FINE_TUNING: dict[str, Any] = {
    "model": "m",
    "model_package_group": f"{ACCOUNT}:model-package-group/g",
    "role": ROLE,
    "training_dataset": "s3://d/train.jsonl",
    "mlflow_resource_arn": f"{ACCOUNT}:mlflow-tracking-server/t",
    "s3_output_path": "s3://o/p",
}
EVALUATOR = f"{ACCOUNT}:hub-content/h/JsonDoc/e/1.0.0"
CLARIFY = {"role": ROLE, "instance_count": 1, "instance_type": "ml.m5.xlarge"}
JAR = run(submit_app="lib.jar", submit_class="C")

RANGE = "core.parameter.ContinuousParameter"
CLASSES: dict[str, tuple[dict[str, Any], Call]] = {
    "train.model_trainer.ModelTrainer": (TRAINER, train),
    "train.tuner.HyperparameterTuner": (
        {
            "model_trainer": trainer,
            "objective_metric_name": "m",
            "hyperparameter_ranges": lambda: {"x": of(RANGE)(0, 1)},
            "metric_definitions": [{"Name": "m", "Regex": "r"}, {"Name": "n", "Regex": "r"}],
        },
        tune,
    ),
    "train.sft_trainer.SFTTrainer": (FINE_TUNING, fine_tune),
    "train.dpo_trainer.DPOTrainer": (FINE_TUNING, fine_tune),
    "train.rlvr_trainer.RLVRTrainer": (
        {**FINE_TUNING, "custom_reward_function": EVALUATOR, "skip_reward_validation": True},
        fine_tune,
    ),
    "train.rlaif_trainer.RLAIFTrainer": (
        {**FINE_TUNING, "reward_model_id": "openai.gpt-oss-120b-1:0", "reward_prompt": "one"},
        fine_tune,
    ),
    "core.processing.Processor": (PROCESSOR, run()),
    "core.processing.ScriptProcessor": ({**PROCESSOR, "command": ["python3"]}, run(code="src/train.py")),
    "core.processing.FrameworkProcessor": (PROCESSOR, run(code="train.py", source_dir="src")),
    "core.spark.processing.PySparkProcessor": (
        {**PROCESSOR, "framework_version": "3.3"},
        run(submit_app="src/train.py"),
    ),
    "core.spark.processing.SparkJarProcessor": ({**PROCESSOR, "framework_version": "3.3"}, JAR),
    "core.clarify.SageMakerClarifyProcessor": (
        CLARIFY,
        clarify("run_pre_training_bias", lambda: {"data_config": data_config(), "data_bias_config": bias_config()}),
    ),
    "core.transformer.Transformer": (TRANSFORMER, transform),
    "serve.model_builder.ModelBuilder": (BUILDER, build),
}

SAMPLES: dict[str, list[dict[str, Any]]] = {
    # argument: several samples where it holds a shape, so that every field of the shape is looked at
    "role": [{"role": f"{ROLE}-2"}],
    "input_s3_key_prefix": [{"input_s3_key_prefix": "pre", "source_code": code}],
    "source_code": [
        {"source_code": code},
        {
            "source_code": lambda: config(
                "SourceCode", source_dir="src", command="python train.py", requirements="requirements.txt"
            )
        },
    ],
    "distributed": [
        {
            "distributed": lambda: of("train.distributed.Torchrun")(process_count_per_node=2),
            "source_code": code,
        }
    ],
    "compute": [
        {"compute": lambda: config("Compute", **COMPUTE, volume_kms_key_id="k")},
        {"compute": lambda: config("Compute", **COMPUTE, keep_alive_period_in_seconds=60)},
        {"compute": lambda: config("Compute", instance_preferences=[preference()], volume_size_in_gb=30)},
        {"compute": lambda: config("Compute", **COMPUTE, enable_managed_spot_training=True)},
        {
            "compute": lambda: config(
                "Compute",
                **COMPUTE,
                training_plan_arn="arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan-one-of-many",
            )
        },
        {
            "compute": lambda: config(
                "Compute",
                instance_groups=[
                    shape("InstanceGroup", instance_type="ml.m5.large", instance_count=1, instance_group_name="g")
                ],
            )
        },
    ],
    "networking": [
        {"networking": lambda: config("Networking", subnets=["s"], security_group_ids=["g"])},
        {"networking": lambda: config("Networking", enable_network_isolation=True)},
        {"networking": lambda: config("Networking", enable_inter_container_traffic_encryption=True)},
    ],
    "stopping_condition": [
        {
            "stopping_condition": lambda: config(
                "StoppingCondition",
                max_runtime_in_seconds=9,
                max_wait_time_in_seconds=99,
                max_pending_time_in_seconds=7200,
            )
        }
    ],
    "training_image": [{"training_image": "other:1"}],
    "training_image_config": [
        {"training_image_config": lambda: config("TrainingImageConfig", training_repository_access_mode="Vpc")}
    ],
    "algorithm_name": [{"algorithm_name": "algorithm", "training_image": None}],
    "output_data_config": [
        {
            "output_data_config": lambda: config(
                "OutputDataConfig", s3_output_path="s3://o/q", kms_key_id="k", compression_type="NONE"
            )
        }
    ],
    "input_data_config": [
        {"input_data_config": lambda: [config("InputData", channel_name="more", data_source="s3://d/more")]},
        {"input_data_config": lambda: [config("InputData", channel_name="local", data_source="src")]},
    ],
    "checkpoint_config": [
        {"checkpoint_config": lambda: config("CheckpointConfig", s3_uri="s3://c/p", local_path="/opt/ml/c")}
    ],
    "training_input_mode": [{"training_input_mode": "Pipe"}],
    "environment": [{"environment": {"E": "1"}}],
    "hyperparameters": [{"hyperparameters": {"a": 1, "b": True, "c": "text", "d": 0.5, "e": [1, 2]}}],
    "tags": [{"tags": lambda: [shape("Tag", key="k", value="v")]}],
    "model_package_config": [
        {
            "model_package_config": lambda: shape(
                "ModelPackageConfig",
                model_package_group_arn="arn:aws:sagemaker:us-east-1:123456789012:model-package-group/g",
            )
        }
    ],
    "objective_metric_name": [{"objective_metric_name": "n"}],
    "metric_definitions": [{"metric_definitions": [{"Name": "m", "Regex": "other"}]}],
    "hyperparameter_ranges": [
        {
            "hyperparameter_ranges": lambda: {
                "i": of("core.parameter.IntegerParameter")(1, 5),
                "c": of("core.parameter.CategoricalParameter")(["a", "b"]),
            }
        }
    ],
    "strategy": [{"strategy": "Random"}],
    "objective_type": [{"objective_type": "Minimize"}],
    "max_jobs": [{"max_jobs": 7}],
    "max_parallel_jobs": [{"max_parallel_jobs": 3}],
    "max_runtime_in_seconds": [{"max_runtime_in_seconds": 600}],
    "warm_start_config": [
        {
            "warm_start_config": lambda: shape(
                "HyperParameterTuningJobWarmStartConfig",
                parent_hyper_parameter_tuning_jobs=[
                    shape("ParentHyperParameterTuningJob", hyper_parameter_tuning_job_name="parent")
                ],
                warm_start_type="TransferLearning",
            )
        }
    ],
    "strategy_config": [
        {
            "strategy": "Hyperband",
            "strategy_config": lambda: shape(
                "HyperParameterTuningJobStrategyConfig",
                hyperband_strategy_config=shape("HyperbandStrategyConfig", min_resource=1, max_resource=10),
            ),
        }
    ],
    "completion_criteria_config": [
        {"completion_criteria_config": lambda: shape("TuningJobCompletionCriteria", target_objective_metric_value=0.5)}
    ],
    "early_stopping_type": [{"early_stopping_type": "Auto"}],
    "random_seed": [{"random_seed": 5}],
    "autotune": [{"autotune": True}],
    "hyperparameters_to_keep_static": [{"autotune": True, "hyperparameters_to_keep_static": ["keep"]}],
    "image_uri": [{"image_uri": "other:1"}],
    "instance_count": [{"instance_count": 2}],
    "instance_type": [{"instance_type": "ml.m5.4xlarge"}],
    "entrypoint": [{"entrypoint": ["python3", "x.py"]}],
    "command": [{"command": ["python3", "-v"]}],
    "volume_size_in_gb": [{"volume_size_in_gb": 44}],
    "volume_kms_key": [{"volume_kms_key": "vk"}],
    "output_kms_key": [{"output_kms_key": "ok"}],
    "env": [{"env": {"E": "1"}}],
    "network_config": [
        {
            "network_config": lambda: of("core.network.NetworkConfig")(
                enable_network_isolation=True,
                subnets=["s"],
                security_group_ids=["g"],
                encrypt_inter_container_traffic=True,
            )
        }
    ],
    "code_location": [{"code_location": "s3://code/here"}],
    "instance_preferences": [
        {
            "instance_type": None,
            "instance_preferences": [{"InstanceType": "ml.m5.large"}, {"InstanceType": "ml.m5.xlarge"}],
        }
    ],
    "framework_version": [{"framework_version": "3.2", "image_uri": None}],
    "py_version": [{"py_version": "py312", "container_version": "1", "framework_version": "3.5", "image_uri": None}],
    "container_version": [{"container_version": "2", "image_uri": None, "py_version": "py39"}],
    "model_name": [{"model_name": "other"}],
    "assemble_with": [{"assemble_with": "Line"}],
    "output_path": [{"output_path": "s3://o/t"}],
    "accept": [{"accept": "text/csv"}],
    "max_concurrent_transforms": [{"max_concurrent_transforms": 3}],
    "max_payload": [{"max_payload": 4}],
    "transform_ami_version": [{"transform_ami_version": "al2-ami-sagemaker-batch-gpu-470"}],
    "s3_model_data_url": [{"s3_model_data_url": "s3://m/other.tar.gz"}],
    "role_arn": [{"role_arn": f"{ROLE}-2"}],
    "env_vars": [{"env_vars": {"E": "1"}}],
    "network": [
        {
            "network": lambda: config(
                "Networking", subnets=["s"], security_group_ids=["g"], enable_network_isolation=True
            )
        }
    ],
    "model_trainer": [{"model_trainer": lambda: trainer(training_image="other:1")}],
}

SETTINGS = {"Classification": "core-site", "Properties": {"p": "v"}}


def _spark(**app: Any) -> dict[str, list[dict[str, Any]]]:
    return {
        "configuration_location": [{"configuration_location": "s3://conf/x", CALL: run(**app, configuration=SETTINGS)}],
        "dependency_location": [{"dependency_location": "s3://deps/x", CALL: run(**app, submit_files=["extra.py"])}],
    }


_FINE_TUNING: dict[str, list[dict[str, Any]]] = {
    "training_type": [{"training_type": lambda: of("train.common.TrainingType").FULL}],
    "model_package_group": [{"model_package_group": f"{ACCOUNT}:model-package-group/other"}],
    "mlflow_resource_arn": [{"mlflow_resource_arn": f"{ACCOUNT}:mlflow-tracking-server/other"}],
    "mlflow_experiment_name": [{"mlflow_experiment_name": "e"}],
    "mlflow_run_name": [{"mlflow_run_name": "r"}],
    "training_dataset": [{"training_dataset": "s3://d/other.jsonl"}],
    "validation_dataset": [{"validation_dataset": "s3://d/validation.jsonl"}],
    "s3_output_path": [{"s3_output_path": "s3://o/other"}],
    "kms_key_id": [{"kms_key_id": "k"}],
    "networking": [{"networking": lambda: shape("VpcConfig", subnets=["s"], security_group_ids=["g"])}],
    "accept_eula": [{"accept_eula": True}],
    "sequence_length": [{"sequence_length": "4K"}],
    "recipe": [{"recipe": "recipe.yaml"}],
    "overrides": [{"overrides": {"training_config": {"learning_rate": 0.5}}}],
    "hyperparameters": [{"hyperparameters": {"learning_rate": 0.25}}],
    "tags": [{"tags": [{"key": "k", "value": "v"}]}],
    "disable_output_compression": [{"disable_output_compression": True}],
    "custom_reward_function": [{"custom_reward_function": f"{EVALUATOR}1"}],
    "reward_model_id": [{"reward_model_id": "openai.gpt-oss-20b-1:0"}],
    "reward_prompt": [{"reward_prompt": "two"}],
    "is_multimodal": [{"is_multimodal": True}],
    "base_job_name": [{"base_job_name": "other"}],
    "output_data_config": [{"output_data_config": lambda: config("OutputDataConfig", s3_output_path="s3://o/x")}],
    "environment": [{"environment": {"E": "1"}}],
    "training_image": [{"training_image": "other:1"}],
    "base_model_name": [{"base_model_name": "other"}],
}
_BUILDER: dict[str, list[dict[str, Any]]] = {
    "model": [
        {"model": trained, "s3_model_data_url": None},
        {"model": lambda: [core_model("image:1"), core_model("image:2")], "s3_model_data_url": None, "image_uri": None},
    ],
    "model_path": [{"model_path": "s3://m/path.tar.gz", "s3_model_data_url": None}],
    "s3_model_data_url": [
        {"s3_model_data_url": "s3://m/other.tar.gz"},
        {
            "s3_model_data_url": {
                "S3DataSource": {"S3Uri": "s3://m/p/", "S3DataType": "S3Prefix", "CompressionType": "None"}
            }
        },
    ],
    "image_config": [{"image_config": {"RepositoryAccessMode": "Vpc"}}],
    "model_server": [{"model_server": lambda: of("serve.utils.types.ModelServer").TORCHSERVE}],
    "model_metadata": [{"model_metadata": {"HF_TASK": "text-generation"}}],
    "log_level": [{"log_level": 10}],
    "content_type": [{"content_type": "text/csv"}],
    "accept_type": [{"accept_type": "text/csv"}],
    "compute": [{"compute": lambda: config("Compute", instance_type="ml.g5.xlarge", instance_count=1)}],
    "instance_type": [{"instance_type": "ml.g5.xlarge"}],
    "schema_builder": [
        {
            "schema_builder": lambda: of("serve.builder.schema_builder.SchemaBuilder")(
                sample_input="a", sample_output="b"
            )
        }
    ],
    "shared_libs": [{"shared_libs": ["lib.so"]}],
    "dependencies": [{"dependencies": {"auto": False}}],
}
FINE_TUNERS = ("SFTTrainer", "DPOTrainer", "RLVRTrainer", "RLAIFTrainer")
BY_CLASS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("ModelTrainer", "base_job_name"): [{"base_job_name": "other", "source_code": code}],
    ("Transformer", "strategy"): [{"strategy": "SingleRecord"}],
    **{("ModelBuilder", name): samples for name, samples in _BUILDER.items()},
    **{("PySparkProcessor", name): found for name, found in _spark(submit_app="src/train.py").items()},
    **{("SparkJarProcessor", name): found for name, found in _spark(submit_app="lib.jar", submit_class="C").items()},
    **{(cls, name): samples for cls in FINE_TUNERS for name, samples in _FINE_TUNING.items()},
}
"""Samples that one class needs in place of the common ones."""

_SESSION = "the session: its bucket, prefix, settings and defaults are taken over, its clients are not"
_NAME = "makes up a job's name; the step's takes its place"
_SERVERLESS = "a serverless job has none"
UNSEEN: dict[str | tuple[str, str], str] = {
    "sagemaker_session": _SESSION,
    "base_job_name": _NAME,
    "base_tuning_job_name": _NAME,
    "base_transform_job_name": _NAME,
    "job_name_prefix": _NAME,
    "skip_early_validation": "of the SDK's own check",
    "version": "chooses the image; there is one version",
    "local_container_root": "of `LOCAL_CONTAINER` only",
    "config_mgr": "how the SDK reads its defaults",
    "model_trainer_name": "refused: names a trainer among several, over which the SDK's own `tune()` fails",
    "skip_reward_validation": "whether the SDK calls the reward function first; a step never does",
    **{(cls, "base_job_name"): _NAME for cls in FINE_TUNERS},
    **{(cls, "is_multimodal"): "chooses the recipe of mixed data" for cls in FINE_TUNERS},
    **{(cls, "base_model_name"): "of `compute=` and of a model given by its S3 URI" for cls in FINE_TUNERS},
    **{
        (cls, name): _SERVERLESS
        for cls in FINE_TUNERS
        for name in ("output_data_config", "input_data_config", "environment", "training_image")
    },
    ("RLAIFTrainer", "disable_output_compression"): "the SDK takes it and leaves it out of the request",
    ("ModelBuilder", "model_server"): "how a model in memory is packed",
    ("ModelBuilder", "model_metadata"): "of models of Hugging Face and MLflow",
    ("ModelBuilder", "log_level"): "of the SDK's own log",
    ("ModelBuilder", "content_type"): "of the client that calls the endpoint",
    ("ModelBuilder", "accept_type"): "of the client that calls the endpoint",
    ("ModelBuilder", "compute"): "of the endpoint",
    ("ModelBuilder", "instance_type"): "of the endpoint; chooses an image where none is given",
    ("ModelBuilder", "schema_builder"): "of the client, and of a model in memory",
    ("ModelBuilder", "shared_libs"): "of a model in memory",
    ("ModelBuilder", "dependencies"): "of a model in memory",
}
"""What never reaches a request, with the reason; what has a sample is shown not to."""

REFUSED: dict[tuple[str, str], tuple[str, Callable[[], Any], str]] = {
    ("ModelTrainer", "training_mode"): (
        "refused in `LOCAL_CONTAINER`: it would run at once; LocalRuntime runs the workflow's jobs",
        lambda: of("train.model_trainer.Mode").LOCAL_CONTAINER,
        "LocalRuntime",
    ),
    ("ModelBuilder", "mode"): (
        "refused in `LOCAL_CONTAINER`: it would run at once; LocalRuntime runs the workflow's jobs",
        lambda: of("serve.mode.function_pointers.Mode").LOCAL_CONTAINER,
        "LocalRuntime",
    ),
    ("ModelBuilder", "modelbuilder_list"): (
        "refused: makes several models; make a ModelStep of each",
        lambda: [made(of("serve.model_builder.ModelBuilder"), BUILDER)],
        "Make a ModelStep of each",
    ),
    ("ModelBuilder", "source_code"): (
        "refused: the SDK would download the archive to put the script into it; put `code/inference.py` there before",
        code,
        "Put code/inference.py into model.tar.gz",
    ),
    **{
        (cls, "compute"): (
            "refused: asks AWS for the recipe (TrainingJobCompute), or starts another command (HyperPodCompute)",
            lambda: of("core.training.configs.HyperPodCompute")(cluster_name="c"),
            "EksRunJobStep",
        )
        for cls in FINE_TUNERS
    },
}
"""What is refused, with what a user is told, a sample, and what the error must say."""

ONLINE: dict[tuple[str, str], str] = {
    **{(cls, "model"): "kept; a name is looked up by the SDK's constructor" for cls in FINE_TUNERS},
    **{
        (cls, "notifications"): "the SDK's constructor makes a rule of EventBridge; not of the request"
        for cls in FINE_TUNERS
    },
    ("SFTTrainer", "data_mixing_config"): "refused: asks AWS for the recipe",
    ("ModelBuilder", "inference_spec"): "kept: packed by the SDK, and uploaded when the workflow is created",
}
"""What cannot be shown here, since the SDK asks AWS before there is an object, or by another test."""

_HYPERPOD = ("HyperPod", "EksRunJobStep", "refused: HyperPod's own command starts it; use EksRunJobStep or LambdaStep")
_PIPELINE = (
    "pipeline",
    "PipelineExecutionStep",
    "refused: starts a pipeline of SageMaker; use PipelineExecutionStep for one that is there",
)
_MONITOR = (
    "baseline",
    "Processor",
    "refused: runs its baseline job and reads it at once; use ProcessingStep and a Processor with its image",
)
REFUSED_CLASSES: dict[str, tuple[str, str, str]] = {
    "train.cpt_trainer.CPTTrainer": _HYPERPOD,
    "train.multi_turn_rl_trainer.MultiTurnRLTrainer": (
        "CreateJob",
        "AwsSdkStep",
        "refused: makes a CreateJob request; give it to AwsSdkStep",
    ),
    "train.evaluate.base_evaluator.BaseEvaluator": _PIPELINE,
    "train.evaluate.benchmark_evaluator.BenchMarkEvaluator": _PIPELINE,
    "train.evaluate.custom_scorer_evaluator.CustomScorerEvaluator": _PIPELINE,
    "train.evaluate.inspect_ai_evaluator.InspectAIEvaluator": _PIPELINE,
    "train.evaluate.llm_as_judge_evaluator.LLMAsJudgeEvaluator": _PIPELINE,
    "train.evaluate.multi_turn_rl_evaluator.MultiTurnRLEvaluator": _PIPELINE,
    "core.model_monitor.model_monitoring.ModelMonitor": _MONITOR,
    "core.model_monitor.model_monitoring.DefaultModelMonitor": _MONITOR,
    "core.model_monitor.model_monitoring.ModelQualityMonitor": _MONITOR,
    "core.model_monitor.clarify_model_monitoring.ClarifyModelMonitor": _MONITOR,
    "core.model_monitor.clarify_model_monitoring.ModelBiasMonitor": _MONITOR,
    "core.model_monitor.clarify_model_monitoring.ModelExplainabilityMonitor": _MONITOR,
    "mlops.workflow.pipeline.Pipeline": _PIPELINE,
}
"""Classes with what their error says, what it names instead, and what a user is told."""
LEFT_OUT: dict[str, str] = {
    "train.base_trainer.BaseTrainer": "the fine-tuning trainers' base, which makes no object",
    "mlops.feature_store.athena_query.AthenaQuery": "a query of Athena",
    "mlops.feature_store.ingestion_manager_pandas.IngestionManagerPandas": "writes to the feature store at once",
    "mlops.workflow._steps_compiler.StepsCompiler": "of SageMaker's pipelines",
}
"""Classes that are nothing for a step, with the reason."""

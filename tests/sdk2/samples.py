"""What each argument of SDK 2's classes is set to, beside what makes the object.

A sample names every argument that must be set together. An argument has one for all classes, or one for a class in
``FOR``. Those that have none, or do nothing, are in ``reasons``.
"""

from __future__ import annotations

import contextlib
from typing import Any

from tests.parity.harness import ROLE
from tests.sdk2.cases import (
    ATHENA,
    NEEDED,
    PLAIN,
    REDSHIFT,
    ROWS,
    Arguments,
    arguments_of,
    explained,
    lazy,
    made,
    of,
)  # fmt: skip

ARN = "arn:aws:sagemaker:us-east-1:123456789012"

SAMPLES: dict[str, Arguments] = {
    # of most classes
    "role": {"role": f"{ROLE}-2"},
    "image_uri": {"image_uri": "other:1"},
    "instance_count": {"instance_count": 2},
    "instance_type": {"instance_type": "ml.m5.4xlarge"},
    "volume_kms_key": {"volume_kms_key": "vk"},
    "output_kms_key": {"output_kms_key": "ok"},
    "output_path": {"output_path": "s3://o/p"},
    "tags": {"tags": [{"Key": "k", "Value": "v"}]},
    "base_job_name": {"base_job_name": "base"},
    "enable_network_isolation": {"enable_network_isolation": True},
    "entry_point": {"entry_point": "other.py"},
    "source_dir": {"source_dir": "src", "entry_point": "train.py"},
    "dependencies": {"dependencies": ["lib.py"], "entry_point": "train.py"},
    "code_location": {"code_location": "s3://code/here", "entry_point": "train.py"},
    "container_log_level": {"container_log_level": 10, "entry_point": "train.py"},
    "py_version": {"py_version": "py39", "framework_version": "1.13"},
    # estimators
    "keep_alive_period_in_seconds": {"keep_alive_period_in_seconds": 60},
    "volume_size": {"volume_size": 77},
    "max_run": {"max_run": 99},
    "input_mode": {"input_mode": "Pipe"},
    "hyperparameters": {"hyperparameters": {"a": 1, "b": "text", "c": 0.5, "d": True}},
    "subnets": {"subnets": ["s-1"], "security_group_ids": ["sg-1"]},
    "security_group_ids": {"subnets": ["s-1"], "security_group_ids": ["sg-2"]},
    "model_uri": {"model_uri": "s3://m/m.tar.gz"},
    "model_channel_name": {"model_uri": "s3://m/m", "model_channel_name": "mc"},
    "metric_definitions": {"metric_definitions": [{"Name": "m", "Regex": "other"}]},
    "encrypt_inter_container_traffic": {"encrypt_inter_container_traffic": True},
    "use_spot_instances": {"use_spot_instances": True, "max_wait": 86500},
    "max_wait": {"use_spot_instances": True, "max_wait": 86600},
    "checkpoint_s3_uri": {"checkpoint_s3_uri": "s3://c/p"},
    "checkpoint_local_path": {"checkpoint_s3_uri": "s3://c/p", "checkpoint_local_path": "/opt/ml/c"},
    "rules": {"rules": lambda: [of("debugger.Rule").sagemaker(of("debugger.rule_configs").loss_not_decreasing())]},
    "debugger_hook_config": {"debugger_hook_config": False},
    "tensorboard_output_config": {
        "tensorboard_output_config": lazy("debugger.TensorBoardOutputConfig", s3_output_path="s3://t/b")
    },
    "enable_sagemaker_metrics": {"enable_sagemaker_metrics": True},
    "profiler_config": {"profiler_config": lazy("debugger.ProfilerConfig", s3_output_path="s3://p/r")},
    "disable_profiler": {"disable_profiler": True},
    "environment": {"environment": {"E": "1"}},
    "max_retry_attempts": {"max_retry_attempts": 3},
    "instance_groups": {
        "instance_groups": lambda: [of("instance_group.InstanceGroup")("g", "ml.m5.large", 1)],
        "instance_count": None,
        "instance_type": None,
    },
    "training_repository_access_mode": {"training_repository_access_mode": "Vpc"},
    "training_repository_credentials_provider_arn": {
        "training_repository_access_mode": "Vpc",
        "training_repository_credentials_provider_arn": "arn:aws:lambda:::function:f",
    },
    "container_entry_point": {"container_entry_point": ["a", "b"]},
    "container_arguments": {"container_arguments": ["c"]},
    "disable_output_compression": {"disable_output_compression": True},
    "enable_infra_check": {"enable_infra_check": True},
    "enable_remote_debug": {"enable_remote_debug": True},
    "enable_session_tag_chaining": {"enable_session_tag_chaining": True},
    "training_plan": {"training_plan": f"{ARN}:training-plan/p"},
    "instance_placement_config": {"instance_placement_config": {"EnableMultipleJobs": True}},
    "image_uri_region": {"image_uri_region": "us-west-2"},
    "distribution": {"distribution": {"parameter_server": {"enabled": True}}},
    "model_dir": {"model_dir": "s3://model/dir"},
    "use_mpi": {"use_mpi": True},
    "num_processes": {"use_mpi": True, "num_processes": 2},
    "process_slots_per_host": {"process_slots_per_host": 2},
    "additional_mpi_options": {"use_mpi": True, "additional_mpi_options": "-x"},
    "data_location": {"data_location": "s3://data/here"},
    # processors
    "entrypoint": {"entrypoint": ["python3", "x.py"]},
    "volume_size_in_gb": {"volume_size_in_gb": 44},
    "max_runtime_in_seconds": {"max_runtime_in_seconds": 600},
    "env": {"env": {"E": "1"}},
    "network_config": {"network_config": lazy("network.NetworkConfig", enable_network_isolation=True)},
    "command": {"command": ["python3", "-v"]},
    "job_name_prefix": {"job_name_prefix": "pre"},
    "version": {"version": "1.0"},
    "skip_early_validation": {"skip_early_validation": True},
    "data_wrangler_flow_source": {"data_wrangler_flow_source": "s3://flows/a.flow"},
    "container_version": {"container_version": "1", "py_version": "py39"},
    "configuration_location": {"configuration_location": "s3://conf/here"},
    "dependency_location": {"dependency_location": "s3://deps/here"},
    # transformers
    "model_name": {"model_name": "other-model"},
    "strategy": {"strategy": "MultiRecord"},
    "assemble_with": {"assemble_with": "Line"},
    "accept": {"accept": "text/csv"},
    "max_concurrent_transforms": {"max_concurrent_transforms": 3},
    "max_payload": {"max_payload": 4},
    "base_transform_job_name": {"base_transform_job_name": "base"},
    # tuners
    "estimator": {
        "estimator": lazy(
            "estimator.Estimator", image_uri="other:1", role=ROLE, instance_count=1, instance_type="ml.m5.xlarge"
        )
    },
    "objective_metric_name": {"objective_metric_name": "n"},
    "hyperparameter_ranges": {
        "hyperparameter_ranges": lambda: {
            "d": of("tuner.IntegerParameter")(1, 5),
            "e": of("tuner.CategoricalParameter")(["a", 1]),
        }
    },
    "objective_type": {"objective_type": "Minimize"},
    "max_jobs": {"max_jobs": 7},
    "max_parallel_jobs": {"max_parallel_jobs": 3},
    "base_tuning_job_name": {"base_tuning_job_name": "base"},
    "warm_start_config": {
        "warm_start_config": lambda: of("tuner.WarmStartConfig")(
            of("tuner.WarmStartTypes").TRANSFER_LEARNING, {"parent"}
        )
    },
    "strategy_config": {
        "strategy": "Hyperband",
        "strategy_config": lambda: of("tuner.StrategyConfig")(of("tuner.HyperbandStrategyConfig")(10, 1)),
    },
    "completion_criteria_config": {
        "completion_criteria_config": lambda: of("tuner.TuningJobCompletionCriteriaConfig")(5, True, 0.5)
    },
    "early_stopping_type": {"early_stopping_type": "Auto"},
    "estimator_name": {"estimator_name": "e"},
    "random_seed": {"random_seed": 5},
    "autotune": {"autotune": True},
    "hyperparameters_to_keep_static": {"autotune": True, "hyperparameters_to_keep_static": ["a"]},
    # models
    "model_data": {"model_data": "s3://other/model.tar.gz"},
    "predictor_cls": {"predictor_cls": lambda: of("predictor.Predictor")},
    "name": {"name": "own-name"},
    "vpc_config": {"vpc_config": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}},
    "model_kms_key": {"model_kms_key": "mk"},
    "image_config": {"image_config": {"RepositoryAccessMode": "Vpc"}},
    "additional_model_data_sources": {
        "additional_model_data_sources": [
            {"ChannelName": "c", "S3DataSource": {"S3Uri": "s3://m/more/", "S3DataType": "S3Prefix",
                                                  "CompressionType": "None"}}
        ]
    },
    "model_reference_arn": {
        "model_reference_arn": f"{ARN}:hub-content/h/Model/m/1",
        "model_data": {
            "S3DataSource": {"S3Uri": "s3://m/d/", "S3DataType": "S3Prefix", "CompressionType": "None"}
        },
    },
    "model_server_workers": {"model_server_workers": 3},
    "resources": {
        "resources": lazy(
            "compute_resource_requirements.resource_requirements.ResourceRequirements",
            requests={"num_cpus": 1, "memory": 1024, "copies": 1},
        )
    },
}  # fmt: skip
"""Arguments by name."""

_DJL: dict[str, Arguments] = {
    "model_id": {"model_id": "other/model"},
    "model_data": {"model_id": None, "model_data": "s3://other/model.tar.gz"},
    "model_reference_arn": {"model_id": None, **SAMPLES["model_reference_arn"]},
    "engine": {"engine": "MPI"},
    "djl_version": {"djl_version": "0.29.0"},
    "djl_framework": {"djl_framework": "djl-tensorrtllm"},
    "task": {"task": "text-generation"},
    "dtype": {"dtype": "fp16"},
    "tensor_parallel_degree": {"tensor_parallel_degree": 2},
    "min_workers": {"min_workers": 2},
    "max_workers": {"max_workers": 3},
    "job_queue_size": {"job_queue_size": 9},
    "parallel_loading": {"parallel_loading": True},
    "model_loading_timeout": {"model_loading_timeout": 99},
    "prediction_timeout": {"prediction_timeout": 98},
    "huggingface_hub_token": {"huggingface_hub_token": "token"},
}
_TRAINING_INPUT: dict[str, Arguments] = {
    "s3_data": {"s3_data": "s3://other/data"},
    "distribution": {"distribution": "ShardedByS3Key"},
    "compression": {"compression": "Gzip"},
    "content_type": {"content_type": "text/csv"},
    "record_wrapping": {"record_wrapping": "RecordIO"},
    "s3_data_type": {"s3_data_type": "ManifestFile"},
    "instance_groups": {"instance_groups": ["g"]},
    "input_mode": {"input_mode": "Pipe"},
    "attribute_names": {"attribute_names": ["a"], "s3_data_type": "AugmentedManifestFile"},
    "target_attribute_name": {"target_attribute_name": "y"},
    "shuffle_config": {"shuffle_config": lazy("inputs.ShuffleConfig", seed=7)},
    "hub_access_config": {"hub_access_config": {"HubContentArn": f"{ARN}:hub-content/h/Model/m/1"}},
    "model_access_config": {"model_access_config": {"AcceptEula": True}},
}
_TUNED_SEVERAL: dict[str, Arguments] = {
    f"{name}_dict": {f"{name}_dict": value}
    for name, value in {
        "objective_metric_name": {"first": "m", "second": "n"},
        "estimator": lambda: {name: SAMPLES["estimator"]["estimator"]() for name in ("first", "second")},
        "hyperparameter_ranges": lambda: {
            name: {"y": of("tuner.IntegerParameter")(0, 5)} for name in ("first", "second")
        },
        "metric_definitions": {name: [{"Name": "m", "Regex": "other"}] for name in ("first", "second")},
    }.items()
}
_TUNED_SEVERAL["hyperparameters_to_keep_static_dict"] = {
    "autotune": True,
    "estimator_dict": lambda: {
        name: lazy("estimator.Estimator", **PLAIN, hyperparameters={"a": 1, "b": 2})() for name in ("first", "second")
    },
    "hyperparameters_to_keep_static_dict": {"first": ["a"], "second": ["b"]},
}
_RL: Arguments = {
    "image_uri": None,
    "toolkit": lambda: of("rl.RLToolkit").RAY,
    "toolkit_version": "1.6.0",
    "framework": lambda: of("rl.RLFramework").PYTORCH,
}
_OF_CLASS: dict[str, dict[str, Arguments]] = {
    "algorithm.AlgorithmEstimator": {"algorithm_arn": {"algorithm_arn": f"{ARN}:algorithm/other"}},
    "sklearn.SKLearn": {"framework_version": {"framework_version": "1.0-1"}},
    "xgboost.XGBoost": {"framework_version": {"framework_version": "1.5-1"}},
    "pytorch.PyTorch": {
        "framework_version": {"framework_version": "2.1"},
        "enable_sagemaker_metrics": {"enable_sagemaker_metrics": False},
    },
    "tensorflow.TensorFlow": {
        "framework_version": {"framework_version": "2.13"},
        "py_version": {"framework_version": "2.11", "py_version": "py39"},
        "enable_sagemaker_metrics": {"enable_sagemaker_metrics": False},
    },
    "huggingface.HuggingFace": {
        "transformers_version": {"transformers_version": "4.36.0", "pytorch_version": "2.1.0"},
        "pytorch_version": {"transformers_version": "4.36.0", "pytorch_version": "2.1.0"},
        "tensorflow_version": {
            "transformers_version": "4.17.0", "tensorflow_version": "2.6.3", "pytorch_version": None,
            "py_version": "py38",
        },
        "py_version": {"transformers_version": "4.26.0", "pytorch_version": "1.13.1", "py_version": "py39"},
        "instance_type": {"instance_type": "ml.p3.8xlarge"},
        "instance_groups": {
            "instance_groups": lambda: [of("instance_group.InstanceGroup")("g", "ml.p3.2xlarge", 1)],
            "instance_count": None,
            "instance_type": None,
        },
        "enable_sagemaker_metrics": {"enable_sagemaker_metrics": False},
    },
    "mxnet.MXNet": {
        "framework_version": {"framework_version": "1.8.0", "py_version": "py37"},
        "py_version": {"framework_version": "1.8.0", "py_version": "py37"},
        "enable_sagemaker_metrics": {"enable_sagemaker_metrics": False},
    },
    "chainer.Chainer": {
        "framework_version": {"framework_version": "4.1.0"},
        "py_version": {"py_version": "py2"},
    },
    "rl.RLEstimator": {"toolkit": _RL, "toolkit_version": _RL, "framework": _RL},
    "KMeans": {
        "init_method": {"init_method": "kmeans++"},
        "local_init_method": {"local_init_method": "kmeans++"},
    },
    "KNN": {
        "predictor_type": {"predictor_type": "classifier"},
        "dimension_reduction_type": {"dimension_reduction_type": "sign", "dimension_reduction_target": 3},
        "index_type": {"index_type": "faiss.IVFFlat"},
        "index_metric": {"index_metric": "COSINE"},
    },
    "NTM": {"encoder_layers_activation": {"encoder_layers_activation": "tanh"}},
    "Object2Vec": {
        "mlp_activation": {"mlp_activation": "relu"},
        "token_embedding_storage_type": {"token_embedding_storage_type": "row_sparse"},
        "enc0_network": {"enc0_network": "bilstm"},
        "enc1_network": {"enc1_network": "bilstm"},
    },
    "PCA": {"algorithm_mode": {"algorithm_mode": "randomized"}},
    "processing.FrameworkProcessor": {
        "estimator_cls": {"estimator_cls": lambda: of("xgboost.XGBoost"), "framework_version": "1.7-1"},
        "framework_version": {"framework_version": "1.0-1"},
        "py_version": {
            "estimator_cls": lambda: of("chainer.Chainer"), "framework_version": "5.0.0", "py_version": "py2",
        },
    },
    "sklearn.SKLearnProcessor": {"framework_version": {"framework_version": "1.0-1"}},
    "xgboost.XGBoostProcessor": {"framework_version": {"framework_version": "1.5-1"}},
    "spark.PySparkProcessor": {
        "framework_version": {"framework_version": "3.2"},
        "py_version": {"container_version": "1", "py_version": "py39"},
    },
    "sklearn.SKLearnModel": {"framework_version": {"framework_version": "1.0-1"}},
    "xgboost.XGBoostModel": {"framework_version": {"framework_version": "1.5-1"}},
    "pytorch.PyTorchModel": {
        "framework_version": {"framework_version": "1.1.0"},
        "py_version": {"py_version": "py2"},
    },
    "tensorflow.TensorFlowModel": {"framework_version": {"framework_version": "2.13"}},
    "huggingface.HuggingFaceModel": {
        "transformers_version": {"transformers_version": "4.37.0", "pytorch_version": "2.1.0"},
        "pytorch_version": {"transformers_version": "4.37.0", "pytorch_version": "2.1.0"},
        "tensorflow_version": {
            "transformers_version": "4.26.0", "tensorflow_version": "2.11.0", "pytorch_version": None,
            "py_version": "py39",
        },
        "py_version": {"transformers_version": "4.26.0", "pytorch_version": "1.13.1", "py_version": "py39"},
    },
    "mxnet.MXNetModel": {
        "framework_version": {"framework_version": "1.1.0"},
        "py_version": {"py_version": "py2"},
    },
    "chainer.ChainerModel": {
        "framework_version": {"framework_version": "4.1.0"},
        "py_version": {"py_version": "py2"},
    },
    "sparkml.SparkMLModel": {"spark_version": {"spark_version": "2.4"}},
    "djl_inference.DJLModel": _DJL,
    "multidatamodel.MultiDataModel": {
        "model_data_prefix": {"model_data_prefix": "s3://m/other"},
        "model": {"model": lazy("model.Model", image_uri="inner:1", role=ROLE), "image_uri": None, "role": None},
    },
    "pipeline.PipelineModel": {
        "models": {"models": lambda: [made(of("model.Model"), {"image_uri": "only:1", "role": ROLE})]}
    },
    "tuner.HyperparameterTuner.create": _TUNED_SEVERAL,
    "model_monitor.DataCaptureConfig": {
        "enable_capture": {"enable_capture": False},
        "sampling_percentage": {"sampling_percentage": 50},
        "destination_s3_uri": {"destination_s3_uri": "s3://other"},
        "kms_key_id": {"kms_key_id": "key"},
        "capture_options": {"capture_options": ["REQUEST"]},
        "csv_content_types": {"csv_content_types": ["text/x"]},
        "json_content_types": {"json_content_types": ["application/x"]},
    },
    "async_inference.AsyncInferenceConfig": {
        "output_path": {"output_path": "s3://other"},
        "max_concurrent_invocations_per_instance": {"max_concurrent_invocations_per_instance": 3},
        "kms_key_id": {"kms_key_id": "key"},
        "notification_config": {"notification_config": {"SuccessTopic": "arn:aws:sns:us-east-1:123456789012:t"}},
        "failure_path": {"failure_path": "s3://f"},
    },
    "explainer.ExplainerConfig": {
        "clarify_explainer_config": {"clarify_explainer_config": explained("s3://other")}
    },
    "serverless.ServerlessInferenceConfig": {
        "memory_size_in_mb": {"memory_size_in_mb": 4096},
        "max_concurrency": {"max_concurrency": 9},
        "provisioned_concurrency": {"provisioned_concurrency": 2},
    },
    "inputs.BatchDataCaptureConfig": {
        "destination_s3_uri": {"destination_s3_uri": "s3://other"},
        "kms_key_id": {"kms_key_id": "key"},
        "generate_inference_id": {"generate_inference_id": True},
    },
    "inputs.TrainingInput": _TRAINING_INPUT,
    "inputs.ShuffleConfig": {"seed": {"seed": 9}},
    "inputs.FileSystemInput": {
        "file_system_id": {"file_system_id": "fs-9876543210"},
        "file_system_type": {"file_system_type": "FSxLustre"},
        "directory_path": {"directory_path": "/other"},
        "file_system_access_mode": {"file_system_access_mode": "rw"},
        "content_type": {"content_type": "text/csv"},
    },
    "amazon.amazon_estimator.RecordSet": {
        "s3_data": {"s3_data": "s3://other/r"},
        "feature_dim": {"feature_dim": 9},
        "num_records": {"num_records": 99},
        "s3_data_type": {"s3_data_type": "S3Prefix"},
        "channel": {"channel": "validation"},
        "distribution": {"distribution": "FullyReplicated"},
    },
    "amazon.amazon_estimator.FileSystemRecordSet": {
        "file_system_id": {"file_system_id": "fs-9876543210"},
        "file_system_type": {"file_system_type": "FSxLustre"},
        "directory_path": {"directory_path": "/other"},
        "file_system_access_mode": {"file_system_access_mode": "rw"},
        "num_records": {"num_records": 99},
        "feature_dim": {"feature_dim": 9},
        "channel": {"channel": "validation"},
    },
    "instance_group.InstanceGroup": {"instance_group_name": {"instance_group_name": "other"}},
    "debugger.DebuggerHookConfig": {
        "s3_output_path": {"s3_output_path": "s3://other"},
        "container_local_output_path": {"container_local_output_path": "/opt/h"},
        "hook_parameters": {"hook_parameters": {"save_interval": "10"}},
        "collection_configs": {"collection_configs": lambda: [of("debugger.CollectionConfig")("weights")]},
    },
    "debugger.CollectionConfig": {"name": {"name": "d"}, "parameters": {"parameters": {"include_regex": "x"}}},
    "debugger.TensorBoardOutputConfig": {
        "s3_output_path": {"s3_output_path": "s3://other"},
        "container_local_output_path": {"container_local_output_path": "/opt/t"},
    },
    "debugger.ProfilerConfig": {
        "s3_output_path": {"s3_output_path": "s3://other"},
        "system_monitor_interval_millis": {"system_monitor_interval_millis": 500},
        "framework_profile_params": {"framework_profile_params": lazy("debugger.FrameworkProfile")},
        "profile_params": {"profile_params": lazy("debugger.profiler.Profiler")},
        "disable_profiler": {"disable_profiler": True},
    },
    "debugger.FrameworkProfile": {
        "local_path": {"local_path": "/opt/p"},
        "file_max_size": {"file_max_size": 99},
        "file_close_interval": {"file_close_interval": 99},
        "file_open_fail_threshold": {"file_open_fail_threshold": 99},
        **{
            f"{name}_profiling_config": {
                f"{name}_profiling_config": lazy(f"debugger.{profile}ProfilingConfig", start_step=2)
            }
            for name, profile in {
                "detailed": "Detailed", "dataloader": "Dataloader", "python": "Python", "horovod": "Horovod",
                "smdataparallel": "SMDataParallel",
            }.items()
        },
        "start_step": {"start_step": 3},
        "num_steps": {"num_steps": 3},
        "start_unix_time": {"start_unix_time": 1700000000},
        "duration": {"duration": 9},
    },
    "debugger.Rule.sagemaker": {
        "base_config": {"base_config": lambda: of("debugger.rule_configs").overfit()},
        "name": {"name": "own"},
        "container_local_output_path": {"container_local_output_path": "/opt/r"},
        "s3_output_path": {"s3_output_path": "s3://r/o"},
        "other_trials_s3_input_paths": {"other_trials_s3_input_paths": ["s3://trial/1"]},
        "rule_parameters": {"rule_parameters": {"diff_percent": "9"}},
        "collections_to_save": {"collections_to_save": lambda: [of("debugger.CollectionConfig")("weights")]},
        "actions": {"actions": lambda: of("debugger.rule_configs").ActionList(
            of("debugger.rule_configs").StopTraining("prefix"))},
    },
    "debugger.Rule.custom": {
        "name": {"name": "other"},
        "source": {"source": "s3://r/other.py"},
        "rule_to_invoke": {"rule_to_invoke": "Other"},
        "container_local_output_path": {"container_local_output_path": "/opt/r"},
        "s3_output_path": {"s3_output_path": "s3://r/o"},
        "other_trials_s3_input_paths": {"other_trials_s3_input_paths": ["s3://trial/1"]},
        "rule_parameters": {"rule_parameters": {"threshold": "9"}},
        "collections_to_save": {"collections_to_save": lambda: [of("debugger.CollectionConfig")("weights")]},
        "actions": {"actions": lambda: of("debugger.rule_configs").ActionList(
            of("debugger.rule_configs").StopTraining("prefix"))},
    },
    "debugger.ProfilerRule.sagemaker": {
        "base_config": {"base_config": lambda: of("debugger.rule_configs").CPUBottleneck()},
        "name": {"name": "own"},
        "container_local_output_path": {"container_local_output_path": "/opt/r"},
        "s3_output_path": {"s3_output_path": "s3://r/o"},
    },
    "processing.ProcessingInput": {
        "source": {"source": "s3://other/in"},
        "destination": {"destination": "/opt/ml/processing/other"},
        "input_name": {"input_name": "other"},
        "s3_data_type": {"s3_data_type": "ManifestFile"},
        "s3_input_mode": {"s3_input_mode": "Pipe"},
        "s3_data_distribution_type": {"s3_data_distribution_type": "ShardedByS3Key"},
        "s3_compression_type": {"s3_input_mode": "Pipe", "s3_compression_type": "Gzip"},
        "s3_input": {
            "source": None, "destination": None,
            "s3_input": lazy("dataset_definition.inputs.S3Input", s3_uri="s3://i/n", local_path="/opt/ml/processing/x"),
        },
        "dataset_definition": {
            "source": None, "destination": None,
            "dataset_definition": lazy(
                "dataset_definition.inputs.DatasetDefinition",
                athena_dataset_definition=lazy("dataset_definition.inputs.AthenaDatasetDefinition", **ATHENA),
            ),
        },
        "app_managed": {"app_managed": True},
    },
    "processing.ProcessingOutput": {
        "source": {"source": "/opt/ml/processing/other"},
        "destination": {"destination": "s3://o/there"},
        "output_name": {"output_name": "other"},
        "s3_upload_mode": {"s3_upload_mode": "Continuous"},
        "app_managed": {"app_managed": True},
        "feature_store_output": {
            "feature_store_output": lazy("processing.FeatureStoreOutput", feature_group_name="features")
        },
    },
    "processing.FeatureStoreOutput": {"feature_group_name": {"feature_group_name": "other"}},
    "dataset_definition.inputs.S3Input": {
        "s3_uri": {"s3_uri": "s3://other/in"},
        "local_path": {"local_path": "/opt/ml/processing/other"},
        "s3_data_type": {"s3_data_type": "ManifestFile"},
        "s3_input_mode": {"s3_input_mode": "Pipe"},
        "s3_data_distribution_type": {"s3_data_distribution_type": "ShardedByS3Key"},
        "s3_compression_type": {"s3_input_mode": "Pipe", "s3_compression_type": "Gzip"},
    },
    "dataset_definition.inputs.DatasetDefinition": {
        "data_distribution_type": {"data_distribution_type": "FullyReplicated"},
        "input_mode": {"input_mode": "Pipe"},
        "local_path": {"local_path": "/opt/ml/processing/other"},
        "athena_dataset_definition": {
            "athena_dataset_definition": lazy(
                "dataset_definition.inputs.AthenaDatasetDefinition", **{**ATHENA, "catalog": "other"}
            )
        },
        "redshift_dataset_definition": {
            "athena_dataset_definition": None,
            "redshift_dataset_definition": lazy("dataset_definition.inputs.RedshiftDatasetDefinition", **REDSHIFT),
        },
    },
    "dataset_definition.inputs.AthenaDatasetDefinition": {
        **{name: {name: f"other-{name}"} for name in ("catalog", "database", "query_string", "work_group")},
        "output_s3_uri": {"output_s3_uri": "s3://other/a"},
        "kms_key_id": {"kms_key_id": "key"},
        "output_format": {"output_format": "ORC"},
        "output_compression": {"output_compression": "SNAPPY"},
    },
    "dataset_definition.inputs.RedshiftDatasetDefinition": {
        **{name: {name: f"other-{name}"} for name in ("cluster_id", "database", "db_user", "query_string")},
        "cluster_role_arn": {"cluster_role_arn": f"{ROLE}-other"},
        "output_s3_uri": {"output_s3_uri": "s3://other/r"},
        "kms_key_id": {"kms_key_id": "key"},
        "output_format": {"output_format": "CSV"},
        "output_compression": {"output_compression": "GZIP"},
    },
    **{
        f"tuner.{name}Parameter": {
            "min_value": {"min_value": 0.5 if name == "Continuous" else 2},
            "max_value": {"max_value": 7},
            "scaling_type": {"scaling_type": "Logarithmic"},
        }
        for name in ("Continuous", "Integer")
    },
    "tuner.CategoricalParameter": {"values": {"values": ["c", 1]}},
    "tuner.WarmStartConfig": {
        "warm_start_type": {"warm_start_type": lambda: of("tuner.WarmStartTypes").IDENTICAL_DATA_AND_ALGORITHM},
        "parents": {"parents": {"other"}},
    },
    "tuner.HyperbandStrategyConfig": {
        "max_resource": {"max_resource": 20},
        "min_resource": {"min_resource": 2},
    },
    "tuner.StrategyConfig": {
        "hyperband_strategy_config": {
            "hyperband_strategy_config": lazy("tuner.HyperbandStrategyConfig", max_resource=20, min_resource=2)
        }
    },
    "tuner.TuningJobCompletionCriteriaConfig": {
        "max_number_of_training_jobs_not_improving": {"max_number_of_training_jobs_not_improving": 7},
        "complete_on_convergence": {"complete_on_convergence": True},
        "target_objective_metric_value": {"target_objective_metric_value": 0.5},
    },
}  # fmt: skip
_SAME_AS = {
    "pytorch.PyTorchProcessor": "pytorch.PyTorch",
    "tensorflow.TensorFlowProcessor": "tensorflow.TensorFlow",
    "huggingface.HuggingFaceProcessor": "huggingface.HuggingFace",
    "mxnet.MXNetProcessor": "mxnet.MXNet",
    "spark.SparkJarProcessor": "spark.PySparkProcessor",
}
FOR = {name: _OF_CLASS.get(_SAME_AS.get(name, name), {}) for name in ROWS}
"""Samples by class, before those of every class."""

_VALUES = (
    5, 0.5, True, "auto", 2, 128, 0.05, "sgd", "regressor", "binary_classifier", "accuracy", "uniform",
    "mean_squared_error", ["mse"], "hadamard",
)  # fmt: skip


def sample(name: str, argument: str, cls: Any, base: Arguments) -> Arguments | None:
    """Arguments that set this one in this class; None where it has no sample.

    The hyperparameters of Amazon's algorithms are arguments of their classes, and are tried out.
    """
    found = FOR[name].get(argument, SAMPLES.get(argument))
    if found is None and name in NEEDED:
        return _tried_out(cls, argument, base)
    return found and {key: value for key, value in found.items() if key in arguments_of(cls)}


def _tried_out(cls: Any, argument: str, base: Arguments) -> Arguments | None:
    before = made(cls, base).hyperparameters()
    for value in _VALUES:
        with contextlib.suppress(ValueError, TypeError):
            if made(cls, {**base, argument: value}).hyperparameters() != before:
                return {argument: value}
    return None

"""What is not kept of SDK 2's classes and arguments, and why: what the parity table says beside *kept*.

The test holds it against what it finds: an argument that reaches the request may have no reason here.
"""

from __future__ import annotations

from tests.sdk2.cases import NEEDED, PARTS

_ABSTRACT = "a base class: those made of it are here"
_MONITOR = "refused, with the fix: give a Processor with the monitor's image, or AwsSdkStep for schedules"
_AUTOML = "refused, with the fix: AwsSdkStep of createAutoMLJobV2"
_CATALOGUE = (
    "its constructor downloads JumpStart's catalogue, before any step sees it: what it made is taken as its base"
)
LEFT_OUT: dict[str, str] = {
    "estimator.EstimatorBase": _ABSTRACT,
    "estimator.Framework": _ABSTRACT,
    "amazon.amazon_estimator.AmazonAlgorithmEstimatorBase": _ABSTRACT,
    "model.ModelBase": _ABSTRACT,
    "model.ModelPackage": "refused, with the fix: a request with Containers: [{'ModelPackageName': arn}]",
    "jumpstart.estimator.JumpStartEstimator": "refused, with the fix: its fit asks the catalogue; Estimator does not",
    "jumpstart.model.JumpStartModel": "kept, as a Model: what its constructor found in JumpStart's catalogue",
    "model_monitor.ModelMonitor": _MONITOR,
    "model_monitor.DefaultModelMonitor": _MONITOR,
    "model_monitor.ModelQualityMonitor": _MONITOR,
    "model_monitor.ModelBiasMonitor": _MONITOR,
    "model_monitor.ModelExplainabilityMonitor": _MONITOR,
    "model_monitor.clarify_model_monitoring.ClarifyModelMonitor": _MONITOR,
    "automl.automl.AutoML": _AUTOML,
    "automl.automlv2.AutoMLV2": _AUTOML,
    "automl.candidate_estimator.CandidateEstimator": "refused, with the fix: write its request of CreateTrainingJob",
    "modules.train.model_trainer.ModelTrainer": "refused, with the fix: Estimator, or ModelTrainer of SDK 3",
    "serve.builder.model_builder.ModelBuilder": "refused, with the fix: give the Model that build() returns",
}
"""Classes without a row, and why."""

_ONE_INSTANCE = "refused by the SDK: this algorithm runs on one instance"
REFUSED: dict[tuple[str, str], str] = {
    ("sklearn.SKLearn", "instance_count"): _ONE_INSTANCE,
    ("sklearn.SKLearn", "instance_groups"): _ONE_INSTANCE,
    ("sklearn.SKLearn", "py_version"): "refused by the SDK: Python 3 only",
    ("sklearn.SKLearnModel", "py_version"): "refused by the SDK: Python 3 only",
    ("xgboost.XGBoost", "py_version"): "refused by the SDK: Python 3 only",
    ("xgboost.XGBoostProcessor", "py_version"): "refused by the SDK: Python 3 only",
    ("xgboost.XGBoostModel", "py_version"): "refused by the SDK: Python 3 only",
    ("LDA", "instance_groups"): _ONE_INSTANCE,
    ("inputs.TrainingInput", "target_attribute_name"): "refused by the API: no member of a channel",
}
"""What the SDK, or the API's model behind it, takes in no sample, by class and argument."""

UNTRIED: dict[str, str] = {
    "sagemaker_session": "its bucket, region and defaults are taken over, its clients are not",
    "git_config": "not tried: the SDK clones the repository while the step is made",
    "training_recipe": "not tried: the SDK downloads the recipe",
    "recipe_overrides": "not tried: the SDK downloads the recipe",
    "compiler_config": "not tried: of Training Compiler, which SageMaker has given up",
}
"""Arguments without a sample, and why."""

_STEP = "the name is the step's"
_CLIENT = "not in the SDK's request: of the endpoint's client"
_REPACK = "not in the SDK's request: of the archive that it makes when it puts a script into the model"
_IMAGE = "not in the SDK's request: this class has an image of its own"
_CLASS = "not in the SDK's request: this class leaves it out"
_PROFILED = "not in the SDK's request: of DetailedProfilerProcessing only"
UNSENT: dict[str, str] = {
    "base_job_name": _STEP,
    "base_transform_job_name": _STEP,
    "base_tuning_job_name": _STEP,
    "job_name_prefix": _STEP,
    "name": _STEP,
    "predictor_cls": _CLIENT,
    "data_location": "not in the SDK's request: where record_set() uploads to",
    "resources": "not in the SDK's request: of the endpoint",
    "version": "of the image, of which the SDK knows one version",
    "skip_early_validation": "not in the SDK's request: whether it judges the analysis before",
}
"""Arguments that the SDK does not send, of any whole class."""

_FRAMEWORK_MODELS = (
    "sklearn.SKLearnModel", "xgboost.XGBoostModel", "pytorch.PyTorchModel", "tensorflow.TensorFlowModel",
    "mxnet.MXNetModel", "chainer.ChainerModel",
)  # fmt: skip
_WITHOUT_SCRIPT = (
    "model.Model", "tensorflow.TensorFlowModel", "huggingface.HuggingFaceModel", "sparkml.SparkMLModel",
    "djl_inference.DJLModel", "multidatamodel.MultiDataModel", *(f"{name}Model" for name in NEEDED),
)  # fmt: skip
UNSENT_BY: dict[tuple[str, str], str] = {
    **{(name, "model_kms_key"): _REPACK for name in _WITHOUT_SCRIPT},
    **{(name, "image_config"): _CLASS for name in _FRAMEWORK_MODELS},
    **{
        (name, "additional_model_data_sources"): _CLASS
        for name in (*_FRAMEWORK_MODELS, "huggingface.HuggingFaceModel")
    },
    **{(name, "image_uri"): _IMAGE for name in ("sparkml.SparkMLModel", *(f"{name}Model" for name in NEEDED))},
    **{
        ("multidatamodel.MultiDataModel", argument): _CLASS
        for argument in (
            "model_data", "image_config", "source_dir", "code_location", "entry_point", "container_log_level",
            "dependencies", "additional_model_data_sources", "model_reference_arn",
        )
    },
    ("LDA", "instance_count"): "not in the SDK's request: this algorithm runs on one instance",
    ("Object2Vec", "mini_batch_size"): "not in the SDK's request: that of fit takes its place",
    ("amazon.amazon_estimator.RecordSet", "num_records"): _CLASS,
    ("amazon.amazon_estimator.FileSystemRecordSet", "num_records"): _CLASS,
    ("debugger.ProfilerRule.sagemaker", "instance_type"): _PROFILED,
    ("debugger.ProfilerRule.sagemaker", "volume_size_in_gb"): _PROFILED,
}  # fmt: skip
"""Arguments that the SDK does not send, by class."""


def reason_unsent(name: str, argument: str) -> str | None:
    """Why an argument is not in the SDK's request; None: it is."""
    return UNSENT_BY.get((name, argument)) or (None if name in PARTS else UNSENT.get(argument))

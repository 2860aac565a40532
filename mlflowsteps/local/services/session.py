"""The botocore session that the runtime's clients come from: no profile, no configuration file, no environment.

It differs from botocore's own in what it asks: nothing. Every setting is botocore's built-in value or fixed here, so a
user's AWS_PROFILE, AWS_CONFIG_FILE, proxies, retries and endpoints have no say, and no credentials are looked for.
Loaded when a first client is made, since it imports boto3.
"""

from __future__ import annotations

import copy
import inspect
import json
import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import boto3
import botocore
import botocore.session
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.configprovider import ConfigValueStore, ConstantProvider
from botocore.exceptions import UnknownServiceError
from botocore.loaders import create_loader
from botocore.model import ServiceModel

__all__ = ["make_loopback_session", "make_session", "service_model"]

ACCESS_KEY, SECRET_KEY = "MLFLOWSTEPSLOCAL", "local"  # nothing is ever signed with them

_FIXED = {
    "profile": None,
    "config_file": os.devnull,
    "credentials_file": os.devnull,
    "data_path": None,
    "ec2_metadata_v1_disabled": True,
    "defaults_mode": "legacy",
}
_TRANSFERS = ("upload_file", "download_file", "upload_fileobj", "download_fileobj")


def _create_client(session: Any, service_name: str, region_name: str | None = None, **arguments: Any) -> Any:
    """Session.create_client: a client of the runtime, whatever it is asked to be."""
    ours = Config(
        signature_version=botocore.UNSIGNED,
        retries={"total_max_attempts": 1, "mode": "legacy"},
        s3={"addressing_style": "path"},
        inject_host_prefix=False,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={},
    )
    given = arguments.pop("config", None)
    for name in ("use_ssl", "verify", "endpoint_url", "api_version"):
        arguments.pop(name, None)
    client: Any = botocore.session.Session.create_client(
        session,
        service_name,
        region_name,
        endpoint_url=f"http://{service_name}.mlflowsteps.invalid",
        config=given.merge(ours) if given else ours,
        **arguments,
    )
    client.get_waiter = partial(_quick_waiter, client.get_waiter)
    return client


def _quick_waiter(get_waiter: Callable[[str], Any], waiter_name: str) -> Any:
    """A waiter that asks every second, as long as it would have: ours answers at once, and local jobs are short."""
    waiter = get_waiter(waiter_name)
    waiter.config.max_attempts *= max(1, waiter.config.delay)
    waiter.config.delay = min(1, waiter.config.delay)
    return waiter


def make_session(region: str, answer: Callable[..., Any]) -> Any:
    """A boto3 session all of whose clients are answered by ``answer``.

    Args:
        region: region of its clients.
        answer: handler of botocore's ``before-send`` event; it returns an AWSResponse or raises.
    """
    made = _session(region, _create_client)
    made.events.register("before-send", answer, unique_id="mlflowsteps")
    made.events.register("after-call.sagemaker", _keep_local_run)
    made.events.register_last("creating-client-class.s3", _use_classic_transfer)
    return made


def make_loopback_session(region: str, endpoint_url: str) -> Any:
    """A boto3 session whose clients call a server on this machine.

    Args:
        region: region of its clients.
        endpoint_url: the server's address.
    """

    def create_client(session: Any, service_name: str, region_name: str | None = None, **arguments: Any) -> Any:
        ours = Config(
            retries={"total_max_attempts": 1, "mode": "legacy"},
            s3={"addressing_style": "path"},
            inject_host_prefix=False,
            proxies={},
        )
        arguments |= {"endpoint_url": endpoint_url, "config": ours}
        return botocore.session.Session.create_client(session, service_name, region_name, **arguments)

    return _session(region, create_client)


@cache
def _models() -> Any:
    """Botocore's loader of service models; one for all sessions: reading a model is most of a client's making."""
    return create_loader()


@cache
def service_model(name: str) -> Any:
    """Botocore's model of a service, by its boto3 name; None where botocore knows none."""
    try:
        return ServiceModel(_models().load_service_model(name, "service-2"), name)
    except UnknownServiceError:
        return None


def _session(region: str, create_client: Callable[..., Any]) -> Any:
    session: Any = type("RuntimeSession", (botocore.session.Session,), {"create_client": create_client})()
    settings = {name: default for name, (_, _, default, _) in session.session_var_map.items()}
    settings |= _FIXED | {"region": region, "s3": None, "proxies_config": None}
    store = ConfigValueStore()
    for name, value in settings.items():
        store.set_config_provider(name, ConstantProvider(value))
    session.register_component("config_store", store)
    session.register_component("data_loader", _models())
    session.set_credentials(ACCESS_KEY, SECRET_KEY)
    return boto3.Session(botocore_session=session, region_name=region)


def _keep_local_run(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    """Hand on what descriptions of jobs say beyond the API's model: log file, folder, mode."""
    if b'"LocalRun"' in http_response.content:
        body = json.loads(http_response.content)
        parsed.update({name: body[name] for name in ("LocalRun",) if name in body})


def _use_classic_transfer(class_attributes: dict[str, Any], **_: Any) -> None:
    """Keep uploads and downloads off the CRT, whose requests do not pass ``before-send``."""
    for name in _TRANSFERS:
        if name in class_attributes:
            class_attributes[name] = _classic(class_attributes[name])


def _classic(method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    def transfer(*arguments: Any, **keywords: Any) -> Any:
        bound = signature.bind(*arguments, **keywords)
        config = copy.copy(bound.arguments.get("Config")) or TransferConfig()
        config.preferred_transfer_client = "classic"
        bound.arguments["Config"] = config
        return method(*bound.args, **bound.kwargs)

    transfer.__name__, transfer.__doc__ = method.__name__, method.__doc__
    return transfer

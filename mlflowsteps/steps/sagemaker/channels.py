"""Input data of training jobs: every form a user writes, as channels of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from mlflowsteps.inputs.syntax import TOKEN, Json, Reference
from mlflowsteps.inputs.templates import adopted_reference
from mlflowsteps.steps.sagemaker.objects import class_names, is_sdk_object
from mlflowsteps.steps.sagemaker.requests import copied, merged
from mlflowsteps.steps.sagemaker.variables import is_variable

__all__ = ["DEFAULT_CHANNEL", "native_data", "with_data"]

DEFAULT_CHANNEL = "training"
"""Name of the channel of data given without one."""

_S3_MEMBERS = (
    "S3Uri",
    "S3DataType",
    "S3DataDistributionType",
    "AttributeNames",
    "InstanceGroupNames",
    "ModelAccessConfig",
    "HubAccessConfig",
)
_CHANNEL_MEMBERS = (
    "ChannelName",
    "DataSource",
    "ContentType",
    "CompressionType",
    "RecordWrapperType",
    "InputMode",
    "ShuffleConfig",
)
_PLACE = re.compile(rf"://|^\$|^\{{%|{TOKEN.pattern}")
"""What a channel's data may be as text: a URI, a path into the input, an expression, or text with a placeholder."""


def with_data(channels: Json, data: Json) -> Json:
    """The channels of a request with the given data put in.

    Args:
        channels: the request's InputDataConfig; stays as it is.
        data: an S3 URI or placeholder; or what describes one channel: a dict with ``S3Uri``, ``ContentType`` and
            other members of a channel, or an object whose ``config`` is a channel (a TrainingInput); or a dict of
            channel names to these; or a list of channels. One URI without a name goes to the request's only channel,
            else to ``training``. A channel that the request has keeps what the data does not say, such as its
            ContentType.

    Raises:
        TypeError: the data is none of these; a member is unknown.
        ValueError: a text is no URI, such as the name of a local file.
    """
    if data is None:
        return channels
    data = _plain(data)
    found: list[dict[str, Json]] = copied(channels) if isinstance(channels, list) else []
    for name, value in _named(data, found):
        index = next((i for i, channel in enumerate(found) if channel.get("ChannelName") == name), None)
        if index is None:
            found.append(_channel(name, value, _new_channel(name)))
        else:
            found[index] = _channel(name, value, found[index])
    return found


def native_data(data: Json, *, texts: bool = False) -> bool:
    """True for data that the SDK itself takes: its own objects.

    Args:
        data: as ``with_data``'s.
        texts: True: the SDK takes S3 URIs, too.
    """
    held = list(data.values()) if isinstance(data, Mapping) else data if isinstance(data, list | tuple) else [data]
    return bool(held) and all(
        (texts and isinstance(item, str) and item.startswith("s3://") and not TOKEN.search(item))
        or (is_sdk_object(item) and not is_variable(item))
        for item in held
    )


def _plain(data: Json) -> Json:
    """The SDKs' objects as dicts; everything else stays as it is."""
    if isinstance(data, Mapping):
        return {name: _plain(item) for name, item in data.items()}
    if isinstance(data, list | tuple):
        found = [_plain(item) for item in data]
        records = found and all(isinstance(item, dict) and not _describes_channel(item) for item in found)
        named = records and all("ChannelName" not in item for item in found)
        return {name: item for channel in found for name, item in channel.items()} if named else found
    names = {name for _, name in class_names(data)}
    if names & {"RecordSet", "FileSystemRecordSet"}:
        return _plain(data.data_channel())
    if "InputData" in names and not hasattr(data.data_source, "model_fields_set"):
        content = {"ContentType": data.content_type} if isinstance(data.content_type, str) else {}
        return {"ChannelName": data.channel_name, "S3Uri": copied(data.data_source), **content}
    return copied(data) if names else data


def _named(data: Json, channels: list[dict[str, Json]]) -> list[tuple[str, Json]]:
    if isinstance(data, list | tuple):
        return [(_name_of(item), item) for item in data]
    if isinstance(data, Mapping) and not _describes_channel(data):
        return list(data.items())
    only = channels[0].get("ChannelName") if len(channels) == 1 else None
    given = data.get("ChannelName") if isinstance(data, Mapping) else None
    return [(given or only or DEFAULT_CHANNEL, data)]


def _describes_channel(data: Mapping[str, Json]) -> bool:
    return any(key in data for key in ("S3Uri", "S3Uri.$", "DataSource"))


def _name_of(item: Json) -> str:
    if isinstance(item, Mapping) and isinstance(item.get("ChannelName"), str):
        name: str = item["ChannelName"]
        return name
    raise TypeError(f"data: an entry of a list is a channel with a ChannelName, not {item!r}")


def _new_channel(name: str) -> dict[str, Json]:
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _channel(name: str, value: Json, base: dict[str, Json]) -> dict[str, Json]:
    """One channel: what the value says over what the channel says already."""
    value = adopted_reference(value)
    if isinstance(value, str) and not _PLACE.search(value):
        raise ValueError(
            f"data[{name!r}]: {value!r} is no S3 URI. Upload the file and give its place, s3://bucket/key, or a "
            "placeholder for that"
        )
    if isinstance(value, str | Reference):
        over: Json = {"DataSource": {"S3DataSource": {"S3Uri": value}}}
    elif isinstance(value, Mapping):
        over = _spread(name, value)
    elif isinstance(getattr(value, "config", None), Mapping):  # what describes itself as the SDK's TrainingInput does
        over = _spread(name, value.config)
    else:
        raise TypeError(
            f"data[{name!r}] must be an S3 URI, a placeholder, or a dict such as {{'S3Uri': ..., 'ContentType': ...}}; "
            f"it is {value!r} ({type(value).__name__})"
        )
    if "FileSystemDataSource" in over.get("DataSource", {}):
        base = {**base, "DataSource": {}}
    result: dict[str, Json] = {**merged(base, over), "ChannelName": name}
    return result


def _spread(name: str, value: Mapping[str, Json]) -> dict[str, Json]:
    """A flat description as a channel: members of the S3 data source go where they belong."""
    found: dict[str, Json] = {}
    source: dict[str, Json] = {}
    for key, item in value.items():
        plain = key.removesuffix(".$")
        if plain in _S3_MEMBERS:
            source[key] = item
        elif plain in _CHANNEL_MEMBERS:
            found[key] = item
        else:
            near = get_close_matches(plain, [*_S3_MEMBERS, *_CHANNEL_MEMBERS], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"data[{name!r}] has a member {plain!r} that a channel does not know.{hint}")
    return merged(found, {"DataSource": {"S3DataSource": source}}) if source else found

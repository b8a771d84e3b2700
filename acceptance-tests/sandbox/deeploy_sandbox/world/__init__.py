"""Every object that exists in an account, read from moto's stores without any call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import moto.backends

Object = dict[str, Any]
Reader = Callable[[Any, str], Iterator[Object]]
_readers: dict[str, Reader] = {}


# What time has changed is settled before the world is read: account → nothing.
settlers: list[Callable[[str], None]] = []


def reader(service: str) -> Callable[[Reader], Reader]:
    """Reads moto's backend of a service in one region: (backend, account) → objects."""

    def register(read: Reader) -> Reader:
        _readers[service] = read
        return read

    return register


def objects(account: str) -> list[Object]:
    found: list[Object] = []
    for settle in settlers:
        settle(account)
    for service, read in _readers.items():
        backends = moto.backends.get_backend(service) if service in _loaded() else {}
        # `dict.get`: looking must not make an account.
        for region, backend in list((dict.get(backends, account) or {}).items()):
            found += [{"region": region, **each} for each in read(backend, account)]
    return found


def tags_by_arn(account: str, service: str, arn: str) -> dict[str, str]:
    """The tags of one object of a service; none where there is none."""
    read = _readers.get(service)
    backends = moto.backends.get_backend(service) if read and service in _loaded() else {}
    for backend in list((dict.get(backends, account) or {}).values()):
        for each in read(backend, account):  # type: ignore[misc]
            if each["arn"] == arn:
                return dict(each["tags"])
    return {}


def _loaded() -> set[str]:
    from moto.core.base_backend import BackendDict

    return {backends.service_name for backends in list(BackendDict._instances)}


def shown(kind: str, id: str, arn: str | None, tags: Any = None, state: str | None = None, **more: Any) -> Object:
    return {"type": kind, "id": id, "arn": arn, "tags": tags_of(tags), "state": state, **more}


def tags_of(tags: Any) -> dict[str, str]:
    if isinstance(tags, dict):
        return {
            str(value.get("Key", key)) if isinstance(value, dict) else str(key): (
                str(value.get("Value", "")) if isinstance(value, dict) else str(value)
            )
            for key, value in tags.items()
        }
    return {
        str(tag.get("Key", tag.get("TagKey", tag.get("key")))): str(tag.get("Value", tag.get("TagValue", tag.get("value"))))
        for tag in tags or []
    }


from . import core, ec2, eks, load_balancing, monitoring, rds  # noqa: E402, F401

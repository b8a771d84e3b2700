"""What a test makes happen to an instance that AWS does by itself, and whether somebody could connect to it."""

from __future__ import annotations

from typing import Any

import moto.backends

from ..durations import begin
from ..rds import belongings, changes, events, making, parameters, versions
from ..rds.instances import KEY_LOST, Instance, endpoint, find_instance, instances
from ..rds.store import Place
from ..reach import reach
from ..routes import route, setting
from . import memory


def _found(account: str | None, identifier: str, region: str | None = None) -> Instance:
    """The instance of that name, in whichever region it is."""
    if not account:
        raise ValueError("which account?")
    regions = dict.get(moto.backends.get_backend("rds"), account) or {}
    for each in [region] if region else list(regions):
        found = find_instance(Place(account, str(each)), identifier.lower())
        if found is not None:
            return found
    raise ValueError(f"no DB instance {identifier}")


def _all(account: str) -> list[Instance]:
    regions = dict.get(moto.backends.get_backend("rds"), account) or {}
    return [instance for region in list(regions) for instance in instances(Place(account, str(region)))]


@setting("rds_apply_pending")
def _apply_pending(account: str | None, identifier: str) -> dict[str, Any]:
    """The maintenance window: all that waits is applied."""
    instance = _found(account, identifier)
    applied = dict(instance.pending)
    changes.apply_window(instance)
    return {"applied": sorted(applied)}


@setting("rds_grow")
def _grow(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """Storage autoscaling: user guide "Managing capacity automatically with Amazon RDS storage autoscaling"."""
    instance, gib = _found(account, body["identifier"], body.get("region")), int(body["allocated_storage"])
    largest = instance.values.get("MaxAllocatedStorage")
    if largest is None:
        raise ValueError("storage autoscaling is off: the instance has no MaxAllocatedStorage")
    if not instance.values["AllocatedStorage"] < gib <= largest:
        raise ValueError(f"autoscaling goes from {instance.values['AllocatedStorage']} up to {largest} GiB, not to {gib}")
    instance.values["AllocatedStorage"] = gib
    making.settle_storage(instance.values, {})
    instance.optimization = begin(instance.place.account, "rds:db:optimize")
    events.note(instance, "configuration change", f"Finished applying autoscaling-initiated modification to allocated storage: {gib} GiB")
    return {"allocated_storage": gib}


@setting("rds_upgrade")
def _upgrade(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """AWS's own upgrade of the minor version, in the maintenance window."""
    instance = _found(account, body["identifier"], body.get("region"))
    target, now = str(body["engine_version"]), instance.values["EngineVersion"]
    if target not in versions.upgrade_targets(now) or versions.major_of(target) != versions.major_of(now):
        raise ValueError(f"AWS upgrades {now} to a newer minor version, not to {target}")
    changes.apply(instance, {"EngineVersion": target})
    events.note(instance, "maintenance", f"Database engine version upgraded to {target}")
    return {"engine_version": target}


@setting("rds_endpoint")
def _endpoint(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """From now on `identifier` (`*`: every instance) is reached at a real PostgreSQL's address; without one, at its own.

    On AWS RDS gives the server and the secret the same password. Here the server has its password already, and the secrets of
    instances that are there, or come later, get it.
    """
    if not account:
        raise ValueError("which account?")
    overrides, name = memory(account, "rds endpoints"), str(body["identifier"])
    if body.get("address") is None:
        overrides.pop(name, None)
    else:
        overrides[name] = {"address": str(body["address"]), "port": int(body["port"]), "master_password": body.get("master_password")}
        for instance in _all(account):
            if instance.secret and name in ("*", instance.name) and body.get("master_password"):
                belongings.rotate_secret(instance)
    return {key: {"address": each["address"], "port": each["port"]} for key, each in overrides.items()}


@route("POST", "rds-probe")
def probe(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """Whether a client in these security groups, speaking TLS or not, would get through to the server."""
    instance = _found(account, body["identifier"], body.get("region"))
    sources = [str(each) for each in body.get("from_security_groups") or []]
    why = _refusal(instance, sources, body.get("from_address"), body.get("from_subnet"), bool(body.get("tls", True)))
    address, port = endpoint(instance)
    return {"reachable": why is None, "why": why or "", "address": address, "port": port or instance.values["Port"]}


def _refusal(instance: Instance, sources: list[str], address: str | None, subnet: str | None, tls: bool) -> str | None:
    status = instance.seen_status()
    if status in ("creating", "stopped", "starting", "deleting", "rebooting", KEY_LOST):
        return f"the instance is {status}"
    place, interface = instance.place, next((instance.place.ec2.enis.get(id) for id in instance.interfaces), None)
    there: dict[str, Any] = {"security_groups": instance.security_groups}
    if interface is not None:
        there |= {"subnet_id": interface.subnet.id, "address": interface.private_ip_address}
    here = {"security_groups": sources, "address": address, "subnet_id": subnet}
    answer = reach({"account": place.account, "region": place.region, "from": here, "to": there, "port": instance.values["Port"]})
    if not answer["allowed"]:
        return str(answer["why"])
    family = versions.family_of(instance.values["EngineVersion"])
    if not tls and parameters.running_value(family, instance.running, "rds.force_ssl") == "1":
        return "rds.force_ssl: no pg_hba.conf entry for a connection without encryption"
    return None

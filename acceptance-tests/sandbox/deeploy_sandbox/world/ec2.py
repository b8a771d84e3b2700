"""Networks and what is in them. `managed`: made by AWS, alone or with something else, and gone with it.

A new account has a default VPC with all that belongs to it; nobody made these, and they are not shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.utilities.utils import get_partition

from . import Object, reader, shown


# Tags of what EKS and Auto Scaling make.
MADE_BY_EKS = {"aws:eks:cluster-name", "eks:cluster-name", "aws:autoscaling:groupName"}


@reader("ec2")
def _ec2(backend: Any, account: str) -> Iterator[Object]:
    from ..rules import ec2_endpoints, ec2_nat

    ec2_nat.settle(backend)
    ec2_endpoints.settle(backend)
    yield from _vpcs(backend)
    yield from _security_groups(backend)
    yield from _gateways(backend)
    yield from _interfaces(backend)
    yield from _machines(backend)


def _object(backend: Any, kind: str, arn_kind: str, id: str, state: str | None = None, **more: Any) -> Object:
    arn = f"arn:{get_partition(backend.region_name)}:ec2:{backend.region_name}:{backend.account_id}:{arn_kind}/{id}"
    tags = backend.tags[id] if id in backend.tags else None
    if tags and MADE_BY_EKS & set(tags):
        more["managed"] = True
    return shown(f"ec2:{kind}", id, arn, tags, state, **more)


def _default(backend: Any) -> set[str]:
    return {vpc.id for vpc in backend.vpcs.values() if vpc.is_default}


def _vpcs(backend: Any) -> Iterator[Object]:
    default = _default(backend)
    for vpc in backend.vpcs.values():
        if vpc.id not in default:
            yield _object(backend, "vpc", "vpc", vpc.id, vpc.state)
    for by_zone in backend.subnets.values():
        for subnet in by_zone.values():
            if subnet.vpc_id not in default:
                yield _object(backend, "subnet", "subnet", subnet.id, subnet.state, vpc=subnet.vpc_id, zone=subnet.availability_zone)
    for table in backend.route_tables.values():
        if table.vpc_id in default:
            continue
        main = table.main_association_id is not None
        yield _object(backend, "route_table", "route-table", table.id, vpc=table.vpc_id, routes=len(table._routes), managed=main)
        for id, target in table._associations.items():
            yield _object(backend, "route_table_association", "route-table-association", id, route_table=table.id, target=target)
    for acl in backend.network_acls.values():
        if acl.vpc_id not in default:
            yield _object(backend, "network_acl", "network-acl", acl.id, vpc=acl.vpc_id, managed=str(acl.default).lower() == "true")
    for log in backend.flow_logs.values():
        yield _object(backend, "flow_log", "vpc-flow-log", log.id, "ACTIVE", target=log.resource_id)


def _security_groups(backend: Any) -> Iterator[Object]:
    default = _default(backend)
    for groups in backend.groups.values():
        for group in groups.values():
            if group.vpc_id not in default or not group.is_default:
                counts = {"ingress": len(group.ingress_rules), "egress": len(group.egress_rules)}
                yield _object(backend, "security_group", "security-group", group.id, name=group.name, vpc=group.vpc_id, managed=group.is_default, **counts)


def _gateways(backend: Any) -> Iterator[Object]:
    for gateway in backend.internet_gateways.values():
        state = "available" if gateway.vpc else "detached"
        yield _object(backend, "internet_gateway", "internet-gateway", gateway.id, state, vpc=gateway.vpc.id if gateway.vpc else None)
    # What is deleted can be described for a while, but is no object any more.
    for nat in backend.nat_gateways.values():
        if nat.state != "deleted":
            yield _object(backend, "nat_gateway", "natgateway", nat.id, nat.state, subnet=nat.subnet_id)
    for endpoint in backend.vpc_end_points.values():
        if endpoint.state != "deleted":
            yield _object(backend, "vpc_endpoint", "vpc-endpoint", endpoint.id, endpoint.state, service=endpoint.service_name)
    for address in backend.addresses:
        state = "associated" if address.association_id else "free"
        yield _object(backend, "elastic_ip", "elastic-ip", str(address.allocation_id), state, address=address.public_ip)


def _interfaces(backend: Any) -> Iterator[Object]:
    from ..rules.ec2_interfaces import holder_of, interfaces, shown_interface

    for eni in interfaces(backend):
        seen, holder = shown_interface(eni), holder_of(eni)
        managed = bool(holder and holder.requester_managed) or eni.instance is not None
        groups = [group["GroupId"] for group in seen["Groups"]]
        yield _object(
            backend, "network_interface", "network-interface", eni.id, seen["Status"], description=eni.description,
            interface_type=eni.interface_type, subnet=eni.subnet.id, groups=groups, managed=managed,
        )  # fmt: skip


def _machines(backend: Any) -> Iterator[Object]:
    for template in backend.launch_templates.values():
        yield _object(backend, "launch_template", "launch-template", template.id, name=template.name, versions=len(template.versions))
    for reservation in backend.reservations.values():
        for instance in reservation.instances:
            if instance.state != "terminated":
                groups = sorted({group.id for nic in instance.nics.values() for group in nic.group_set})
                yield _object(backend, "instance", "instance", instance.id, instance.state, subnet=instance.subnet_id, groups=groups)
    for volume in backend.volumes.values():
        attachment = volume.attachment
        holder = getattr(getattr(attachment, "instance", None), "id", None)
        yield _object(
            backend, "volume", "volume", volume.id, volume.status, instance=holder, managed=holder is not None, encrypted=bool(volume.encrypted),
            kms_key_id=volume.kms_key_id,
        )  # fmt: skip
    for pair in backend.key_pairs.values():
        yield _object(backend, "key_pair", "key-pair", pair.id, name=pair.key_name)

"""VPC endpoints: AWS PrivateLink guide, "Create an interface endpoint" (one subnet a zone, private DNS names),
"Gateway endpoints" (their routes come and go with them); API reference of the operations named below.
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timezone
from typing import Any

from moto.ec2.models.core import TaggedEC2Resource

from .. import durations
from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_endpoint_services import GATEWAY_SERVICES, endpoint_domain, private_name, service_of
from .ec2_interfaces import make_interface, remove_interface
from .ec2_lists import Shown, invalid, listed
from .ec2_objects import all_groups, find, forget_tags, look_up, required, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room
from .ec2_tokens import first_answer, remember

FULL_ACCESS = {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}


class Endpoint(TaggedEC2Resource):
    """moto's endpoint with AWS's states."""

    def __init__(self, ec2: Any, vpc_id: str, service_name: str, kind: str) -> None:
        self.ec2_backend, self.id = ec2, f"vpce-{random.getrandbits(68):017x}"
        self.vpc_id, self.service_name, self.vpc_endpoint_type = vpc_id, service_name, kind
        self.state, self.span = "available", None
        self.forgotten: durations.Span | None = None
        self.policy_document = ""
        self.route_table_ids: list[str] = []
        self.security_group_ids: list[str] = []
        # subnet → interface
        self.interfaces: dict[str, str] = {}
        self.private_dns_enabled = False
        self.dns_entries: list[dict[str, str]] = []
        self.destination_prefix_list_id: str | None = None
        self.created = datetime.now(timezone.utc)

    @property
    def subnet_ids(self) -> list[str]:
        return list(self.interfaces)

    @property
    def network_interface_ids(self) -> list[str]:
        return list(self.interfaces.values())

    @property
    def physical_resource_id(self) -> str:
        return self.id


def is_gone(endpoint: Any) -> bool:
    return bool(endpoint.state == "deleted")


def settle(ec2: Any) -> None:
    """Ends the changes whose time is over."""
    for endpoint in list(ec2.vpc_end_points.values()):
        span = getattr(endpoint, "span", None)
        if span is not None and span.done():
            endpoint.span = None
            endpoint.state = "deleted" if endpoint.state == "deleting" else "available"
            if endpoint.state == "deleted":
                _set_interfaces(ec2, endpoint, [])
                endpoint.forgotten = durations.begin(ec2.account_id, "ec2:vpc-endpoint:forget")
        if endpoint.state == "deleted" and endpoint.forgotten is not None and endpoint.forgotten.done():
            ec2.vpc_end_points.pop(endpoint.id)
            forget_tags(ec2, endpoint.id)


def shown_endpoint(endpoint: Any) -> Shown:
    ec2, names = endpoint.ec2_backend, {group.id: group.name for group in all_groups(endpoint.ec2_backend)}
    shown: Shown = {
        "VpcEndpointId": endpoint.id,
        "VpcEndpointType": endpoint.vpc_endpoint_type,
        "VpcId": endpoint.vpc_id,
        "ServiceName": endpoint.service_name,
        "State": endpoint.state,
        "PolicyDocument": endpoint.policy_document,
        "RouteTableIds": list(endpoint.route_table_ids),
        "SubnetIds": endpoint.subnet_ids,
        "Groups": [{"GroupId": id, "GroupName": names.get(id, "")} for id in endpoint.security_group_ids],
        "IpAddressType": "ipv4",
        "PrivateDnsEnabled": endpoint.private_dns_enabled,
        "RequesterManaged": False,
        "NetworkInterfaceIds": endpoint.network_interface_ids,
        "DnsEntries": endpoint.dns_entries,
        "CreationTimestamp": endpoint.created,
        "Tags": tags_of(ec2, endpoint.id),
        "OwnerId": ec2.account_id,
    }
    if endpoint.vpc_endpoint_type == "Interface":
        shown["DnsOptions"] = {"DnsRecordIpType": "ipv4", "PrivateDnsOnlyForInboundResolverEndpoint": False}
    return shown


FILTERS = {
    "ip-address-type": "IpAddressType",
    "service-name": "ServiceName",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-state": "State",
    "vpc-endpoint-type": "VpcEndpointType",
    "vpc-id": "VpcId",
}


@before("ec2", "DescribeVpcEndpoints")
def _describe(call: AwsCall) -> Reply:
    ec2 = store(call)
    settle(ec2)
    objects = map(shown_endpoint, list(ec2.vpc_end_points.values()))
    ids = call.params.get("VpcEndpointIds")
    return listed(call, "VpcEndpoints", objects, FILTERS, id_member="VpcEndpointId", prefix="vpce", ids=ids)


def _policy(call: AwsCall) -> str:
    text = call.params.get("PolicyDocument")
    if not text or call.params.get("ResetPolicy"):
        return json.dumps(FULL_ACCESS)
    try:
        if isinstance(json.loads(text), dict):
            return str(text)
    except ValueError:
        pass
    raise AwsError("InvalidPolicyDocument", "The policy document is not valid JSON.")


@before("ec2", "CreateVpcEndpoint")
def _create(call: AwsCall) -> dict[str, Any]:
    ec2 = store(call)
    settle(ec2)
    known = first_answer(call)
    if known is not None:
        return known
    vpc, service = find(call, "vpc", required(call, "VpcId")), service_of(call)
    kind = call.text("VpcEndpointType", "Gateway")
    possible = ["Gateway", "Interface"] if service in GATEWAY_SERVICES else ["Interface"]
    if kind not in possible:
        raise invalid(f"Endpoint type ({kind}) does not match available service types ([{', '.join(possible)}]).", "InvalidParameter")
    tags = tags_asked(call, "vpc-endpoint")
    endpoint = Endpoint(ec2, vpc.id, call.text("ServiceName"), kind)
    endpoint.policy_document = _policy(call)
    living = [each for each in ec2.vpc_end_points.values() if each.vpc_endpoint_type == kind and not is_gone(each)]
    if kind == "Gateway":
        need_room(call.account, "gateway-endpoints", len(living))
        endpoint.destination_prefix_list_id = _prefix_list(ec2, endpoint.service_name)
        tables = [find(call, "rtb", id) for id in call.params.get("RouteTableIds") or []]
        _check_tables(endpoint, tables)
        ec2.vpc_end_points[endpoint.id] = endpoint
        _add_routes(ec2, endpoint, tables)
    else:
        need_room(call.account, "interface-endpoints-per-vpc", sum(each.vpc_id == vpc.id for each in living))
        _make_interfaces(call, endpoint, vpc, service)
        endpoint.state = "pending"
        endpoint.span = durations.begin(call.account, "ec2:vpc-endpoint:create")
    ec2.vpc_end_points[endpoint.id] = endpoint
    tag(ec2, endpoint.id, tags)
    return remember(call, {"VpcEndpoint": shown_endpoint(endpoint), **({"ClientToken": call.token} if call.token else {})})


def _prefix_list(ec2: Any, service_name: str) -> str | None:
    return next((each.id for each in ec2.managed_prefix_lists.values() if each.prefix_list_name == service_name), None)


def _check_tables(endpoint: Endpoint, tables: list[Any]) -> None:
    for table in tables:
        if table.vpc_id != endpoint.vpc_id:
            raise invalid(f"route table {table.id} and VPC endpoint belong to different networks", "InvalidParameter")
        if any(route.destination_prefix_list_id == endpoint.destination_prefix_list_id for route in table._routes.values()):
            raise AwsError("RouteAlreadyExists", f"route table {table.id} already has a route with destination-prefix-list-id {endpoint.destination_prefix_list_id}")


def _add_routes(ec2: Any, endpoint: Any, tables: list[Any]) -> None:
    for table in tables:
        ec2.create_route(table.id, None, gateway_id=endpoint.id, destination_prefix_list_id=endpoint.destination_prefix_list_id)
        endpoint.route_table_ids.append(table.id)


def _remove_routes(ec2: Any, endpoint: Any, table_ids: list[str]) -> None:
    for id in [each for each in table_ids if each in endpoint.route_table_ids]:
        endpoint.route_table_ids.remove(id)
        table = ec2.route_tables.get(id)
        for route in [each for each in table._routes.values() if each.gateway is endpoint] if table else []:
            table._routes.pop(route.id)


def _make_interfaces(call: AwsCall, endpoint: Endpoint, vpc: Any, service: str) -> None:
    ec2 = store(call)
    subnets = [find(call, "subnet", id) for id in call.params.get("SubnetIds") or []]
    _check_subnets(endpoint, subnets)
    groups = [find(call, "sg", id) for id in call.params.get("SecurityGroupIds") or []]
    groups = groups or [group for group in all_groups(ec2) if group.vpc_id == vpc.id and group.is_default]
    if any(group.vpc_id != vpc.id for group in groups):
        raise invalid("Security groups and the VPC of the endpoint belong to different networks", "InvalidParameter")
    private = bool(call.params.get("PrivateDnsEnabled", service not in GATEWAY_SERVICES))
    _check_private_names(ec2, endpoint, vpc, private)
    endpoint.security_group_ids = [group.id for group in groups]
    endpoint.private_dns_enabled = private
    _set_interfaces(ec2, endpoint, [subnet.id for subnet in subnets])
    _name(ec2, endpoint)


def _check_private_names(ec2: Any, endpoint: Any, vpc: Any, private: bool) -> None:
    if not private:
        return
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise invalid(f"Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {vpc.id}", "InvalidParameter")
    for other in ec2.vpc_end_points.values():
        if other is not endpoint and other.vpc_id == vpc.id and other.private_dns_enabled and other.service_name == endpoint.service_name and not is_gone(other):
            raise invalid(f"private-dns-enabled cannot be set because there is already a conflicting DNS domain for {private_name(ec2.region_name, endpoint.service_name)} in the VPC {vpc.id}", "InvalidParameter")


def _check_subnets(endpoint: Any, subnets: list[Any]) -> None:
    taken: set[str] = {look_up(endpoint.ec2_backend, "subnet", id).availability_zone for id in endpoint.subnet_ids}
    for subnet in subnets:
        if subnet.vpc_id != endpoint.vpc_id:
            raise invalid(f"The subnet ID '{subnet.id}' does not belong to VPC '{endpoint.vpc_id}'", "InvalidParameter")
        if subnet.availability_zone in taken:
            raise AwsError("DuplicateSubnetsInSameZone", f"Found another VPC endpoint subnet in the availability zone of {subnet.id}. VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.")
        taken.add(subnet.availability_zone)


def _set_interfaces(ec2: Any, endpoint: Any, subnet_ids: list[str]) -> None:
    for id in [each for each in endpoint.interfaces if each not in subnet_ids]:
        remove_interface(ec2.account_id, ec2.region_name, endpoint.interfaces.pop(id))
    for id in [each for each in subnet_ids if each not in endpoint.interfaces]:
        endpoint.interfaces[id] = make_interface(
            ec2.account_id, ec2.region_name, id, endpoint.security_group_ids, f"VPC Endpoint Interface {endpoint.id}",
            "vpc_endpoint", "amazon-aws", requester_managed=True,
        )  # fmt: skip


def _name(ec2: Any, endpoint: Any) -> None:
    stem, domain = f"{endpoint.id}-{random.getrandbits(40):010x}", endpoint_domain(ec2.region_name, endpoint.service_name)
    zone = f"Z{random.getrandbits(48):012X}"
    names = [f"{stem}.{domain}"]
    names += [f"{stem}-{look_up(ec2, 'subnet', id).availability_zone}.{domain}" for id in endpoint.subnet_ids]
    endpoint.dns_entries = [{"DnsName": name, "HostedZoneId": zone} for name in names]
    if endpoint.private_dns_enabled:
        endpoint.dns_entries.append({"DnsName": private_name(ec2.region_name, endpoint.service_name), "HostedZoneId": f"Z{random.getrandbits(48):012X}"})


@before("ec2", "ModifyVpcEndpoint")
def _modify(call: AwsCall) -> dict[str, Any]:
    ec2 = store(call)
    settle(ec2)
    endpoint, params = find(call, "vpce", required(call, "VpcEndpointId")), call.params
    if endpoint.state != "available":
        raise AwsError("IncorrectState", f"The VPC endpoint {endpoint.id} is in state {endpoint.state}.")
    if params.get("PolicyDocument") or params.get("ResetPolicy"):
        endpoint.policy_document = _policy(call)
    tables = [find(call, "rtb", id) for id in params.get("AddRouteTableIds") or [] if id not in endpoint.route_table_ids]
    _remove_routes(ec2, endpoint, params.get("RemoveRouteTableIds") or [])
    _check_tables(endpoint, tables)
    _add_routes(ec2, endpoint, tables)
    if endpoint.vpc_endpoint_type == "Interface":
        _modify_interfaces(call, endpoint)
    return {"Return": True}


def _modify_interfaces(call: AwsCall, endpoint: Any) -> None:
    ec2, params = store(call), call.params
    groups = [id for id in endpoint.security_group_ids if id not in (params.get("RemoveSecurityGroupIds") or [])]
    groups += [find(call, "sg", id).id for id in params.get("AddSecurityGroupIds") or [] if id not in groups]
    if not groups:
        raise invalid("An interface endpoint needs at least one security group", "InvalidParameter")
    removed = params.get("RemoveSubnetIds") or []
    added = [find(call, "subnet", id) for id in params.get("AddSubnetIds") or [] if id not in endpoint.interfaces]
    kept = [id for id in endpoint.subnet_ids if id not in removed]
    endpoint.security_group_ids = groups
    _set_interfaces(ec2, endpoint, kept)
    _check_subnets(endpoint, added)
    _set_interfaces(ec2, endpoint, kept + [subnet.id for subnet in added])
    for id in endpoint.network_interface_ids:
        ec2.enis[id]._group_set = [look_up(ec2, "sg", each) for each in groups]
    if params.get("PrivateDnsEnabled") is not None:
        _check_private_names(ec2, endpoint, ec2.vpcs[endpoint.vpc_id], bool(params["PrivateDnsEnabled"]))
        endpoint.private_dns_enabled = bool(params["PrivateDnsEnabled"])
    _name(ec2, endpoint)


@before("ec2", "DeleteVpcEndpoints")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, failed = store(call), []
    settle(ec2)
    for id in call.params.get("VpcEndpointIds") or []:
        endpoint = look_up(ec2, "vpce", id)
        if endpoint is None:
            failed.append({"ResourceId": id, "Error": {"Code": "InvalidVpcEndpoint.NotFound", "Message": f"The Vpc Endpoint Id '{id}' does not exist"}})
        elif endpoint.state not in ("deleting", "deleted"):
            _remove_routes(ec2, endpoint, list(endpoint.route_table_ids))
            endpoint.state = "deleting"
            endpoint.span = durations.begin(call.account, "ec2:vpc-endpoint:delete")
    settle(ec2)
    return {"Unsuccessful": failed}

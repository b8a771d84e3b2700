"""Route tables: Amazon VPC user guide, "Configure route tables" (main table, states of a route, gateway endpoints'
routes); API reference of the operations named below.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.utils import generate_route_id, random_subnet_association_id

from ..aws_call import AwsCall
from ..moto_bridge import Unsupported
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import Shown, invalid, listed
from .ec2_objects import as_aws_says, find, forget_tags, look_up, required, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room
from .ec2_tokens import first_answer, remember
from .ec2_vpcs import canonical

TARGETS = (
    "GatewayId", "NatGatewayId", "NetworkInterfaceId", "InstanceId", "VpcPeeringConnectionId", "TransitGatewayId",
    "EgressOnlyInternetGatewayId", "VpcEndpointId", "CarrierGatewayId", "LocalGatewayId", "CoreNetworkArn",
)  # fmt: skip


def shown_table(table: Any) -> Shown:
    ec2 = table.ec2_backend
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc_id,
        "OwnerId": table.owner_id,
        "Associations": table.associations,
        "PropagatingVgws": [],
        "Routes": [shown_route(ec2, table, route) for route in table._routes.values()],
        "Tags": tags_of(ec2, table.id),
    }


def shown_route(ec2: Any, table: Any, route: Any) -> Shown:
    shown = {
        "DestinationCidrBlock": route.destination_cidr_block,
        "DestinationIpv6CidrBlock": route.destination_ipv6_cidr_block,
        "DestinationPrefixListId": route.destination_prefix_list_id,
        "GatewayId": route.gateway_id,
        "NatGatewayId": route.nat_gateway_id,
        "NetworkInterfaceId": route.network_interface_id,
        "InstanceId": route.instance_id,
        "VpcPeeringConnectionId": route.vpc_peering_connection_id,
        "TransitGatewayId": route.transit_gateway_id,
        "EgressOnlyInternetGatewayId": route.egress_only_internet_gateway_id,
        "Origin": route.origin,
        "State": "active" if leads_somewhere(ec2, table, route) else "blackhole",
    }
    return {name: value for name, value in shown.items() if value}


def leads_somewhere(ec2: Any, table: Any, route: Any) -> bool:
    """A route whose target is gone, detached or deleted is a blackhole."""
    if route.local:
        return True
    if route.nat_gateway is not None:
        from .ec2_nat import settle

        settle(ec2)
        return route.nat_gateway.id in ec2.nat_gateways and route.nat_gateway.state in ("available", "pending")
    if route.gateway is not None and route.gateway.id.startswith("igw-"):
        return route.gateway.id in ec2.internet_gateways and route.gateway.vpc is not None and route.gateway.vpc.id == table.vpc_id
    if route.gateway is not None and route.gateway.id.startswith("vpce-"):
        return route.gateway.id in ec2.vpc_end_points and route.gateway.state == "available"
    return route.interface is None or route.interface.id in ec2.enis


FILTERS = {
    "association.gateway-id": "Associations.GatewayId",
    "association.main": "Associations.Main",
    "association.route-table-association-id": "Associations.RouteTableAssociationId",
    "association.route-table-id": "Associations.RouteTableId",
    "association.subnet-id": "Associations.SubnetId",
    "owner-id": "OwnerId",
    "route-table-id": "RouteTableId",
    "route.destination-cidr-block": "Routes.DestinationCidrBlock",
    "route.destination-ipv6-cidr-block": "Routes.DestinationIpv6CidrBlock",
    "route.destination-prefix-list-id": "Routes.DestinationPrefixListId",
    "route.gateway-id": "Routes.GatewayId",
    "route.instance-id": "Routes.InstanceId",
    "route.nat-gateway-id": "Routes.NatGatewayId",
    "route.origin": "Routes.Origin",
    "route.state": "Routes.State",
    "route.vpc-peering-connection-id": "Routes.VpcPeeringConnectionId",
    "vpc-id": "VpcId",
}


@before("ec2", "DescribeRouteTables")
def _describe(call: AwsCall) -> Reply:
    objects = map(shown_table, list(store(call).route_tables.values()))
    ids = call.params.get("RouteTableIds")
    return listed(call, "RouteTables", objects, FILTERS, id_member="RouteTableId", prefix="rtb", ids=ids)


@before("ec2", "CreateRouteTable")
def _create(call: AwsCall) -> dict[str, Any]:
    known = first_answer(call)
    if known is not None:
        return known
    ec2, vpc = store(call), find(call, "vpc", required(call, "VpcId"))
    tags = tags_asked(call, "route-table")
    need_room(call.account, "route-tables-per-vpc", sum(each.vpc_id == vpc.id for each in ec2.route_tables.values()))
    table = ec2.create_route_table(vpc.id)
    tag(ec2, table.id, tags)
    return remember(call, {"RouteTable": shown_table(table), **({"ClientToken": call.token} if call.token else {})})


@before("ec2", "DeleteRouteTable")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, table = store(call), find(call, "rtb", required(call, "RouteTableId"))
    if table._associations or table.main_association_id is not None:
        raise AwsError("DependencyViolation", f"The routeTable '{table.id}' has dependencies and cannot be deleted.")
    ec2.route_tables.pop(table.id)
    forget_tags(ec2, table.id)
    for endpoint in ec2.vpc_end_points.values():
        if table.id in (endpoint.route_table_ids or []):
            endpoint.route_table_ids.remove(table.id)
    return {}


def _destination(call: AwsCall) -> tuple[str, str]:
    """Which member names the destination, and the destination as AWS writes it."""
    asked = [name for name in ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId") if call.params.get(name)]
    if len(asked) != 1:
        raise AwsError("MissingParameter" if not asked else "InvalidParameterCombination", "The request must contain exactly one of destinationCidrBlock, destinationIpv6CidrBlock, destinationPrefixListId")
    value = call.text(asked[0])
    if asked[0] == "DestinationPrefixListId":
        find(call, "pl", value)
        return asked[0], value
    return asked[0], canonical(value)


def _route_of(table: Any, destination: str) -> Any | None:
    return table._routes.get(generate_route_id(table.id, destination))


def _target(call: AwsCall, table: Any) -> dict[str, Any]:
    """moto's arguments for the one target of the request, which must exist and be of the table's VPC."""
    ec2, asked = store(call), [name for name in TARGETS if call.params.get(name)]
    if len(asked) != 1:
        raise AwsError("MissingParameter" if not asked else "InvalidParameterCombination", "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId")
    name, value = asked[0], call.text(asked[0])
    if name == "GatewayId" and value.startswith("igw-"):
        gateway = look_up(ec2, "igw", value)
        if gateway is None:
            raise AwsError("InvalidGatewayID.NotFound", f"The gateway ID '{value}' does not exist")
        if gateway.vpc is None or gateway.vpc.id != table.vpc_id:
            raise invalid(f"route table {table.id} and network gateway {value} belong to different networks")
        return {"gateway_id": value}
    if name == "GatewayId":
        if value.startswith("vpce-"):
            raise invalid(f"The gateway ID '{value}' is a VPC endpoint: associate the route table with it instead")
        if not value.startswith("vgw-"):
            raise AwsError("InvalidGatewayID.NotFound", f"The gateway ID '{value}' does not exist")
        return {"gateway_id": value}
    if name == "NatGatewayId":
        from .ec2_nat import is_gone, settle

        settle(ec2)
        gateway = look_up(ec2, "nat", value)
        if gateway is None or is_gone(gateway):
            raise AwsError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{value}' does not exist")
        if gateway.vpc_id != table.vpc_id:
            raise invalid(f"route table {table.id} and NAT gateway {value} belong to different networks")
        return {"nat_gateway_id": value}
    members = {
        "NetworkInterfaceId": "interface_id", "InstanceId": "instance_id", "VpcPeeringConnectionId": "vpc_peering_connection_id",
        "TransitGatewayId": "transit_gateway_id", "EgressOnlyInternetGatewayId": "egress_only_igw_id",
        "VpcEndpointId": "vpc_endpoint_id", "CarrierGatewayId": "carrier_gateway_id",
    }  # fmt: skip
    if name not in members:
        raise Unsupported("NotImplementedBySandbox", f"The sandbox has no routes to {name}")
    return {members[name]: value}


@before("ec2", "CreateRoute")
def _create_route(call: AwsCall) -> dict[str, Any] | None:
    ec2, table = store(call), find(call, "rtb", required(call, "RouteTableId"))
    member, destination = _destination(call)
    target = _target(call, table)
    if _route_of(table, destination) is not None:
        raise AwsError("RouteAlreadyExists", f"The route identified by {destination} already exists.")
    need_room(call.account, "routes-per-table", len(table._routes))
    argument = {
        "DestinationCidrBlock": "destination_cidr_block", "DestinationIpv6CidrBlock": "destination_ipv6_cidr_block",
        "DestinationPrefixListId": "destination_prefix_list_id",
    }[member]  # fmt: skip
    with as_aws_says():
        ec2.create_route(table.id, **{"destination_cidr_block": None, argument: destination, **target})
    return {"Return": True}


@before("ec2", "ReplaceRoute")
def _replace_route(call: AwsCall) -> dict[str, Any]:
    ec2, table = store(call), find(call, "rtb", required(call, "RouteTableId"))
    _, destination = _destination(call)
    target = _target(call, table)
    route = _route_of(table, destination)
    if route is None:
        raise invalid(f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead.")
    if route.local:
        raise invalid(f"cannot replace local route {destination} in route table {table.id}")
    with as_aws_says():
        ec2.replace_route(table.id, destination, **target)
    return {}


@before("ec2", "DeleteRoute")
def _delete_route(call: AwsCall) -> dict[str, Any]:
    table = find(call, "rtb", required(call, "RouteTableId"))
    member, destination = _destination(call)
    route = _route_of(table, destination)
    if route is None:
        name = {"DestinationCidrBlock": "destination-cidr-block", "DestinationIpv6CidrBlock": "destination-ipv6-cidr-block"}.get(member, "destination-prefix-list-id")
        raise AwsError("InvalidRoute.NotFound", f"no route with {name} {destination} in route table {table.id}")
    if route.local:
        raise invalid(f"cannot remove local route {destination} in route table {table.id}")
    if route.gateway is not None and route.gateway.id.startswith("vpce-"):
        raise invalid(f"cannot remove VPC endpoint route {destination} in route table {table.id}")
    table._routes.pop(route.id)
    return {}


def table_of_subnet(ec2: Any, subnet: Any) -> Any:
    """The table that a subnet is associated with, or its VPC's main one."""
    for table in ec2.route_tables.values():
        if subnet.id in table._associations.values():
            return table
    return next(each for each in ec2.route_tables.values() if each.vpc_id == subnet.vpc_id and each.main_association_id)


@before("ec2", "AssociateRouteTable")
def _associate(call: AwsCall) -> dict[str, Any] | None:
    ec2, table = store(call), find(call, "rtb", required(call, "RouteTableId"))
    if not call.params.get("SubnetId"):
        return None
    subnet = find(call, "subnet", call.text("SubnetId"))
    if subnet.vpc_id != table.vpc_id:
        raise invalid(f"Route table {table.id} and subnet {subnet.id} belong to different networks")
    if any(subnet.id in each._associations.values() for each in ec2.route_tables.values()):
        raise AwsError("Resource.AlreadyAssociated", f"the specified association for route table {table.id} conflicts with an existing association")
    association = random_subnet_association_id()
    table._associations[association] = subnet.id
    return {"AssociationId": association, "AssociationState": {"State": "associated"}}


def _association(call: AwsCall) -> tuple[Any, str]:
    id = required(call, "AssociationId")
    for table in store(call).route_tables.values():
        if id in table.all_associations_ids:
            return table, id
    raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{id}' does not exist")


@before("ec2", "DisassociateRouteTable")
def _disassociate(call: AwsCall) -> dict[str, Any]:
    table, id = _association(call)
    if table.main_association_id == id:
        raise invalid(f"cannot disassociate the main route table association {id}")
    table._associations.pop(id)
    return {}


@before("ec2", "ReplaceRouteTableAssociation")
def _replace_association(call: AwsCall) -> dict[str, Any]:
    new = find(call, "rtb", required(call, "RouteTableId"))
    old, id = _association(call)
    if new.vpc_id != old.vpc_id:
        raise invalid(f"Route table {new.id} and association {id} belong to different networks")
    made = random_subnet_association_id()
    if old.main_association_id == id:
        old.main_association_id, new.main_association_id = None, made
    else:
        new._associations[made] = old._associations.pop(id)
    return {"NewAssociationId": made, "AssociationState": {"State": "associated"}}

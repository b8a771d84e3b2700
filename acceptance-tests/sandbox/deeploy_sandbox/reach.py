"""May A reach B on a port? `POST /sandbox/reach`, by the Amazon VPC user guide: "Security group rules" (stateful; who
is in no group is not asked), "Network ACL rules" (by number, the first that matches), "Route priority" (the longest
prefix), "NAT gateways" (public ones need a way out themselves), "Gateway endpoints".

{"account", "region", "from": END, "to": END, "port", "protocol": "tcp"}; END is {"security_groups": [ids],
"subnet_id", "address"}, each optional. Answers {"allowed", "why", "route"}. Not known here: peering, VPN, transit
gateways, an ACL's way back, endpoint policies, whether a public address is really there.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any

from . import routes
from .rules import ec2_endpoints, ec2_nat
from .rules.ec2_objects import KINDS, look_up, store_of
from .rules.ec2_routes import leads_somewhere, table_of_subnet
from .wire import AwsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass
class End:
    name: str
    groups: list[Any] = field(default_factory=list)
    subnet: Any = None
    vpc: Any = None
    # Where it can be: one address, its subnet, or anywhere in its VPC.
    networks: list[Network] = field(default_factory=list)
    address: Any = None


@routes.route("POST", "reach")
def _answer(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    return reach(body)


def reach(body: dict[str, Any]) -> dict[str, Any]:
    ec2 = store_of(str(body["account"]), str(body["region"]))
    ec2_nat.settle(ec2)
    ec2_endpoints.settle(ec2)
    protocol, port = str(body.get("protocol", "tcp")), int(body["port"])
    try:
        start, end = _end(ec2, "from", body["from"]), _end(ec2, "to", body["to"])
        _place(start, end)
        _place(end, start)
    except AwsError as unknown:
        raise ValueError(unknown.message) from None
    route = None
    if start.vpc is not None and end.vpc is not None and start.vpc is not end.vpc:
        return _no(f"{start.vpc.id} and {end.vpc.id} are different VPCs, and nothing joins them")
    if start.subnet is not None and end.vpc is None:
        route, problem = way_out(ec2, start.subnet, end.address)
        if problem:
            return _no(problem, route)
    if end.subnet is not None and start.vpc is None:
        route, problem = way_out(ec2, end.subnet, start.address)
        if problem or (route or {}).get("kind") != "igw":
            return _no(problem or f"{end.subnet.id} is not public: its way to {start.address} is {route}", route)
    reasons = []
    for here, there, egress in ((start, end, True), (end, start, False)):
        if here.groups:
            rule = _rule(ec2, here, there, egress, protocol, port)
            way = "egress" if egress else "ingress"
            if rule is None:
                groups = ", ".join(group.id for group in here.groups)
                return _no(f"no {way} rule of {groups} admits {protocol} {port} {'to' if egress else 'from'} {_said(there)}", route)
            reasons.append(f"{way} by {rule.id} of {rule.group_id}")
        if here.subnet is not None:
            refused = _acl_refuses(ec2, here, there, egress, protocol, port)
            if refused:
                return _no(refused, route)
    return {"allowed": True, "why": "; ".join(reasons) or "nothing stands between them", "route": route}


def _no(why: str, route: Any = None) -> dict[str, Any]:
    return {"allowed": False, "why": why, "route": route}


def _end(ec2: Any, name: str, body: dict[str, Any]) -> End:
    end = End(name)
    for id in body.get("security_groups") or []:
        end.groups.append(_found(ec2, "sg", id))
    if body.get("subnet_id"):
        end.subnet = _found(ec2, "subnet", body["subnet_id"])
    vpc_id = end.subnet.vpc_id if end.subnet is not None else end.groups[0].vpc_id if end.groups else None
    if body.get("address"):
        end.address = ipaddress.ip_address(body["address"])
        end.networks = [ipaddress.ip_network(end.address)]
    end.vpc = ec2.vpcs.get(vpc_id) if vpc_id else None
    if not end.networks:
        if end.vpc is None:
            raise ValueError(f"{name}: give security_groups, subnet_id or address")
        end.networks = [end.subnet.cidr] if end.subnet is not None else _networks(end.vpc)
    return end


def _place(end: End, other: End) -> None:
    """A mere address is of the other end's VPC when it lies in there; several VPCs may have the same addresses."""
    if end.vpc is None and other.vpc is not None and any(end.address in network for network in _networks(other.vpc)):
        end.vpc = other.vpc


def _found(ec2: Any, prefix: str, id: str) -> Any:
    found = look_up(ec2, prefix, id)
    if found is None:
        raise KINDS[prefix].missing(id)
    return found


def _networks(vpc: Any) -> list[Network]:
    return [ipaddress.ip_network(each["cidr_block"], strict=False) for each in vpc.get_cidr_block_association_set()]


def _said(end: End) -> str:
    return ", ".join(group.id for group in end.groups) or (end.subnet.id if end.subnet is not None else str(end.address))


def _covers(ec2: Any, cidrs: list[str], networks: list[Network]) -> bool:
    wide = [ipaddress.ip_network(cidr, strict=False) for cidr in cidrs]
    return all(any(network.version == each.version and network.subnet_of(each) for each in wide) for network in networks)  # type: ignore[arg-type]


def _prefixes(ec2: Any, id: str) -> list[str]:
    prefix_list = ec2.managed_prefix_lists.get(id)
    if prefix_list is None or not prefix_list.entries:
        return []
    return [entry["Cidr"] for entry in list(prefix_list.entries.values())[-1]]


def _rule(ec2: Any, here: End, there: End, egress: bool, protocol: str, port: int) -> Any | None:
    for group in here.groups:
        for rule in group.egress_rules if egress else group.ingress_rules:
            if rule.ip_protocol not in ("-1", protocol):
                continue
            if rule.ip_protocol != "-1" and not int(rule.from_port) <= port <= int(rule.to_port):
                continue
            if rule.source_group.get("GroupId"):
                admitted = any(each.id == rule.source_group["GroupId"] for each in there.groups)
            elif rule.prefix_list_id:
                admitted = _covers(ec2, _prefixes(ec2, rule.prefix_list_id), there.networks)
            else:
                admitted = _covers(ec2, [rule.ip_range.get("CidrIp") or rule.ip_range.get("CidrIpv6")], there.networks)
            if admitted:
                return rule
    return None


def _acl_refuses(ec2: Any, here: End, there: End, egress: bool, protocol: str, port: int) -> str | None:
    """Within a subnet no ACL is asked."""
    if there.subnet is here.subnet:
        return None
    number = {"tcp": "6", "udp": "17", "icmp": "1"}.get(protocol, protocol)
    acl = next((each for each in ec2.network_acls.values() if any(item.subnet_id == here.subnet.id for item in each._associations.values())), None)
    entries = sorted((each for each in acl.network_acl_entries if _true(each.egress) == egress), key=lambda each: int(each.rule_number)) if acl else []
    for entry in entries:
        ports = entry.port_range_from is None or int(entry.port_range_from) <= port <= int(entry.port_range_to)
        if str(entry.protocol) in ("-1", number) and ports and entry.cidr_block and _covers(ec2, [entry.cidr_block], there.networks):
            return None if entry.rule_action == "allow" else f"rule {entry.rule_number} of {acl.id} denies it"  # type: ignore[union-attr]
    return f"no rule of {acl.id} admits it" if acl else None


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def way_out(ec2: Any, subnet: Any, address: Any) -> tuple[dict[str, Any] | None, str | None]:
    """The route from a subnet to an address outside its VPC, and why it leads nowhere."""
    table, best = table_of_subnet(ec2, subnet), None
    for route in table._routes.values():
        cidrs = _prefixes(ec2, route.destination_prefix_list_id) if route.destination_prefix_list_id else [route.destination_cidr_block]
        for cidr in [each for each in cidrs if each]:
            network = ipaddress.ip_network(cidr, strict=False)
            if address in network and (best is None or network.prefixlen > best[0].prefixlen):
                best = (network, route)
    if best is None:
        return None, f"{table.id} has no route to {address}"
    network, route = best
    target = route.nat_gateway_id or route.gateway_id or route.network_interface_id or route.transit_gateway_id or "?"
    shown = {"route_table": table.id, "destination": route.destination_prefix_list_id or str(network), "target": target, "kind": str(target).split("-")[0]}
    if not leads_somewhere(ec2, table, route):
        return shown, f"the route to {target} is a blackhole"
    if route.nat_gateway is not None:
        gateway = route.nat_gateway
        if gateway.state != "available":
            return shown, f"{gateway.id} is {gateway.state}"
        outside, problem = way_out(ec2, _found(ec2, "subnet", gateway.subnet_id), address)
        if gateway.connectivity_type == "public" and (problem or (outside or {}).get("kind") != "igw"):
            return shown, f"{gateway.id} has no way to the internet itself: {problem or outside}"
    return shown, None

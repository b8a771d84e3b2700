"""Security group rules: Amazon VPC user guide, "Security group rules"; API reference of the Authorize, Revoke, Modify
and DescribeSecurityGroupRules operations, IpPermission (ports by protocol), "Error codes".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import Shown, invalid, listed
from .ec2_objects import KINDS, all_groups, check_id, find, forget_tags, look_up, store, tag, tags_asked, tags_of
from .ec2_quotas import need_room

PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
PEERS = {"CidrIpv4": ("IpRanges", "CidrIp"), "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"), "PrefixListId": ("PrefixListIds", "PrefixListId")}


def description_of(rule: Any) -> str | None:
    found = rule.ip_range.get("Description") or rule.source_group.get("Description") or getattr(rule, "prefix_description", None)
    return str(found) if found else None


def describe_rule(rule: Any, text: str | None) -> None:
    for part in (rule.ip_range, rule.source_group):
        part.pop("Description", None)
    rule.prefix_description = None
    if not text:
        return
    if rule.ip_range or rule.source_group:
        (rule.ip_range or rule.source_group)["Description"] = text
    else:
        rule.prefix_description = text


def key_of(rule: Any) -> tuple[Any, ...]:
    """What makes two rules of a group the same; a description doesn't."""
    peer = rule.ip_range.get("CidrIp") or rule.ip_range.get("CidrIpv6") or rule.source_group.get("GroupId") or rule.prefix_list_id
    return (rule.ip_protocol, rule.from_port, rule.to_port, peer)


def shown_rule(ec2: Any, rule: Any) -> Shown:
    shown: Shown = {
        "SecurityGroupRuleId": rule.id,
        "SecurityGroupRuleArn": f"arn:{ec2.partition}:ec2:{ec2.region_name}:{ec2.account_id}:security-group-rule/{rule.id}",
        "GroupId": rule.group_id,
        "GroupOwnerId": ec2.account_id,
        "IsEgress": bool(rule.is_egress),
        "IpProtocol": rule.ip_protocol,
        "FromPort": -1 if rule.from_port is None else int(rule.from_port),
        "ToPort": -1 if rule.to_port is None else int(rule.to_port),
        "Tags": tags_of(ec2, rule.id),
    }
    peer = {
        "CidrIpv4": rule.ip_range.get("CidrIp"), "CidrIpv6": rule.ip_range.get("CidrIpv6"), "PrefixListId": rule.prefix_list_id,
        "Description": description_of(rule),
    }  # fmt: skip
    shown |= {name: value for name, value in peer.items() if value}
    if rule.source_group.get("GroupId"):
        shown["ReferencedGroupInfo"] = {"GroupId": rule.source_group["GroupId"], "UserId": ec2.account_id}
    return shown


def permissions(ec2: Any, rules: list[Any]) -> list[Shown]:
    """Rules as DescribeSecurityGroups groups them: one permission for a protocol and its ports."""
    grouped: dict[tuple[Any, ...], Shown] = {}
    for rule in rules:
        key = (rule.ip_protocol, rule.from_port, rule.to_port)
        if key not in grouped:
            ports = {} if rule.ip_protocol == "-1" else {"FromPort": int(rule.from_port), "ToPort": int(rule.to_port)}
            grouped[key] = {"IpProtocol": rule.ip_protocol, **ports, "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
        text = {"Description": description_of(rule)} if description_of(rule) else {}
        if rule.source_group.get("GroupId"):
            grouped[key]["UserIdGroupPairs"].append({"GroupId": rule.source_group["GroupId"], "UserId": ec2.account_id, **text})
        elif rule.prefix_list_id:
            grouped[key]["PrefixListIds"].append({"PrefixListId": rule.prefix_list_id, **text})
        elif rule.ip_range.get("CidrIpv6"):
            grouped[key]["Ipv6Ranges"].append({"CidrIpv6": rule.ip_range["CidrIpv6"], **text})
        else:
            grouped[key]["IpRanges"].append({"CidrIp": rule.ip_range.get("CidrIp"), **text})
    return list(grouped.values())


def the_group(call: AwsCall) -> Any:
    if call.params.get("GroupId"):
        return find(call, "sg", call.text("GroupId"))
    name = call.params.get("GroupName")
    if not name:
        raise AwsError("MissingParameter", "The request must contain the parameter groupId")
    ec2 = store(call)
    found = next((each for each in all_groups(ec2) if each.name == name and each.vpc_id == ec2.default_vpc.id), None)
    if found is None:
        raise AwsError("InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC '{ec2.default_vpc.id}'")
    return found


def asked_rules(call: AwsCall, group: Any, is_egress: bool, must_exist: bool = True) -> Iterator[Any]:
    """The rules that IpPermissions, or the older flat parameters, stand for."""
    flat = call.params
    asked = flat.get("IpPermissions") or []
    if not asked and flat.get("CidrIp"):
        asked = [{**{k: flat.get(k) for k in ("IpProtocol", "FromPort", "ToPort")}, "IpRanges": [{"CidrIp": flat["CidrIp"]}]}]
    if not asked:
        raise AwsError("MissingParameter", "The request must contain the parameter ipPermissions")
    for each in asked:
        protocol, start, end = _ports(each)
        count = 0
        for item in each.get("IpRanges") or []:
            count += 1
            yield _rule(group, protocol, start, end, is_egress, range={"CidrIp": _cidr(item.get("CidrIp"), 4)}, text=item.get("Description"))
        for item in each.get("Ipv6Ranges") or []:
            count += 1
            yield _rule(group, protocol, start, end, is_egress, range={"CidrIpv6": _cidr(item.get("CidrIpv6"), 6)}, text=item.get("Description"))
        for item in each.get("UserIdGroupPairs") or []:
            count += 1
            yield _rule(group, protocol, start, end, is_egress, source=_pair(call, group, item, must_exist), text=item.get("Description"))
        for item in each.get("PrefixListIds") or []:
            count += 1
            list_id = str(item.get("PrefixListId"))
            if must_exist:
                find(call, "pl", list_id)
            yield _rule(group, protocol, start, end, is_egress, prefix=list_id, text=item.get("Description"))
        if not count:
            raise AwsError("InvalidRequest", "The request received was invalid: no peer (CIDR, security group or prefix list) is given")


def _ports(each: dict[str, Any]) -> tuple[str, int | None, int | None]:
    if each.get("IpProtocol") is None:
        raise invalid("Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.")
    protocol = str(each["IpProtocol"]).lower()
    protocol = PROTOCOLS.get(protocol, protocol)
    if protocol not in ("tcp", "udp", "icmp", "icmpv6", "-1") and not (protocol.isdigit() and int(protocol) < 256):
        raise invalid(f"Invalid value '{protocol}' for IP protocol. Unknown protocol.")
    if protocol == "-1" or protocol.isdigit():
        return protocol, None if protocol == "-1" else -1, None if protocol == "-1" else -1
    start, end = each.get("FromPort"), each.get("ToPort")
    if start is None or end is None:
        if protocol in ("icmp", "icmpv6"):
            return protocol, -1, -1
        raise invalid("Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
    start, end = int(start), int(end)
    if protocol in ("tcp", "udp") and not (0 <= start <= end <= 65535):
        raise invalid(f"Invalid {protocol.upper()} port range: {start}-{end}")
    return protocol, start, end


def _cidr(text: Any, version: int) -> str:
    try:
        network = ipaddress.ip_network(str(text), strict=False)
        if network.version == version and "/" in str(text):
            return str(network)
    except ValueError:
        pass
    raise invalid(f"CIDR block {text} is malformed")


def _pair(call: AwsCall, group: Any, item: dict[str, Any], must_exist: bool) -> dict[str, str]:
    ec2, id = store(call), item.get("GroupId")
    if not id:
        named = next((each for each in all_groups(ec2) if each.name == item.get("GroupName") and each.vpc_id == group.vpc_id), None)
        if named is None:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{item.get('GroupName')}' does not exist")
        id = named.id
    check_id("sg", str(id))
    peer = look_up(ec2, "sg", str(id))
    if must_exist and str(item.get("UserId") or call.account) == call.account:
        if peer is None:
            raise KINDS["sg"].missing(str(id))
        if peer.vpc_id != group.vpc_id:
            raise AwsError("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
    return {"GroupId": str(id), "UserId": str(item.get("UserId") or call.account)}


def _rule(group: Any, protocol: str, start: int | None, end: int | None, is_egress: bool, range: Any = None, source: Any = None, prefix: str | None = None, text: Any = None) -> Any:
    listed_by = {"PrefixListId": prefix} if prefix else None
    rule = SecurityGroupRule(group.ec2_backend, protocol, group.id, start, end, range, source, listed_by, is_egress=is_egress)  # type: ignore[arg-type]
    if text is not None and len(str(text)) > 255:
        raise invalid("Invalid rule description. Description cannot be longer than 255 characters.")
    describe_rule(rule, text)
    return rule


def _said(rule: Any) -> str:
    peer = key_of(rule)[3]
    if rule.ip_protocol == "-1":
        return f"peer: {peer}, ALL, ALLOW"
    return f"peer: {peer}, {str(rule.ip_protocol).upper()}, from port: {rule.from_port}, to port: {rule.to_port}, ALLOW"


@before("ec2", "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
def _authorize(call: AwsCall) -> dict[str, Any]:
    ec2, group, egress = store(call), the_group(call), call.operation.endswith("Egress")
    tags = tags_asked(call, "security-group-rule")
    rules = list(asked_rules(call, group, egress))
    present = group.egress_rules if egress else group.ingress_rules
    keys = [key_of(rule) for rule in rules]
    if len(keys) != len(set(keys)):
        raise invalid("The same permission must not appear multiple times")
    there = {key_of(rule) for rule in present}
    for rule in rules:
        if key_of(rule) in there:
            raise AwsError("InvalidPermission.Duplicate", f'the specified rule "{_said(rule)}" already exists')
    need_room(call.account, "rules-per-group", len(present), len(rules))
    present.extend(rules)
    for rule in rules:
        tag(ec2, rule.id, tags)
    return {"Return": True, "SecurityGroupRules": [shown_rule(ec2, rule) for rule in rules]}


@before("ec2", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress")
def _revoke(call: AwsCall) -> dict[str, Any]:
    ec2, group, egress = store(call), the_group(call), call.operation.endswith("Egress")
    present = group.egress_rules if egress else group.ingress_rules
    ids = call.params.get("SecurityGroupRuleIds")
    if ids:
        for id in ids:
            check_id("sgr", id)
            if not any(rule.id == id for rule in present):
                raise KINDS["sgr"].missing(id)
        gone = [rule for rule in present if rule.id in ids]
    else:
        keys = {key_of(rule) for rule in asked_rules(call, group, egress, must_exist=False)}
        gone = [rule for rule in present if key_of(rule) in keys]
        if len({key_of(rule) for rule in gone}) < len(keys):
            raise AwsError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
    shown = [shown_rule(ec2, rule) for rule in gone]
    present[:] = [rule for rule in present if not any(rule is each for each in gone)]
    for rule in gone:
        forget_tags(ec2, rule.id)
    revoked = [{**each, "ReferencedGroupId": (each.get("ReferencedGroupInfo") or {}).get("GroupId")} for each in shown]
    members = ("SecurityGroupRuleId", "GroupId", "IsEgress", "IpProtocol", "FromPort", "ToPort", "CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId", "Description")
    return {"Return": True, "RevokedSecurityGroupRules": [{k: each[k] for k in members if each.get(k) is not None} for each in revoked]}


@before("ec2", "DescribeSecurityGroupRules")
def _describe(call: AwsCall) -> Reply:
    ec2 = store(call)
    rules = [rule for group in all_groups(ec2) for rule in [*group.ingress_rules, *group.egress_rules]]
    for asked in call.params.get("Filters") or []:
        if asked.get("Name") == "group-id":
            for id in asked.get("Values") or []:
                if "*" not in id and "?" not in id:
                    check_id("sg", id)
    filters = {"group-id": "GroupId", "security-group-rule-id": "SecurityGroupRuleId"}
    ids = call.params.get("SecurityGroupRuleIds")
    objects = [shown_rule(ec2, rule) for rule in rules]
    return listed(call, "SecurityGroupRules", objects, filters, id_member="SecurityGroupRuleId", prefix="sgr", ids=ids)


@before("ec2", "ModifySecurityGroupRules")
def _modify(call: AwsCall) -> dict[str, Any]:
    group = the_group(call)
    for change in call.params.get("SecurityGroupRules") or []:
        id, new = str(change.get("SecurityGroupRuleId")), change.get("SecurityGroupRule") or {}
        check_id("sgr", id)
        rule = group.get_rule(id)
        if rule is None:
            raise KINDS["sgr"].missing(id)
        peers = [name for name in ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId") if new.get(name)]
        if len(peers) != 1:
            raise AwsError("MissingParameter" if not peers else "InvalidParameterCombination", "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId")
        made = _changed(call, group, rule, new, peers[0])
        present = group.egress_rules if rule.is_egress else group.ingress_rules
        if any(other is not rule and key_of(other) == key_of(made) for other in present):
            raise AwsError("InvalidPermission.Duplicate", f'the specified rule "{_said(made)}" already exists')
        for name in ("ip_protocol", "from_port", "to_port", "ip_range", "source_group", "prefix_list_id"):
            setattr(rule, name, getattr(made, name))
        rule.prefix_description = getattr(made, "prefix_description", None)
    return {"Return": True}


def _changed(call: AwsCall, group: Any, rule: Any, new: dict[str, Any], peer: str) -> Any:
    was = "ReferencedGroupId" if rule.source_group else "PrefixListId" if rule.prefix_list_id else "CidrIpv6" if rule.ip_range.get("CidrIpv6") else "CidrIpv4"
    if was != peer:
        raise invalid(f"Invalid rule type for security group rule '{rule.id}'. You may not specify {peer} for an existing rule with {was}.")
    protocol, start, end = _ports(new)
    text = new.get("Description")
    if peer == "ReferencedGroupId":
        return _rule(group, protocol, start, end, rule.is_egress, source=_pair(call, group, {"GroupId": new[peer]}, True), text=text)
    if peer == "PrefixListId":
        find(call, "pl", str(new[peer]))
        return _rule(group, protocol, start, end, rule.is_egress, prefix=str(new[peer]), text=text)
    member = PEERS[peer][1]
    return _rule(group, protocol, start, end, rule.is_egress, range={member: _cidr(new[peer], 4 if peer == "CidrIpv4" else 6)}, text=text)


@before("ec2", "UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress")
def _describe_anew(call: AwsCall) -> dict[str, Any]:
    group, egress = the_group(call), call.operation.endswith("Egress")
    present = group.egress_rules if egress else group.ingress_rules
    changes: list[tuple[Any, str | None]] = []
    for item in call.params.get("SecurityGroupRuleDescriptions") or []:
        rule = next((each for each in present if each.id == item.get("SecurityGroupRuleId")), None)
        if rule is None:
            raise KINDS["sgr"].missing(str(item.get("SecurityGroupRuleId")))
        changes.append((rule, item.get("Description")))
    if call.params.get("IpPermissions"):
        for asked in asked_rules(call, group, egress, must_exist=False):
            rule = next((each for each in present if key_of(each) == key_of(asked)), None)
            if rule is None:
                raise AwsError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
            changes.append((rule, description_of(asked)))
    for rule, text in changes:
        describe_rule(rule, text)
    return {"Return": True}

"""Load balancers of the second version (application, network): API reference of CreateLoadBalancer,
DescribeLoadBalancers, DeleteLoadBalancer, SetSecurityGroups, AddTags and DescribeTags; user guides, "Delete a Network
Load Balancer" and EC2's "Requester-managed network interfaces" (they hold subnets and security groups, and go a while after).
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from .. import durations
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError
from . import before
from .elb_interfaces import make_interfaces, release, set_groups
from .resource_arns import names_resource

TAGS_MAX, DESCRIBED_MAX = 50, 20
NAME = re.compile(r"^(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$")
KINDS = {"application": "app", "network": "net", "gateway": "gwy"}


def validation(text: str) -> AwsError:
    return AwsError("ValidationError", text)


def not_found(arn: str) -> AwsError:
    if ":targetgroup/" in arn:
        return AwsError("TargetGroupNotFound", f"Target groups '{arn}' not found")
    if ":listener/" in arn or ":listener-rule/" in arn:
        return AwsError("ListenerNotFound", f"One or more listeners not found: {arn}")
    return AwsError("LoadBalancerNotFound", f"Load balancers '[{arn}]' not found")


def store_of(call: AwsCall) -> Any:
    return backend("elbv2", call.account, call.region)


@names_resource("elbv2")
def _arn(call: AwsCall) -> str:
    prefix = f"arn:{call.partition}:elasticloadbalancing:{call.region}:{call.account}:"
    for member in ("LoadBalancerArn", "TargetGroupArn", "ListenerArn", "RuleArn"):
        if call.params.get(member):
            return call.text(member)
    arns = call.params.get("ResourceArns") or []
    if call.operation in ("AddTags", "RemoveTags") and arns:
        return str(arns[0])
    if call.operation == "CreateLoadBalancer":
        return f"{prefix}loadbalancer/{KINDS.get(call.text('Type', 'application'), 'app')}/{call.text('Name')}/*"
    if call.operation == "CreateTargetGroup":
        return f"{prefix}targetgroup/{call.text('Name')}/*"
    return "*"


def is_ready(balancer: Any) -> bool:
    """The state changes when it is looked at."""
    span = getattr(balancer, "span", None)
    return span is None or span.done()


def shown(balancer: Any) -> dict[str, Any]:
    """As moto keeps it; the state is what it was last set to."""
    found = {
        "LoadBalancerArn": balancer.arn, "DNSName": balancer.dns_name, "CanonicalHostedZoneId": balancer.canonical_hosted_zone_id,
        "CreatedTime": balancer.created_time, "LoadBalancerName": balancer.name, "Scheme": balancer.scheme, "VpcId": balancer.vpc_id,
        "State": {"Code": balancer.state}, "Type": balancer.type, "IpAddressType": balancer.ip_address_type,
        "AvailabilityZones": [
            {"ZoneName": subnet.availability_zone, "SubnetId": subnet.id, "LoadBalancerAddresses": []} for subnet in balancer.subnets
        ],
    }  # fmt: skip
    if balancer.security_groups:
        found["SecurityGroups"] = list(balancer.security_groups)
    return found


def _subnets_asked(call: AwsCall) -> list[Any]:
    ids = list(call.params.get("Subnets") or []) + [each.get("SubnetId") for each in call.params.get("SubnetMappings") or []]
    if not ids:
        raise validation("At least one subnet must be specified")
    ec2 = backend("ec2", call.account, call.region)
    every = {id: subnet for by_zone in ec2.subnets.values() for id, subnet in by_zone.items()}
    for id in ids:
        if id not in every:
            raise AwsError("SubnetNotFound", f"The subnet ID '{id}' does not exist")
    found = [every[id] for id in ids]
    if len({subnet.vpc_id for subnet in found}) > 1:
        raise AwsError("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    if len({subnet.availability_zone for subnet in found}) < len(found):
        raise AwsError("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
    return found


def _check_groups(call: AwsCall, groups: list[str], vpc_id: str) -> None:
    ec2 = backend("ec2", call.account, call.region)
    inside = ec2.groups.get(vpc_id, {})
    for id in groups:
        if id not in inside:
            raise AwsError("InvalidSecurityGroup", f"The security group '{id}' does not exist")


def check_tags(tags: list[dict[str, Any]], already: dict[str, str]) -> None:
    keys = [str(tag.get("Key", "")) for tag in tags]
    if len(keys) != len(set(keys)):
        raise AwsError("DuplicateTagKeys", "Tag key was specified more than once")
    if any(key.lower().startswith("aws:") for key in keys):
        raise validation("Tag keys that begin with aws: are reserved for internal AWS use")
    if len(set(keys) | set(already)) > TAGS_MAX:
        raise AwsError("TooManyTags", "The quota for the number of tags that can be assigned to a load balancer has been reached")


@before("elbv2", "CreateLoadBalancer")
def _create(call: AwsCall) -> dict[str, Any]:
    name, kind = call.text("Name"), call.text("Type", "application")
    scheme, address_type = call.text("Scheme", "internet-facing"), call.text("IpAddressType", "ipv4")
    groups = [str(each) for each in call.params.get("SecurityGroups") or []]
    if kind not in KINDS:
        raise validation(f"1 validation error detected: Value '{kind}' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [network, application, gateway]")
    if not NAME.match(name):
        raise validation(f"The load balancer name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)")
    check_tags(call.params.get("Tags") or [], {})
    subnets = _subnets_asked(call)
    vpc_id = subnets[0].vpc_id
    _check_groups(call, groups, vpc_id)
    if kind == "application" and len(subnets) < 2:
        raise validation("At least two subnets in two different Availability Zones must be specified")
    ec2, store = backend("ec2", call.account, call.region), store_of(call)
    if scheme == "internet-facing" and kind != "gateway" and not any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in ec2.internet_gateways.values()):
        raise AwsError("InvalidSubnet", f"VPC {vpc_id} has no internet gateway")
    asked = (kind, scheme, address_type, sorted(groups), sorted(subnet.id for subnet in subnets))
    existing = next((each for each in store.load_balancers.values() if each.name == name), None)
    if existing is not None:
        if getattr(existing, "asked", None) != asked:
            raise AwsError("DuplicateLoadBalancerName", f"A load balancer with the same name '{name}' exists, but with different settings")
        return {"LoadBalancers": [shown(existing)]}
    if kind == "application" and not groups:
        groups = [group.id for group in ec2.groups.get(vpc_id, {}).values() if group.name == "default"]
    made = store.create_load_balancer(
        name=name, security_groups=groups, subnet_ids=[subnet.id for subnet in subnets], scheme=scheme, loadbalancer_type=kind,
        ip_address_type=address_type, tags=None,
    )  # fmt: skip
    _rename(store, made, kind, call)
    made.asked, made.span = asked, durations.begin(call.account, "elbv2:load-balancer:create")
    store.tagging_service.tag_resource(made.arn, call.params.get("Tags") or [])
    made.interfaces = make_interfaces(call.account, call.region, made)
    return {"LoadBalancers": [shown(made)]}


def _rename(store: Any, made: Any, kind: str, call: AwsCall) -> None:
    """moto calls every load balancer an application one."""
    del store.load_balancers[made.arn]
    short = uuid.uuid4().hex[:16]
    made.arn = f"arn:{call.partition}:elasticloadbalancing:{call.region}:{call.account}:loadbalancer/{KINDS[kind]}/{made.name}/{short}"
    internal = "internal-" if made.scheme == "internal" and kind == "application" else ""
    suffix = "amazonaws.com.cn" if call.partition == "aws-cn" else "amazonaws.com"
    if kind == "network":
        made.dns_name = f"{made.name}-{short}.elb.{call.region}.{suffix}"
    else:
        made.dns_name = f"{internal}{made.name}-{int(short[:8], 16) % 2_000_000_000}.{call.region}.elb.{suffix}"
    store.load_balancers[made.arn] = made


@before("elbv2", "DescribeLoadBalancers")
def _describe(call: AwsCall) -> dict[str, Any]:
    arns, names = call.params.get("LoadBalancerArns") or [], call.params.get("Names") or []
    if arns and names:
        raise validation("Load balancer names and load balancer ARNs cannot be specified at the same time")
    every = list(store_of(call).load_balancers.values())
    for balancer in every:
        if balancer.state == "provisioning" and is_ready(balancer):
            balancer.state = "active"
    found = every
    if arns or names:
        wanted = arns or names
        found = [each for each in every if (each.arn if arns else each.name) in wanted]
        missing = [each for each in wanted if each not in {getattr(one, "arn" if arns else "name") for one in found}]
        if missing:
            raise not_found(", ".join(missing)) if names else AwsError("LoadBalancerNotFound", "One or more load balancers not found")
    size, start = int(call.params.get("PageSize") or 400), call.text("Marker", "0")
    if not start.isdigit():
        raise validation("The marker is not valid")
    page = found[int(start) : int(start) + size]
    more = {"NextMarker": str(int(start) + size)} if len(found) > int(start) + size else {}
    return {"LoadBalancers": [shown(each) for each in page], **more}


@before("elbv2", "DeleteLoadBalancer")
def _delete(call: AwsCall) -> dict[str, Any]:
    """One that is not there is deleted: "the call succeeds"."""
    store, arn = store_of(call), call.text("LoadBalancerArn")
    balancer = store.load_balancers.get(arn)
    if balancer is None:
        return {}
    if str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
        raise AwsError("OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled")
    for group in store.target_groups.values():
        group.load_balancer_arns = [each for each in group.load_balancer_arns if each != arn]
    for kept in (arn, *balancer.listeners):
        store.tagging_service.delete_all_tags_for_resource(kept)
    del store.load_balancers[arn]
    release(call.account, call.region, balancer.interfaces)
    return {}


@before("elbv2", "SetSecurityGroups")
def _set_groups(call: AwsCall) -> None:
    balancer = store_of(call).load_balancers.get(call.text("LoadBalancerArn"))
    if balancer is None:
        raise not_found(call.text("LoadBalancerArn"))
    groups = [str(each) for each in call.params.get("SecurityGroups") or []]
    _check_groups(call, groups, balancer.vpc_id)
    if balancer.type == "network" and not balancer.asked[3]:
        raise AwsError("InvalidConfigurationRequest", "You cannot specify security groups for a Network Load Balancer that was created without security groups.")
    set_groups(call.account, call.region, balancer.interfaces, groups)


@before("elbv2", "DeleteTargetGroup")
def _delete_target_group(call: AwsCall) -> dict[str, Any] | None:
    store, arn = store_of(call), call.text("TargetGroupArn")
    if arn not in store.target_groups:
        return {}
    if store._any_listener_using(arn):
        raise AwsError("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
    store.tagging_service.delete_all_tags_for_resource(arn)
    return None


@before("elbv2", "CreateTargetGroup")
def _create_target_group(call: AwsCall) -> None:
    check_tags(call.params.get("Tags") or [], {})
    vpc_id = call.params.get("VpcId")
    if vpc_id and vpc_id not in backend("ec2", call.account, call.region).vpcs:
        raise validation(f"The VPC ID '{vpc_id}' is not found")


def _known(store: Any, arn: str) -> bool:
    if arn in store.load_balancers or arn in store.target_groups:
        return True
    listeners = [listener for balancer in store.load_balancers.values() for listener in balancer.listeners.values()]
    return any(arn == listener.arn or arn in listener.rules for listener in listeners)


@before("elbv2", "AddTags", "RemoveTags", "DescribeTags")
def _tags(call: AwsCall) -> dict[str, Any]:
    store, arns = store_of(call), [str(each) for each in call.params.get("ResourceArns") or []]
    tagger = store.tagging_service
    if len(arns) > DESCRIBED_MAX:
        raise validation("Cannot have more than 20 resources described")
    for arn in arns:
        if not _known(store, arn):
            raise not_found(arn)
    if call.operation == "DescribeTags":
        described = [{"ResourceArn": arn, "Tags": [{"Key": k, "Value": v} for k, v in tagger.get_tag_dict_for_resource(arn).items()]} for arn in arns]
        return {"TagDescriptions": described}
    for arn in arns:
        if call.operation == "AddTags":
            check_tags(call.params.get("Tags") or [], tagger.get_tag_dict_for_resource(arn))
            tagger.tag_resource(arn, call.params.get("Tags") or [])
        else:
            tagger.untag_resource_using_names(arn, call.params.get("TagKeys") or [])
    return {}

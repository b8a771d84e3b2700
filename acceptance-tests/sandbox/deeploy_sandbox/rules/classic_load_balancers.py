"""Classic Load Balancers, which Kubernetes makes for a Service without the AWS Load Balancer Controller: Elastic Load
Balancing API reference, version 2012-06-01.
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before
from .elb_interfaces import make_classic_interfaces, release
from .load_balancers import check_tags
from .resource_arns import names_resource


def balancers_of(call: AwsCall) -> dict[str, Any]:
    return backend("elb", call.account, call.region).load_balancers


def not_found(name: str) -> AwsError:
    return AwsError("LoadBalancerNotFound", f"There is no ACTIVE Load Balancer named '{name}'")


@names_resource("elb")
def _arn(call: AwsCall) -> str:
    names = call.params.get("LoadBalancerNames") or []
    name = call.text("LoadBalancerName") or (names[0] if len(names) == 1 and call.operation in ("AddTags", "RemoveTags") else "")
    return f"arn:{call.partition}:elasticloadbalancing:{call.region}:{call.account}:loadbalancer/{name}" if name else "*"


@before("elb", "CreateLoadBalancer")
def _create(call: AwsCall) -> None:
    check_tags(call.params.get("Tags") or [], {})
    ec2 = backend("ec2", call.account, call.region)
    subnets, zones = call.params.get("Subnets") or [], call.params.get("AvailabilityZones") or []
    if not call.params.get("Listeners"):
        raise AwsError("ValidationError", "Listeners cannot be empty")
    if bool(subnets) == bool(zones):
        raise AwsError("ValidationError", "Either AvailabilityZones or SubnetIds must be specified")
    every = {id: subnet for by_zone in ec2.subnets.values() for id, subnet in by_zone.items()}
    for id in subnets:
        if id not in every:
            raise AwsError("SubnetNotFound", f"The requested configuration contains invalid subnet(s): {id}")
    inside = ec2.groups.get(every[subnets[0]].vpc_id, {}) if subnets else {}
    for id in call.params.get("SecurityGroups") or []:
        if subnets and id not in inside:
            raise AwsError("InvalidSecurityGroup", f"One or more of the specified security groups do not exist: {id}")


@after("elb", "CreateLoadBalancer")
def _created(call: AwsCall, reply: Reply) -> dict[str, Any] | None:
    if reply.status >= 300:
        return None
    made = balancers_of(call)[call.text("LoadBalancerName")]
    suffix = "amazonaws.com.cn" if call.partition == "aws-cn" else "amazonaws.com"
    made.dns_name = f"{'internal-' if made.scheme == 'internal' else ''}{made.name}-{abs(hash(made.name)) % 10**9}.{call.region}.elb.{suffix}"
    made.interfaces = make_classic_interfaces(call.account, call.region, made.name, list(made.subnets), list(made.security_groups))
    return {"DNSName": made.dns_name}


@before("elb", "DeleteLoadBalancer")
def _delete(call: AwsCall) -> None:
    """One that is not there is deleted: "the call to DeleteLoadBalancer still succeeds"."""
    balancer = balancers_of(call).get(call.text("LoadBalancerName"))
    if balancer is not None:
        release(call.account, call.region, balancer.interfaces)


@before("elb", "DescribeLoadBalancers")
def _describe(call: AwsCall) -> None:
    for name in call.params.get("LoadBalancerNames") or []:
        if name not in balancers_of(call):
            raise not_found(name)


@before("elb", "AddTags", "RemoveTags", "DescribeTags")
def _tags(call: AwsCall) -> None:
    for name in call.params.get("LoadBalancerNames") or []:
        if name not in balancers_of(call):
            raise not_found(name)
        if call.operation == "AddTags":
            check_tags(call.params.get("Tags") or [], balancers_of(call)[name].tags)

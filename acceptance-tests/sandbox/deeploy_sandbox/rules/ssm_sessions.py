"""Session Manager: API reference of StartSession, TerminateSession, DescribeSessions and DescribeInstanceInformation; user
guide, "Troubleshooting Session Manager" (an instance is connected when it runs and its role may speak to Systems Manager).
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timezone
from typing import Any

from .. import evaluate
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity_policies import principal_of
from ..moto_bridge import backend
from ..wire import AwsError
from . import before, eks_store, memory

NEEDED = ("ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:OpenDataChannel")


def role_of_instance(call: AwsCall, instance: Any) -> str | None:
    """The ARN of the role of its instance profile, or of its EKS node group."""
    store = backend("ec2", call.account, call.region)
    for association in store.iam_instance_profile_associations.values():
        if association.instance.id == instance.id and association.iam_instance_profile.roles:
            return str(association.iam_instance_profile.roles[0].arn)
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    cluster = eks_store.store(call.account, call.region).get(tags.get("eks:cluster-name", ""))
    group = cluster.nodegroups.get(tags.get("eks:nodegroup-name", "")) if cluster is not None else None
    return str(group.body["nodeRole"]) if group is not None else None


def is_connected(call: AwsCall, instance: Any) -> bool:
    role = role_of_instance(call, instance) if instance.state == "running" else None
    if not role:
        return False
    principal = principal_of(role)
    return all(evaluate.decide(principal, evaluate.Question(action, "*", folded(principal.context())))[0] == "allowed" for action in NEEDED)


def _instances(call: AwsCall) -> list[Any]:
    reservations = backend("ec2", call.account, call.region).reservations.values()
    return [instance for reservation in reservations for instance in reservation.instances]


@before("ssm", "DescribeInstanceInformation")
def _information(call: AwsCall) -> dict[str, Any]:
    wanted: dict[str, list[str]] = {}
    for each in [*(call.params.get("Filters") or []), *(call.params.get("InstanceInformationFilterList") or [])]:
        wanted[str(each.get("Key", each.get("key")))] = [str(value) for value in each.get("Values", each.get("valueSet")) or []]
    found = [
        {
            "InstanceId": instance.id, "PingStatus": "Online", "LastPingDateTime": datetime.now(timezone.utc), "AgentVersion": "3.3.987.0",
            "IsLatestVersion": True, "PlatformType": "Linux", "PlatformName": "Amazon Linux", "PlatformVersion": "2023",
            "ResourceType": "EC2Instance", "IPAddress": instance.private_ip, "ComputerName": f"ip-{str(instance.private_ip).replace(chr(46), chr(45))}.{call.region}.compute.internal",
        }
        for instance in _instances(call)
        if is_connected(call, instance) and instance.id in wanted.get("InstanceIds", [instance.id])
    ]  # fmt: skip
    return {"InstanceInformationList": found}


@before("ssm", "StartSession")
def _start(call: AwsCall) -> dict[str, Any]:
    target = call.text("Target")
    instance = next((each for each in _instances(call) if each.id == target), None)
    if instance is None or not is_connected(call, instance):
        raise AwsError("TargetNotConnected", f"{target} is not connected.")
    who = (call.identity.name or "root").rpartition("/")[2]
    session = f"{who}-{secrets.token_hex(9)[:17]}"
    memory(call.account, f"ssm sessions {call.region}")[session] = {"Target": target, "StartDate": datetime.now(timezone.utc), "Owner": call.identity.arn}
    url = f"wss://ssmmessages.{call.region}.amazonaws.com/v1/data-channel/{session}?role=publish_subscribe"
    return {"SessionId": session, "TokenValue": base64.b64encode(secrets.token_bytes(96)).decode(), "StreamUrl": url}


@before("ssm", "TerminateSession")
def _terminate(call: AwsCall) -> dict[str, Any]:
    """No error for a session that is over: the API knows none."""
    session = call.text("SessionId")
    memory(call.account, f"ssm sessions {call.region}").pop(session, None)
    return {"SessionId": session}


@before("ssm", "DescribeSessions")
def _describe(call: AwsCall) -> dict[str, Any]:
    if call.text("State") != "Active":
        return {"Sessions": []}
    every = memory(call.account, f"ssm sessions {call.region}")
    return {"Sessions": [{"SessionId": id, "Status": "Connected", **session} for id, session in every.items()]}

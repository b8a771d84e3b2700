"""Session Manager: API reference of StartSession, TerminateSession, DescribeSessions and DescribeInstanceInformation; user
guide, "Troubleshooting Session Manager" (an instance is connected when it runs and its role may speak to Systems Manager).
"""

from __future__ import annotations

import base64
import re
import secrets
from datetime import datetime, timezone
from typing import Any

from .. import evaluate
from ..aws_call import AwsCall
from ..conditions import folded
from ..identity_policies import principal_of
from ..moto_bridge import backend
from ..routes import route
from ..wire import AwsError
from . import before, eks_store, memory

# AWS's session documents (SSM console, "AWS-Start…", schema 1.0): parameter → (its allowed pattern, its default).
_PORT = r"^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"
_LOCAL_PORT = _PORT.replace("([1-9]|", "([0-9]|", 1)
_HOST = r"^[^,$^&\(\)!;'\"<>\x60{}\[\]\|#=]{3,}$"
_PORTS = {"portNumber": (_PORT, "80"), "localPortNumber": (_LOCAL_PORT, "0")}
DOCUMENTS: dict[str, dict[str, tuple[str, str]]] = {
    "SSM-SessionManagerRunShell": {},
    "AWS-StartPortForwardingSession": _PORTS,
    "AWS-StartPortForwardingSessionToRemoteHost": {**_PORTS, "host": (_HOST, "localhost")},
    "AWS-StartSSHSession": {"portNumber": (_PORT, "22")},
}
# session → (account, region)
_homes: dict[str, tuple[str, str]] = {}

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


def _parameters(call: AwsCall) -> dict[str, str]:
    """The document's parameters, each with its value or its default."""
    name = call.text("DocumentName") or "SSM-SessionManagerRunShell"
    document = DOCUMENTS.get(name)
    if document is None:
        raise AwsError("InvalidDocument", f"Document with name {name} does not exist.")
    given = call.params.get("Parameters") or {}
    for parameter, values in given.items():
        if parameter not in document:
            raise AwsError("ValidationException", f"Parameter {parameter} is not a parameter of the document {name}.")
        pattern = document[parameter][0]
        if len(values) != 1 or not re.fullmatch(pattern, str(values[0])):
            raise AwsError("ValidationException", f"Parameter {parameter} with value {values} must match the pattern {pattern}.")
    return {parameter: str(given.get(parameter, [default])[0]) for parameter, (_, default) in document.items()}


@before("ssm", "StartSession")
def _start(call: AwsCall) -> dict[str, Any]:
    parameters = _parameters(call)
    target = call.text("Target")
    instance = next((each for each in _instances(call) if each.id == target), None)
    if instance is None or not is_connected(call, instance):
        raise AwsError("TargetNotConnected", f"{target} is not connected.")
    who = (call.identity.name or "root").rpartition("/")[2]
    session = f"{who}-{secrets.token_hex(9)[:17]}"
    token = base64.b64encode(secrets.token_bytes(96)).decode()
    shown = {"Target": target, "StartDate": datetime.now(timezone.utc), "Owner": call.identity.arn}
    if document := call.text("DocumentName"):
        shown["DocumentName"] = document
    memory(call.account, f"ssm sessions {call.region}")[session] = shown
    memory(call.account, f"ssm tokens {call.region}")[session] = (token, parameters)
    _homes[session] = (call.account, call.region)
    url = f"wss://ssmmessages.{call.region}.amazonaws.com/v1/data-channel/{session}?role=publish_subscribe"
    return {"SessionId": session, "TokenValue": token, "StreamUrl": url}


@before("ssm", "TerminateSession")
def _terminate(call: AwsCall) -> dict[str, Any]:
    """No error for a session that is over: the API knows none."""
    session = call.text("SessionId")
    memory(call.account, f"ssm sessions {call.region}").pop(session, None)
    return {"SessionId": session}


@route("POST", "session")
def _session(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """{session_id, token}, of the plugin's stand-in: where the session leads, as long as its node is connected to it."""
    home = _homes.get(str(body["session_id"]))
    active = home is not None and body["session_id"] in memory(home[0], f"ssm sessions {home[1]}")
    token, parameters = memory(home[0], f"ssm tokens {home[1]}").get(body["session_id"], ("", {})) if home else ("", {})
    if not active or not secrets.compare_digest(token, str(body["token"])):
        return {"connected": False}
    local = parameters.get("localPortNumber", "0")
    return {"connected": True, "host": parameters.get("host", "localhost"), "port": parameters.get("portNumber", "0"), "local_port": local}


@before("ssm", "DescribeSessions")
def _describe(call: AwsCall) -> dict[str, Any]:
    if call.text("State") != "Active":
        return {"Sessions": []}
    every = memory(call.account, f"ssm sessions {call.region}")
    return {"Sessions": [{"SessionId": id, "Status": "Connected", **session} for id, session in every.items()]}

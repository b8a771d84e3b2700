"""Flow logs: Amazon VPC user guide, "Flow logs" (one resource, destination and configuration: one flow log), "IAM role
for publishing flow logs to CloudWatch Logs"; API reference of CreateFlowLogs and FlowLog.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.flow_logs import FlowLogs
from moto.ec2.utils import random_flow_log_id

from .. import moto_bridge
from ..aws_call import AwsCall
from ..evaluate import evaluate_request
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import Shown, invalid, listed
from .ec2_objects import KINDS, find, forget_tags, store, tag, tags_asked, tags_of
from .ec2_tokens import first_answer, remember

DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} "
    "${start} ${end} ${action} ${log-status}"
)
PREFIXES = {"VPC": "vpc", "Subnet": "subnet", "NetworkInterface": "eni"}


def shown_flow_log(log: Any) -> Shown:
    ec2 = log.ec2_backend
    shown = {
        "FlowLogId": log.id,
        "ResourceId": log.resource_id,
        "TrafficType": log.traffic_type,
        "FlowLogStatus": "ACTIVE",
        "CreationTime": log.creation_time,
        "DeliverLogsPermissionArn": log.deliver_logs_permission_arn,
        "LogGroupName": log.log_group_name,
        "LogDestination": log.log_destination,
        "LogDestinationType": log.log_destination_type,
        "LogFormat": log.log_format,
        "MaxAggregationInterval": log.max_aggregation_interval,
        "Tags": tags_of(ec2, log.id),
    } | _delivery(ec2, log)
    options = getattr(log, "destination_options", None)
    if options:
        shown["DestinationOptions"] = options
    return {name: value for name, value in shown.items() if value is not None}


def _delivery(ec2: Any, log: Any) -> Shown:
    """Logs arrive when the service may take the role, and the role may write: a wrong one shows as an access error."""
    if log.log_destination_type != "cloud-watch-logs":
        return {"DeliverLogsStatus": "SUCCESS"}
    group = log.log_group_name or str(log.log_destination).split(":log-group:")[-1].removesuffix(":*")
    arn = f"arn:{ec2.partition}:logs:{ec2.region_name}:{ec2.account_id}:log-group:{group}"
    role, account = str(log.deliver_logs_permission_arn), ec2.account_id
    source = {"aws:SourceAccount": account, "aws:SourceArn": f"arn:{ec2.partition}:ec2:{ec2.region_name}:{account}:vpc-flow-log/{log.id}"}
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    if group not in moto_bridge.backend("logs", account, ec2.region_name).groups:
        actions.append("logs:CreateLogGroup")
    try:
        trust = {"account": account, "trust_of": role, "service": "vpc-flow-logs.amazonaws.com", "context": source}
        rights = [{"account": account, "principal_arn": role, "action": action, "resource_arn": f"{arn}:log-stream:x"} for action in actions]
        allowed = all(evaluate_request(question)["decision"] == "allowed" for question in (trust, *rights))
    except (KeyError, ValueError, AwsError):
        allowed = False
    return {"DeliverLogsStatus": "SUCCESS"} if allowed else {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}


FILTERS = {
    "deliver-log-status": "DeliverLogsStatus",
    "flow-log-id": "FlowLogId",
    "log-destination-type": "LogDestinationType",
    "log-group-name": "LogGroupName",
    "resource-id": "ResourceId",
    "traffic-type": "TrafficType",
}


@before("ec2", "DescribeFlowLogs")
def _describe(call: AwsCall) -> Reply:
    objects = [shown_flow_log(log) for log in list(store(call).flow_logs.values())]
    ids = call.params.get("FlowLogIds")
    return listed(call, "FlowLogs", objects, FILTERS, id_member="FlowLogId", prefix="fl", ids=ids)


@before("ec2", "CreateFlowLogs")
def _create(call: AwsCall) -> dict[str, Any]:
    known = first_answer(call)
    if known is not None:
        return known
    params, resource_type = call.params, call.text("ResourceType")
    tags = tags_asked(call, "vpc-flow-log")
    if resource_type not in PREFIXES:
        raise invalid(f"Value ({resource_type}) for parameter ResourceType is invalid.")
    if params.get("TrafficType") not in ("ACCEPT", "REJECT", "ALL"):
        raise AwsError("MissingParameter" if not params.get("TrafficType") else "InvalidParameterValue", "TrafficType must be one of ACCEPT, REJECT, ALL")
    kind, interval = call.text("LogDestinationType", "cloud-watch-logs"), int(params.get("MaxAggregationInterval") or 600)
    if interval not in (60, 600):
        raise AwsError("InvalidParameter", "Invalid Flow Log Max Aggregation Interval")
    if not params.get("LogGroupName") and not params.get("LogDestination"):
        raise AwsError("InvalidParameter", "LogDestination can't be empty if LogGroupName is not provided.")
    if kind == "cloud-watch-logs" and not params.get("DeliverLogsPermissionArn"):
        raise AwsError("InvalidParameter", "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.")
    if kind != "cloud-watch-logs" and params.get("LogGroupName"):
        raise AwsError("InvalidParameter", f"LogDestinationType can't be {kind} if LogGroupName is provided.")
    resources = [find(call, PREFIXES[resource_type], id) for id in params.get("ResourceIds") or []]
    if not resources:
        raise AwsError("MissingParameter", "The request must contain the parameter resourceIdSet")
    made, failed = [], []
    for resource in resources:
        problem = _destination_problem(call, kind)
        if problem:
            failed.append({"ResourceId": resource.id, "Error": {"Code": "400", "Message": problem}})
        else:
            made.append(_make(call, resource.id, kind, interval, tags))
    answer = {"FlowLogIds": made, "Unsuccessful": failed, **({"ClientToken": call.token} if call.token else {})}
    return remember(call, answer) if made else answer


def _make(call: AwsCall, resource_id: str, kind: str, interval: int, tags: dict[str, str]) -> str:
    ec2, params = store(call), call.params
    group = params.get("LogGroupName")
    destination = params.get("LogDestination")
    if kind == "cloud-watch-logs":
        arn = f"arn:{call.partition}:logs:{call.region}:{call.account}:log-group:"
        group = group or str(destination).split(":log-group:")[-1].removesuffix(":*")
        destination = destination or f"{arn}{group}"
    log = FlowLogs(
        ec2, random_flow_log_id(), resource_id, call.text("TrafficType"), destination, group, params.get("DeliverLogsPermissionArn"),
        interval, kind, call.text("LogFormat") or DEFAULT_FORMAT,
    )  # fmt: skip
    log.destination_options = params.get("DestinationOptions")
    same = ("resource_id", "traffic_type", "log_destination", "log_format", "max_aggregation_interval")
    if any(all(getattr(each, name) == getattr(log, name) for name in same) for each in ec2.flow_logs.values()):
        raise AwsError("FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration and log destination.")
    ec2.flow_logs[log.id] = log
    tag(ec2, log.id, tags)
    return str(log.id)


def _destination_problem(call: AwsCall, kind: str) -> str | None:
    if kind != "s3":
        return None
    bucket = call.text("LogDestination").split(":::")[-1].split("/")[0]
    if bucket not in moto_bridge.backend("s3", call.account, call.partition).buckets:
        return f"LogDestination: {bucket} does not exist"
    return None


@before("ec2", "DeleteFlowLogs")
def _delete(call: AwsCall) -> dict[str, Any]:
    ec2, failed = store(call), []
    for id in call.params.get("FlowLogIds") or []:
        if ec2.flow_logs.pop(id, None) is None:
            failed.append({"ResourceId": id, "Error": {"Code": KINDS["fl"].not_found, "Message": KINDS["fl"].text.format(id)}})
        forget_tags(ec2, id)
    return {"Unsuccessful": failed}

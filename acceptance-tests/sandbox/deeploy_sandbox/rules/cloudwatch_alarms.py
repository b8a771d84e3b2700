"""CloudWatch alarms as they are kept: API reference of PutMetricAlarm, PutCompositeAlarm, DescribeAlarms, DeleteAlarms
and TagResource; user guide, "Using Amazon CloudWatch alarms" (a new alarm has INSUFFICIENT_DATA; an update keeps its state).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .. import operations
from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..wire import AwsError, Reply
from . import after, before, memory
from .cloudwatch_parameters import ACTION_LISTS, check_common, check_tag_keys, validation
from .resource_arns import names_resource

PAGE, PAGE_MAX = 50, 100


def alarms_of(call: AwsCall) -> dict[str, Any]:
    return backend("cloudwatch", call.account, call.region).alarms


@names_resource("cloudwatch")
def _arn(call: AwsCall) -> str:
    prefix = f"arn:{call.partition}:cloudwatch:{call.region}:{call.account}:alarm:"
    if call.params.get("ResourceARN"):
        return call.text("ResourceARN")
    names = call.params.get("AlarmNames") or []
    if call.params.get("AlarmName") or len(names) == 1:
        return prefix + str(call.params.get("AlarmName") or names[0])
    return prefix + "*" if call.operation in ("DescribeAlarms", "DeleteAlarms") else "*"


@before("cloudwatch", "PutMetricAlarm", "PutCompositeAlarm")
def _remember_previous(call: AwsCall) -> dict[str, Any] | None:
    previous = alarms_of(call).get(call.text("AlarmName"))
    memory(call.account, "alarm before")[call.region] = previous
    if previous is not None:
        tagger = backend("cloudwatch", call.account, call.region).tagger
        previous.tags_were = dict(tagger.get_tag_dict_for_resource(previous.alarm_arn))
    if call.operation != "PutCompositeAlarm":
        return None
    check_common(call)
    rule = call.text("AlarmRule")
    for name in re.findall(r'(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*"?([^")]+?)"?\s*\)', rule):
        name = name.rpartition(":alarm:")[2]
        if name not in alarms_of(call):
            raise validation(f"AlarmRule contains unknown alarm {name}")
    if not re.search(r"\b(ALARM|OK|INSUFFICIENT_DATA|TRUE|FALSE)\b", rule):
        raise validation("AlarmRule is invalid")
    made = backend("cloudwatch", call.account, call.region).put_metric_alarm(
        name=call.text("AlarmName"), namespace="", metric_name="", comparison_operator="", evaluation_periods=0, period=0, threshold=0.0,
        statistic="", description=call.text("AlarmDescription"), dimensions=[], rule=rule, tags=call.params.get("Tags"),
        **{member: call.params.get(name) or [] for member, name in (("alarm_actions", "AlarmActions"), ("ok_actions", "OKActions"))},
    )  # fmt: skip
    _settle(call, made)
    return {}


@after("cloudwatch", "PutMetricAlarm")
def _after_put(call: AwsCall, reply: Reply) -> None:
    if reply.status < 300:
        _settle(call, alarms_of(call)[call.text("AlarmName")])


def _settle(call: AwsCall, alarm: Any) -> None:
    """What was asked for is kept whole; an update leaves state and tags as they were."""
    previous = memory(call.account, "alarm before").pop(call.region, None)
    alarm.asked = {name: value for name, value in call.params.items() if name != "Tags"}
    enabled = alarm.asked.get("ActionsEnabled")
    alarm.actions_enabled = alarm.asked["ActionsEnabled"] = enabled in (None, True, "true")
    tagger = backend("cloudwatch", call.account, call.region).tagger
    if previous is None:
        alarm.state_value, alarm.state_reason = "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation"
        alarm.state_reason_data, alarm.transitioned = None, alarm.state_updated_timestamp
        tagger.delete_all_tags_for_resource(alarm.alarm_arn)
        tagger.tag_resource(alarm.alarm_arn, call.params.get("Tags") or [])
        return
    for kept in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history"):
        setattr(alarm, kept, getattr(previous, kept))
    alarm.transitioned = getattr(previous, "transitioned", previous.state_updated_timestamp)
    if call.params.get("Tags"):
        # "If you use this operation to update an existing alarm, any tags you specify are ignored."
        old = getattr(previous, "tags_were", None)
        tagger.delete_all_tags_for_resource(alarm.alarm_arn)
        tagger.tag_resource(alarm.alarm_arn, [{"Key": k, "Value": v} for k, v in (old or {}).items()])


@cache
def _members(kind: str) -> frozenset[str]:
    model = operations.service_model("cloudwatch")
    return frozenset(model.shape_for(kind).members) if model is not None else frozenset()


def shown(alarm: Any) -> dict[str, Any]:
    """An alarm as DescribeAlarms gives it."""
    kind = "CompositeAlarm" if alarm.rule is not None else "MetricAlarm"
    found = {name: value for name, value in alarm.asked.items() if name in _members(kind)}
    for name in ACTION_LISTS:
        found.setdefault(name, [])
    if kind == "MetricAlarm":
        found.setdefault("Dimensions", [])
        # A metric without ReturnData returns its data.
        if found.get("Metrics"):
            found["Metrics"] = [{"ReturnData": True, **query} for query in found["Metrics"]]
    return {
        **found,
        "AlarmArn": alarm.alarm_arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configuration_updated_timestamp,
        "StateValue": alarm.state_value,
        "StateReason": alarm.state_reason,
        **({"StateReasonData": alarm.state_reason_data} if alarm.state_reason_data else {}),
        "StateUpdatedTimestamp": alarm.state_updated_timestamp,
        "StateTransitionedTimestamp": getattr(alarm, "transitioned", alarm.state_updated_timestamp),
    }


@before("cloudwatch", "DescribeAlarms")
def _describe(call: AwsCall) -> dict[str, Any]:
    params, names = call.params, call.params.get("AlarmNames") or []
    prefix, types = params.get("AlarmNamePrefix"), params.get("AlarmTypes") or ["MetricAlarm"]
    if names and prefix:
        raise validation("AlarmNames and AlarmNamePrefix cannot both be specified")
    if len(names) > 100:
        raise validation("1 validation error detected: Value at 'alarmNames' failed to satisfy constraint: Member must have length less than or equal to 100")
    limit = int(params.get("MaxRecords") or PAGE)
    if not 1 <= limit <= PAGE_MAX:
        raise validation(f"1 validation error detected: Value '{limit}' at 'maxRecords' failed to satisfy constraint: Member must have value between 1 and 100")
    wanted = [
        alarm
        for name, alarm in sorted(alarms_of(call).items())
        if (not names or name in names)
        and name.startswith(str(prefix or ""))
        and ("CompositeAlarm" if alarm.rule is not None else "MetricAlarm") in types
        and params.get("StateValue") in (None, alarm.state_value)
        and (not params.get("ActionPrefix") or any(str(each).startswith(params["ActionPrefix"]) for each in alarm.asked.get("AlarmActions") or []))
    ]
    start = call.text("NextToken", "0")
    if not start.isdigit():
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    page = wanted[int(start) : int(start) + limit]
    more = {"NextToken": str(int(start) + limit)} if int(start) + limit < len(wanted) else {}
    return {
        "MetricAlarms": [shown(alarm) for alarm in page if alarm.rule is None],
        "CompositeAlarms": [shown(alarm) for alarm in page if alarm.rule is not None],
        **more,
    }


@before("cloudwatch", "DescribeAlarmsForMetric")
def _for_metric(call: AwsCall) -> dict[str, Any]:
    wanted = {(each.get("Name"), each.get("Value")) for each in call.params.get("Dimensions") or []}
    found = []
    for alarm in alarms_of(call).values():
        asked = alarm.asked
        dimensions = {(each.get("Name"), each.get("Value")) for each in asked.get("Dimensions") or []}
        if (asked.get("MetricName"), asked.get("Namespace"), dimensions) == (call.text("MetricName"), call.text("Namespace"), wanted):
            found.append(shown(alarm))
    return {"MetricAlarms": found}


@before("cloudwatch", "DeleteAlarms")
def _delete(call: AwsCall) -> None:
    names = call.params.get("AlarmNames") or []
    if len(names) > 100:
        raise validation("1 validation error detected: Value at 'alarmNames' failed to satisfy constraint: Member must have length less than or equal to 100")
    tagger = backend("cloudwatch", call.account, call.region).tagger
    for name in names:
        if name in alarms_of(call):
            tagger.delete_all_tags_for_resource(alarms_of(call)[name].alarm_arn)


@before("cloudwatch", "TagResource", "UntagResource", "ListTagsForResource")
def _tags(call: AwsCall) -> dict[str, Any] | None:
    arn, store = call.text("ResourceARN"), backend("cloudwatch", call.account, call.region)
    known = any(alarm.alarm_arn == arn for alarm in store.alarms.values()) or arn in store.tagger.tags
    if not known:
        raise AwsError("ResourceNotFoundException", f"The resource {arn} does not exist.", 404)
    keys = [str(tag.get("Key", "")) for tag in call.params.get("Tags") or []]
    present = set(store.tagger.get_tag_dict_for_resource(arn))
    if call.operation == "TagResource":
        check_tag_keys(keys, len(present - set(keys)))
    if call.operation == "UntagResource" and not present:
        return {}
    return None

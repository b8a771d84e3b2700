"""Alarms, topics, log groups, rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import Object, reader, shown


@reader("cloudwatch")
def _cloudwatch(backend: Any, account: str) -> Iterator[Object]:
    for alarm in list(backend.alarms.values()):
        tags = backend.tagger.get_tag_dict_for_resource(alarm.alarm_arn)
        kind = "composite_alarm" if alarm.rule is not None else "alarm"
        yield shown(f"cloudwatch:{kind}", alarm.name, alarm.alarm_arn, tags, alarm.state_value, actions=list(alarm.alarm_actions))
    for dashboard in list(backend.dashboards.values()):
        yield shown("cloudwatch:dashboard", dashboard.name, dashboard.arn)


@reader("sns")
def _sns(backend: Any, account: str) -> Iterator[Object]:
    for topic in list(backend.topics.values()):
        yield shown("sns:topic", topic.name, topic.arn, topic._tags, None, kms_key_id=topic.kms_master_key_id or None)
    for each in list(backend.subscriptions.values()):
        pending = str(each.attributes.get("PendingConfirmation")).lower() == "true"
        state = "PendingConfirmation" if pending else "Confirmed"
        yield shown("sns:subscription", each.arn, each.arn, None, state, topic=each.topic.arn, protocol=each.protocol, endpoint=each.endpoint)


@reader("logs")
def _logs(backend: Any, account: str) -> Iterator[Object]:
    for group in list(backend.groups.values()):
        tags = backend.tagger.get_tag_dict_for_resource(group.arn)
        retention = int(group.retention_in_days) if group.retention_in_days else None
        # A service makes its group where it is missing, and leaves it; all databases of an account share RDSOSMetrics.
        made = {"made_by": getattr(group, "made_by", None), "managed": group.name == "RDSOSMetrics"}
        yield shown("logs:log_group", group.name, group.arn, tags, None, retention_in_days=retention, kms_key_id=group.kms_key_id, **made)
    for each in list(backend.filters.metric_filters):
        yield shown("logs:metric_filter", f"{each['logGroupName']}/{each['filterName']}", None)


@reader("events")
def _events(backend: Any, account: str) -> Iterator[Object]:
    for bus in list(backend.event_buses.values()):
        if bus.name != "default":
            yield shown("events:event_bus", bus.name, bus.arn, backend.tagger.get_tag_dict_for_resource(bus.arn))
        for rule in list(bus.rules.values()):
            tags = backend.tagger.get_tag_dict_for_resource(rule.arn)
            targets = [target.get("Arn") for target in rule.targets]
            yield shown("events:rule", rule.name, rule.arn, tags, rule.state, targets=targets, managed=bool(rule.managed_by))

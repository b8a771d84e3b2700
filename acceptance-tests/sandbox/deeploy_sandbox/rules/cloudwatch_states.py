"""What an alarm does: API reference of SetAlarmState, EnableAlarmActions, DisableAlarmActions and
DescribeAlarmHistory; user guide, "Alarm actions" (they are invoked when the state changes, and only then).
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError
from . import before
from .cloudwatch_alarms import alarms_of
from .cloudwatch_parameters import validation
from .service_principals import publish_as

ACTIONS_OF = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


@before("cloudwatch", "SetAlarmState")
def _set(call: AwsCall) -> dict[str, Any]:
    name, value, data = call.text("AlarmName"), call.text("StateValue"), call.params.get("StateReasonData")
    if value not in ACTIONS_OF:
        raise validation(
            f"1 validation error detected: Value '{value}' at 'stateValue' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(ACTIONS_OF)}]"
        )
    if data is not None:
        try:
            json.loads(data)
        except ValueError as error:
            raise AwsError("InvalidFormat", "StateReasonData must be valid JSON.") from error
    alarm = alarms_of(call).get(name)
    if alarm is None:
        raise AwsError("ResourceNotFound", f"The alarm {name} does not exist.", 404)
    before_it = alarm.state_value
    alarm.update_state(call.text("StateReason"), data, value)
    if before_it != value:
        alarm.transitioned = alarm.state_updated_timestamp
        _note(alarm, "StateUpdate", f"Alarm updated from {before_it} to {value}")
        if alarm.actions_enabled:
            _act(call, alarm, value)
    return {}


def _act(call: AwsCall, alarm: Any, value: str) -> None:
    for action in alarm.asked.get(ACTIONS_OF[value]) or []:
        if ":sns:" not in action:
            _note(alarm, "Action", f"Successfully executed action {action}")
            continue
        delivered, why = publish_as(call.account, call.region, action, "cloudwatch.amazonaws.com", alarm.alarm_arn, call.account)
        _note(alarm, "Action", f"Successfully executed action {action}" if delivered else f"Failed to execute action {action}. Received error: \"{why}\"")


def _note(alarm: Any, kind: str, summary: str) -> None:
    alarm.events = [*getattr(alarm, "events", []), (datetime.now(timezone.utc), kind, summary)]


@before("cloudwatch", "EnableAlarmActions", "DisableAlarmActions")
def _switch(call: AwsCall) -> dict[str, Any]:
    for name in call.params.get("AlarmNames") or []:
        alarm = alarms_of(call).get(name)
        if alarm is not None:
            alarm.actions_enabled = alarm.asked["ActionsEnabled"] = call.operation == "EnableAlarmActions"
    return {}


@before("cloudwatch", "DescribeAlarmHistory")
def _history(call: AwsCall) -> dict[str, Any]:
    """Newest first, the first page only: an alarm of a test has no more."""
    kind, only = call.params.get("HistoryItemType"), call.params.get("AlarmName")
    items = [
        {
            "AlarmName": name, "AlarmType": "CompositeAlarm" if alarm.rule is not None else "MetricAlarm", "Timestamp": at,
            "HistoryItemType": what, "HistorySummary": summary, "HistoryData": json.dumps({"type": what, "version": "1.0"}),
        }
        for name, alarm in alarms_of(call).items()
        for at, what, summary in getattr(alarm, "events", [])
        if only in (None, name) and kind in (None, what)
    ]  # fmt: skip
    items.sort(key=lambda each: each["Timestamp"], reverse=call.text("ScanBy") != "TimestampAscending")
    return {"AlarmHistoryItems": items[: int(call.params.get("MaxRecords") or 100)]}

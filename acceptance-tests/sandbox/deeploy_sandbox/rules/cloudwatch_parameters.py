"""What CloudWatch refuses of an alarm: API reference of PutMetricAlarm and PutCompositeAlarm."""

from __future__ import annotations

import re
from typing import Any

from ..aws_call import AwsCall
from ..wire import AwsError
from . import before

OPERATORS = (
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold",
)  # fmt: skip
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
MISSING_DATA = ("breaching", "notBreaching", "ignore", "missing")
ACTION_LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")
ACTION = re.compile(r"^arn:aws[a-z-]*:(sns|automate|swf|ssm|ssm-incidents|autoscaling|lambda|aiops):([a-z0-9-]*):")
EXTENDED = re.compile(r"^(p(\d{1,2}(\.\d{1,10})?|100)|IQM|(tm|wm|tc|ts)\d{1,2}(\.\d+)?|(TM|WM|PR|TC|TS)\(.*\))$", re.I)
DAY_S, WEEK_S = 86_400, 604_800


def validation(text: str) -> AwsError:
    return AwsError("ValidationError", text)


def _enum(call: AwsCall, name: str, allowed: tuple[str, ...]) -> None:
    value = call.params.get(name)
    if value is not None and value not in allowed:
        member = name[0].lower() + name[1:]
        raise validation(
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        )


def check_common(call: AwsCall) -> None:
    name = call.text("AlarmName")
    if not 1 <= len(name) <= 255:
        raise validation("1 validation error detected: Value at 'alarmName' failed to satisfy constraint: Member must have length between 1 and 255")
    for kind in ACTION_LISTS:
        actions = [str(each) for each in call.params.get(kind) or []]
        if len(actions) > 5:
            raise validation(f"1 validation error detected: Value at '{kind[0].lower() + kind[1:]}' failed to satisfy constraint: Member must have length less than or equal to 5")
        for action in actions:
            found = ACTION.match(action)
            if found is None:
                raise validation(f"Invalid arn syntax: {action}")
            if found.group(2) not in ("", call.region):
                raise validation(f"Invalid region {found.group(2)} specified. Only {call.region} is supported.")
    keys = [str(tag.get("Key", "")) for tag in call.params.get("Tags") or []]
    check_tag_keys(keys, 0)


def check_tag_keys(keys: list[str], already: int) -> None:
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("InvalidParameterValue", "Tag keys with the prefix aws: are reserved for AWS use.")
    if len(keys) != len(set(keys)):
        raise AwsError("InvalidParameterValue", "Duplicate tag keys.")
    if len(keys) + already > 50:
        raise AwsError("LimitExceededException", "A resource can have at most 50 tags.")


@before("cloudwatch", "PutMetricAlarm")
def _check_metric_alarm(call: AwsCall) -> None:
    check_common(call)
    params = call.params
    if "ComparisonOperator" not in params:
        raise AwsError("MissingParameter", "The parameter ComparisonOperator is required.")
    _enum(call, "ComparisonOperator", OPERATORS)
    _enum(call, "Statistic", STATISTICS)
    if params.get("TreatMissingData") not in (None, *MISSING_DATA):
        raise validation(
            f"Option {params['TreatMissingData']} is not supported. Supported options for parameter "
            f"TreatMissingData are {', '.join(MISSING_DATA)}."
        )
    periods = _positive(params, "EvaluationPeriods", required=True)
    points = _positive(params, "DatapointsToAlarm")
    if points and periods and points > periods:
        raise validation("The value of DatapointsToAlarm can not be greater than the value of EvaluationPeriods.")
    if "Threshold" not in params and "ThresholdMetricId" not in params:
        raise validation("Either Threshold or ThresholdMetricId must be specified.")
    if params.get("Metrics"):
        period = _check_metrics(params)
    else:
        period = _check_single_metric(params)
    span, limit = period * (periods or 1), WEEK_S if period >= 3600 else DAY_S
    if span > limit:
        raise validation(
            f"Metrics cannot be checked across more than {'a day' if limit == DAY_S else '7 days'} "
            f"(EvaluationPeriods * Period must be <= {limit})."
        )


def _positive(params: dict[str, Any], name: str, required: bool = False) -> int | None:
    if params.get(name) is None:
        if required:
            raise AwsError("MissingParameter", f"The parameter {name} is required.")
        return None
    value = int(params[name])
    if value < 1:
        member = name[0].lower() + name[1:]
        raise validation(f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value greater than or equal to 1")
    return value


def _check_period(value: Any) -> int:
    period = int(value)
    if period not in (10, 20, 30) and (period < 60 or period % 60):
        raise validation("Period must be 10, 20, 30 or a multiple of 60")
    return period


def _check_single_metric(params: dict[str, Any]) -> int:
    for name in ("MetricName", "Namespace", "Period"):
        if not params.get(name):
            raise AwsError("MissingParameter", f"The parameter {name} is required.")
    if bool(params.get("Statistic")) == bool(params.get("ExtendedStatistic")):
        raise AwsError("InvalidParameterCombination", "Exactly one of the parameters Statistic and ExtendedStatistic must be specified.")
    if params.get("ExtendedStatistic") and not EXTENDED.match(str(params["ExtendedStatistic"])):
        raise AwsError("InvalidParameterValue", f"The value {params['ExtendedStatistic']} for parameter ExtendedStatistic is not supported.")
    if len(params.get("Dimensions") or []) > 30:
        raise validation("1 validation error detected: Value at 'dimensions' failed to satisfy constraint: Member must have length less than or equal to 30")
    period = _check_period(params["Period"])
    if period < 60 and str(params["Namespace"]).startswith("AWS/"):
        raise validation(f"Period {period} is supported only for high-resolution custom metrics.")
    return period


def _check_metrics(params: dict[str, Any]) -> int:
    for name in ("MetricName", "Namespace", "Dimensions", "Period", "Statistic", "ExtendedStatistic", "Unit"):
        if params.get(name):
            raise AwsError("InvalidParameterCombination", f"The parameter {name} must not be specified together with Metrics.")
    queries = params["Metrics"]
    ids = [str(query.get("Id", "")) for query in queries]
    if len(ids) != len(set(ids)) or not all(re.match(r"^[a-z][A-Za-z0-9_]*$", each) for each in ids):
        raise validation("The Ids of Metrics must be unique, start with a lowercase letter, and hold letters, numbers and underscores only.")
    returned = [query for query in queries if query.get("ReturnData", True) not in (False, "false")]
    wanted = params.get("ThresholdMetricId")
    if len([query for query in returned if query.get("Id") != wanted]) != 1:
        raise validation("Exactly one element of the metrics list should return data.")
    period = 0
    for query in queries:
        statistic, expression = query.get("MetricStat"), query.get("Expression")
        if bool(statistic) == bool(expression):
            raise validation("Exactly one of MetricStat and Expression must be specified.")
        if statistic:
            period = max(period, _check_period(statistic.get("Period", 60)))
        elif not str(expression).upper().startswith("SELECT"):
            unknown = [name for name in re.findall(r"\b[a-z][A-Za-z0-9_]*\b", re.sub(r'"[^"]*"|\'[^\']*\'', "", str(expression))) if name not in ids]
            if unknown:
                raise validation(f"Invalid metrics list. Expression references an unknown metric Id: {unknown[0]}")
    return period or 60

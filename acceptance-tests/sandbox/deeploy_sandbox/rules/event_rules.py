"""EventBridge: API reference of PutRule, PutTargets, DeleteRule, RemoveTargets and TagResource; user guide, "Event
patterns", "EventBridge quotas" (5 targets a rule) and "Amazon SNS permissions" (a target's own policy decides).
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timezone
from typing import Any

import moto.events.models

from ..aws_call import AwsCall
from ..moto_bridge import backend
from ..routes import route
from ..wire import AwsError
from . import before
from .resource_arns import names_resource
from .service_principals import publish_as

NAME = re.compile(r"^[.\-_A-Za-z0-9]{1,64}$")
TARGETS_MAX, TAGS_MAX = 5, 50
PATTERN_CHARACTERS_MAX = 4096
MATCHES = {"prefix", "suffix", "anything-but", "numeric", "cidr", "exists", "equals-ignore-case", "wildcard", "anything-but-prefix"}
TARGET_ARN = re.compile(r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{0,12}:.+$")


def validation(text: str) -> AwsError:
    return AwsError("ValidationException", text)


def bus_name(call: AwsCall) -> str:
    return (call.text("EventBusName") or "default").rpartition("/")[2]


def find_rule(call: AwsCall, name: str) -> Any:
    bus = backend("events", call.account, call.region).event_buses.get(bus_name(call))
    return bus.rules.get(name) if bus is not None else None


@names_resource("events")
def _arn(call: AwsCall) -> str:
    prefix = f"arn:{call.partition}:events:{call.region}:{call.account}:"
    if call.params.get("ResourceARN"):
        return call.text("ResourceARN")
    name = call.text("Rule") or (call.text("Name") if call.operation.endswith("Rule") else "")
    if name:
        bus = bus_name(call)
        return f"{prefix}rule/{'' if bus == 'default' else bus + '/'}{name}"
    if call.operation in ("ListRules", "ListRuleNamesByTarget"):
        return f"{prefix}rule/*"
    return f"{prefix}event-bus/{call.text('Name') or bus_name(call)}" if call.operation.endswith("EventBus") else "*"


def check_pattern(text: str) -> None:
    """Raises InvalidEventPatternException."""

    def wrong(reason: str) -> AwsError:
        return AwsError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}")

    def check(value: dict[str, Any]) -> None:
        for key, item in value.items():
            if key == "$or":
                if not isinstance(item, list) or len(item) < 2 or not all(isinstance(each, dict) for each in item):
                    raise wrong("$or must be a list of at least two objects")
                for each in item:
                    check(each)
            elif isinstance(item, dict):
                if not item:
                    raise wrong("Empty objects are not allowed")
                check(item)
            elif not isinstance(item, list):
                raise wrong(f'"{key}" must be an object or an array')
            elif not item:
                raise wrong("Empty arrays are not allowed")
            else:
                for each in item:
                    if isinstance(each, dict) and (len(each) != 1 or not set(each) <= MATCHES):
                        raise wrong(f"Unrecognized match type {next(iter(each), '')}")
                    if isinstance(each, list):
                        raise wrong("Match value must be String, number, true, false, or null")

    if len(text) > PATTERN_CHARACTERS_MAX:
        raise wrong("Filter is too long")
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise wrong("Filter is not valid JSON") from error
    if not isinstance(pattern, dict) or not pattern:
        raise wrong("Filter is not an object" if not isinstance(pattern, dict) else "Empty event pattern")
    check(pattern)


@before("events", "PutRule")
def _put(call: AwsCall) -> None:
    name = call.text("Name")
    if not NAME.match(name):
        raise validation(f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+")
    if call.params.get("EventPattern"):
        check_pattern(call.text("EventPattern"))
    if call.params.get("State") not in (None, "ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"):
        raise validation("1 validation error detected: Value at 'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]")
    _check_tags(call, {})
    existing = find_rule(call, name)
    if existing is not None and existing.managed_by:
        raise AwsError("ManagedRuleException", f"Rule {name} is managed by {existing.managed_by}.")
    if existing is not None and call.params.get("Tags"):
        # "If you are updating an existing rule, the rule is replaced… Tags … are not changed" by PutRule.
        call.replace_params(Tags=[])


def _check_tags(call: AwsCall, already: dict[str, str]) -> None:
    keys = [str(tag.get("Key", "")) for tag in call.params.get("Tags") or []]
    if any(key.lower().startswith("aws:") for key in keys):
        raise validation("aws: prefixed tag key names are not allowed for external use.")
    if len(set(keys) | set(already)) > TAGS_MAX:
        raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


@before("events", "PutTargets")
def _targets(call: AwsCall) -> None:
    rule, targets = find_rule(call, call.text("Rule")), call.params.get("Targets") or []
    if rule is None:
        raise AwsError("ResourceNotFoundException", f"Rule {call.text('Rule')} does not exist on EventBus {bus_name(call)}.")
    for target in targets:
        if not re.fullmatch(r"[.\-_A-Za-z0-9]{1,64}", str(target.get("Id", ""))):
            raise validation(f"Value '{target.get('Id')}' at 'targets.id' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+")
        if not TARGET_ARN.match(str(target.get("Arn", ""))):
            raise validation(f"Parameter {target.get('Arn')} is not valid. Reason: Provided Arn is not in correct format.")
        given = [each for each in ("Input", "InputPath", "InputTransformer") if each in target]
        if len(given) > 1:
            raise validation(f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}.")
        if "InputTransformer" in target:
            _check_transformer(target)
    ids = {each["Id"] for each in rule.targets} | {each["Id"] for each in targets}
    if len(ids) > TARGETS_MAX:
        raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def _check_transformer(target: dict[str, Any]) -> None:
    transformer = target["InputTransformer"]
    if not transformer.get("InputTemplate"):
        raise validation("InputTemplate is required.")
    names = set(transformer.get("InputPathsMap") or {})
    unknown = [each for each in re.findall(r"<([A-Za-z0-9_-]+)>", transformer["InputTemplate"]) if each not in names]
    if unknown:
        raise validation(f"Invalid InputTemplate for target {target['Id']} : [Placeholder {unknown[0]} is not in InputPathsMap.].")


@before("events", "ListTargetsByRule", "RemoveTargets")
def _rule_exists(call: AwsCall) -> None:
    if find_rule(call, call.text("Rule")) is None:
        raise AwsError("ResourceNotFoundException", f"Rule {call.text('Rule')} does not exist on EventBus {bus_name(call)}.")


@before("events", "ListRules")
def _list(call: AwsCall) -> None:
    # moto reads the prefix as a regular expression.
    if call.params.get("NamePrefix"):
        call.replace_params(NamePrefix=re.escape(call.text("NamePrefix")))


@before("events", "TagResource")
def _tag(call: AwsCall) -> None:
    tagger = backend("events", call.account, call.region).tagger
    _check_tags(call, tagger.get_tag_dict_for_resource(call.text("ResourceARN")))


@before("events", "PutEvents")
def _events(call: AwsCall) -> dict[str, Any] | None:
    entries = call.params.get("Entries") or []
    if not any(str(entry.get("Source", "")).startswith("aws.") for entry in entries):
        return None
    refused = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    return {"FailedEntryCount": len(entries), "Entries": [refused for _ in entries]}


def _reach_topics() -> None:
    """moto knows no topics as targets; whether the message arrives is the topic's and its key's policies' affair."""
    send = moto.events.models.Rule.send_to_targets

    def send_to_all(self: Any, event: Any, transform_input: bool = True) -> None:
        if not self.state.startswith("ENABLED") or not self.event_pattern.matches_event(event):
            return
        every = self.targets
        for target in every:
            if ":sns:" in target["Arn"]:
                publish_as(self.account_id, self.region_name, target["Arn"], "events.amazonaws.com", self.arn, self.account_id)
        self.targets = [target for target in every if ":sns:" not in target["Arn"]]
        try:
            send(self, event, transform_input)
        finally:
            self.targets = every

    moto.events.models.Rule.send_to_targets = send_to_all  # type: ignore[method-assign]


_reach_topics()


@route("POST", "emit")
def _emit(account: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """An event of AWS itself (`aws.health` …) on the default bus: the rules that match, and their targets get it."""
    region = str(body["region"])
    event = {
        "version": "0", "id": str(uuid.uuid4()), "account": account, "region": region, "resources": [],
        "time": int(datetime.now(timezone.utc).timestamp()), **body["event"],
    }  # fmt: skip
    rules = [rule for rule in backend("events", str(account), region).event_buses["default"].rules.values() if rule.event_pattern.matches_event(event)]
    for rule in rules:
        rule.send_to_targets(event)
    return {"rules": [rule.name for rule in rules if rule.state.startswith("ENABLED")]}

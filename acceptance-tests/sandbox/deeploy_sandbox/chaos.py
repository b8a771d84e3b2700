"""Chaos: the faults that a test orders, before everything else that the sandbox does.

A fault says on which call it fires and what it does; each counts how often it fired, so that a test
can assert that its fault was real. Errors and statuses of throttling follow each service's "Common
Errors" page.
"""

from __future__ import annotations

import json
import os
import pathlib
import random
import re
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .aws_call import AwsCall
from .calls import Record
from .identity import expired
from .rules.ec2_hidden import made_in_ec2, not_found_in_ec2
from .rules.rds_hidden import ELEMENTS as RDS_ELEMENTS
from .rules.rds_hidden import made_in_rds, not_found_in_rds
from .wire import AwsError, CloseConnection, Reply

KINDS = {
    "error", "drop_reply", "drop_request", "throttle", "delay_s", "kill_before", "kill_after",
    "signal_before", "signal_after", "hide_s", "expire",
}  # fmt: skip

THROTTLES = {
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "iam": ("Throttling", "Rate exceeded", 400),
    "sts": ("Throttling", "Rate exceeded", 400),
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "rds": ("Throttling", "Rate exceeded", 400),
    "elbv2": ("Throttling", "Rate exceeded", 400),
    "elb": ("Throttling", "Rate exceeded", 400),
    "sns": ("Throttled", "Rate exceeded", 429),
    "cloudwatch": ("Throttling", "Rate exceeded", 400),
    "autoscaling": ("Throttling", "Rate exceeded", 400),
    "eks": ("TooManyRequestsException", "Too Many Requests", 429),
}

NOT_FOUND = {
    "kms": ("NotFoundException", 400),
    "s3": ("NoSuchBucket", 404),
    "iam": ("NoSuchEntity", 404),
    "secretsmanager": ("ResourceNotFoundException", 400),
    "ssm": ("ParameterNotFound", 400),
    "eks": ("ResourceNotFoundException", 404),
    "rds": ("DBInstanceNotFound", 404),
    "sns": ("NotFound", 404),
    "elbv2": ("LoadBalancerNotFound", 400),
    "elb": ("LoadBalancerNotFound", 400),
}
# Reads by name that answer a list, which is empty where there is nothing.
LISTS_BY_NAME = ("cloudwatch:DescribeAlarms", "logs:DescribeLogGroups", "events:ListRules", "ssm:GetParameters", "ssm:GetParametersByPath")


@dataclass
class Fault:
    on: dict[str, Any]
    do: str
    spec: dict[str, Any]
    times: int | None = 1
    fired: int = 0
    seen: int = 0
    dice: random.Random = field(default_factory=random.Random)

    @classmethod
    def read(cls, spec: dict[str, Any]) -> Fault:
        do = spec.get("do")
        if do is None:
            # {"delay_s": 2} and {"hide_s": 2} name themselves.
            do = next((kind for kind in ("delay_s", "hide_s") if kind in spec), None)
        if do not in KINDS:
            raise ValueError(f"do must be one of {sorted(KINDS)}, not {do!r}")
        on = spec.get("on")
        if not isinstance(on, dict) or not set(on) & {"m", "n", "operation", "every", "rate"}:
            raise ValueError(f"on must hold one of m, n, operation, every, rate, not {on!r}")
        if do in ("kill_before", "kill_after", "signal_before", "signal_after") and not set(spec) & {"pid", "pgid", "pid_file"}:
            raise ValueError(f"{do} needs pid, pgid or pid_file")
        if do in ("delay_s", "hide_s") and not isinstance(spec.get(do), int | float):
            raise ValueError(f"{do} needs its seconds as {do}")
        return cls(on, do, spec, spec.get("times", 1), dice=random.Random(on.get("seed", 0)))

    def fires(self, call: AwsCall, record: Record) -> bool:
        """Counts the call. All conditions of `on` must hold."""
        on = self.on
        if "operation" in on:
            wanted = on["operation"]
            if wanted not in (call.name, call.operation) and not _like(wanted, call.name):
                return False
        if "resource" in on and on["resource"] not in record.resource:
            return False
        if on.get("mutating") is not None and bool(on["mutating"]) != record.mutating:
            return False
        self.seen += 1
        if self.times is not None and self.fired >= self.times:
            return False
        if "m" in on and record.m != on["m"]:
            return False
        if "n" in on and record.n != on["n"]:
            return False
        if "nth" in on and self.seen != on["nth"]:
            return False
        if "every" in on and self.seen % int(on["every"]) != 0:
            return False
        return not ("rate" in on and self.dice.random() >= float(on["rate"]))


def _like(pattern: str, name: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None


@dataclass
class Disturbance:
    """What the faults do to one call."""

    faults: list[Fault] = field(default_factory=list)

    @property
    def kind(self) -> str | None:
        return ",".join(fault.do for fault in self.faults) or None

    def before(self, call: AwsCall) -> None:
        """Raises the error that stands in for the call, or CloseConnection."""
        for fault in self.faults:
            spec = fault.spec
            if fault.do == "delay_s":
                time.sleep(float(spec["delay_s"]))
            elif fault.do == "drop_request":
                raise CloseConnection
            elif fault.do == "kill_before":
                _signal(spec, signal.SIGKILL)
                raise CloseConnection
            elif fault.do == "signal_before":
                _signal(spec, _signal_number(spec))
            elif fault.do == "error":
                raise AwsError(spec.get("code", "InternalFailure"), spec.get("message", "injected"), int(spec.get("status", 400)))
            elif fault.do == "throttle":
                raise AwsError(*THROTTLES.get(call.service, ("ThrottlingException", "Rate exceeded", 400)))
            elif fault.do == "expire":
                raise expired(call.service)

    def after(self, call: AwsCall) -> None:
        for fault in self.faults:
            if fault.do == "drop_reply":
                raise CloseConnection
            if fault.do == "kill_after":
                _signal(fault.spec, signal.SIGKILL)
                raise CloseConnection
            if fault.do == "signal_after":
                _signal(fault.spec, _signal_number(fault.spec))


def _signal_number(spec: dict[str, Any]) -> signal.Signals:
    name = str(spec.get("signal", "INT")).upper()
    return signal.Signals["SIG" + name.removeprefix("SIG")]


def _last_pid(file: str) -> int:
    """A process that is started anew for each step writes its pid there; the last one is the one that calls."""
    return int(pathlib.Path(file).read_text(encoding="ascii").split()[-1])


def _signal(spec: dict[str, Any], number: signal.Signals) -> None:
    try:
        if "pgid" in spec:
            os.killpg(int(spec["pgid"]), number)
        elif "pid_file" in spec:
            os.kill(_last_pid(str(spec["pid_file"])), number)
        else:
            os.kill(int(spec["pid"]), number)
    except ProcessLookupError:
        pass  # it is gone already, which is what the fault wanted


@dataclass
class Hidden:
    service: str
    names: set[str]
    until: float

    def means(self, values: list[str]) -> bool:
        """Whether one of the values is the object: its name or id, or an ARN or path that ends in it."""
        return any(value == name or value.endswith((f"/{name}", f":{name}")) for value in values for name in self.names)


class Chaos:
    def __init__(self) -> None:
        self._faults: dict[str, list[Fault]] = {}
        self._hidden: dict[str, list[Hidden]] = {}
        self._lock = threading.Lock()

    def replace(self, account: str, specs: list[dict[str, Any]]) -> None:
        faults = [Fault.read(spec) for spec in specs]
        with self._lock:
            self._faults[account] = faults

    def shown(self, account: str | None) -> list[dict[str, Any]]:
        with self._lock:
            chosen = [f for key, faults in self._faults.items() if account in (None, key) for f in faults]
        return [{**fault.spec, "do": fault.do, "times": fault.times, "fired": fault.fired} for fault in chosen]

    def clear(self, account: str | None) -> None:
        with self._lock:
            for store in (self._faults, self._hidden):
                if account is None:
                    store.clear()
                else:
                    store.pop(account, None)

    def plan(self, call: AwsCall, record: Record) -> Disturbance:
        faults = self._faults.get(call.account)
        if not faults:
            return Disturbance()
        with self._lock:
            firing = [fault for fault in faults if fault.fires(call, record)]
            for fault in firing:
                # A hide fires when there is something to hide, which only the reply shows.
                if fault.do != "hide_s":
                    fault.fired += 1
        return Disturbance(firing)

    def learn(self, call: AwsCall, reply: Reply, disturbance: Disturbance) -> None:
        """After a create that a `hide_s` matched: its object stays not-found for a while."""
        for fault in disturbance.faults:
            if fault.do == "hide_s" and reply.status < 300 and call.mutating:
                fault.fired += 1
                hidden = Hidden(call.service, names_made(call, reply), time.monotonic() + float(fault.spec["hide_s"]))
                with self._lock:
                    self._hidden.setdefault(call.account, []).append(hidden)

    def hides(self, account: str, service: str, value: str) -> bool:
        """Whether an object is not yet visible, for those who ask about it in another way than by a read."""
        now = time.monotonic()
        found = self._hidden.get(account) or []
        return any(each.service == service and each.until > now and each.means([value]) for each in found)

    def _hidden_now(self, call: AwsCall) -> list[Hidden]:
        found = self._hidden.get(call.account)
        if not found or call.mutating:
            return []
        now = time.monotonic()
        return [hidden for hidden in found if hidden.until > now]

    def refuse_hidden(self, call: AwsCall) -> None:
        if not self._hidden.get(call.account) or call.name in LISTS_BY_NAME:
            return
        # A filter finds nothing, where an id is refused.
        named = {name: value for name, value in call.params.items() if call.service != "ec2" or name not in ("Filters", "Filter")}
        asked = strings(named) + list(call.path_parameters.values())
        for hidden in self._hidden_now(call):
            if hidden.service == call.service and hidden.means(asked):
                if call.service == "ec2":
                    raise not_found_in_ec2(call, hidden.names)
                if call.service == "rds":
                    raise not_found_in_rds(call)
                code, status = NOT_FOUND.get(call.service, ("ResourceNotFoundException", 400))
                raise AwsError(code, "The object does not exist (yet).", status)

    def conceal(self, call: AwsCall, reply: Reply) -> Reply:
        """Takes hidden objects out of lists."""
        hidden = self._hidden_now(call)
        if not hidden or reply.status >= 300:
            return reply
        text = reply.body.decode("utf-8", "replace")
        if (reply.header("content-type") or "").find("json") >= 0 or text.startswith("{"):
            try:
                text = json.dumps(_without(json.loads(text), hidden))
            except ValueError:
                return reply
        else:
            for element in ("member", "Bucket", "item", *(RDS_ELEMENTS if call.service == "rds" else ())):
                text = re.sub(
                    rf"<{element}>(?:(?!<{element}>).)*?</{element}>",
                    lambda found: "" if _is_hidden(re.findall(r">([^<]+)<", found.group(0)), hidden) else found.group(0),
                    text,
                    flags=re.S,
                )
        reply.body = text.encode()
        return reply


def strings(value: Any) -> list[str]:
    """All strings within a value, however deep."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def _is_hidden(values: list[str], hidden: list[Hidden]) -> bool:
    return any(each.means(values) for each in hidden)


def _without(value: Any, hidden: list[Hidden]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, hidden) for key, item in value.items()}
    if isinstance(value, list):
        kept = [item for item in value if not _is_hidden(strings(item), hidden)]
        return [_without(item, hidden) for item in kept]
    return value


# The names under which AWS gives an object back.
MADE_JSON = (
    "KeyId", "Arn", "ARN", "VpcId", "SecretId", "arn", "name", "nodegroupName", "nodegroupArn", "addonName", "addonArn",
    "principalArn", "accessEntryArn", "associationId", "associationArn",
)  # fmt: skip
MADE_XML = ("RoleName", "UserName", "AccessKeyId", "PolicyId", "InstanceProfileName", "GroupName", "Arn")
MADE_BY_CALLER = ("AliasName", "RoleName", "PolicyName", "InstanceProfileName", "GroupName", "Name", "Bucket", "AlarmName", "logGroupName")


def names_made(call: AwsCall, reply: Reply) -> set[str]:
    """The ids and names of what a create made, from its parameters and its reply."""
    names = {str(call.params[key]) for key in MADE_BY_CALLER if isinstance(call.params.get(key), str)}
    if call.operation == "CreateUser":
        names.add(call.text("UserName"))
    text = reply.body.decode("utf-8", "replace")
    if text.startswith("{"):
        for part in [json.loads(text), *[v for v in json.loads(text).values() if isinstance(v, dict)]]:
            names |= {part[key] for key in MADE_JSON if isinstance(part.get(key), str)}
    elif call.service == "ec2":
        return made_in_ec2(call, text)
    elif call.service == "rds":
        return made_in_rds(call)
    elif call.operation == "CreateAccessKey":
        names = set(re.findall(r"<AccessKeyId>([^<]+)</AccessKeyId>", text))
    else:
        for key in MADE_XML:
            names |= set(re.findall(rf"<{key}>([^<]+)</{key}>", text))
    return {name for name in names if name and name != "default"}

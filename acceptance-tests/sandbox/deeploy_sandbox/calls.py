"""The journal: every call that came in, in order, numbered per account."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from .aws_call import AwsCall
from .rules.actions import actions_of
from .rules.ec2_hidden import named_in_ec2

CALLS_MAX = 200_000

# Where the best name of a call's object stands, by preference.
RESOURCE_MEMBERS = (
    "Bucket", "KeyId", "AliasName", "TargetKeyId", "SecretId", "RoleName", "UserName", "GroupName",
    "InstanceProfileName", "PolicyArn", "AccessKeyId", "RoleArn", "Name", "name", "clusterName",
    "DBInstanceIdentifier", "VpcId", "ResourceId", "ResourceArn", "resourceArn", "PolicyName", "AlarmName",
    "TopicArn", "logGroupName",
)  # fmt: skip


@dataclass
class Record:
    n: int
    m: int | None
    account: str
    service: str
    operation: str
    resource: str
    mutating: bool
    token: str | None
    access_key: str
    region: str
    status: int | None = None
    error: str | None = None
    fault: str | None = None
    # The IAM actions that the call needs.
    actions: list[str] = field(default_factory=list)


@dataclass
class Journal:
    records: list[Record] = field(default_factory=list)
    _counts: dict[str, list[int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, call: AwsCall) -> Record:
        mutating = call.mutating
        resource, token = resource_of(call), call.token
        actions = actions_of(call)
        with self._lock:
            counts = self._counts.setdefault(call.account, [0, 0])
            counts[0] += 1
            if mutating:
                counts[1] += 1
            record = Record(
                counts[0],
                counts[1] if mutating else None,
                call.account,
                call.service,
                call.operation,
                resource,
                mutating,
                token,
                call.access_key,
                call.region,
                actions=actions,
            )
            self.records.append(record)
            del self.records[: max(0, len(self.records) - CALLS_MAX)]
            return record

    def of(self, account: str | None) -> list[dict[str, Any]]:
        with self._lock:
            found = [record for record in self.records if account is None or record.account == account]
        shown = []
        for record in found:
            row = asdict(record)
            if row["m"] is None:
                del row["m"]
            shown.append(row)
        return shown

    def clear(self, account: str | None) -> None:
        with self._lock:
            if account is None:
                self.records, self._counts = [], {}
            else:
                self.records = [record for record in self.records if record.account != account]
                self._counts.pop(account, None)


def resource_of(call: AwsCall) -> str:
    if call.service == "s3":
        bucket, key = call.path_parameters.get("Bucket", ""), call.path_parameters.get("Key")
        return f"{bucket}/{key}" if key else bucket
    if call.service == "ec2":
        return named_in_ec2(call)
    for member in RESOURCE_MEMBERS:
        value = call.params.get(member)
        if isinstance(value, str) and value:
            return value
    return ""

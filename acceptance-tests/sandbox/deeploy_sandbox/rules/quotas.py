"""Service Quotas: its API reference. The quotas themselves, and the setting, are of `deeploy_sandbox/quotas.py`."""

from __future__ import annotations

from typing import Any

from .. import quotas
from ..aws_call import AwsCall
from ..quotas import SERVICES, Quota
from ..routes import setting
from ..wire import AwsError
from . import before


def _granted(account: str | None) -> dict[str, int]:
    return {quota.key: quotas.granted(account or "", quota) for quota in quotas.QUOTAS}


@setting("quotas", shown=_granted)
def _grant(account: str | None, values: dict[str, float]) -> dict[str, int]:
    if account is None:
        raise ValueError("quotas of which account?")
    quotas.grant(account, values)
    return _granted(account)


def no_such(text: str) -> AwsError:
    return AwsError("NoSuchResourceException", text)


def _shown(call: AwsCall, quota: Quota, default: bool) -> dict[str, Any]:
    value = quota.default if default else quotas.granted(call.account, quota)
    return {
        "ServiceCode": quota.service, "ServiceName": SERVICES[quota.service], "QuotaCode": quota.code, "QuotaName": quota.title,
        "QuotaArn": f"arn:{call.partition}:servicequotas:{call.region}:{'' if default else call.account}:{quota.service}/{quota.code}",
        "Value": float(value), "Unit": "None", "Adjustable": True, "GlobalQuota": False,
    }  # fmt: skip


@before("service-quotas", "GetServiceQuota", "GetAWSDefaultServiceQuota", "ListServiceQuotas", "ListAWSDefaultServiceQuotas")
def _answer(call: AwsCall) -> dict[str, Any]:
    service, code, default = call.text("ServiceCode"), call.text("QuotaCode"), "AWSDefault" in call.operation
    if service not in SERVICES:
        raise no_such("This service is not available in the current Region. Choose a different Region or a different service.")
    shown = [_shown(call, quota, default) for quota in quotas.of_service(service) if quota.code]
    if call.operation.startswith("List"):
        size, start = int(call.params.get("MaxResults") or 100), int(call.text("NextToken", "0"))
        more = {"NextToken": str(start + size)} if start + size < len(shown) else {}
        return {"Quotas": shown[start : start + size], **more}
    found = next((each for each in shown if each["QuotaCode"] == code), None)
    if found is None:
        raise no_such(f"The request failed because the specified service quota does not exist: {code}")
    return {"Quota": found}


@before("service-quotas", "ListServices")
def _services(call: AwsCall) -> dict[str, Any]:
    return {"Services": [{"ServiceCode": code, "ServiceName": name} for code, name in SERVICES.items()]}

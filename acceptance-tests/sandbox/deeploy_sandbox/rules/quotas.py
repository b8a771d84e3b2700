"""Service Quotas: its API reference, and the quota pages of the services that an environment is made of. What an account
has been granted differs from account to account; `{"quotas": {"vpc/L-F678F1CE": 1}}` in `settings` sets it.
"""

from __future__ import annotations

from typing import Any

from ..aws_call import AwsCall
from ..routes import setting
from ..wire import AwsError
from . import before, memory

# Service → its name, and code → (name, AWS's default, what is applied here where that is more, adjustable).
SERVICES: dict[str, tuple[str, dict[str, tuple[str, float, float | None, bool]]]] = {
    "vpc": (
        "Amazon Virtual Private Cloud (Amazon VPC)",
        {
            "L-F678F1CE": ("VPCs per Region", 5, None, True),
            "L-A4707A72": ("Internet gateways per Region", 5, None, True),
            "L-FE5A380F": ("NAT gateways per Availability Zone", 5, None, True),
            "L-407747CB": ("Subnets per VPC", 200, None, True),
            "L-589F43AA": ("Route tables per VPC", 200, None, True),
            "L-1B52E74A": ("Gateway VPC endpoints per Region", 20, None, True),
            "L-29B6F2EB": ("Interface VPC endpoints per VPC", 50, None, True),
            "L-E79EC296": ("VPC security groups per Region", 2500, None, True),
            "L-0EA8095F": ("Inbound or outbound rules per security group", 60, None, True),
            "L-2AFB9258": ("Security groups per network interface", 5, None, True),
            "L-DF5E4CA3": ("Network interfaces per Region", 5000, None, True),
            "L-83CA0A9D": ("IPv4 CIDR blocks per VPC", 5, None, True),
        },
    ),
    "ec2": (
        "Amazon Elastic Compute Cloud (Amazon EC2)",
        {
            "L-0263D0A3": ("EC2-VPC Elastic IPs", 5, None, True),
            # A new account has 5 virtual CPUs; AWS raises it with use.
            "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5, 256, True),
            "L-34B43A08": ("All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 5, 256, True),
        },
    ),
    "ebs": ("Amazon Elastic Block Store (Amazon EBS)", {"L-7A658B76": ("Storage for General Purpose SSD (gp3) volumes, in TiB", 50, None, True)}),
    "eks": (
        "Amazon Elastic Kubernetes Service (Amazon EKS)",
        {
            "L-1194D53C": ("Clusters", 100, None, True),
            "L-6D54EA21": ("Managed node groups per cluster", 30, None, True),
            "L-BD136A63": ("Nodes per managed node group", 450, None, True),
        },
    ),
    "rds": (
        "Amazon Relational Database Service (Amazon RDS)",
        {
            "L-7B6409FD": ("DB instances", 40, None, True),
            "L-7ADDB58A": ("Total storage for all DB instances", 100_000, None, True),
            "L-272F1212": ("Manual DB instance snapshots", 100, None, True),
            "L-48C6BF61": ("DB subnet groups", 50, None, True),
            "L-DE55804A": ("Parameter groups", 50, None, True),
            "L-A59F4C87": ("Event subscriptions", 20, None, True),
        },
    ),
    "elasticloadbalancing": (
        "Elastic Load Balancing (ELB)",
        {
            "L-53DA6B97": ("Application Load Balancers per Region", 50, None, True),
            "L-69A177A2": ("Network Load Balancers per Region", 50, None, True),
            "L-E9E9831D": ("Classic Load Balancers per Region", 20, None, True),
        },
    ),
}


def quota_of(account: str, service: str, code: str, default: bool = False) -> float:
    """What the account has of a quota, or AWS's default."""
    _, ordinary, applied, _ = SERVICES[service][1][code]
    if default:
        return float(ordinary)
    return float(memory(account, "quotas").get(f"{service}/{code}", ordinary if applied is None else applied))


@setting("quotas")
def _set(account: str | None, values: dict[str, float]) -> dict[str, float]:
    if account is None:
        raise ValueError("which account?")
    for name in values:
        service, _, code = name.partition("/")
        if code not in SERVICES.get(service, ("", {}))[1]:
            raise ValueError(f"no such quota: {name}")
    stored: dict[str, float] = memory(account, "quotas")
    stored.update(values)
    return stored


def no_such(text: str) -> AwsError:
    return AwsError("NoSuchResourceException", text)


def _shown(call: AwsCall, service: str, code: str, default: bool) -> dict[str, Any]:
    name, _, _, adjustable = SERVICES[service][1][code]
    return {
        "ServiceCode": service, "ServiceName": SERVICES[service][0], "QuotaCode": code, "QuotaName": name,
        "QuotaArn": f"arn:{call.partition}:servicequotas:{call.region}:{'' if default else call.account}:{service}/{code}",
        "Value": quota_of(call.account, service, code, default), "Unit": "None", "Adjustable": adjustable, "GlobalQuota": False,
    }  # fmt: skip


@before("service-quotas", "GetServiceQuota", "GetAWSDefaultServiceQuota", "ListServiceQuotas", "ListAWSDefaultServiceQuotas")
def _answer(call: AwsCall) -> dict[str, Any]:
    service, code, default = call.text("ServiceCode"), call.text("QuotaCode"), "AWSDefault" in call.operation
    if service not in SERVICES:
        raise no_such("This service is not available in the current Region. Choose a different Region or a different service.")
    if call.operation.startswith("List"):
        every = [_shown(call, service, each, default) for each in SERVICES[service][1]]
        size, start = int(call.params.get("MaxResults") or 100), int(call.text("NextToken", "0"))
        more = {"NextToken": str(start + size)} if start + size < len(every) else {}
        return {"Quotas": every[start : start + size], **more}
    if code not in SERVICES[service][1]:
        raise no_such(f"The request failed because the specified service quota does not exist: {code}")
    return {"Quota": _shown(call, service, code, default)}


@before("service-quotas", "ListServices")
def _services(call: AwsCall) -> dict[str, Any]:
    return {"Services": [{"ServiceCode": code, "ServiceName": name} for code, (name, _) in SERVICES.items()]}

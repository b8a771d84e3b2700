"""The AWS services that have VPC endpoints: AWS PrivateLink guide, "AWS services that integrate with AWS PrivateLink"
(the names are moto's list of them), "Gateway endpoints" (S3 and DynamoDB, which have both kinds); API reference of
DescribeVpcEndpointServices.
"""

from __future__ import annotations

import zlib
from typing import Any

from moto.ec2.models.vpcs import AWS_ENDPOINT_SERVICES, COVERED_ENDPOINT_SERVICES

from ..aws_call import AwsCall
from ..wire import AwsError, Reply
from . import before
from .ec2_lists import Shown, filtered, page
from .ec2_objects import required
from .ec2_subnets import zones

GATEWAY_SERVICES = ("s3", "dynamodb")
SERVICES = {*AWS_ENDPOINT_SERVICES, *COVERED_ENDPOINT_SERVICES}


def unknown_service(name: str) -> AwsError:
    return AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")


def service_of(call: AwsCall) -> str:
    """The short name of the AWS service that a call names: `s3`, `ecr.api`."""
    name = required(call, "ServiceName")
    for start in (f"com.amazonaws.{call.region}.", f"cn.com.amazonaws.{call.region}."):
        if name.startswith(start) and name[len(start) :] in SERVICES:
            return name[len(start) :]
    raise unknown_service(name)


def private_name(region: str, service_name: str) -> str:
    """What the service is called within a VPC: `api.ecr.REGION.amazonaws.com`."""
    service = service_name.rpartition(f".{region}.")[2]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{'.'.join(reversed(service.split('.')))}.{region}.{suffix}"


def endpoint_domain(region: str, service_name: str) -> str:
    name = private_name(region, service_name)
    return f"{name.removesuffix('.cn').removesuffix('.amazonaws.com')}.vpce.amazonaws.com"


def _shown(region: str, service: str, kind: str) -> Shown:
    name = f"com.amazonaws.{region}.{service}"
    shown: Shown = {
        "ServiceName": name,
        "ServiceId": f"vpce-svc-{zlib.crc32(f'{name} {kind}'.encode()):017x}",
        "ServiceType": [{"ServiceType": kind}],
        "ServiceRegion": region,
        "AvailabilityZones": [zone.name for zone in zones(region)],
        "Owner": "amazon",
        "BaseEndpointDnsNames": [endpoint_domain(region, name)],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "Tags": [],
        "SupportedIpAddressTypes": ["ipv4"],
    }
    if kind == "Interface":
        private = private_name(region, name)
        shown |= {"PrivateDnsName": private, "PrivateDnsNames": [{"PrivateDnsName": private}], "PrivateDnsNameVerificationState": "verified"}
    return shown


FILTERS = {
    "owner": "Owner",
    "service-name": "ServiceName",
    "service-region": "ServiceRegion",
    "service-type": "ServiceType.ServiceType",
    "supported-ip-address-types": "SupportedIpAddressTypes",
}


@before("ec2", "DescribeVpcEndpointServices")
def _describe(call: AwsCall) -> Reply:
    start, names = f"com.amazonaws.{call.region}.", call.params.get("ServiceNames")
    asked = {name.removeprefix(start) for name in names} if names else SERVICES
    for name in names or []:
        if not name.startswith(start) or name.removeprefix(start) not in SERVICES:
            raise unknown_service(name)
    rows: list[dict[str, Any]] = []
    for service in sorted(asked):
        rows += [_shown(call.region, service, "Gateway")] if service in GATEWAY_SERVICES else []
        rows.append(_shown(call.region, service, "Interface"))
    rows = filtered(call, rows, FILTERS)
    first, end, token = page(call, len(rows))
    found = rows[first:end]
    return call.answer(
        {"ServiceDetails": found, "ServiceNames": list(dict.fromkeys(row["ServiceName"] for row in found)), **({"NextToken": token} if token else {})}
    )

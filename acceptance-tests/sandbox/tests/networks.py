"""A network to try EC2's rules on."""

from __future__ import annotations

from typing import Any

from .served import REGION, SandboxTest, control


class NetworkTest(SandboxTest):
    def setUp(self) -> None:
        super().setUp()
        self.ec2 = self.aws("ec2")
        self.vpc = self.make_vpc()

    def make_vpc(self, cidr: str = "10.0.0.0/16") -> str:
        return str(self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"])

    def make_subnet(self, n: int = 0, vpc: str | None = None, zone: str = "a") -> str:
        made = self.ec2.create_subnet(VpcId=vpc or self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=REGION + zone)
        return str(made["Subnet"]["SubnetId"])

    def make_gateway(self, vpc: str | None = None) -> str:
        made = str(self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc or self.vpc)
        return made

    def make_group(self, name: str = "g", vpc: str | None = None) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc or self.vpc)["GroupId"])

    def make_nat(self, subnet: str, **more: Any) -> tuple[str, str]:
        address = str(self.ec2.allocate_address(Domain="vpc")["AllocationId"])
        made = self.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address, **more)["NatGateway"]
        return str(made["NatGatewayId"]), address

    def nat(self, id: str) -> dict[str, Any]:
        return dict(self.ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"][0])

    def make_table(self, *subnets: str) -> str:
        made = str(self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"])
        for subnet in subnets:
            self.ec2.associate_route_table(RouteTableId=made, SubnetId=subnet)
        return made

    def routes(self, table: str) -> dict[str, dict[str, Any]]:
        """By destination."""
        found = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return {each.get("DestinationCidrBlock") or each["DestinationPrefixListId"]: each for each in found}

    def slowly(self, seconds_per_minute: float = 600) -> None:
        """From now on AWS's waiting takes real time."""
        control(f"settings?account={self.account}", "POST", {"seconds_per_minute": seconds_per_minute})

    def quickly(self) -> None:
        self.slowly(0)


def tagged(kind: str, **tags: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def by(**filters: Any) -> list[dict[str, Any]]:
    """Filters by name, where `_` stands for `-` and `__` for a dot."""
    return [
        {"Name": name.replace("__", ".").replace("_", "-"), "Values": values if isinstance(values, list) else [values]}
        for name, values in filters.items()
    ]

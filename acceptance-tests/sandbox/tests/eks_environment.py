"""What a cluster needs before it: roles, a VPC whose private subnets have a way out."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any
from unittest import mock

from deeploy_sandbox import durations

from .served import SandboxTest, control, trust

POLICY = "arn:aws:iam::aws:policy/"
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")


class EksTest(SandboxTest):
    def setUp(self) -> None:
        super().setUp()
        self.iam, self.ec2, self.eks = self.aws("iam"), self.aws("ec2"), self.aws("eks")

    def slow(self) -> None:
        """AWS's minutes are minutes for this account, and pass only by `later`."""
        control(f"settings?account={self.account}", "POST", {"seconds_per_minute": 60})
        self.offset = 0.0
        clock = SimpleNamespace(monotonic=lambda: time.monotonic() + self.offset)
        patch = mock.patch.object(durations, "time", clock)
        patch.start()
        self.addCleanup(patch.stop)

    def later(self, minutes: float) -> None:
        self.offset += minutes * 60

    def role(self, name: str, service: str, *policies: str, action: Any = "sts:AssumeRole") -> str:
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"Service": service}, action))
        for each in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=POLICY + each)
        return str(made["Role"]["Arn"])

    def pod_role(self, name: str, *policies: str) -> str:
        return self.role(name, "pods.eks.amazonaws.com", *policies, action=["sts:AssumeRole", "sts:TagSession"])

    def network(self, way_out: bool = True) -> list[str]:
        """Two private subnets; their route goes through a NAT gateway in a public one."""
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.vpc = vpc
        self.subnets = [
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        if way_out:
            public = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/24", AvailabilityZone="eu-central-1a")["Subnet"]["SubnetId"]
            igw = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            self.ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
            tables = [self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]
            self.ec2.create_route(RouteTableId=tables[0], DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
            self.ec2.associate_route_table(RouteTableId=tables[0], SubnetId=public)
            address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
            nat = self.ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
            self.ec2.create_route(RouteTableId=tables[1], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
            for subnet in self.subnets:
                self.ec2.associate_route_table(RouteTableId=tables[1], SubnetId=subnet)
        return self.subnets

    def cluster_request(self, name: str = "c", **more: Any) -> dict[str, Any]:
        if not hasattr(self, "subnets"):
            self.network()
        if not hasattr(self, "cluster_role"):
            self.cluster_role = self.role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy")
        vpc = {"subnetIds": self.subnets, **more.pop("resourcesVpcConfig", {})}
        return {"name": name, "version": "1.34", "roleArn": self.cluster_role, "resourcesVpcConfig": vpc, "accessConfig": {"authenticationMode": "API"}, **more}

    def cluster(self, name: str = "c", **more: Any) -> dict[str, Any]:
        self.eks.create_cluster(**self.cluster_request(name, **more))
        return dict(self.eks.describe_cluster(name=name)["cluster"])

    def nodegroup_request(self, name: str = "n", **more: Any) -> dict[str, Any]:
        if not hasattr(self, "node_role"):
            # The node's own role may manage interfaces, so that no pod identity is needed.
            self.node_role = self.role("node", "ec2.amazonaws.com", *NODE_POLICIES, "AmazonEKS_CNI_Policy")
        return {
            "clusterName": "c", "nodegroupName": name, "nodeRole": self.node_role, "subnets": self.subnets,
            "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 4}, **more,
        }  # fmt: skip

    def nodegroup(self, name: str = "n", **more: Any) -> dict[str, Any]:
        self.eks.create_nodegroup(**self.nodegroup_request(name, **more))
        return dict(self.eks.describe_nodegroup(clusterName="c", nodegroupName=name)["nodegroup"])

    def error(self, code: str, call: Any, text: str = "", **arguments: Any) -> str:
        message = self.refused(code, call, **arguments)
        self.assertIn(text, message)
        return message

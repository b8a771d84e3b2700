"""`judge.py JUDGE OUT.json`: runs an `aws_fidelity.py` against ENDPOINT, with what AWS demands before a check.

The judge names roles, a topic and rights that it doesn't make, and a real account would refuse it there. Here they are made
right before the check that needs them; the checks themselves stay as they are.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

SECTIONS = ("iam", "kms", "ec2", "s3", "eks", "rds", "misc", "rgta", "eks_del", "rds_del", "s3_del", "ec2_teardown")
ACCOUNT = "123456789012"
POLICIES = "arn:aws:iam::aws:policy/"


def trust(principal: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


class Preparations:
    def __init__(self, judge: dict[str, Any]) -> None:
        self.judge, self.made, self.unique = judge, judge["G"], judge["U"]
        self.before = {
            ("kms", "Grants"): self.grantee,
            ("eks", "CreateCluster/DescribeCluster"): self.cluster,
            ("eks", "AccessEntries (+policy association)"): lambda: self.role("admin", {"Service": "ec2.amazonaws.com"}),
            ("eks", "CreateNodegroup/Describe"): self.container_network,
            ("eks", "PodIdentityAssociation"): lambda: self.iam("create_role", RoleName=f"r{self.unique}2", AssumeRolePolicyDocument=judge["TR"]),
            ("rds", "CreateDBInstance/Describe (all attributes)"): self.database,
            ("logs", "LogGroup retention/kms/tags/delete"): self.logs_key,
            ("health", "DescribeEvents"): self.support_plan,
            ("ec2", "Teardown order/dependency violations"): self.teardown,
        }

    def iam(self, operation: str, **request: Any) -> None:
        getattr(self.judge["C"]("iam"), operation)(**request)

    def role(self, name: str, principal: dict[str, Any]) -> None:
        self.iam("create_role", RoleName=name, AssumeRolePolicyDocument=trust(principal))

    def grantee(self) -> None:
        """Grants: the grantee principal must exist."""
        self.role("x", {"AWS": ACCOUNT})

    def cluster(self) -> None:
        """Nodes need the workers' policies and a way out; the judge routes one of their three subnets."""
        for name in ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"):
            self.iam("attach_role_policy", RoleName=f"r{self.unique}", PolicyArn=POLICIES + name)
        associate = self.judge["C"]("ec2").associate_route_table
        self.associations = [associate(RouteTableId=self.made.rt, SubnetId=subnet)["AssociationId"] for subnet in self.made.subnets[4:]]

    def container_network(self) -> None:
        """Without vpc-cni no node becomes ready."""
        self.judge["C"]("eks").create_addon(clusterName=f"c{self.unique}", addonName="vpc-cni")

    def database(self) -> None:
        self.role("mon", {"Service": "monitoring.rds.amazonaws.com"})
        self.iam("attach_role_policy", RoleName="mon", PolicyArn=POLICIES + "service-role/AmazonRDSEnhancedMonitoringRole")
        self.judge["C"]("sns").create_topic(Name="t")

    def logs_key(self) -> None:
        """CloudWatch Logs needs the key's policy."""
        actions = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        admitted = [
            {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": {"Service": f"logs.{self.judge['REGION']}.amazonaws.com"}, "Action": actions, "Resource": "*"},
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": admitted})
        self.judge["C"]("kms").put_key_policy(KeyId=self.made.key, PolicyName="default", Policy=policy)

    def support_plan(self) -> None:
        body = json.dumps({"support_plan": "business"}).encode()
        url = f"{self.judge['EP']}/sandbox/settings?account={ACCOUNT}"
        urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=10).close()

    def teardown(self) -> None:
        """The judge's load balancer holds its subnets, our associations its route table."""
        for association in self.associations:
            self.judge["C"]("ec2").disassociate_route_table(AssociationId=association)
        if hasattr(self.made, "lb"):
            self.judge["C"]("elbv2").delete_load_balancer(LoadBalancerArn=self.made.lb)


def main() -> int:
    path, out = sys.argv[1:3]
    source = Path(path).read_text()
    sys.argv = [path, out]
    judge: dict[str, Any] = {"__name__": "judge", "__file__": path}
    # Its last lines run all sections; they are run here, with the preparations.
    exec(compile(source[: source.index("\nt0=time.time()\n")], path, "exec"), judge)
    preparations, step, started = Preparations(judge), judge["Step"], time.monotonic()
    enter = step.__enter__

    def prepared(self: Any) -> Any:
        preparations.before.pop((self.svc, self.api), lambda: None)()
        return enter(self)

    step.__enter__ = prepared
    for name in SECTIONS:
        try:
            judge[name]()
        except Exception as error:
            print("!! section", name, type(error).__name__, error)
    for left in preparations.before:
        print("!! no such check any more:", *left)
    print("\nTOTAL", Counter(row["status"] for row in judge["R"]), f"{time.monotonic() - started:.1f}s")
    Path(out).write_text(json.dumps(judge["R"], indent=1))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("ENDPOINT", "http://127.0.0.1:5055")
    sys.exit(main())

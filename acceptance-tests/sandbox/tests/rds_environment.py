"""A network and a database in it, for the tests of RDS."""

from __future__ import annotations

import time
import unittest.mock
from typing import Any

from deeploy_sandbox import durations
from deeploy_sandbox.rds import instances

from .served import REGION, SandboxTest, control, trust


class Clock:
    """Stands in for the module `time` where RDS's durations are read."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.passed_s

    def pass_minutes(self, minutes: float) -> None:
        self.passed_s += 60 * minutes


class RdsTest(SandboxTest):
    def setUp(self) -> None:
        super().setUp()
        self.rds, self.ec2 = self.aws("rds"), self.aws("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=REGION + zone)["Subnet"]["SubnetId"]
            for n, zone in enumerate("abc")
        ]
        self.group = self.security_group("db")
        self.rds.create_db_subnet_group(DBSubnetGroupName="net", DBSubnetGroupDescription="d", SubnetIds=self.subnets)

    def security_group(self, name: str) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"])

    def asked(self, **more: Any) -> dict[str, Any]:
        asked = {
            "DBInstanceIdentifier": "db1",
            "Engine": "postgres",
            "EngineVersion": "16.4",
            "DBInstanceClass": "db.m6g.large",
            "AllocatedStorage": 50,
            "MasterUsername": "deeploy_admin",
            "MasterUserPassword": "abcdefgh1",
            "DBSubnetGroupName": "net",
            "VpcSecurityGroupIds": [self.group],
            **more,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def make(self, **more: Any) -> dict[str, Any]:
        """Made, and looked at once it is available."""
        made = self.rds.create_db_instance(**self.asked(**more))["DBInstance"]
        return self.look(made["DBInstanceIdentifier"])

    def look(self, name: str = "db1") -> dict[str, Any]:
        return self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def modify(self, name: str = "db1", **more: Any) -> dict[str, Any]:
        return self.rds.modify_db_instance(DBInstanceIdentifier=name, **more)["DBInstance"]

    def kms_key(self) -> str:
        return str(self.aws("kms").create_key()["KeyMetadata"]["Arn"])

    def monitoring_role(self, service: str = "monitoring.rds.amazonaws.com", name: str = "") -> str:
        made = self.aws("iam").create_role(RoleName=name or "r" + service[:3], AssumeRolePolicyDocument=trust({"Service": service}))
        return str(made["Role"]["Arn"])

    def settings(self, **body: Any) -> Any:
        return control(f"settings?account={self.account}", "POST", body)

    def slow(self) -> Clock:
        """From now on things take AWS's time, and it passes when the test says so."""
        clock = Clock()
        for module in (durations, instances):
            patched = unittest.mock.patch.object(module, "time", clock)
            patched.start()
            self.addCleanup(patched.stop)
        self.settings(seconds_per_minute=60)
        return clock

    def status(self, name: str = "db1") -> str:
        return str(self.look(name)["DBInstanceStatus"])

"""CreateDBInstance and DescribeDBInstances against RDS's API reference and user guide."""

import json

from .rds_environment import RdsTest
from .served import REGION, control


class Create(RdsTest):
    def test_an_instance_shows_what_it_was_made_with(self):
        key, role = self.kms_key(), self.monitoring_role()
        asked = {
            "AllocatedStorage": 50, "MaxAllocatedStorage": 200, "StorageType": "gp3", "MultiAZ": True, "StorageEncrypted": True, "KmsKeyId": key,
            "BackupRetentionPeriod": 14, "PreferredBackupWindow": "02:00-03:00", "PreferredMaintenanceWindow": "sun:03:30-sun:04:30",
            "DeletionProtection": True, "PerformanceInsightsRetentionPeriod": 7, "PerformanceInsightsKMSKeyId": key, "MonitoringInterval": 60,
            "MonitoringRoleArn": role, "CopyTagsToSnapshot": True, "PubliclyAccessible": False, "AutoMinorVersionUpgrade": True,
            "CACertificateIdentifier": "rds-ca-rsa2048-g1", "DBName": "app", "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        }  # fmt: skip
        made = self.rds.create_db_instance(
            **self.asked(**asked, DBInstanceIdentifier="DB1", EnablePerformanceInsights=True, EnableIAMDatabaseAuthentication=True,
                         EnableCloudwatchLogsExports=["postgresql"], Tags=[{"Key": "a", "Value": "b"}])
        )["DBInstance"]  # fmt: skip
        self.assertEqual((made["DBInstanceIdentifier"], made["DBInstanceStatus"]), ("db1", "creating"))
        self.assertNotIn("Endpoint", made)
        self.assertEqual(made["PendingModifiedValues"], {"MasterUserPassword": "****"})
        found = self.look()
        self.assertEqual(found["DBInstanceStatus"], "available")
        for name, value in asked.items():
            self.assertEqual(found[name], value, name)
        self.assertEqual(found["TagList"], [{"Key": "a", "Value": "b"}])
        self.assertTrue(found["PerformanceInsightsEnabled"] and found["IAMDatabaseAuthenticationEnabled"])
        self.assertEqual((found["Iops"], found["StorageThroughput"], found["DbInstancePort"]), (3000, 125, 0))
        self.assertEqual(found["Endpoint"]["Port"], 5432)
        self.assertRegex(found["Endpoint"]["Address"], rf"^db1\.[a-z0-9]+\.{REGION}\.rds\.amazonaws\.com$")
        self.assertRegex(found["DbiResourceId"], r"^db-[A-Z2-7]{26}$")
        self.assertEqual(found["DBParameterGroups"], [{"DBParameterGroupName": "default.postgres16", "ParameterApplyStatus": "in-sync"}])
        self.assertEqual(found["VpcSecurityGroups"], [{"VpcSecurityGroupId": self.group, "Status": "active"}])
        self.assertEqual((found["DBSubnetGroup"]["VpcId"], len(found["DBSubnetGroup"]["Subnets"])), (self.vpc, 3))
        self.assertNotEqual(found["AvailabilityZone"], found["SecondaryAvailabilityZone"])
        for member in ("LatestRestorableTime", "InstanceCreateTime", "CertificateDetails", "EnhancedMonitoringResourceArn"):
            self.assertIn(member, found)

    def test_defaults(self):
        found = self.make(EngineVersion="16")
        self.assertEqual(
            (found["EngineVersion"], found["StorageType"], found["BackupRetentionPeriod"], found["MultiAZ"], found["StorageEncrypted"]),
            ("16.10", "gp3", 1, False, False),
        )
        self.assertEqual((found["CACertificateIdentifier"], found["DeletionProtection"]), ("rds-ca-rsa2048-g1", False))
        self.assertNotIn("MasterUserSecret", found)
        self.assertNotIn("KmsKeyId", found)

    def test_names(self):
        self.make()
        self.refused("DBInstanceAlreadyExists", self.rds.create_db_instance, **self.asked(DBInstanceIdentifier="DB1"))
        self.refused("DBInstanceNotFound", self.rds.describe_db_instances, status=404, DBInstanceIdentifier="none")
        for wrong in ("1a", "a--b", "a-", "a_b", "a" * 64, ""):
            self.refused("InvalidParameterValue", self.rds.create_db_instance, **self.asked(DBInstanceIdentifier=wrong))

    def test_refused_settings(self):
        combination, value = "InvalidParameterCombination", "InvalidParameterValue"
        for code, asked in (
            (combination, {"EngineVersion": "99.9"}),
            (combination, {"EngineVersion": "16.99"}),
            (value, {"DBInstanceClass": "db.zz.huge"}),
            (combination, {"DBInstanceClass": "db.t2.micro"}),
            (combination, {"DBInstanceClass": "db.r8g.large", "EngineVersion": "16.3"}),
            (value, {"AllocatedStorage": 19}),
            (value, {"AllocatedStorage": None}),
            (value, {"StorageType": "gp9"}),
            (combination, {"MaxAllocatedStorage": 50}),
            (combination, {"MaxAllocatedStorage": 54}),
            (combination, {"Iops": 12000, "StorageType": "gp3", "AllocatedStorage": 399}),
            (combination, {"StorageThroughput": 500, "StorageType": "gp3"}),
            (combination, {"Iops": 3000, "StorageType": "gp2"}),
            (combination, {"StorageType": "io1", "AllocatedStorage": 100}),
            (value, {"MasterUsername": "admin"}),
            (value, {"MasterUsername": "rdsadmin"}),
            (value, {"MasterUsername": "1a"}),
            (value, {"MasterUserPassword": "short"}),
            (value, {"MasterUserPassword": "with space1"}),
            (value, {"MasterUserPassword": "slash/slash"}),
            (value, {"MasterUserPassword": "x" * 129}),
            (value, {"MasterUserPassword": None}),
            (value, {"DBName": "1a"}),
            (value, {"BackupRetentionPeriod": 36}),
            (value, {"PreferredBackupWindow": "02:00-02:20"}),
            (value, {"PreferredBackupWindow": "2-3"}),
            (value, {"PreferredBackupWindow": "03:00-04:00", "PreferredMaintenanceWindow": "sun:03:30-sun:04:30"}),
            (value, {"PreferredBackupWindow": "23:45-00:30", "PreferredMaintenanceWindow": "sun:00:00-sun:01:00"}),
            (value, {"PreferredMaintenanceWindow": "son:03:30-son:04:30"}),
            (value, {"Port": 80}),
            (value, {"MonitoringInterval": 7}),
            (combination, {"MonitoringInterval": 60}),
            (combination, {"EnablePerformanceInsights": False, "PerformanceInsightsRetentionPeriod": 7}),
            (value, {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 8}),
            (combination, {"EnableCloudwatchLogsExports": ["slowquery"]}),
            ("CertificateNotFound", {"CACertificateIdentifier": "rds-ca-2015"}),
            ("DBSubnetGroupNotFoundFault", {"DBSubnetGroupName": "none"}),
            ("DBParameterGroupNotFound", {"DBParameterGroupName": "none"}),
            (combination, {"DBParameterGroupName": "default.postgres15"}),
            (value, {"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}),
            (combination, {"KmsKeyId": "alias/none"}),
            ("KMSKeyNotAccessibleFault", {"KmsKeyId": "alias/none", "StorageEncrypted": True}),
            (combination, {"ManageMasterUserPassword": True}),
            (combination, {"MasterUserSecretKmsKeyId": "alias/aws/secretsmanager"}),
            (combination, {"MultiAZ": True, "AvailabilityZone": REGION + "a"}),
            (value, {"Tags": [{"Key": "aws:x", "Value": ""}]}),
        ):
            with self.subTest(str(asked)):
                self.refused(code, self.rds.create_db_instance, **self.asked(**asked))
        self.assertEqual(self.world("rds:db"), [])

    def test_security_groups_of_another_vpc(self):
        other = self.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        group = self.ec2.create_security_group(GroupName="o", Description="o", VpcId=other)["GroupId"]
        self.refused("InvalidVPCNetworkStateFault", self.rds.create_db_instance, **self.asked(VpcSecurityGroupIds=[group]))

    def test_keys_must_be_usable(self):
        key, kms = self.kms_key(), self.aws("kms")
        kms.disable_key(KeyId=key)
        self.refused("KMSKeyNotAccessibleFault", self.rds.create_db_instance, **self.asked(StorageEncrypted=True, KmsKeyId=key))
        kms.schedule_key_deletion(KeyId=key)
        managed = self.asked(ManageMasterUserPassword=True, MasterUserPassword=None, MasterUserSecretKmsKeyId=key)
        self.refused("KMSKeyNotAccessibleFault", self.rds.create_db_instance, **managed)

    def test_the_monitoring_role_must_exist_and_trust_rds(self):
        asked = {"MonitoringInterval": 60, "MonitoringRoleArn": self.arn("role/none")}
        told = self.refused("InvalidParameterValue", self.rds.create_db_instance, **self.asked(**asked))
        self.assertIn("The IAM role ARN value is invalid", told)
        asked["MonitoringRoleArn"] = self.monitoring_role("ec2.amazonaws.com")
        self.refused("InvalidParameterValue", self.rds.create_db_instance, **self.asked(**asked))
        self.faults({"on": {"operation": "iam:CreateRole"}, "hide_s": 60})
        asked["MonitoringRoleArn"] = self.monitoring_role(name="new")
        self.refused("InvalidParameterValue", self.rds.create_db_instance, **self.asked(**asked))
        asked["MonitoringRoleArn"] = self.monitoring_role(name="seen")
        self.make(**asked)

    def test_public_only_where_there_is_a_way_in(self):
        self.assertFalse(self.make()["PubliclyAccessible"])
        self.refused("InvalidVPCNetworkStateFault", self.rds.create_db_instance, **self.asked(DBInstanceIdentifier="db2", PubliclyAccessible=True))
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.assertTrue(self.make(DBInstanceIdentifier="db2")["PubliclyAccessible"])
        self.assertFalse(self.make(DBInstanceIdentifier="db3", PubliclyAccessible=False)["PubliclyAccessible"])

    def test_required_parameters_and_quotas(self):
        self.refused("MissingParameter", self.rds.create_db_instance, DBInstanceIdentifier="db1", Engine="postgres")
        self.settings(quotas={"DBInstances": 1, "AllocatedStorage": 100, "ManualSnapshots": 0, "DBSubnetGroups": 1, "DBParameterGroups": 0})
        self.refused("StorageQuotaExceeded", self.rds.create_db_instance, **self.asked(AllocatedStorage=101))
        self.make()
        self.refused("InstanceQuotaExceeded", self.rds.create_db_instance, **self.asked(DBInstanceIdentifier="db2"))
        self.refused("SnapshotQuotaExceeded", self.rds.create_db_snapshot, DBInstanceIdentifier="db1", DBSnapshotIdentifier="s")
        subnets = {"DBSubnetGroupDescription": "d", "SubnetIds": self.subnets}
        self.refused("DBSubnetGroupQuotaExceeded", self.rds.create_db_subnet_group, DBSubnetGroupName="x", **subnets)
        family = {"DBParameterGroupFamily": "postgres16", "Description": "d"}
        self.refused("DBParameterGroupQuotaExceeded", self.rds.create_db_parameter_group, DBParameterGroupName="x", **family)

    def test_other_engines_are_not_there(self):
        self.refused("NotImplementedBySandbox", self.rds.create_db_instance, **self.asked(Engine="mysql"))
        self.refused("NotImplementedBySandbox", self.rds.create_db_instance_read_replica, DBInstanceIdentifier="r", SourceDBInstanceIdentifier="db1")


class States(RdsTest):
    def test_creation_takes_its_time(self):
        clock = self.slow()
        self.rds.create_db_instance(**self.asked(ManageMasterUserPassword=True, MasterUserPassword=None))
        found = self.look()
        self.assertEqual((found["DBInstanceStatus"], found["MasterUserSecret"]["SecretStatus"]), ("creating", "creating"))
        self.assertNotIn("Endpoint", found)
        self.refused("InvalidDBInstanceState", self.rds.modify_db_instance, DBInstanceIdentifier="db1", DeletionProtection=True)
        self.refused("InvalidDBInstanceState", self.rds.create_db_snapshot, DBInstanceIdentifier="db1", DBSnapshotIdentifier="s")
        clock.pass_minutes(7.2)
        self.assertEqual(self.status(), "backing-up")
        clock.pass_minutes(1)
        found = self.look()
        self.assertEqual((found["DBInstanceStatus"], found["MasterUserSecret"]["SecretStatus"]), ("available", "active"))

    def test_reboot_stop_and_start(self):
        self.make()
        self.assertEqual(self.rds.reboot_db_instance(DBInstanceIdentifier="db1")["DBInstance"]["DBInstanceStatus"], "rebooting")
        self.refused("InvalidParameterCombination", self.rds.reboot_db_instance, DBInstanceIdentifier="db1", ForceFailover=True)
        self.refused("InvalidDBInstanceState", self.rds.start_db_instance, DBInstanceIdentifier="db1")
        self.assertEqual(self.rds.stop_db_instance(DBInstanceIdentifier="db1")["DBInstance"]["DBInstanceStatus"], "stopping")
        self.assertEqual(self.look()["DBInstanceStatus"], "stopped")
        self.refused("InvalidDBInstanceState", self.rds.modify_db_instance, DBInstanceIdentifier="db1", DBInstanceClass="db.m6g.xlarge")
        self.refused("InvalidDBInstanceState", self.rds.reboot_db_instance, DBInstanceIdentifier="db1")
        self.assertEqual(self.rds.start_db_instance(DBInstanceIdentifier="db1")["DBInstance"]["DBInstanceStatus"], "starting")
        self.assertEqual(self.look()["DBInstanceStatus"], "available")

    def test_without_its_key_it_is_out_of_reach(self):
        key, kms = self.kms_key(), self.aws("kms")
        self.make(StorageEncrypted=True, KmsKeyId=key)
        kms.disable_key(KeyId=key)
        self.assertEqual(self.look()["DBInstanceStatus"], "inaccessible-encryption-credentials-recoverable")
        self.refused("InvalidDBInstanceState", self.modify, CopyTagsToSnapshot=True)
        self.refused("KMSKeyNotAccessibleFault", self.rds.start_db_instance, DBInstanceIdentifier="db1")
        kms.enable_key(KeyId=key)
        self.assertEqual(self.look()["DBInstanceStatus"], "inaccessible-encryption-credentials-recoverable")
        self.rds.start_db_instance(DBInstanceIdentifier="db1")
        self.assertEqual(self.look()["DBInstanceStatus"], "available")

    def test_failover_swaps_the_zones(self):
        before = self.make(MultiAZ=True)
        self.rds.reboot_db_instance(DBInstanceIdentifier="db1", ForceFailover=True)
        after = self.look()
        self.assertEqual((after["AvailabilityZone"], after["SecondaryAvailabilityZone"]), (before["SecondaryAvailabilityZone"], before["AvailabilityZone"]))

    def test_lists_pages_and_filters(self):
        for n in range(22):
            self.make(DBInstanceIdentifier=f"db{n}", BackupRetentionPeriod=0)
        pages = list(self.rds.get_paginator("describe_db_instances").paginate(PaginationConfig={"PageSize": 20}))
        self.assertEqual([len(page["DBInstances"]) for page in pages], [20, 2])
        found = self.rds.describe_db_instances(Filters=[{"Name": "db-instance-id", "Values": ["db3"]}])["DBInstances"]
        self.assertEqual([each["DBInstanceIdentifier"] for each in found], ["db3"])
        self.refused("InvalidParameterValue", self.rds.describe_db_instances, Filters=[{"Name": "x", "Values": ["y"]}])

    def test_the_endpoint_of_a_real_server(self):
        self.make()
        self.settings(rds_endpoint={"identifier": "*", "address": "127.0.0.1", "port": 6543})
        self.assertEqual((self.look()["Endpoint"]["Address"], self.look()["Endpoint"]["Port"]), ("127.0.0.1", 6543))
        self.settings(rds_endpoint={"identifier": "*", "address": None})
        self.assertEqual(self.look()["Endpoint"]["Port"], 5432)

    def test_the_secret_has_the_real_servers_password(self):
        secrets = self.aws("secretsmanager")
        server = {"identifier": "db1", "address": "127.0.0.1", "port": 6543}
        self.settings(rds_endpoint=server | {"master_password": "before:it%is'made"})
        managed = {"MasterUserPassword": None, "ManageMasterUserPassword": True}
        arn = self.make(**managed)["MasterUserSecret"]["SecretArn"]
        told = lambda arn: json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
        self.assertEqual(told(arn)["password"], "before:it%is'made")
        other = self.make(DBInstanceIdentifier="db2", **managed)["MasterUserSecret"]["SecretArn"]
        theirs = told(other)["password"]
        self.settings(rds_endpoint=server | {"master_password": "after"})
        self.assertEqual((told(arn)["password"], told(other)["password"]), ("after", theirs))
        self.settings(rds_endpoint={**server, "identifier": "*", "master_password": "all"})
        self.assertEqual((told(arn)["password"], told(other)["password"]), ("after", "all"))
        self.settings(rds_endpoint={"identifier": "db1", "address": None})
        self.assertEqual(told(arn)["password"], "after")

    def test_a_new_instance_can_be_hidden(self):
        self.faults({"on": {"operation": "rds:CreateDBInstance"}, "do": "hide_s", "hide_s": 60})
        self.rds.create_db_instance(**self.asked(DBInstanceIdentifier="Db1"))
        self.refused("DBInstanceNotFound", self.look)
        self.assertEqual(self.rds.describe_db_instances()["DBInstances"], [])
        self.assertEqual(len(self.rds.describe_db_subnet_groups(DBSubnetGroupName="net")["DBSubnetGroups"]), 1)
        self.assertEqual(self.fired(), [1])

    def test_reset_clears_everything(self):
        self.make()
        control(f"reset?account={self.account}", "POST")
        self.assertEqual(self.rds.describe_db_instances()["DBInstances"], [])
        self.assertEqual(self.rds.describe_events()["Events"], [])
        self.assertEqual(json.dumps(self.world("rds:db")), "[]")

"""ModifyDBInstance against RDS's API reference and the user guide's table of settings."""

from .rds_environment import RdsTest
from .served import trust


class Modify(RdsTest):
    def test_immediately(self):
        """The call returns before the status changes, and so does the first describe; then it is applied."""
        self.make()
        clock = self.slow()
        made = self.modify(DBInstanceClass="db.m6g.xlarge", AllocatedStorage=100, ApplyImmediately=True)
        waiting = {"DBInstanceClass": "db.m6g.xlarge", "AllocatedStorage": 100}
        self.assertEqual((made["DBInstanceStatus"], made["PendingModifiedValues"], made["DBInstanceClass"]), ("available", waiting, "db.m6g.large"))
        found = self.look()
        self.assertEqual((found["DBInstanceStatus"], found["PendingModifiedValues"]), ("available", waiting))
        found = self.look()
        self.assertEqual((found["DBInstanceStatus"], found["PendingModifiedValues"]), ("modifying", waiting))
        self.refused("InvalidDBInstanceState", self.modify, BackupRetentionPeriod=3)
        self.refused("InvalidDBInstanceState", self.rds.reboot_db_instance, DBInstanceIdentifier="db1")
        clock.pass_minutes(2.5)
        found = self.look()
        self.assertEqual((found["DBInstanceStatus"], found["PendingModifiedValues"]), ("storage-optimization", {}))
        self.assertEqual((found["DBInstanceClass"], found["AllocatedStorage"]), ("db.m6g.xlarge", 100))
        told = self.refused("InvalidParameterCombination", self.modify, AllocatedStorage=200, ApplyImmediately=True)
        self.assertIn("being optimized", told)
        self.modify(CopyTagsToSnapshot=True)
        clock.pass_minutes(31)
        self.assertEqual(self.status(), "available")
        self.modify(AllocatedStorage=200)

    def test_in_the_maintenance_window(self):
        self.make()
        self.modify(DBInstanceClass="db.m6g.xlarge", EngineVersion="16.8", MultiAZ=True, EnableIAMDatabaseAuthentication=True)
        found = self.look()
        self.assertEqual((found["DBInstanceStatus"], found["DBInstanceClass"], found["EngineVersion"]), ("available", "db.m6g.large", "16.4"))
        waiting = {"DBInstanceClass": "db.m6g.xlarge", "EngineVersion": "16.8", "MultiAZ": True, "IAMDatabaseAuthenticationEnabled": True}
        self.assertEqual(found["PendingModifiedValues"], waiting)
        # The old value takes the change back.
        self.modify(DBInstanceClass="db.m6g.large")
        self.assertNotIn("DBInstanceClass", self.look()["PendingModifiedValues"])
        self.settings(rds_apply_pending="db1")
        found = self.look()
        self.assertEqual((found["EngineVersion"], found["MultiAZ"], found["PendingModifiedValues"]), ("16.8", True, {}))
        self.assertIn("SecondaryAvailabilityZone", found)

    def test_what_waits_is_applied_with_what_is_immediate(self):
        self.make()
        self.modify(DBInstanceClass="db.m6g.xlarge")
        self.modify(AllocatedStorage=100, ApplyImmediately=True)
        found = self.look()
        self.assertEqual((found["DBInstanceClass"], found["AllocatedStorage"]), ("db.m6g.xlarge", 100))

    def test_what_never_waits(self):
        self.make()
        other = self.security_group("other")
        now = {
            "BackupRetentionPeriod": 7, "MaxAllocatedStorage": 300, "PreferredBackupWindow": "01:00-02:00", "PreferredMaintenanceWindow": "mon:05:00-mon:06:00",
            "DeletionProtection": True, "CopyTagsToSnapshot": True, "AutoMinorVersionUpgrade": False, "CACertificateIdentifier": "rds-ca-ecc384-g1",
        }  # fmt: skip
        self.modify(**now, VpcSecurityGroupIds=[other], CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql", "upgrade"]})
        found = self.look()
        for name, value in now.items():
            self.assertEqual(found[name], value, name)
        self.assertEqual(found["EnabledCloudwatchLogsExports"], ["postgresql", "upgrade"])
        self.assertEqual([each["VpcSecurityGroupId"] for each in found["VpcSecurityGroups"]], [other])
        self.modify(CloudwatchLogsExportConfiguration={"DisableLogTypes": ["upgrade"]})
        self.assertEqual(self.look()["EnabledCloudwatchLogsExports"], ["postgresql"])
        # Autoscaling ends with a maximum that is the storage itself.
        self.modify(MaxAllocatedStorage=50)
        self.assertNotIn("MaxAllocatedStorage", self.look())

    def test_extended_support(self):
        self.make()
        self.modify(EngineLifecycleSupport="open-source-rds-extended-support-disabled")
        self.assertEqual(self.look()["EngineLifecycleSupport"], "open-source-rds-extended-support-disabled")
        self.refused("InvalidParameterValue", self.modify, EngineLifecycleSupport="for-ever")

    def test_backups_off_and_on_wait(self):
        self.make()
        self.modify(BackupRetentionPeriod=0)
        found = self.look()
        self.assertEqual((found["BackupRetentionPeriod"], found["PendingModifiedValues"]), (1, {"BackupRetentionPeriod": 0}))
        self.modify(BackupRetentionPeriod=0, ApplyImmediately=True)
        found = self.look()
        self.assertEqual(found["BackupRetentionPeriod"], 0)
        self.assertNotIn("LatestRestorableTime", found)

    def test_refused_changes(self):
        self.make()
        combination, value = "InvalidParameterCombination", "InvalidParameterValue"
        for code, asked in (
            (combination, {"AllocatedStorage": 20}),
            (combination, {"MaxAllocatedStorage": 52}),
            (combination, {"MaxAllocatedStorage": 40}),
            (combination, {"Iops": 13000}),
            (combination, {"EngineVersion": "15.8", "AllowMajorVersionUpgrade": True}),
            (combination, {"EngineVersion": "16.3"}),
            (combination, {"EngineVersion": "17.4"}),
            (combination, {"EngineVersion": "99"}),
            (value, {"DBInstanceClass": "db.zz.huge"}),
            (value, {"BackupRetentionPeriod": 36}),
            (value, {"MasterUserPassword": "short"}),
            (combination, {"MonitoringInterval": 60}),
            (combination, {"RotateMasterUserPassword": True, "ApplyImmediately": True}),
            (value, {"PreferredBackupWindow": "05:00-06:00", "PreferredMaintenanceWindow": "mon:05:30-mon:06:30"}),
            ("DBParameterGroupNotFound", {"DBParameterGroupName": "none"}),
            ("InvalidVPCNetworkStateFault", {"DBSubnetGroupName": "net"}),
        ):
            with self.subTest(str(asked)):
                self.refused(code, self.modify, **asked)
        self.assertEqual(self.look()["PendingModifiedValues"], {})
        self.refused("DBInstanceNotFound", self.modify, name="none", DeletionProtection=False)

    def test_small_steps_of_storage_are_rounded_up(self):
        self.make()
        self.modify(AllocatedStorage=52, ApplyImmediately=True)
        self.assertEqual(self.look()["AllocatedStorage"], 55)

    def test_gp3_from_400_gib_on_takes_iops(self):
        self.make(StorageType="gp3", AllocatedStorage=400, Iops=13000, StorageThroughput=600)
        found = self.look()
        self.assertEqual((found["Iops"], found["StorageThroughput"]), (13000, 600))
        self.refused("InvalidParameterCombination", self.modify, AllocatedStorage=500, ApplyImmediately=True)
        self.refused("InvalidParameterCombination", self.modify, Iops=14000, ApplyImmediately=True)
        self.modify(Iops=14000, AllocatedStorage=500, ApplyImmediately=True)
        self.assertEqual((self.look()["Iops"], self.look()["StorageThroughput"]), (14000, 600))

    def test_major_version(self):
        self.rds.create_db_parameter_group(DBParameterGroupName="p16", DBParameterGroupFamily="postgres16", Description="d")
        self.rds.create_db_parameter_group(DBParameterGroupName="p17", DBParameterGroupFamily="postgres17", Description="d")
        self.make(DBParameterGroupName="p16")
        up = {"EngineVersion": "17.4", "AllowMajorVersionUpgrade": True, "ApplyImmediately": True}
        self.refused("InvalidParameterCombination", self.modify, **{**up, "AllowMajorVersionUpgrade": False})
        self.assertIn("is custom", self.refused("InvalidParameterCombination", self.modify, **up))
        self.refused("InvalidParameterCombination", self.modify, **up, DBParameterGroupName="p16")
        self.modify(**{**up, "ApplyImmediately": False}, DBParameterGroupName="p17")
        self.assertEqual(self.look()["DBParameterGroups"][0]["DBParameterGroupName"], "p16")
        self.refused("InvalidDBParameterGroupState", self.rds.delete_db_parameter_group, DBParameterGroupName="p17")
        self.modify(ApplyImmediately=True)
        found = self.look()
        self.assertEqual((found["EngineVersion"], found["DBParameterGroups"][0]), ("17.4", {"DBParameterGroupName": "p17", "ParameterApplyStatus": "in-sync"}))
        self.rds.delete_db_parameter_group(DBParameterGroupName="p16")

    def test_a_default_parameter_group_goes_along_with_a_major_version(self):
        self.make()
        self.modify(EngineVersion="17.4", AllowMajorVersionUpgrade=True, ApplyImmediately=True)
        self.assertEqual(self.look()["DBParameterGroups"][0]["DBParameterGroupName"], "default.postgres17")

    def test_a_parameter_group_takes_effect_with_a_reboot(self):
        self.make()
        self.rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres16", Description="d")
        self.modify(DBParameterGroupName="p", ApplyImmediately=True)
        self.assertEqual(self.look()["DBParameterGroups"], [{"DBParameterGroupName": "p", "ParameterApplyStatus": "pending-reboot"}])
        # The maintenance window does not reboot for it.
        self.settings(rds_apply_pending="db1")
        self.assertEqual(self.look()["DBParameterGroups"][0]["ParameterApplyStatus"], "pending-reboot")
        self.rds.reboot_db_instance(DBInstanceIdentifier="db1")
        self.assertEqual(self.look()["DBParameterGroups"][0]["ParameterApplyStatus"], "in-sync")

    def test_a_new_name(self):
        before = self.make()
        self.modify(NewDBInstanceIdentifier="DB2", ApplyImmediately=True)
        self.refused("DBInstanceNotFound", self.rds.describe_db_instances, DBInstanceIdentifier="db1")
        after = self.look("db2")
        self.assertEqual(after["DbiResourceId"], before["DbiResourceId"])
        self.assertTrue(after["Endpoint"]["Address"].startswith("db2."))

    def test_monitoring_on_and_off(self):
        self.make()
        role = self.monitoring_role()
        self.modify(MonitoringInterval=30, MonitoringRoleArn=role)
        self.assertEqual((self.look()["MonitoringInterval"], self.look()["MonitoringRoleArn"]), (30, role))
        # RDS looks at the role again only when a request names it or the interval.
        self.aws("iam").update_assume_role_policy(RoleName="rmon", PolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
        self.modify(CopyTagsToSnapshot=True)
        self.modify(MonitoringInterval=0)
        self.assertNotIn("MonitoringRoleArn", self.look())

    def test_insights_on_and_off(self):
        self.make()
        self.modify(EnablePerformanceInsights=True, PerformanceInsightsRetentionPeriod=31)
        found = self.look()
        self.assertEqual((found["PerformanceInsightsEnabled"], found["PerformanceInsightsRetentionPeriod"]), (True, 31))
        self.assertIn(":key/", found["PerformanceInsightsKMSKeyId"])
        self.modify(EnablePerformanceInsights=False)
        self.assertNotIn("PerformanceInsightsKMSKeyId", self.look())
        self.refused("InvalidParameterCombination", self.modify, PerformanceInsightsRetentionPeriod=31)

    def test_what_aws_does_by_itself(self):
        self.make(MaxAllocatedStorage=100)
        self.settings(rds_grow={"identifier": "db1", "allocated_storage": 60})
        self.assertEqual(self.look()["AllocatedStorage"], 60)
        self.settings(rds_upgrade={"identifier": "db1", "engine_version": "16.10"})
        self.assertEqual(self.look()["EngineVersion"], "16.10")

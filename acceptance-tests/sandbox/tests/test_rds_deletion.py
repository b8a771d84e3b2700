"""Deletion, snapshots, retained backups and restores against RDS's API reference and user guide."""

from datetime import datetime, timedelta, timezone

from .rds_environment import RdsTest


class Deletion(RdsTest):
    def delete(self, **more):
        return self.rds.delete_db_instance(DBInstanceIdentifier="db1", **more)["DBInstance"]

    def test_deletion_protection(self):
        self.make(DeletionProtection=True)
        told = self.refused("InvalidParameterCombination", self.delete, SkipFinalSnapshot=True)
        self.assertIn("Cannot delete protected DB Instance", told)
        self.modify(DeletionProtection=False)
        self.delete(SkipFinalSnapshot=True)

    def test_a_final_snapshot_is_asked_for(self):
        self.make(CopyTagsToSnapshot=True, Tags=[{"Key": "a", "Value": "b"}])
        self.refused("InvalidParameterCombination", self.delete)
        self.refused("InvalidParameterCombination", self.delete, SkipFinalSnapshot=True, FinalDBSnapshotIdentifier="s")
        for wrong in ("1a", "a--b", "a-", "rds:a"):
            self.refused("InvalidParameterValue", self.delete, FinalDBSnapshotIdentifier=wrong)
        self.rds.create_db_snapshot(DBInstanceIdentifier="db1", DBSnapshotIdentifier="taken")
        self.refused("DBSnapshotAlreadyExists", self.delete, FinalDBSnapshotIdentifier="Taken")
        self.assertEqual(self.look()["DBInstanceStatus"], "available")
        self.assertEqual(self.delete(FinalDBSnapshotIdentifier="Last-One")["DBInstanceStatus"], "deleting")
        self.refused("DBInstanceNotFound", self.look)
        found = self.rds.describe_db_snapshots(DBSnapshotIdentifier="last-one")["DBSnapshots"][0]
        self.assertEqual((found["Status"], found["SnapshotType"], found["TagList"]), ("available", "manual", [{"Key": "a", "Value": "b"}]))

    def test_it_takes_its_time(self):
        self.make()
        clock = self.slow()
        self.delete(SkipFinalSnapshot=True)
        self.assertEqual(self.look()["DBInstanceStatus"], "deleting")
        self.refused("InvalidDBInstanceState", self.delete, SkipFinalSnapshot=True)
        self.refused("InvalidDBInstanceState", self.modify, CopyTagsToSnapshot=True)
        self.refused("InvalidDBSubnetGroupStateFault", self.rds.delete_db_subnet_group, DBSubnetGroupName="net")
        clock.pass_minutes(3.5)
        self.refused("DBInstanceNotFound", self.look)
        self.rds.delete_db_subnet_group(DBSubnetGroupName="net")
        self.assertEqual([each for each in self.world() if each["type"].startswith("rds:")], [])

    def test_no_final_snapshot_without_the_key(self):
        key = self.kms_key()
        self.make(StorageEncrypted=True, KmsKeyId=key)
        self.aws("kms").disable_key(KeyId=key)
        self.refused("InvalidDBInstanceState", self.delete, FinalDBSnapshotIdentifier="s")
        self.delete(SkipFinalSnapshot=True)

    def test_retained_backups(self):
        made = self.make(Tags=[{"Key": "a", "Value": "b"}])
        living = self.rds.describe_db_instance_automated_backups(DBInstanceIdentifier="db1")["DBInstanceAutomatedBackups"][0]
        self.assertEqual((living["Status"], living["DbiResourceId"]), ("active", made["DbiResourceId"]))
        self.refused("InvalidDBInstanceAutomatedBackupState", self.rds.delete_db_instance_automated_backup, DbiResourceId=made["DbiResourceId"])
        self.delete(SkipFinalSnapshot=True, DeleteAutomatedBackups=False)
        kept = self.rds.describe_db_instance_automated_backups(DbiResourceId=made["DbiResourceId"])["DBInstanceAutomatedBackups"][0]
        self.assertEqual((kept["Status"], kept["DBInstanceIdentifier"]), ("retained", "db1"))
        shown = self.world("rds:automated_backup")[0]
        self.assertEqual((shown["state"], shown["managed"], shown["tags"]), ("retained", False, {"a": "b"}))
        self.rds.restore_db_instance_to_point_in_time(
            SourceDbiResourceId=made["DbiResourceId"], TargetDBInstanceIdentifier="db2", UseLatestRestorableTime=True, DBSubnetGroupName="net"
        )
        self.assertEqual(self.look("db2")["EngineVersion"], "16.4")
        self.rds.delete_db_instance_automated_backup(DbiResourceId=made["DbiResourceId"])
        self.refused("DBInstanceAutomatedBackupNotFound", self.rds.delete_db_instance_automated_backup, DbiResourceId=made["DbiResourceId"])

    def test_backups_go_with_the_instance(self):
        self.make()
        self.assertEqual(len(self.rds.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"]), 1)
        self.delete(SkipFinalSnapshot=True)
        self.assertEqual(self.rds.describe_db_snapshots()["DBSnapshots"], [])
        self.assertEqual(self.rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"], [])


class Snapshots(RdsTest):
    def take(self, name="s", **more):
        return self.rds.create_db_snapshot(DBInstanceIdentifier="db1", DBSnapshotIdentifier=name, **more)["DBSnapshot"]

    def test_a_snapshot(self):
        key = self.kms_key()
        made = self.make(StorageEncrypted=True, KmsKeyId=key, CopyTagsToSnapshot=True, Tags=[{"Key": "a", "Value": "b"}])
        taken = self.take("Snap", Tags=[{"Key": "c", "Value": "d"}])
        self.assertEqual((taken["Status"], taken["DBSnapshotIdentifier"]), ("creating", "snap"))
        found = self.rds.describe_db_snapshots(DBSnapshotIdentifier="snap")["DBSnapshots"][0]
        self.assertEqual((found["Status"], found["Encrypted"], found["KmsKeyId"], found["PercentProgress"]), ("available", True, key, 100))
        self.assertEqual((found["DbiResourceId"], found["VpcId"], found["AllocatedStorage"]), (made["DbiResourceId"], self.vpc, 50))
        self.assertEqual(found["TagList"], [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
        self.refused("DBSnapshotAlreadyExists", self.take, name="snap")
        self.refused("DBInstanceNotFound", self.rds.create_db_snapshot, DBInstanceIdentifier="x", DBSnapshotIdentifier="y")
        self.refused("DBSnapshotNotFound", self.rds.describe_db_snapshots, status=404, DBSnapshotIdentifier="none")
        self.rds.copy_db_snapshot(SourceDBSnapshotIdentifier="snap", TargetDBSnapshotIdentifier="copy", CopyTags=True)
        self.assertEqual(self.rds.describe_db_snapshots(DBSnapshotIdentifier="copy")["DBSnapshots"][0]["KmsKeyId"], key)
        self.assertEqual(self.rds.delete_db_snapshot(DBSnapshotIdentifier="snap")["DBSnapshot"]["Status"], "deleted")
        self.refused("DBSnapshotNotFound", self.rds.delete_db_snapshot, DBSnapshotIdentifier="snap")
        automated = self.rds.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"][0]["DBSnapshotIdentifier"]
        self.refused("InvalidDBSnapshotState", self.rds.delete_db_snapshot, DBSnapshotIdentifier=automated)

    def restore(self, name="db2", **more):
        return self.rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier="s", **more)["DBInstance"]

    def test_restored_from_a_snapshot(self):
        key = self.kms_key()
        self.make(StorageEncrypted=True, KmsKeyId=key, BackupRetentionPeriod=14, DBName="app", MultiAZ=True, Tags=[{"Key": "a", "Value": "b"}])
        self.rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres16", Description="d")
        self.take()
        self.refused("DBInstanceAlreadyExists", self.restore, name="db1")
        self.refused("DBSubnetGroupNotFoundFault", self.restore, DBSubnetGroupName="none")
        self.refused("InvalidParameterCombination", self.restore, DBSubnetGroupName="net", ManageMasterUserPassword=True)
        made = self.restore(DBSubnetGroupName="net", VpcSecurityGroupIds=[self.group], DBParameterGroupName="p", DeletionProtection=True, CopyTagsToSnapshot=True)
        self.assertEqual(made["DBInstanceStatus"], "creating")
        found = self.look("db2")
        self.assertEqual((found["StorageEncrypted"], found["KmsKeyId"], found["EngineVersion"], found["AllocatedStorage"]), (True, key, "16.4", 50))
        self.assertEqual((found["MasterUsername"], found["DBName"], found["DBInstanceClass"]), ("deeploy_admin", "app", "db.m6g.large"))
        self.assertEqual((found["BackupRetentionPeriod"], found["MultiAZ"], found["DeletionProtection"], found["TagList"]), (14, False, True, [{"Key": "a", "Value": "b"}]))
        self.assertEqual((found["DBParameterGroups"][0]["DBParameterGroupName"], found["VpcSecurityGroups"][0]["VpcSecurityGroupId"]), ("p", self.group))
        self.aws("kms").disable_key(KeyId=key)
        self.refused("KMSKeyNotAccessibleFault", self.restore, name="db3", DBSubnetGroupName="net")

    def test_restored_to_a_point_in_time(self):
        self.rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres16", Description="d")
        self.make(BackupRetentionPeriod=14, DBParameterGroupName="p", Tags=[{"Key": "a", "Value": "b"}])
        asked = {"SourceDBInstanceIdentifier": "db1", "TargetDBInstanceIdentifier": "db2"}
        restore = self.rds.restore_db_instance_to_point_in_time
        self.refused("InvalidParameterCombination", restore, **asked)
        self.refused("InvalidRestoreFault", restore, **asked, RestoreTime=datetime.now(timezone.utc) - timedelta(days=1))
        self.refused("DBInstanceNotFound", restore, SourceDBInstanceIdentifier="x", TargetDBInstanceIdentifier="y", UseLatestRestorableTime=True)
        restore(**asked, UseLatestRestorableTime=True)
        found = self.look("db2")
        self.assertEqual((found["DBSubnetGroup"]["DBSubnetGroupName"], found["BackupRetentionPeriod"]), ("default", 14))
        self.assertEqual((found["DBParameterGroups"][0]["DBParameterGroupName"], found["TagList"]), ("default.postgres16", []))
        self.modify(BackupRetentionPeriod=0, ApplyImmediately=True)
        self.look()
        self.refused("PointInTimeRestoreNotEnabled", restore, SourceDBInstanceIdentifier="db1", TargetDBInstanceIdentifier="db3", UseLatestRestorableTime=True)

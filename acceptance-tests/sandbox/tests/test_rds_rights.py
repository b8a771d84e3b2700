"""The rights that calls to RDS need, against the Service Authorization Reference and RDS's user guide."""

from .rds_environment import RdsTest
from .served import allow, client, policy


class Rights(RdsTest):
    def setUp(self):
        super().setUp()
        self.iam = self.aws("iam")
        self.iam.create_user(UserName="u")
        made = self.iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
        self.theirs = client("rds", made)
        self.prefix = f"arn:aws:rds:eu-central-1:{self.account}:"

        # Somebody has used RDS here before: its service-linked role is there.
        self.iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com")

    def may(self, *statements):
        self.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(*statements))

    def test_every_resource_of_a_create_counts(self):
        self.may(allow("rds:CreateDBInstance", self.prefix + "db:db1"))
        told = self.refused("AccessDenied", self.theirs.create_db_instance, status=403, **self.asked())
        self.assertIn("subgrp:net", told)
        self.may(allow("rds:CreateDBInstance", [self.prefix + "db:db1", self.prefix + "subgrp:*"]))
        self.refused("AccessDenied", self.theirs.create_db_instance, **self.asked(Tags=[{"Key": "a", "Value": "b"}]))
        self.theirs.create_db_instance(**self.asked())
        self.assertEqual(self.calls()[-1]["actions"], ["rds:CreateDBInstance"])

    def test_the_service_linked_role(self):
        self.iam.delete_service_linked_role(RoleName="AWSServiceRoleForRDS")
        self.may(allow("rds:*"))
        self.refused("AccessDenied", self.theirs.create_db_instance, **self.asked())
        self.may(allow("rds:*"), allow("iam:CreateServiceLinkedRole", Condition={"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}}))
        self.theirs.create_db_instance(**self.asked())
        self.assertEqual([each["id"] for each in self.world("iam:role")], ["AWSServiceRoleForRDS"])

    def test_tags_on_create(self):
        self.may(allow(["rds:CreateDBParameterGroup"], "*"))
        asked = {"DBParameterGroupName": "p", "DBParameterGroupFamily": "postgres16", "Description": "d", "Tags": [{"Key": "a", "Value": "b"}]}
        self.refused("AccessDenied", self.theirs.create_db_parameter_group, **asked)
        self.may(allow(["rds:CreateDBParameterGroup"], "*"), allow("rds:AddTagsToResource", self.prefix + "pg:p"))
        self.theirs.create_db_parameter_group(**asked)
        self.assertEqual(self.calls()[-1]["actions"], ["rds:CreateDBParameterGroup", "rds:AddTagsToResource"])

    def test_tags_of_what_is_there(self):
        self.make(Tags=[{"Key": "team", "Value": "a"}])
        self.may(allow("rds:RebootDBInstance", "*", Condition={"StringEquals": {"aws:ResourceTag/team": "b"}}))
        self.refused("AccessDenied", self.theirs.reboot_db_instance, DBInstanceIdentifier="db1")
        self.may(allow("rds:RebootDBInstance", "*", Condition={"StringEquals": {"rds:db-tag/team": "a"}}))
        self.theirs.reboot_db_instance(DBInstanceIdentifier="db1")

    def test_conditions_on_what_is_made(self):
        encrypted = {"Bool": {"rds:StorageEncrypted": "true"}, "StringLike": {"rds:DatabaseClass": "db.t4g.*"}}
        self.may(allow("rds:CreateDBInstance", self.prefix + "db:*", Condition=encrypted), allow("rds:CreateDBInstance", self.prefix + "subgrp:net"))
        self.refused("AccessDenied", self.theirs.create_db_instance, **self.asked(DBInstanceClass="db.t4g.micro"))
        self.refused("AccessDenied", self.theirs.create_db_instance, **self.asked(StorageEncrypted=True))
        self.theirs.create_db_instance(**self.asked(DBInstanceClass="db.t4g.micro", StorageEncrypted=True))

    def test_passing_the_monitoring_role(self):
        role = self.monitoring_role()
        asked = self.asked(MonitoringInterval=60, MonitoringRoleArn=role)
        self.may(allow("rds:*"))
        self.refused("AccessDenied", self.theirs.create_db_instance, **asked)
        self.may(allow("rds:*"), allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": "monitoring.rds.amazonaws.com"}}))
        self.theirs.create_db_instance(**asked)

    def test_a_managed_secret(self):
        asked = self.asked(ManageMasterUserPassword=True, MasterUserPassword=None)
        self.may(allow("rds:*"))
        self.refused("AccessDenied", self.theirs.create_db_instance, **asked)
        secret = f"arn:aws:secretsmanager:eu-central-1:{self.account}:secret:rds!db-*"
        self.may(allow("rds:*"), allow(["secretsmanager:CreateSecret", "secretsmanager:TagResource"], secret))
        self.theirs.create_db_instance(**asked)

    def test_a_customer_key(self):
        key = self.kms_key()
        asked = self.asked(StorageEncrypted=True, KmsKeyId=key)
        self.may(allow("rds:*"), allow("kms:DescribeKey"))
        self.refused("KMSKeyNotAccessibleFault", self.theirs.create_db_instance, **asked)
        grant = allow("kms:CreateGrant", key, Condition={"StringEquals": {"kms:ViaService": "rds.eu-central-1.amazonaws.com"}})
        self.may(allow("rds:*"), allow("kms:DescribeKey"), grant)
        self.theirs.create_db_instance(**asked)

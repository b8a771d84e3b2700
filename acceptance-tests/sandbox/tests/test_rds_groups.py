"""Subnet groups, parameter groups, tags and the catalogue against RDS's API reference and user guide."""

from .rds_environment import RdsTest


class SubnetGroups(RdsTest):
    def test_a_subnet_group(self):
        made = self.rds.create_db_subnet_group(DBSubnetGroupName="My Net", DBSubnetGroupDescription="d", SubnetIds=self.subnets[:2], Tags=[{"Key": "a", "Value": "b"}])["DBSubnetGroup"]
        self.assertEqual((made["DBSubnetGroupName"], made["VpcId"], made["SubnetGroupStatus"]), ("my net", self.vpc, "Complete"))
        create = self.rds.create_db_subnet_group
        self.refused("DBSubnetGroupAlreadyExists", create, DBSubnetGroupName="MY NET", DBSubnetGroupDescription="d", SubnetIds=self.subnets)
        self.refused("DBSubnetGroupDoesNotCoverEnoughAZs", create, DBSubnetGroupName="x", DBSubnetGroupDescription="d", SubnetIds=self.subnets[:1])
        self.refused("InvalidSubnet", create, DBSubnetGroupName="x", DBSubnetGroupDescription="d", SubnetIds=["subnet-0123456789abcdef0"])
        self.refused("InvalidParameterValue", create, DBSubnetGroupName="default", DBSubnetGroupDescription="d", SubnetIds=self.subnets)
        self.rds.modify_db_subnet_group(DBSubnetGroupName="my net", SubnetIds=self.subnets[1:], DBSubnetGroupDescription="e")
        found = self.rds.describe_db_subnet_groups(DBSubnetGroupName="my net")["DBSubnetGroups"][0]
        self.assertEqual([each["SubnetIdentifier"] for each in found["Subnets"]], self.subnets[1:])
        self.assertEqual(found["DBSubnetGroupDescription"], "e")
        self.assertEqual(self.rds.list_tags_for_resource(ResourceName=found["DBSubnetGroupArn"])["TagList"], [{"Key": "a", "Value": "b"}])
        self.rds.delete_db_subnet_group(DBSubnetGroupName="my net")
        self.refused("DBSubnetGroupNotFoundFault", self.rds.describe_db_subnet_groups, status=404, DBSubnetGroupName="my net")

    def test_in_use(self):
        zone = self.make()["AvailabilityZone"]
        self.refused("InvalidDBSubnetGroupStateFault", self.rds.delete_db_subnet_group, DBSubnetGroupName="net")
        used = self.subnets["abc".index(zone[-1])]
        others = [subnet for subnet in self.subnets if subnet != used]
        self.refused("SubnetAlreadyInUse", self.rds.modify_db_subnet_group, DBSubnetGroupName="net", SubnetIds=others)
        self.rds.modify_db_subnet_group(DBSubnetGroupName="net", SubnetIds=[used, others[0]])

    def test_subnets_of_two_networks(self):
        other = self.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=other, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
        self.refused("InvalidSubnet", self.rds.create_db_subnet_group, DBSubnetGroupName="x", DBSubnetGroupDescription="d", SubnetIds=[*self.subnets, subnet])


class ParameterGroups(RdsTest):
    def setUp(self):
        super().setUp()
        self.rds.create_db_parameter_group(DBParameterGroupName="P", DBParameterGroupFamily="postgres16", Description="d")

    def set(self, name, value, method="immediate"):
        return self.rds.modify_db_parameter_group(DBParameterGroupName="p", Parameters=[{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}])

    def parameters(self, group="p", **more):
        pages = self.rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group, **more)
        return {each["ParameterName"]: each for page in pages for each in page["Parameters"]}

    def apply_status(self):
        return self.look()["DBParameterGroups"][0]["ParameterApplyStatus"]

    def test_defaults(self):
        found = self.parameters()
        self.assertGreater(len(found), 150)
        self.assertEqual(
            {name: (found[name]["ApplyType"], found[name]["Source"], found[name].get("ParameterValue")) for name in ("rds.force_ssl", "max_connections", "log_statement")},
            {"rds.force_ssl": ("dynamic", "system", "1"), "max_connections": ("static", "system", "LEAST({DBInstanceClassMemory/9531392},5000)"), "log_statement": ("dynamic", "engine-default", None)},
        )
        self.assertEqual(self.parameters("default.postgres14")["rds.force_ssl"]["ParameterValue"], "0")
        self.assertFalse(found["fsync"]["IsModifiable"])
        # Every parameter that the documentation's defaults name must be one that it admits.
        for family in ("postgres13", "postgres18"):
            for name, each in self.parameters(f"default.{family}").items():
                self.assertIn(each["DataType"], ("string", "boolean", "integer", "float", "list"), name)

    def test_what_an_environment_sets_is_admitted(self):
        for name, value, method in (
            ("rds.force_ssl", "1", "immediate"),
            ("password_encryption", "scram-sha-256", "immediate"),
            ("rds.accepted_password_auth_method", "scram", "immediate"),
            ("log_connections", "1", "immediate"),
            ("log_min_duration_statement", "-1", "immediate"),
            ("log_statement", "ddl", "immediate"),
            ("idle_in_transaction_session_timeout", "600000", "immediate"),
            ("shared_preload_libraries", "pg_stat_statements,pgaudit", "pending-reboot"),
        ):
            self.set(name, value, method)
        self.assertEqual(self.parameters(Source="user")["log_min_duration_statement"]["ParameterValue"], "-1")

    def test_refused(self):
        self.refused("InvalidParameterValue", self.set, name="zzz", value="1")
        self.refused("InvalidParameterValue", self.set, name="rds.force_ssl", value="2")
        self.refused("InvalidParameterValue", self.set, name="log_min_duration_statement", value="-2")
        self.refused("InvalidParameterValue", self.set, name="shared_preload_libraries", value="nonsense", method="pending-reboot")
        self.refused("InvalidParameterValue", self.set, name="fsync", value="0")
        self.refused("InvalidParameterCombination", self.set, name="max_connections", value="100")
        change = {"ParameterName": "log_statement", "ParameterValue": "ddl", "ApplyMethod": "immediate"}
        self.refused("InvalidParameterValue", self.rds.modify_db_parameter_group, DBParameterGroupName="p", Parameters=[change] * 21)
        self.refused("InvalidParameterValue", self.rds.modify_db_parameter_group, DBParameterGroupName="default.postgres16", Parameters=[change])
        self.refused("InvalidDBParameterGroupState", self.rds.delete_db_parameter_group, DBParameterGroupName="default.postgres16")
        self.refused("DBParameterGroupAlreadyExists", self.rds.create_db_parameter_group, DBParameterGroupName="p", DBParameterGroupFamily="postgres16", Description="d")
        self.refused("InvalidParameterValue", self.rds.create_db_parameter_group, DBParameterGroupName="q", DBParameterGroupFamily="postgres99", Description="d")
        self.assertEqual(self.parameters(Source="user"), {})

    def test_static_parameters_wait_for_a_reboot(self):
        self.make(DBParameterGroupName="p")
        self.set("log_statement", "ddl")
        self.assertEqual(self.apply_status(), "in-sync")
        self.set("max_connections", "200", "pending-reboot")
        self.assertEqual(self.apply_status(), "pending-reboot")
        self.rds.reboot_db_instance(DBInstanceIdentifier="db1")
        self.assertEqual(self.apply_status(), "in-sync")
        self.rds.reset_db_parameter_group(DBParameterGroupName="p", Parameters=[{"ParameterName": "max_connections", "ApplyMethod": "pending-reboot"}])
        self.assertEqual((list(self.parameters(Source="user")), self.apply_status()), (["log_statement"], "pending-reboot"))
        self.refused("InvalidDBParameterGroupState", self.rds.delete_db_parameter_group, DBParameterGroupName="p")
        self.rds.reset_db_parameter_group(DBParameterGroupName="p", ResetAllParameters=True)
        self.assertEqual(self.parameters(Source="user"), {})


class Tags(RdsTest):
    def test_every_kind(self):
        made = self.make(CopyTagsToSnapshot=True)
        self.rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres16", Description="d")
        self.rds.create_db_snapshot(DBInstanceIdentifier="db1", DBSnapshotIdentifier="s")
        prefix = made["DBInstanceArn"].rpartition(":db:")[0]
        for name in ("db:db1", "pg:p", "subgrp:net", "snapshot:s"):
            arn = f"{prefix}:{name}"
            self.rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "z", "Value": "1"}, {"Key": "y", "Value": ""}])
            self.rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["z", "none"])
            self.assertEqual(self.rds.list_tags_for_resource(ResourceName=arn)["TagList"], [{"Key": "y", "Value": ""}], name)
        self.refused("DBInstanceNotFound", self.rds.list_tags_for_resource, ResourceName=prefix + ":db:none")
        self.refused("InvalidParameterValue", self.rds.list_tags_for_resource, ResourceName="db1")
        self.refused("InvalidParameterValue", self.rds.add_tags_to_resource, ResourceName=prefix + ":db:db1", Tags=[{"Key": "rds:x", "Value": ""}])
        many = [{"Key": str(n), "Value": ""} for n in range(50)]
        self.refused("InvalidParameterValue", self.rds.add_tags_to_resource, ResourceName=prefix + ":db:db1", Tags=many)

    def test_the_tagging_api_finds_instances(self):
        arn = self.make(Tags=[{"Key": "a", "Value": "b"}])["DBInstanceArn"]
        found = self.aws("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "a", "Values": ["b"]}])["ResourceTagMappingList"]
        self.assertIn(arn, [each["ResourceARN"] for each in found])


class Catalogue(RdsTest):
    def test_versions(self):
        found = self.rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]
        self.assertLessEqual({"13", "14", "15", "16", "17", "18"}, {each["MajorEngineVersion"] for each in found})
        default = self.rds.describe_db_engine_versions(Engine="postgres", DefaultOnly=True)["DBEngineVersions"]
        self.assertEqual(len(default), 1)
        one = self.rds.describe_db_engine_versions(Engine="postgres", EngineVersion="16.8")["DBEngineVersions"][0]
        targets = {each["EngineVersion"]: each["IsMajorVersionUpgrade"] for each in one["ValidUpgradeTarget"]}
        self.assertEqual((targets.get("16.9"), targets.get("17.4"), targets.get("16.4"), targets.get("17.2")), (False, True, None, None))
        self.assertEqual((one["DBParameterGroupFamily"], len(one["SupportedCACertificateIdentifiers"])), ("postgres16", 3))
        major = self.rds.describe_db_engine_versions(Engine="postgres", EngineVersion="15", DefaultOnly=True)["DBEngineVersions"]
        self.assertEqual([each["EngineVersion"] for each in major], ["15.14"])

    def test_orderable(self):
        ask = self.rds.describe_orderable_db_instance_options
        found = ask(Engine="postgres", EngineVersion="16.4", DBInstanceClass="db.m6g.large")["OrderableDBInstanceOptions"]
        self.assertEqual({each["StorageType"] for each in found}, {"gp2", "gp3", "io1", "io2", "standard"})
        self.assertTrue(all(len(each["AvailabilityZones"]) == 3 for each in found))
        self.assertEqual(ask(Engine="postgres", EngineVersion="16.4", DBInstanceClass="db.r8g.large")["OrderableDBInstanceOptions"], [])

    def test_the_rest(self):
        self.make(EngineVersion="16.4")
        self.assertIn("db-upgrade", str(self.rds.describe_pending_maintenance_actions()["PendingMaintenanceActions"]))
        self.assertEqual(len(self.rds.describe_certificates()["Certificates"]), 3)
        storage = self.rds.describe_valid_db_instance_modifications(DBInstanceIdentifier="db1")["ValidDBInstanceModificationsMessage"]["Storage"]
        self.assertEqual({each["StorageType"] for each in storage}, {"gp2", "gp3", "io1", "io2", "standard"})
        quotas = {each["AccountQuotaName"]: each for each in self.rds.describe_account_attributes()["AccountQuotas"]}
        self.assertEqual((quotas["DBInstances"]["Used"], quotas["DBInstances"]["Max"]), (1, 40))

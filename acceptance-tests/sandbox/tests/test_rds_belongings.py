"""What an instance has in other services, and event subscriptions, against RDS's user guide."""

import json

from .rds_environment import RdsTest
from .served import control


class ManagedSecret(RdsTest):
    def setUp(self):
        super().setUp()
        self.secrets = self.aws("secretsmanager")

    def managed(self, **more):
        return self.make(ManageMasterUserPassword=True, MasterUserPassword=None, **more)["MasterUserSecret"]

    def value(self, secret):
        return json.loads(self.secrets.get_secret_value(SecretId=secret["SecretArn"])["SecretString"])

    def test_it_belongs_to_rds(self):
        key = self.kms_key()
        secret = self.managed(MasterUserSecretKmsKeyId=key)
        self.assertEqual((secret["SecretStatus"], secret["KmsKeyId"]), ("active", key))
        found = self.secrets.describe_secret(SecretId=secret["SecretArn"])
        self.assertTrue(found["Name"].startswith("rds!db-"))
        self.assertEqual(found["OwningService"], "rds")
        tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
        self.assertEqual(tags, {"aws:secretsmanager:owningService": "rds", "aws:rds:primaryDBInstanceArn": self.look()["DBInstanceArn"]})
        self.assertEqual(self.value(secret)["username"], "deeploy_admin")
        self.assertGreaterEqual(len(self.value(secret)["password"]), 8)
        self.refused("InvalidRequestException", self.secrets.delete_secret, SecretId=secret["SecretArn"])
        self.refused("InvalidRequestException", self.secrets.put_secret_value, SecretId=secret["SecretArn"], SecretString="x")
        self.refused("InvalidRequestException", self.secrets.update_secret, SecretId=secret["SecretArn"], Description="x")
        self.assertTrue(self.world("secretsmanager:secret")[0]["managed"])
        self.aws("kms").disable_key(KeyId=key)
        self.refused("DecryptionFailure", self.secrets.get_secret_value, SecretId=secret["SecretArn"])

    def test_it_goes_with_the_instance(self):
        self.managed()
        self.rds.delete_db_instance(DBInstanceIdentifier="db1", SkipFinalSnapshot=True)
        self.refused("DBInstanceNotFound", self.look)
        self.assertEqual(self.world("secretsmanager:secret"), [])

    def test_rotation(self):
        secret = self.managed()
        before = self.value(secret)
        self.refused("InvalidParameterCombination", self.modify, RotateMasterUserPassword=True)
        self.assertEqual(self.modify(RotateMasterUserPassword=True, ApplyImmediately=True)["MasterUserSecret"]["SecretStatus"], "rotating")
        self.assertEqual(self.look()["MasterUserSecret"]["SecretStatus"], "active")
        self.assertNotEqual(self.value(secret)["password"], before["password"])

    def test_off_and_on(self):
        self.managed()
        self.refused("InvalidParameterCombination", self.modify, MasterUserPassword="abcdefgh1")
        self.refused("InvalidParameterCombination", self.modify, ManageMasterUserPassword=False)
        self.refused("InvalidParameterCombination", self.modify, MasterUserSecretKmsKeyId=self.kms_key())
        self.modify(ManageMasterUserPassword=False, MasterUserPassword="abcdefgh1")
        self.assertNotIn("MasterUserSecret", self.look())
        self.assertEqual(self.world("secretsmanager:secret"), [])
        self.modify(ManageMasterUserPassword=True)
        self.assertEqual(self.look()["MasterUserSecret"]["SecretStatus"], "active")


class Belongings(RdsTest):
    def interfaces(self):
        return self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["RDSNetworkInterface"]}])["NetworkInterfaces"]

    def test_interfaces_hold_the_network(self):
        self.make(MultiAZ=True)
        found = self.interfaces()
        self.assertEqual((len(found), {each["RequesterId"] for each in found}, {each["RequesterManaged"] for each in found}), (2, {"amazon-rds"}, {True}))
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=self.group)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=found[0]["SubnetId"])
        other = self.security_group("other")
        self.modify(VpcSecurityGroupIds=[other])
        self.ec2.delete_security_group(GroupId=self.group)
        self.modify(MultiAZ=False, ApplyImmediately=True)
        self.look()
        self.assertEqual(len(self.interfaces()), 1)
        self.rds.delete_db_instance(DBInstanceIdentifier="db1", SkipFinalSnapshot=True)
        self.refused("DBInstanceNotFound", self.look)
        self.assertEqual(self.interfaces(), [])
        self.rds.delete_db_subnet_group(DBSubnetGroupName="net")
        self.ec2.delete_security_group(GroupId=other)
        self.ec2.delete_subnet(SubnetId=self.subnets[0])

    def test_log_groups_are_made_where_they_are_missing_and_stay(self):
        logs = self.aws("logs")
        logs.create_log_group(logGroupName="/aws/rds/instance/db1/postgresql")
        logs.put_retention_policy(logGroupName="/aws/rds/instance/db1/postgresql", retentionInDays=30)
        self.make(EnableCloudwatchLogsExports=["postgresql", "upgrade"], MonitoringInterval=60, MonitoringRoleArn=self.monitoring_role())
        self.rds.delete_db_instance(DBInstanceIdentifier="db1", SkipFinalSnapshot=True)
        self.refused("DBInstanceNotFound", self.look)
        found = {each["logGroupName"]: each.get("retentionInDays") for each in logs.describe_log_groups()["logGroups"]}
        self.assertEqual(found, {"/aws/rds/instance/db1/postgresql": 30, "/aws/rds/instance/db1/upgrade": None, "RDSOSMetrics": 30})
        made = {each["id"].rpartition("/")[2]: (each["made_by"], each["managed"]) for each in self.world("logs:log_group")}
        self.assertEqual(made, {"postgresql": (None, False), "upgrade": ("rds.amazonaws.com", False), "RDSOSMetrics": ("rds.amazonaws.com", True)})

    def probe(self, groups, tls=True):
        return control("rds-probe", "POST", {"account": self.account, "identifier": "db1", "from_security_groups": groups, "tls": tls})

    def test_who_reaches_it(self):
        node, other = self.security_group("node"), self.security_group("other")
        self.make()
        self.assertFalse(self.probe([node])["reachable"])
        pairs = [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": node}]}]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=pairs)
        self.assertTrue(self.probe([node])["reachable"], self.probe([node]))
        self.assertFalse(self.probe([other])["reachable"])
        # PostgreSQL 15 and later refuse plain connections unless the parameter group says otherwise.
        self.assertIn("rds.force_ssl", self.probe([node], tls=False)["why"])
        self.rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres16", Description="d")
        change = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
        self.rds.modify_db_parameter_group(DBParameterGroupName="p", Parameters=[change])
        self.modify(DBParameterGroupName="p")
        self.assertFalse(self.probe([node], tls=False)["reachable"])
        self.rds.reboot_db_instance(DBInstanceIdentifier="db1")
        self.assertTrue(self.probe([node], tls=False)["reachable"])
        egress = self.ec2.describe_security_groups(GroupIds=[node])["SecurityGroups"][0]["IpPermissionsEgress"]
        self.ec2.revoke_security_group_egress(GroupId=node, IpPermissions=egress)
        self.assertFalse(self.probe([node])["reachable"])


class Events(RdsTest):
    def create(self, **more):
        return self.rds.create_event_subscription(**{"SubscriptionName": "Es", "SnsTopicArn": self.topic, "SourceType": "db-instance", "EventCategories": ["failure"], **more})["EventSubscription"]

    def setUp(self):
        super().setUp()
        self.topic = self.aws("sns").create_topic(Name="t")["TopicArn"]

    def look_at(self):
        return self.rds.describe_event_subscriptions(SubscriptionName="es")["EventSubscriptionsList"][0]

    def test_a_subscription(self):
        self.make()
        self.refused("SNSTopicArnNotFound", self.create, SnsTopicArn=self.topic + "x")
        self.refused("SubscriptionCategoryNotFound", self.create, EventCategories=["nonsense"])
        self.refused("SourceNotFound", self.create, SourceIds=["none"])
        bare = {"SubscriptionName": "es", "SnsTopicArn": self.topic, "EventCategories": ["failure"]}
        self.refused("InvalidParameterCombination", self.rds.create_event_subscription, **bare)
        made = self.create(SourceIds=["db1"], Tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual((made["CustSubscriptionId"], made["Status"], made["SourceIdsList"]), ("es", "creating", ["db1"]))
        found = self.look_at()
        self.assertEqual((found["Status"], found["Enabled"], found["EventCategoriesList"]), ("active", True, ["failure"]))
        self.assertEqual(self.rds.list_tags_for_resource(ResourceName=found["EventSubscriptionArn"])["TagList"], [{"Key": "a", "Value": "b"}])
        self.refused("SubscriptionAlreadyExist", self.create)
        self.make(DBInstanceIdentifier="db2")
        self.rds.add_source_identifier_to_subscription(SubscriptionName="es", SourceIdentifier="db2")
        self.rds.remove_source_identifier_from_subscription(SubscriptionName="es", SourceIdentifier="db1")
        self.assertEqual(self.look_at()["SourceIdsList"], ["db2"])
        self.assertEqual(self.rds.modify_event_subscription(SubscriptionName="es", Enabled=False, EventCategories=["failover"])["EventSubscription"]["Status"], "modifying")
        found = self.look_at()
        self.assertEqual((found["Enabled"], found["EventCategoriesList"], found["Status"]), (False, ["failover"], "active"))
        self.aws("sns").delete_topic(TopicArn=self.topic)
        self.assertEqual(self.look_at()["Status"], "topic-not-exist")
        self.assertEqual(self.rds.delete_event_subscription(SubscriptionName="es")["EventSubscription"]["Status"], "deleting")
        self.refused("SubscriptionNotFound", self.look_at)

    def test_what_happened(self):
        self.make()
        self.modify(DBInstanceClass="db.m6g.xlarge", ApplyImmediately=True)
        self.look()
        ask = self.rds.describe_events
        texts = [each["Message"] for each in ask(SourceType="db-instance", SourceIdentifier="db1")["Events"]]
        self.assertIn("DB instance created", texts)
        self.assertEqual(ask(SourceType="db-instance", EventCategories=["deletion"])["Events"], [])
        self.refused("InvalidParameterCombination", ask, SourceIdentifier="db1")

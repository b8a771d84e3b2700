"""The parts fit together: a whole environment is made, works, and goes; what stays is what AWS keeps."""

import time

from .environment import Environment, wait
from .served import REGION, allow, control, policy


class Whole(Environment):
    def there_and_back(self, seconds_per_minute):
        control(f"settings?account={self.account}", "POST", {"seconds_per_minute": seconds_per_minute})
        self.there()
        self.it_works()
        self.and_back()
        self.assertEqual(self.left_over(), [])
        self.assertEqual(control(f"unsupported?account={self.account}"), [])

    def test_at_once(self):
        self.there_and_back(0)

    def test_with_time(self):
        self.there_and_back(0.05)
        for what, minutes in (("cluster", 10), ("nodes", 3), ("database", 8)):
            self.assertGreaterEqual(self.took_s[what], 0.05 * minutes)

    def test_with_the_rights_of_its_calls(self):
        """The actions that calls are recorded with are those that they need: a user who may do no more can do it all."""
        self.there()
        self.and_back()
        actions = sorted({action for call in self.calls() for action in call["actions"]})
        self.setUp()
        iam, document = self.iam, policy(allow(actions, "*")).replace(" ", "")
        iam.create_user(UserName="deployer")
        made = iam.create_policy(PolicyName="deployer", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_user_policy(UserName="deployer", PolicyArn=made)
        self.use(iam.create_access_key(UserName="deployer")["AccessKey"]["AccessKeyId"])
        self.there()
        self.and_back()
        self.use(self.key)
        self.assertEqual([call for call in self.calls() if "Denied" in str(call["error"])], [])
        self.assertEqual({each for each in self.left_over() if "deployer" not in each[1] and each[0] != "iam:access_key"}, set())

    def there(self):
        self.make_network()
        self.make_roles()
        self.make_key()
        self.make_flow_logs()
        self.took_s = {}
        for what, make in (("cluster", self.make_cluster), ("nodes", self.make_nodes), ("database", self.make_database)):
            started = time.monotonic()
            make()
            self.took_s[what] = time.monotonic() - started
        self.make_monitoring()

    def it_works(self):
        of_type = {}
        for each in self.world():
            of_type.setdefault(each["type"], []).append(each)
        self.assertEqual(len(of_type["ec2:instance"]), 2)
        without_tags = ("kms:alias", "iam:role_policy", "iam:role_policy_attachment", "ec2:route_table_association", "ec2:security_group_rule")
        untagged = [each["id"] for each in self.world() if not each.get("managed") and not each["tags"] and each["type"] not in without_tags]
        self.assertEqual(untagged, [])
        here = {"account": self.account, "region": REGION}
        probe = {**here, "identifier": "test", "tls": True}
        self.assertTrue(control("rds-probe", "POST", {**probe, "from_security_groups": [self.groups["nodes"]]})["reachable"])
        self.assertFalse(control("rds-probe", "POST", {**probe, "from_security_groups": [self.cluster_group]})["reachable"])
        self.assertFalse(control("rds-probe", "POST", {**probe, "from_security_groups": [self.groups["nodes"]], "tls": False})["reachable"])
        asked = {**here, "cluster": "test", "namespace": "kube-system", "service_account": "aws-node"}
        self.assertEqual(control("pod-identity", "POST", asked)["role_arn"], self.roles["cni"])
        secret = self.database()["MasterUserSecret"]
        self.assertEqual((secret["SecretStatus"], secret["KmsKeyId"]), ("active", self.data_key))
        self.assertIn("password", self.aws("secretsmanager").get_secret_value(SecretId=secret["SecretArn"])["SecretString"])
        self.cloudwatch.set_alarm_state(AlarmName="database-cpu", StateValue="ALARM", StateReason="test")
        control(f"emit?account={self.account}", "POST", {"region": REGION, "event": {"source": "aws.health", "detail-type": "AWS Health Event", "detail": {}}})
        delivered = control(f"deliveries?account={self.account}")
        self.assertEqual([(each["service"], each["delivered"]) for each in delivered], [("cloudwatch.amazonaws.com", True), ("events.amazonaws.com", True)], delivered)

    def and_back(self):
        """In the order that AWS demands: what uses goes before what is used."""
        self.monitoring_goes()
        self.database_goes()
        self.cluster_goes()
        self.network_goes()
        self.identities_go()

    def monitoring_goes(self):
        self.rds.delete_event_subscription(SubscriptionName="test")
        self.events.remove_targets(Rule="health", Ids=["topic"])
        self.events.delete_rule(Name="health")
        self.cloudwatch.delete_alarms(AlarmNames=["database-cpu"])
        self.sns.delete_topic(TopicArn=self.topic)

    def database_goes(self):
        rds = self.rds
        self.refused("InvalidDBSubnetGroupStateFault", rds.delete_db_subnet_group, DBSubnetGroupName="test")
        rds.delete_db_instance(DBInstanceIdentifier="test", FinalDBSnapshotIdentifier="last", DeleteAutomatedBackups=True)
        wait(self.database_state, "gone")
        rds.delete_db_snapshot(DBSnapshotIdentifier="last")
        rds.delete_db_subnet_group(DBSubnetGroupName="test")
        rds.delete_db_parameter_group(DBParameterGroupName="test")

    def cluster_goes(self):
        eks = self.eks
        for name in ("coredns", "kube-proxy", "eks-pod-identity-agent"):
            eks.delete_addon(clusterName="test", addonName=name)
            wait(lambda name=name: self.addon_state(name), "gone")
        self.refused("ResourceInUseException", eks.delete_cluster, name="test")
        eks.delete_nodegroup(clusterName="test", nodegroupName="default")
        wait(self.nodes_state, "gone", bad=("DELETE_FAILED",))
        eks.delete_addon(clusterName="test", addonName="vpc-cni")
        wait(lambda: self.addon_state("vpc-cni"), "gone")
        eks.delete_cluster(name="test")
        wait(self.cluster_state, "gone")
        self.ec2.delete_launch_template(LaunchTemplateId=self.template)

    def network_goes(self):
        ec2 = self.ec2
        ec2.delete_flow_logs(FlowLogIds=[self.flow_log])
        ec2.delete_vpc_endpoints(VpcEndpointIds=[self.endpoint])
        ec2.delete_nat_gateway(NatGatewayId=self.nat)
        wait(self._nat_state, "deleted")
        ec2.release_address(AllocationId=self.address)
        for kind, table in self.tables.items():
            for each in ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Associations"]:
                ec2.disassociate_route_table(AssociationId=each["RouteTableAssociationId"])
            for subnet in self.subnets[kind]:
                ec2.delete_subnet(SubnetId=subnet)
        ec2.detach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        ec2.delete_internet_gateway(InternetGatewayId=self.gateway)
        self.refused("DependencyViolation", ec2.delete_security_group, GroupId=self.groups["nodes"])
        for name in ("database", "nodes"):
            ec2.delete_security_group(GroupId=self.groups[name])
        wait(lambda: (ec2.describe_vpc_endpoints(VpcEndpointIds=[self.endpoint])["VpcEndpoints"] or [{"State": "gone"}])[0]["State"], "gone")
        for table in self.tables.values():
            ec2.delete_route_table(RouteTableId=table)
        ec2.delete_vpc(VpcId=self.vpc)

    def identities_go(self):
        for group in self.logs.describe_log_groups()["logGroups"]:
            self.logs.delete_log_group(logGroupName=group["logGroupName"])
        for name in self.roles:
            for each in self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                self.iam.detach_role_policy(RoleName=name, PolicyArn=each["PolicyArn"])
            for each in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
                self.iam.delete_role_policy(RoleName=name, PolicyName=each)
            self.iam.delete_role(RoleName=name)
        self.kms.delete_alias(AliasName="alias/test")
        self.kms.schedule_key_deletion(KeyId=self.data_key, PendingWindowInDays=7)

    def left_over(self):
        """But for the key, which is pending, and what AWS keeps by itself (service-linked roles)."""
        keys = [each["arn"] for each in self.world("kms:key") if each["state"] == "PendingDeletion"]
        self.assertEqual(keys, [self.data_key])
        return [(each["type"], each["id"]) for each in self.world() if not each.get("managed") and each["arn"] not in keys]

"""Tag-on-create, passed roles, service-linked roles and keys: Service Authorization Reference."""

import json

from .served import REGION, SandboxTest, allow, client, policy, trust


class DependentActions(SandboxTest):
    def setUp(self):
        super().setUp()
        self.iam = self.aws("iam")

    def user(self, *statements, name="u"):
        """A user's key with these rights."""
        self.iam.create_user(UserName=name)
        self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
        return self.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]

    def may(self, *statements, name="u"):
        self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))

    def last(self):
        return self.calls()[-1]["actions"]

    def test_tags_on_create_ask_for_the_tagging_action(self):
        tags, pair = {"a": "b"}, [{"Key": "a", "Value": "b"}]
        alarm = {"AlarmName": "a", "Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "LessThanThreshold"}
        pattern = json.dumps({"source": ["x"]})
        for service, operation, plain, tagged, actions in (
            ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, {"TagSpecifications": [{"ResourceType": "vpc", "Tags": pair}]}, ["ec2:CreateVpc", "ec2:CreateTags"]),
            ("logs", "create_log_group", {"logGroupName": "g"}, {"tags": tags}, ["logs:CreateLogGroup", "logs:TagResource"]),
            ("cloudwatch", "put_metric_alarm", alarm, {"Tags": pair}, ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"]),
            ("sns", "create_topic", {"Name": "t"}, {"Tags": pair}, ["sns:CreateTopic", "sns:TagResource"]),
            ("events", "put_rule", {"Name": "r", "EventPattern": pattern}, {"Tags": pair}, ["events:PutRule", "events:TagResource"]),
            ("ssm", "put_parameter", {"Name": "p", "Value": "v", "Type": "String"}, {"Tags": pair}, ["ssm:PutParameter", "ssm:AddTagsToResource"]),
            ("elbv2", "create_target_group", {"Name": "g"}, {"Tags": pair}, ["elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:AddTags"]),
            ("rds", "create_db_parameter_group", {"DBParameterGroupName": "g", "DBParameterGroupFamily": "postgres17", "Description": "d"}, {"Tags": pair}, ["rds:CreateDBParameterGroup", "rds:AddTagsToResource"]),
            ("eks", "create_access_entry", {"clusterName": "c", "principalArn": "x"}, {"tags": tags}, ["eks:CreateAccessEntry", "eks:TagResource"]),
            ("iam", "create_open_id_connect_provider", {"Url": "https://x.example.com"}, {"Tags": pair}, ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]),
            ("cloudwatch", "tag_resource", {"ResourceARN": "x"}, {"Tags": pair}, ["cloudwatch:TagResource"]),
        ):
            for asked, wanted in ((plain, actions[:1]), ({**plain, **tagged}, actions)):
                with self.subTest(operation + str(wanted)):
                    try:
                        getattr(self.aws(service), operation)(**asked)
                    except Exception:  # noqa: BLE001 - only what the call asks for matters here
                        pass
                    self.assertEqual(self.last(), wanted)

    def test_a_tag_that_nobody_allowed_refuses_the_create(self):
        key = self.user(allow("logs:CreateLogGroup"))
        logs = client("logs", key)
        logs.create_log_group(logGroupName="plain")
        text = self.refused("AccessDeniedException", logs.create_log_group, logGroupName="tagged", tags={"a": "b"})
        self.assertIn("logs:TagResource", text)
        self.may(allow("logs:CreateLogGroup", Condition={"StringEquals": {"aws:RequestTag/a": "b"}}), allow("logs:TagResource"))
        logs.create_log_group(logGroupName="tagged", tags={"a": "b"})
        self.refused("AccessDeniedException", logs.create_log_group, logGroupName="other", tags={"a": "c"})

    def test_policies_name_resources_of_these_services(self):
        pattern = json.dumps({"source": ["x"]})
        prefix = lambda service: f"arn:aws:{service}:{REGION}:{self.account}:"  # noqa: E731
        key = self.user(allow("*"))
        alarm = {"Namespace": "N", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "LessThanThreshold"}
        for service, operation, member, resource, asked in (
            ("logs", "create_log_group", "logGroupName", prefix("logs") + "log-group:NAME:*", {}),
            ("sns", "create_topic", "Name", prefix("sns") + "NAME", {}),
            ("events", "put_rule", "Name", prefix("events") + "rule/NAME", {"EventPattern": pattern}),
            ("cloudwatch", "put_metric_alarm", "AlarmName", prefix("cloudwatch") + "alarm:NAME", alarm),
            ("elbv2", "create_target_group", "Name", prefix("elasticloadbalancing") + "targetgroup/NAME/*", {"Protocol": "TCP", "Port": 1, "VpcId": self.vpc()}),
        ):
            with self.subTest(service):
                self.may(allow(service.replace("elbv2", "elasticloadbalancing") + ":*", resource.replace("NAME", "mine")))
                call = getattr(client(service, key), operation)
                call(**{member: "mine", **asked})
                with self.assertRaises(Exception) as caught:
                    call(**{member: "other", **asked})
                self.assertIn("AccessDenied", str(caught.exception) + "AuthorizationError")

    def test_policies_go_by_the_resources_tags(self):
        condition = {"StringEquals": {"aws:ResourceTag/env": "mine"}}
        made = {}
        for env in ("mine", "theirs"):
            pair = [{"Key": "env", "Value": env}]
            self.aws("logs").create_log_group(logGroupName=env, tags={"env": env})
            made["sns", env] = self.aws("sns").create_topic(Name=env, Tags=pair)["TopicArn"]
            self.aws("events").put_rule(Name=env, EventPattern='{"source": ["x"]}', Tags=pair)
            made["kms", env] = self.aws("kms").create_key(Tags=[{"TagKey": "env", "TagValue": env}])["KeyMetadata"]["KeyId"]
            self.iam.create_role(RoleName=env, AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}), Tags=pair)
        key = self.user(allow("*", Condition=condition))
        for service, operation, asked in (
            ("logs", "delete_log_group", lambda env: {"logGroupName": env}),
            ("sns", "delete_topic", lambda env: {"TopicArn": made["sns", env]}),
            ("events", "delete_rule", lambda env: {"Name": env}),
            ("kms", "disable_key", lambda env: {"KeyId": made["kms", env]}),
            ("iam", "delete_role", lambda env: {"RoleName": env}),
        ):
            with self.subTest(service):
                getattr(client(service, key), operation)(**asked("mine"))
                with self.assertRaises(Exception) as caught:
                    getattr(client(service, key), operation)(**asked("theirs"))
                self.assertIn("AccessDenied", str(caught.exception))

    def vpc(self):
        return self.aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    def test_passing_a_role(self):
        role = self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))["Role"]["Arn"]
        key = self.user(allow(["iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"]))
        mine = client("iam", key)
        mine.create_instance_profile(InstanceProfileName="p")
        add = lambda: mine.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")  # noqa: E731
        self.assertIn("iam:PassRole", self.refused("AccessDenied", add))
        pass_to = lambda service: allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": service}})  # noqa: E731
        self.may(allow("iam:*InstanceProfile"), pass_to("eks.amazonaws.com"))
        self.refused("AccessDenied", add)
        self.may(allow("iam:*InstanceProfile"), pass_to("ec2.amazonaws.com"))
        add()
        self.assertEqual(self.last(), ["iam:AddRoleToInstanceProfile", "iam:PassRole"])

    def test_the_first_load_balancer_asks_for_the_service_linked_role(self):
        ec2, vpc = self.aws("ec2"), self.vpc()
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        key = self.user(allow("elasticloadbalancing:*"))
        make = lambda name: client("elbv2", key).create_load_balancer(Name=name, Type="network", Scheme="internal", Subnets=[subnet])  # noqa: E731
        self.assertIn("iam:CreateServiceLinkedRole", self.refused("AccessDenied", make, name="a"))
        condition = {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}}
        self.may(allow("elasticloadbalancing:*"), allow("iam:CreateServiceLinkedRole", Condition=condition))
        make("a")
        made = [each for each in self.world("iam:role") if each["id"] == "AWSServiceRoleForElasticLoadBalancing"]
        self.assertEqual([each.get("managed") for each in made], [True])
        self.may(allow("elasticloadbalancing:*"))
        make("b")
        self.assertEqual(self.last(), ["elasticloadbalancing:CreateLoadBalancer"])

    def test_keys_and_secrets_of_clusters_and_databases(self):
        asked = {"DBInstanceIdentifier": "d", "DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "MasterUsername": "deeploy", "AllocatedStorage": 20}
        try:
            self.aws("rds").create_db_instance(**asked, ManageMasterUserPassword=True)
        except Exception:  # noqa: BLE001 - only what the call asks for matters here
            pass
        found = self.last()
        # RDS answers for the keys itself, with an error of its own.
        for action in ("rds:CreateDBInstance", "iam:CreateServiceLinkedRole", "secretsmanager:CreateSecret", "secretsmanager:TagResource"):
            self.assertIn(action, found)
        config = [{"resources": ["secrets"], "provider": {"keyArn": f"arn:aws:kms:eu-central-1:{self.account}:key/x"}}]
        try:
            self.aws("eks").create_cluster(name="c", roleArn=self.arn("role/r"), resourcesVpcConfig={"subnetIds": []}, encryptionConfig=config)
        except Exception:  # noqa: BLE001
            pass
        self.assertEqual(set(self.last()), {"eks:CreateCluster", "iam:PassRole", "iam:CreateServiceLinkedRole", "kms:DescribeKey", "kms:CreateGrant"})

    def test_a_trust_policy_is_no_policy_on_reading_the_role(self):
        role = self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))["Role"]["Arn"]
        key = self.user(allow("iam:GetRole", role))
        self.assertEqual(client("iam", key).get_role(RoleName="r")["Role"]["Arn"], role)
        self.may(allow("iam:GetRole", role + "x"))
        self.refused("AccessDenied", client("iam", key).get_role, RoleName="r")

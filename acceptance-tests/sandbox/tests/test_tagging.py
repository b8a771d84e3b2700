"""The Resource Groups Tagging API against its reference."""

import json

from .served import REGION, SandboxTest, trust

TAG = {"run": "1"}
PAIR = [{"Key": "run", "Value": "1"}]


class Tagging(SandboxTest):
    def setUp(self):
        super().setUp()
        self.tagging = self.aws("resourcegroupstaggingapi")

    def make(self):
        """Something tagged of each service; their ARNs."""
        prefix = f"{REGION}:{self.account}:"
        vpc = self.aws("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": PAIR}])["Vpc"]["VpcId"]
        self.aws("logs").create_log_group(logGroupName="/g", tags=TAG)
        topic = self.aws("sns").create_topic(Name="t", Tags=PAIR)["TopicArn"]
        rule = self.aws("events").put_rule(Name="r", EventPattern=json.dumps({"source": ["x"]}), Tags=PAIR)["RuleArn"]
        self.aws("cloudwatch").put_metric_alarm(
            AlarmName="a", Namespace="N", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
            ComparisonOperator="LessThanThreshold", Tags=PAIR,
        )  # fmt: skip
        key = self.aws("kms").create_key(Tags=[{"TagKey": "run", "TagValue": "1"}])["KeyMetadata"]["Arn"]
        secret = self.aws("secretsmanager").create_secret(Name="s", SecretString="x", Tags=PAIR)["ARN"]
        self.aws("ssm").put_parameter(Name="/p", Value="v", Type="String", Tags=PAIR)
        bucket = f"bucket-{self.account}"
        self.aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION, "Tags": PAIR})
        group = self.aws("elbv2").create_target_group(Name="g", Protocol="TCP", Port=1, VpcId=vpc, Tags=PAIR)["TargetGroups"][0]["TargetGroupArn"]
        parameters = {"DBParameterGroupName": "pg", "DBParameterGroupFamily": "postgres17", "Description": "d", "Tags": PAIR}
        self.aws("rds").create_db_parameter_group(**parameters)
        self.aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}), Tags=PAIR)
        return {
            f"arn:aws:ec2:{prefix}vpc/{vpc}", f"arn:aws:logs:{prefix}log-group:/g", topic, rule, f"arn:aws:cloudwatch:{prefix}alarm:a",
            key, secret, f"arn:aws:ssm:{prefix}parameter/p", f"arn:aws:s3:::{bucket}", group, f"arn:aws:rds:{prefix}pg:pg",
        }  # fmt: skip

    def found(self, **asked):
        reply = self.tagging.get_resources(**asked)
        return {each["ResourceARN"] for each in reply["ResourceTagMappingList"]}

    def test_what_it_finds(self):
        arns = self.make()
        self.assertEqual(self.found(TagFilters=[{"Key": "run", "Values": ["1"]}]), arns)
        self.assertEqual(self.found(TagFilters=[{"Key": "run"}]), arns)
        self.assertEqual(self.found(TagFilters=[{"Key": "run", "Values": ["2", "3"]}]), set())
        self.assertEqual(self.found(TagFilters=[{"Key": "run"}, {"Key": "other"}]), set())
        for types, part in ((["ec2:vpc"], ":ec2:"), (["rds"], ":rds:"), (["logs:log-group"], ":logs:"), (["elasticloadbalancing:targetgroup"], "targetgroup"), (["s3"], ":s3:")):
            with self.subTest(str(types)):
                self.assertEqual(self.found(ResourceTypeFilters=types), {arn for arn in arns if part in arn})
        self.assertEqual(self.found(ResourceARNList=sorted(arns)[:2]), set(sorted(arns)[:2]))
        self.assertEqual(self.tagging.get_tag_keys()["TagKeys"], ["run"])
        self.assertEqual(self.tagging.get_tag_values(Key="run")["TagValues"], ["1"])
        elsewhere = self.aws("resourcegroupstaggingapi", "us-east-1").get_resources()["ResourceTagMappingList"]
        self.assertEqual(elsewhere, [])

    def test_pages(self):
        arns, seen, token = self.make(), [], ""
        while True:
            reply = self.tagging.get_resources(ResourcesPerPage=4, PaginationToken=token)
            seen += [each["ResourceARN"] for each in reply["ResourceTagMappingList"]]
            token = reply["PaginationToken"]
            if not token:
                break
        self.assertEqual((sorted(seen), len(seen)), (sorted(arns), len(set(seen))))
        for wrong in ({"ResourcesPerPage": 101}, {"TagFilters": [{"Values": ["x"]}]}, {"ResourceARNList": ["x"], "TagFilters": [{"Key": "a"}]}):
            self.refused("InvalidParameterException", self.tagging.get_resources, **wrong)
        self.refused("PaginationTokenExpiredException", self.tagging.get_resources, PaginationToken="é")

    def test_writing(self):
        arns = self.make()
        gone = f"arn:aws:sns:{REGION}:{self.account}:gone"
        failed = self.tagging.tag_resources(ResourceARNList=[*arns, gone], Tags={"more": "x"})["FailedResourcesMap"]
        self.assertEqual({arn: each["ErrorCode"] for arn, each in failed.items()}, {gone: "InvalidParameterException"})
        self.assertEqual(self.found(TagFilters=[{"Key": "more", "Values": ["x"]}, {"Key": "run"}]), arns)
        self.assertEqual(self.aws("sns").list_tags_for_resource(ResourceArn=f"arn:aws:sns:{REGION}:{self.account}:t")["Tags"], [*PAIR, {"Key": "more", "Value": "x"}])
        self.tagging.untag_resources(ResourceARNList=sorted(arns), TagKeys=["run"])
        self.assertEqual((self.found(TagFilters=[{"Key": "run"}]), self.found(TagFilters=[{"Key": "more"}])), (set(), arns))

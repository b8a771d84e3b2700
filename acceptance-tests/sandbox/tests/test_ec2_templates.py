"""Launch templates, flow logs, settings and instance types against EC2's and VPC's user guides."""

import base64

from .networks import NetworkTest, by, tagged
from .served import SandboxTest, allow, policy, trust

DATA = {
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 50, "VolumeType": "gp3", "Encrypted": True}}],
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    "UserData": base64.b64encode(b"#!/bin/sh").decode(),
    "TagSpecifications": tagged("instance", a="b"),
}


class LaunchTemplates(SandboxTest):
    def setUp(self):
        super().setUp()
        self.ec2 = self.aws("ec2")

    def make(self, name="lt-name", **more):
        made = self.ec2.create_launch_template(**{"LaunchTemplateName": name, "LaunchTemplateData": DATA, **more})
        return made["LaunchTemplate"]["LaunchTemplateId"]

    def data(self, id, version):
        return self.ec2.describe_launch_template_versions(LaunchTemplateId=id, Versions=[version])["LaunchTemplateVersions"][0]["LaunchTemplateData"]

    def test_a_version_starts_from_another(self):
        id = self.make(TagSpecifications=tagged("launch-template", c="d"))
        self.assertEqual(self.data(id, "1"), DATA)
        made = self.ec2.create_launch_template_version(LaunchTemplateId=id, SourceVersion="1", LaunchTemplateData={"InstanceType": "m6i.large"})
        self.assertEqual((made["LaunchTemplateVersion"]["VersionNumber"], made["LaunchTemplateVersion"]["DefaultVersion"]), (2, False))
        self.assertEqual(self.data(id, "$Latest"), {**DATA, "InstanceType": "m6i.large"})
        self.ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData={"InstanceType": "t3.nano"})
        self.assertEqual(self.data(id, "3"), {"InstanceType": "t3.nano"})
        self.ec2.modify_launch_template(LaunchTemplateId=id, DefaultVersion="2")
        shown = self.ec2.describe_launch_templates(Filters=by(**{"tag:c": "d"}))["LaunchTemplates"][0]
        self.assertEqual((shown["DefaultVersionNumber"], shown["LatestVersionNumber"], shown["Tags"]), (2, 3, [{"Key": "c", "Value": "d"}]))
        gone = self.ec2.delete_launch_template_versions(LaunchTemplateId=id, Versions=["1", "2"])
        self.assertEqual([each["VersionNumber"] for each in gone["SuccessfullyDeletedLaunchTemplateVersions"]], [1])
        self.refused("InvalidLaunchTemplateId.VersionNotFound", self.data, id=id, version="1")
        self.assertEqual(self.world("ec2:launch_template")[0]["tags"], {"c": "d"})

    def test_names_and_ids(self):
        id = self.make()
        self.refused("InvalidLaunchTemplateName.AlreadyExistsException", self.make)
        self.refused("InvalidLaunchTemplateName.NotFoundException", self.ec2.describe_launch_templates, LaunchTemplateNames=["none"])
        self.refused("InvalidLaunchTemplateId.NotFound", self.ec2.describe_launch_templates, LaunchTemplateIds=["lt-0123456789abcdef0"])
        self.refused("InvalidLaunchTemplateId.Malformed", self.ec2.delete_launch_template, LaunchTemplateId="lt-x")
        self.ec2.delete_launch_template(LaunchTemplateName="lt-name")
        self.refused("InvalidLaunchTemplateId.NotFound", self.data, id=id, version="1")
        self.make()

    def test_repeated_tokens(self):
        self.assertEqual(self.make(ClientToken="t"), self.make(ClientToken="t"))
        self.refused("IdempotentParameterMismatch", self.make, name="other", ClientToken="t")
        asked = {"LaunchTemplateName": "lt-name", "LaunchTemplateData": {"InstanceType": "t3.nano"}, "ClientToken": "v"}
        numbers = [self.ec2.create_launch_template_version(**asked)["LaunchTemplateVersion"]["VersionNumber"] for _ in range(2)]
        self.assertEqual(numbers, [2, 2])


class FlowLogs(NetworkTest):
    def make(self, **more):
        asked = {
            "ResourceIds": [self.vpc], "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "/vpc/x",
            "DeliverLogsPermissionArn": self.arn("role/flow"), **more,
        }  # fmt: skip
        return self.ec2.create_flow_logs(**{name: value for name, value in asked.items() if value is not None})

    def shown(self):
        return self.ec2.describe_flow_logs(Filters=by(resource_id=self.vpc))["FlowLogs"]

    def test_one_for_a_destination(self):
        made = self.make(TagSpecifications=tagged("vpc-flow-log", a="b"), MaxAggregationInterval=60)
        found = self.shown()[0]
        self.assertEqual((found["FlowLogId"], found["MaxAggregationInterval"], found["LogGroupName"], found["Tags"]), (made["FlowLogIds"][0], 60, "/vpc/x", [{"Key": "a", "Value": "b"}]))
        self.refused("FlowLogAlreadyExists", self.make, MaxAggregationInterval=60)
        self.make(LogGroupName="/vpc/y")
        self.assertEqual(len(self.ec2.describe_flow_logs(Filters=by(**{"tag:a": "b"}))["FlowLogs"]), 1)
        self.ec2.delete_flow_logs(FlowLogIds=made["FlowLogIds"])
        gone = self.ec2.delete_flow_logs(FlowLogIds=made["FlowLogIds"])["Unsuccessful"]
        self.assertEqual(gone[0]["Error"]["Code"], "InvalidFlowLogId.NotFound")
        self.assertEqual(len(self.world("ec2:flow_log")), 1)

    def test_refused(self):
        self.refused("InvalidVpcID.NotFound", self.make, ResourceIds=["vpc-0123456789abcdef0"])
        self.refused("InvalidParameter", self.make, MaxAggregationInterval=61)
        self.refused("InvalidParameter", self.make, DeliverLogsPermissionArn=None)
        bucket = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::none/x", "LogGroupName": None}
        failed = self.make(**bucket)
        self.assertEqual((failed["FlowLogIds"], failed["Unsuccessful"][0]["ResourceId"]), ([], self.vpc))

    def test_a_repeated_token(self):
        self.assertEqual(self.make(ClientToken="t")["FlowLogIds"], self.make(ClientToken="t")["FlowLogIds"])
        self.refused("IdempotentParameterMismatch", self.make, ClientToken="t", TrafficType="REJECT")

    def test_whether_logs_arrive(self):
        iam = self.aws("iam")
        self.make()
        self.assertEqual((self.shown()[0]["DeliverLogsStatus"], self.shown()[0]["DeliverLogsErrorMessage"]), ("FAILED", "Access error"))
        source = {"StringEquals": {"aws:SourceAccount": self.account}}
        iam.create_role(RoleName="flow", AssumeRolePolicyDocument=trust({"Service": "vpc-flow-logs.amazonaws.com"}, Condition=source))
        rights = allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:*:{self.account}:log-group:/vpc/x:*")
        iam.put_role_policy(RoleName="flow", PolicyName="p", PolicyDocument=policy(rights))
        self.assertEqual(self.shown()[0]["DeliverLogsStatus"], "FAILED")  # nobody may make the group
        self.aws("logs").create_log_group(logGroupName="/vpc/x")
        self.assertEqual(self.shown()[0]["DeliverLogsStatus"], "SUCCESS")


class Settings(SandboxTest):
    def test_metadata_defaults(self):
        ec2 = self.aws("ec2")
        self.assertNotIn("HttpTokens", ec2.get_instance_metadata_defaults()["AccountLevel"])
        ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=2)
        found = ec2.get_instance_metadata_defaults()["AccountLevel"]
        self.assertEqual((found["HttpTokens"], found["HttpPutResponseHopLimit"]), ("required", 2))
        self.assertNotIn("HttpTokens", self.aws("ec2", "eu-west-1").get_instance_metadata_defaults()["AccountLevel"])
        ec2.modify_instance_metadata_defaults(HttpTokens="no-preference")
        self.assertNotIn("HttpTokens", ec2.get_instance_metadata_defaults()["AccountLevel"])
        self.refused("InvalidParameterValue", ec2.modify_instance_metadata_defaults, HttpTokens="maybe")

    def test_disks(self):
        ec2 = self.aws("ec2")
        self.assertEqual(ec2.get_ebs_default_kms_key_id()["KmsKeyId"], "alias/aws/ebs")
        ec2.enable_ebs_encryption_by_default()
        self.assertTrue(ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
        self.assertEqual([volume["encrypted"] for volume in self.world("ec2:volume")], [True])
        ec2.disable_ebs_encryption_by_default()
        self.assertFalse(ec2.create_volume(AvailabilityZone="eu-central-1a", Size=1)["Encrypted"])

    def test_instance_types(self):
        ec2 = self.aws("ec2")
        found = ec2.describe_instance_types(InstanceTypes=["m6i.large", "m7g.xlarge"])["InstanceTypes"]
        sizes = {each["InstanceType"]: (each["VCpuInfo"]["DefaultVCpus"], each["MemoryInfo"]["SizeInMiB"]) for each in found}
        self.assertEqual(sizes, {"m6i.large": (2, 8192), "m7g.xlarge": (4, 16384)})
        self.refused("InvalidInstanceType", ec2.describe_instance_types, InstanceTypes=["zz.huge"])
        offered = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=by(instance_type="m6i.lar*"))["InstanceTypeOfferings"]
        self.assertEqual(sorted(each["Location"] for each in offered), ["eu-central-1a", "eu-central-1b", "eu-central-1c"])

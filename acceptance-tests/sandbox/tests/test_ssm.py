"""Parameter Store and Session Manager against Systems Manager's API reference."""

from .eks_environment import EksTest
from .served import SandboxTest, allow, client, control, policy, trust

REMOTE_HOST = "AWS-StartPortForwardingSessionToRemoteHost"
AL2023 = "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended"


class Parameters(SandboxTest):
    def setUp(self):
        super().setUp()
        self.ssm = self.aws("ssm")

    def put(self, name="/a/b", value="v", **more):
        return self.ssm.put_parameter(Name=name, Value=value, **{"Type": "String", **more})["Version"]

    def test_versions(self):
        tags = [{"Key": "a", "Value": "b"}]
        self.assertEqual(self.put(Tags=tags), 1)
        self.refused("ParameterAlreadyExists", self.put)
        self.refused("ValidationException", self.put, Overwrite=True, Tags=tags)
        self.assertEqual(self.put(value="w", Overwrite=True), 2)
        read = lambda name: self.ssm.get_parameter(Name=name)["Parameter"]["Value"]  # noqa: E731
        self.assertEqual((read("/a/b"), read("/a/b:1")), ("w", "v"))
        self.ssm.label_parameter_version(Name="/a/b", ParameterVersion=1, Labels=["old"])
        self.assertEqual(read("/a/b:old"), "v")
        self.assertEqual([each["Name"] for each in self.ssm.get_parameters_by_path(Path="/a")["Parameters"]], ["/a/b"])
        self.assertEqual(self.ssm.get_parameters(Names=["/a/b", "/none"])["InvalidParameters"], ["/none"])
        self.assertEqual(self.world("ssm:parameter")[0]["tags"], {"a": "b"})
        self.ssm.delete_parameter(Name="/a/b")
        self.refused("ParameterNotFound", self.ssm.delete_parameter, Name="/a/b")
        self.put()
        self.assertEqual(self.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/a/b")["TagList"], [])

    def test_what_is_refused(self):
        for code, wrong in (
            ("ValidationException", {"name": "a b"}),
            ("HierarchyLevelLimitExceededException", {"name": "/a" * 16}),
            ("ValidationException", {"value": "x" * 4097}),
            ("ParameterPatternMismatchException", {"AllowedPattern": "[0-9]+"}),
            ("ValidationException", {"Tags": [{"Key": "aws:x", "Value": ""}]}),
            ("InvalidKeyId", {"Type": "SecureString", "KeyId": "alias/none"}),
        ):
            with self.subTest(str(wrong)[:60]):
                self.refused(code, self.put, **wrong)
        self.put(value="x" * 4097, Tier="Advanced")

    def test_a_secure_string_needs_its_key(self):
        kms = self.aws("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        self.put(Type="SecureString", KeyId=key)
        read = lambda ssm, **more: ssm.get_parameter(Name="/a/b", **more)["Parameter"]["Value"]  # noqa: E731
        self.assertEqual(read(self.ssm, WithDecryption=True), "v")
        self.assertNotEqual(read(self.ssm), "v")
        iam = self.aws("iam")
        iam.create_user(UserName="u")
        mine = client("ssm", iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"])
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(allow("ssm:*")))
        self.assertNotEqual(read(mine), "v")
        self.assertIn("kms:Decrypt", self.refused("AccessDeniedException", mine.get_parameter, Name="/a/b", WithDecryption=True))
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(allow("ssm:*"), allow("kms:Decrypt", key)))
        self.assertEqual(read(mine, WithDecryption=True), "v")
        kms.disable_key(KeyId=key)
        self.refused("InvalidKeyId", self.ssm.get_parameter, Name="/a/b", WithDecryption=True)

    def test_public_parameters(self):
        value = self.ssm.get_parameter(Name=AL2023 + "/image_id")["Parameter"]["Value"]
        self.assertRegex(value, "^ami-[0-9a-f]{17}$")
        self.assertEqual(self.ssm.get_parameter(Name=AL2023 + "/image_id")["Parameter"]["Value"], value)
        by_path = self.ssm.get_parameters_by_path(Path=AL2023)["Parameters"]
        self.assertIn(value, [each["Value"] for each in by_path])
        self.assertRegex(self.ssm.get_parameter(Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")["Parameter"]["Value"], "^ami-")
        self.refused("ParameterNotFound", self.ssm.get_parameter, Name=AL2023.replace("1.33", "1.99") + "/image_id")
        self.refused("ParameterNotFound", self.ssm.get_parameter, Name=AL2023.replace("2023/x86_64/standard", "2") + "/image_id")
        self.assertEqual(self.world("ssm:parameter"), [])

    def test_sessions_reach_connected_instances_only(self):
        iam, ec2 = self.aws("iam"), self.aws("ec2")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
        iam.create_instance_profile(InstanceProfileName="p")
        iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
        image = self.ssm.get_parameter(Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")["Parameter"]["Value"]
        made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "p"})["Instances"][0]["InstanceId"]
        self.refused("TargetNotConnected", self.ssm.start_session, Target=made)
        self.assertEqual(self.ssm.describe_instance_information()["InstanceInformationList"], [])
        iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
        self.assertEqual([each["InstanceId"] for each in self.ssm.describe_instance_information()["InstanceInformationList"]], [made])
        self.refused("InvalidDocument", self.ssm.start_session, Target=made, DocumentName="AWS-StartNothing")
        for wrong in ({"host": ["a;b"]}, {"host": ["db"], "portNumber": ["5432", "5433"]}, {"portNumber": ["0"]}, {"localPortNumber": ["65536"]}, {"x": ["y"]}):
            with self.subTest(str(wrong)):
                self.refused("ValidationException", self.ssm.start_session, Target=made, DocumentName=REMOTE_HOST, Parameters=wrong)
        self.refused("ValidationException", self.ssm.start_session, Target=made, Parameters={"host": ["db.example"]})
        self.assertEqual(self.ssm.describe_sessions(State="Active")["Sessions"], [])
        to = {"host": ["db.example"], "portNumber": ["5432"], "localPortNumber": ["0"]}
        session = self.ssm.start_session(Target=made, DocumentName=REMOTE_HOST, Parameters=to)
        ask = lambda token: control("session", "POST", {"session_id": session["SessionId"], "token": token})  # noqa: E731
        self.assertEqual(ask(session["TokenValue"]), {"connected": True, "host": "db.example", "port": "5432", "local_port": "0"})
        self.assertEqual(ask("another"), {"connected": False})
        self.assertTrue(session["TokenValue"] and session["StreamUrl"])
        self.assertEqual([each["Target"] for each in self.ssm.describe_sessions(State="Active")["Sessions"]], [made])
        self.assertEqual(self.ssm.terminate_session(SessionId=session["SessionId"])["SessionId"], session["SessionId"])
        self.assertEqual(self.ssm.describe_sessions(State="Active")["Sessions"], [])
        self.assertEqual(ask(session["TokenValue"]), {"connected": False})
        self.refused("TargetNotConnected", self.ssm.start_session, Target="i-00000000000000000")


class SessionsOnNodes(EksTest):
    def test_a_node_is_connected_by_its_role(self):
        ssm = self.aws("ssm")
        self.cluster()
        self.nodegroup()
        nodes = [each["InstanceId"] for page in self.ec2.describe_instances()["Reservations"] for each in page["Instances"]]
        self.refused("TargetNotConnected", ssm.start_session, Target=nodes[0])
        self.iam.attach_role_policy(RoleName="node", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
        self.assertTrue(ssm.start_session(Target=nodes[0])["SessionId"])
        self.assertEqual({each["InstanceId"] for each in ssm.describe_instance_information()["InstanceInformationList"]}, set(nodes))

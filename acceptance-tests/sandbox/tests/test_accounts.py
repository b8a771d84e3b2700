"""Accounts are separate worlds; credentials decide; the control routes tell the truth."""

import base64
import http.client
import json
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlparse
from urllib.request import urlopen

from deeploy_sandbox.wire import HttpRequest

from .served import REGION, SandboxTest, allow, answer_counted, client, control, endpoint, policy, sandbox, trust


class Accounts(SandboxTest):
    def test_accounts_are_separate(self):
        self.aws("kms").create_key()
        other = "AKIADEEPLOY" + str(int(self.account) + 500_000_000_000)
        self.assertEqual(client("kms", other).list_keys()["Keys"], [])

    def test_bucket_names_are_one_space(self):
        location = {"LocationConstraint": REGION}
        self.aws("s3").create_bucket(Bucket=f"one-{self.account}", CreateBucketConfiguration=location)
        other = client("s3", "AKIADEEPLOY" + str(int(self.account) + 500_000_000_000))
        self.refused(
            "BucketAlreadyExists",
            other.create_bucket,
            status=409,
            Bucket=f"one-{self.account}",
            CreateBucketConfiguration=location,
        )
        self.refused("AccessDenied", other.get_bucket_tagging, status=403, Bucket=f"one-{self.account}")

    def test_wrong_credentials(self):
        denied, expired = "AKIADENIED0" + self.account, "AKIAEXPIRED" + self.account
        self.refused("AccessDeniedException", client("kms", denied).list_keys)
        self.refused("AccessDenied", client("sts", denied).get_caller_identity, status=403)
        self.refused("AccessDenied", client("s3", denied).list_buckets, status=403)
        self.refused("ExpiredToken", client("sts", expired).get_caller_identity, status=403)
        self.refused("ExpiredTokenException", client("kms", expired).list_keys)
        unknown = "AKIA" + "Z" * 16
        self.refused("InvalidClientTokenId", client("sts", unknown).get_caller_identity, status=403)
        self.refused("UnrecognizedClientException", client("kms", unknown).list_keys)
        self.refused("InvalidAccessKeyId", client("s3", unknown).list_buckets, status=403)

    def test_identity_in_each_partition(self):
        for region, partition in (("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")):
            who = self.aws("sts", region).get_caller_identity()
            self.assertEqual(who["Arn"], f"arn:{partition}:iam::{self.account}:root")
            self.assertEqual(who["Account"], self.account)
            key = self.aws("kms", region).create_key()["KeyMetadata"]["Arn"]
            self.assertTrue(key.startswith(f"arn:{partition}:kms:{region}:"), key)

    def test_a_made_key_is_its_user_until_it_goes(self):
        iam = self.aws("iam")
        iam.create_user(UserName="u", Path="/app/")
        key = iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
        sts = client("sts", key)
        self.assertEqual(sts.get_caller_identity()["Arn"], self.arn("user/app/u"))
        self.assertTrue(sts.get_caller_identity()["UserId"].startswith("AIDA"))
        used = iam.get_access_key_last_used(AccessKeyId=key)
        self.assertEqual((used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]), ("u", "sts"))
        iam.update_access_key(UserName="u", AccessKeyId=key, Status="Inactive")
        self.refused("InvalidClientTokenId", sts.get_caller_identity, status=403)
        iam.update_access_key(UserName="u", AccessKeyId=key, Status="Active")
        sts.get_caller_identity()
        iam.delete_access_key(UserName="u", AccessKeyId=key)
        self.refused("InvalidClientTokenId", sts.get_caller_identity, status=403)

    def test_a_made_key_may_do_what_its_policies_allow(self):
        s3, iam = self.aws("s3"), self.aws("iam")
        for name in (f"mine-{self.account}", f"other-{self.account}"):
            s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_object(Bucket=name, Key="k", Body=b"x")
        iam.create_user(UserName="u")
        arn = f"arn:aws:s3:::mine-{self.account}"
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(allow(["s3:GetObject", "s3:ListBucket"], [arn, arn + "/*"])))
        theirs = client("s3", iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"])
        self.assertEqual(theirs.get_object(Bucket=f"mine-{self.account}", Key="k")["Body"].read(), b"x")
        theirs.list_objects_v2(Bucket=f"mine-{self.account}")
        theirs.head_bucket(Bucket=f"mine-{self.account}")
        self.refused("AccessDenied", theirs.put_object, status=403, Bucket=f"mine-{self.account}", Key="k", Body=b"y")
        self.refused("AccessDenied", theirs.get_object, status=403, Bucket=f"other-{self.account}", Key="k")
        self.refused("403", theirs.head_bucket, status=403, Bucket=f"other-{self.account}")
        self.refused("AccessDenied", theirs.list_buckets, status=403)

    def test_a_customer_key_must_admit_the_reader_of_its_bucket(self):
        s3, iam, kms = self.aws("s3"), self.aws("iam"), self.aws("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        bucket = f"kms-{self.account}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        iam.create_user(UserName="u")
        only_s3, with_key = allow("s3:*"), allow("kms:Decrypt", key)
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(only_s3))
        theirs = client("s3", iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"])
        self.refused("AccessDenied", theirs.get_object, Bucket=bucket, Key="k")
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy(only_s3, with_key))
        self.assertEqual(theirs.get_object(Bucket=bucket, Key="k")["Body"].read(), b"x")

    def test_nobody_in_particular(self):
        bucket = f"anon-{self.account}"
        s3 = self.aws("s3")
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        for path in (f"/{bucket}/k", f"/{bucket}", "/"):
            with self.assertRaises(HTTPError) as caught:
                urlopen(endpoint() + path, timeout=10)
            self.assertEqual(caught.exception.code, 403)
            caught.exception.close()
        s3.delete_public_access_block(Bucket=bucket)
        s3.put_bucket_policy(Bucket=bucket, Policy=policy({**allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": "*"}))
        with urlopen(f"{endpoint()}/{bucket}/k", timeout=10) as reply:
            self.assertEqual(reply.read(), b"x")

    def test_bodies_as_newer_sdks_send_them(self):
        """aws-chunked with a trailing checksum, transfer-encoding chunked, and x-id in the query."""
        bucket = f"chunks-{self.account}"
        self.aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        authorization = f"AWS4-HMAC-SHA256 Credential={self.key}/20260101/{REGION}/s3/aws4_request, SignedHeaders=host, Signature=x"
        checksum = base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big")).decode()
        framed = f"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n".encode()
        headers = {
            "Authorization": authorization,
            "Content-Encoding": "aws-chunked",
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": "5",
            "x-amz-trailer": "x-amz-checksum-crc32",
        }
        connection = http.client.HTTPConnection(urlparse(endpoint()).netloc)
        connection.request("PUT", f"/{bucket}/k?x-id=PutObject", framed, headers)
        self.assertEqual(connection.getresponse().read(), b"")
        connection.request("PUT", f"/{bucket}/l?x-id=PutObject", iter([framed[:4], framed[4:]]), headers, encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        for key in ("k", "l"):
            self.assertEqual(self.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read(), b"hello")
        self.assertEqual([call["operation"] for call in self.calls()][1:3], ["PutObject", "PutObject"])

    def test_many_at_once(self):
        def work(n: int) -> str:
            kms = self.aws("kms")
            key = kms.create_key(Description=str(n))["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=f"alias/{n}", TargetKeyId=key)
            try:
                kms.create_alias(AliasName="alias/only-one", TargetKeyId=key)
            except kms.exceptions.AlreadyExistsException:
                return "lost"
            return "won"

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(work, range(16)))
        self.assertEqual(results.count("won"), 1)
        self.assertEqual((len(self.world("kms:key")), len(self.world("kms:alias"))), (16, 17))
        self.assertEqual(sorted(call["n"] for call in self.calls()), list(range(1, 49)))

    def test_a_call_is_quick(self):
        """A describe takes about a millisecond, which is some thousand functions, however much there is."""
        def describe(service, target, body):
            headers = {
                "host": "127.0.0.1",
                "authorization": f"AWS4-HMAC-SHA256 Credential={self.key}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=none",
                "content-type": "application/x-amz-json-1.1" if target else "application/x-www-form-urlencoded",
                **({"x-amz-target": target} if target else {}),
            }
            request = HttpRequest("POST", "/", "", headers, body.encode())
            sandbox().handle(request)
            reply, count = answer_counted(request)
            self.assertEqual(reply.status, 200, reply.body)
            return count

        key = self.aws("kms").create_key()["KeyMetadata"]["KeyId"]
        vpc = self.aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        calls = (("kms", "TrentService.DescribeKey", json.dumps({"KeyId": key})), ("ec2", "", f"Action=DescribeVpcs&Version=2016-11-15&VpcId.1={vpc}"))
        first = [describe(*each) for each in calls]
        control(f"settings?account={self.account}", "POST", {"quotas": {"vpcs": 100}})
        for number in range(20):
            self.aws("kms").create_key()
            self.aws("ec2").create_vpc(CidrBlock=f"10.{number}.0.0/16")
        later = [describe(*each) for each in calls]
        self.assertLess(max(first), 5000)
        self.assertLess(max(b / a for a, b in zip(first, later)), 1.5, (first, later))

    def test_latency_for_benchmarks(self):
        control("settings", "POST", {"latency_ms": 60})
        self.addCleanup(control, "settings", "POST", {"latency_ms": 0})
        started = time.perf_counter()
        self.aws("kms").list_keys()
        self.assertGreater(time.perf_counter() - started, 0.06)

    def test_calls_are_numbered(self):
        kms = self.aws("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.describe_key(KeyId=key)
        kms.encrypt(KeyId=key, Plaintext=b"x")
        kms.create_alias(AliasName="alias/a", TargetKeyId=key)
        self.refused("NotFoundException", kms.describe_key, KeyId="alias/none")
        token = "t" * 32
        self.aws("secretsmanager").create_secret(Name="n", SecretString="x", ClientRequestToken=token)
        calls = self.calls()
        self.assertEqual([call["n"] for call in calls], [1, 2, 3, 4, 5, 6])
        self.assertEqual([call.get("m") for call in calls], [1, None, None, 2, None, 3])
        self.assertEqual([call["mutating"] for call in calls], [True, False, False, True, False, True])
        self.assertEqual((calls[4]["status"], calls[4]["error"]), (400, "NotFoundException"))
        self.assertEqual((calls[3]["service"], calls[3]["operation"], calls[3]["resource"]), ("kms", "CreateAlias", "alias/a"))
        self.assertEqual((calls[5]["token"], calls[5]["actions"]), (token, ["secretsmanager:CreateSecret"]))

    def test_s3_calls_are_named_by_their_operation(self):
        s3, bucket = self.aws("s3"), f"named-{self.account}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.head_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="a/b", Body=b"x")
        s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/a/b")
        s3.get_object(Bucket=bucket, Key="a/b")
        s3.get_bucket_encryption(Bucket=bucket)
        s3.list_objects_v2(Bucket=bucket)
        s3.list_object_versions(Bucket=bucket)
        upload = s3.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
        s3.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=b"x")
        s3.abort_multipart_upload(Bucket=bucket, Key="m", UploadId=upload)
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a/b"}, {"Key": "c"}]})
        s3.delete_bucket(Bucket=bucket)
        names = "CreateBucket HeadBucket PutObject CopyObject GetObject GetBucketEncryption ListObjectsV2 ListObjectVersions"
        names += " CreateMultipartUpload UploadPart AbortMultipartUpload DeleteObjects DeleteBucket"
        self.assertEqual([call["operation"] for call in self.calls()], names.split())
        self.assertEqual([call["status"] for call in self.calls() if call["status"] > 204], [])

    def test_the_world_holds_what_other_services_made(self):
        ec2, tags = self.aws("ec2"), [{"Key": "a", "Value": "b"}]
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])["Vpc"]["VpcId"]
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=REGION + "ab"[n])["Subnet"]["SubnetId"] for n in range(2)]
        ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)
        ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")
        rds = self.aws("rds")
        rds.create_db_subnet_group(DBSubnetGroupName="s", DBSubnetGroupDescription="d", SubnetIds=subnets)
        rds.create_db_instance(DBInstanceIdentifier="d", Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20, MasterUsername="u", MasterUserPassword="password1")
        role = self.aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "eks.amazonaws.com"}))["Role"]["Arn"]
        self.aws("iam").attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
        self.aws("eks").create_cluster(name="c", roleArn=role, resourcesVpcConfig={"subnetIds": subnets}, tags={"a": "b"})
        self.aws("ssm").put_parameter(Name="/deeploy/x", Value="1", Type="String", Tags=tags)
        found = {each["type"]: each for each in self.world()}
        expected = "ec2:vpc ec2:subnet ec2:route_table ec2:security_group ec2:internet_gateway ec2:elastic_ip ec2:nat_gateway ec2:vpc_endpoint"
        expected += " rds:subnet_group rds:db eks:cluster ssm:parameter iam:role"
        self.assertEqual(set(expected.split()) - set(found), set())
        for kind in ("ec2:vpc", "eks:cluster", "ssm:parameter"):
            self.assertEqual(found[kind]["tags"], {"a": "b"}, kind)
        self.assertEqual(found["ec2:vpc"]["id"], vpc)

    def test_what_nobody_implements_is_a_typed_error(self):
        self.refused("NotImplementedBySandbox", self.aws("elbv2").describe_trust_stores, status=400)
        self.refused("NotImplementedBySandbox", self.aws("kms").derive_shared_secret, status=400)
        self.refused("NotImplementedBySandbox", self.aws("sts").get_session_token, status=400)
        found = control(f"unsupported?account={self.account}")
        self.assertEqual([each["operation"] for each in found], ["DescribeTrustStores", "DeriveSharedSecret", "GetSessionToken"])

    def test_reset_clears_one_account_quickly(self):
        self.aws("kms").create_key()
        self.aws("s3").create_bucket(Bucket=f"r-{self.account}", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.aws("iam").create_user(UserName="u")
        other = "AKIADEEPLOY" + str(int(self.account) + 500_000_000_000)
        client("kms", other).create_key()
        reply, count = answer_counted(HttpRequest("POST", "/sandbox/reset", f"account={self.account}", {}, b""))
        self.assertEqual(reply.status, 200)
        self.assertLess(count, 10_000)
        self.assertEqual((self.world(), self.calls()), ([], []))
        self.assertEqual(len(client("kms", other).list_keys()["Keys"]), 1)
        client("s3", other).create_bucket(Bucket=f"r-{self.account}", CreateBucketConfiguration={"LocationConstraint": REGION})

    def test_connections_stay_open(self):
        connection = http.client.HTTPConnection(urlparse(endpoint()).netloc)
        for _ in range(3):
            connection.request("GET", "/sandbox/health")
            self.assertEqual(json.load(connection.getresponse()), {"ok": True})
            socket = connection.sock
            self.assertIsNotNone(socket)
        connection.close()

    def test_the_process_announces_itself_and_ends_with_stdin(self):
        root = Path(__file__).resolve().parent.parent
        command = [sys.executable, "-m", "deeploy_sandbox", "--port", "0", "--exit-with-stdin"]
        with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            ready = json.loads(process.stdout.readline())
            self.assertEqual(ready["pid"], process.pid)
            self.assertTrue(ready["endpoint"].startswith("http://127.0.0.1:"))
            process.stdin.close()
            self.assertEqual(process.wait(60), 0)
            self.assertEqual(process.stdout.read(), b"")

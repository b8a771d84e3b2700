"""IAM's OIDC providers, service-linked roles and AWS's managed policies, against IAM's API reference."""

from .served import SandboxTest, client, trust

POLICIES = (
    "AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy",
    "service-role/AmazonEBSCSIDriverPolicy", "AmazonEBSCSIDriverPolicyV2", "CloudWatchAgentServerPolicy",
    "service-role/AmazonRDSEnhancedMonitoringRole", "AmazonSSMManagedInstanceCore", "AWSMarketplaceMeteringFullAccess",
)  # fmt: skip
URL = "https://oidc.eks.eu-central-1.amazonaws.com/id/ABCDEF0123456789"


class Providers(SandboxTest):
    def setUp(self):
        super().setUp()
        self.iam = self.aws("iam")

    def test_an_oidc_provider(self):
        arn = self.iam.create_open_id_connect_provider(Url=URL, ClientIDList=["sts.amazonaws.com"], Tags=[{"Key": "a", "Value": "b"}])["OpenIDConnectProviderArn"]
        self.assertEqual(arn, self.arn("oidc-provider/" + URL.removeprefix("https://")))
        found = self.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.assertEqual((found["Url"], found["ClientIDList"]), (URL.removeprefix("https://"), ["sts.amazonaws.com"]))
        # IAM looks the thumbprint up itself.
        self.assertRegex(found["ThumbprintList"][0], "^[0-9a-f]{40}$")
        text = self.refused("EntityAlreadyExists", self.iam.create_open_id_connect_provider, 409, Url=URL, ClientIDList=["sts.amazonaws.com"])
        self.assertEqual(text, f"Provider with url {URL} already exists.")
        for wrong in ("oidc.example.com", "http://oidc.example.com"):
            self.refused("ValidationError", self.iam.create_open_id_connect_provider, 400, Url=wrong)
        self.assertEqual([each["tags"] for each in self.world("iam:oidc_provider")], [{"a": "b"}])
        for _ in range(2):
            self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.refused("NoSuchEntity", self.iam.get_open_id_connect_provider, 404, OpenIDConnectProviderArn=arn)

    def test_clients_come_and_go(self):
        arn = self.iam.create_open_id_connect_provider(Url=URL, ClientIDList=["sts.amazonaws.com"])["OpenIDConnectProviderArn"]
        add, remove = self.iam.add_client_id_to_open_id_connect_provider, self.iam.remove_client_id_from_open_id_connect_provider
        for _ in range(2):
            add(OpenIDConnectProviderArn=arn, ClientID="another")
        clients = lambda: self.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
        self.assertEqual(clients(), ["sts.amazonaws.com", "another"])
        for _ in range(2):
            remove(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
        self.assertEqual(clients(), ["another"])
        for number in range(99):
            add(OpenIDConnectProviderArn=arn, ClientID=f"c{number}")
        self.refused("LimitExceeded", add, 409, OpenIDConnectProviderArn=arn, ClientID="one-more")
        for call in (add, remove):
            self.refused("NoSuchEntity", call, 404, OpenIDConnectProviderArn=arn + "X", ClientID="c")

    def test_service_linked_roles(self):
        for service, name in (
            ("eks", "AWSServiceRoleForAmazonEKS"),
            ("eks-nodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
            ("rds", "AWSServiceRoleForRDS"),
            ("autoscaling", "AWSServiceRoleForAutoScaling"),
            ("elasticloadbalancing", "AWSServiceRoleForElasticLoadBalancing"),
            ("spot", "AWSServiceRoleForEC2Spot"),
        ):
            with self.subTest(service):
                principal = service + ".amazonaws.com"
                made = self.iam.create_service_linked_role(AWSServiceName=principal)["Role"]
                self.assertEqual((made["RoleName"], made["Path"]), (name, f"/aws-service-role/{principal}/"))
                self.assertEqual(made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"], {"Service": principal})
                self.assertEqual(self.iam.get_role(RoleName=name)["Role"]["Arn"], made["Arn"])
                text = self.refused("InvalidInput", self.iam.create_service_linked_role, 400, AWSServiceName=principal)
                self.assertIn("has been taken in this account", text)
                self.refused("UnmodifiableEntity", self.iam.delete_role, RoleName=name)
                self.assertTrue(self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"])
        self.refused("InvalidInput", self.iam.create_service_linked_role, AWSServiceName="eks.amazonaws.com", CustomSuffix="x")
        self.assertEqual({each.get("managed") for each in self.world("iam:role") + self.world("iam:role_policy_attachment")}, {True})
        task = self.iam.delete_service_linked_role(RoleName="AWSServiceRoleForRDS")["DeletionTaskId"]
        self.assertEqual(self.iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"], "SUCCEEDED")
        self.refused("NoSuchEntity", self.iam.delete_service_linked_role, 404, RoleName="AWSServiceRoleForRDS")

    def test_managed_policies_of_each_partition(self):
        for partition, region in (("aws", "eu-central-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")):
            with self.subTest(partition):
                iam = client("iam", self.key, region)
                iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
                arns = [f"arn:{partition}:iam::aws:policy/{name}" for name in POLICIES]
                for arn in arns:
                    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
                self.assertEqual({each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]}, set(arns))
                wrong = "arn:aws-cn:iam::aws:policy/AmazonEKSClusterPolicy" if partition == "aws" else "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
                self.refused("NoSuchEntity", iam.attach_role_policy, 404, RoleName="r", PolicyArn=wrong)
                for arn in arns:
                    iam.detach_role_policy(RoleName="r", PolicyArn=arn)
                iam.delete_role(RoleName="r")
                version = iam.get_policy_version(PolicyArn=arns[4], VersionId=iam.get_policy(PolicyArn=arns[4])["Policy"]["DefaultVersionId"])
                if partition != "aws":
                    self.assertNotIn("arn:aws:", str(version["PolicyVersion"]["Document"]))

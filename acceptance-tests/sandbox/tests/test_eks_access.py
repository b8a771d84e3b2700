"""Access entries and pod identity against the EKS user guide and API reference."""

from .eks_environment import EksTest
from .served import client, control, policy, trust

ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


class AccessEntries(EksTest):
    def setUp(self):
        super().setUp()
        self.admin = self.role("admin", "ec2.amazonaws.com")

    def make(self, principal, **more):
        return self.eks.create_access_entry(clusterName="c", principalArn=principal, **more)["accessEntry"]

    def shown(self, principal):
        return self.eks.describe_access_entry(clusterName="c", principalArn=principal)["accessEntry"]

    def test_an_entry(self):
        self.cluster()
        made = self.make(self.admin, kubernetesGroups=["g"], tags={"a": "b"})
        self.assertEqual((made["type"], made["kubernetesGroups"], made["tags"]), ("STANDARD", ["g"], {"a": "b"}))
        self.assertEqual(made["username"], f"arn:aws:sts::{self.account}:assumed-role/admin/{{{{SessionName}}}}")
        self.assertIn(f":access-entry/c/role/{self.account}/admin/", made["accessEntryArn"])
        self.error("ResourceInUseException", self.make, "already in use", principal=self.admin)
        update = {"clusterName": "c", "principalArn": self.admin}
        self.eks.update_access_entry(**update, kubernetesGroups=["h"], username="u")
        self.assertEqual((self.shown(self.admin)["kubernetesGroups"], self.shown(self.admin)["username"]), (["h"], "u"))
        self.error("InvalidParameterException", self.eks.update_access_entry, "system:", **update, kubernetesGroups=["system:masters"])
        self.assertEqual(next(each for each in self.world("eks:access_entry") if "role" in each["id"])["tags"], {"a": "b"})
        self.eks.delete_access_entry(**update)
        self.error("ResourceNotFoundException", self.shown, "The specified principalArn could not be found", principal=self.admin)

    def test_principals_must_exist(self):
        self.cluster()
        for principal in (self.arn("role/none"), self.arn("user/none"), "x", self.admin.replace("role/", "role/path/")):
            self.error("InvalidParameterException", self.make, "The specified principalArn is invalid: invalid principal.", principal=principal)
        self.faults({"on": {"operation": "iam:CreateRole"}, "hide_s": 60})
        late = self.role("late", "ec2.amazonaws.com")
        self.error("InvalidParameterException", self.make, "invalid principal", principal=late)

    def test_the_creators_entry(self):
        self.cluster()
        root = self.arn("root")
        self.assertEqual(self.eks.list_access_entries(clusterName="c")["accessEntries"], [root])
        held = self.eks.list_associated_access_policies(clusterName="c", principalArn=root)["associatedAccessPolicies"]
        self.assertEqual(held[0]["policyArn"], ADMIN)
        self.cluster("d", accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False})
        self.assertEqual(self.eks.list_access_entries(clusterName="d")["accessEntries"], [])

    def test_a_session_is_the_role_behind_it(self):
        self.iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=trust({"AWS": self.arn("user/u")}) if self.iam.create_user(UserName="u") else "")
        self.iam.attach_role_policy(RoleName="deployer", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        self.iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}))
        key = self.iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
        session = client("sts", key).assume_role(RoleArn=self.arn("role/deployer"), RoleSessionName="session")["Credentials"]
        client("eks", session["AccessKeyId"], token=session["SessionToken"]).create_cluster(**self.cluster_request())
        self.assertEqual(self.eks.list_access_entries(clusterName="c")["accessEntries"], [self.arn("role/deployer")])

    def test_policies(self):
        self.cluster()
        self.make(self.admin)
        entry = {"clusterName": "c", "principalArn": self.admin}
        associate, bad = self.eks.associate_access_policy, "InvalidParameterException"
        made = associate(**entry, policyArn=ADMIN, accessScope={"type": "cluster"})
        self.assertEqual(made["associatedAccessPolicy"]["policyArn"], ADMIN)
        associate(**entry, policyArn=VIEW, accessScope={"type": "namespace", "namespaces": ["n"]})
        associate(**entry, policyArn=VIEW, accessScope={"type": "namespace", "namespaces": ["m"]})
        held = self.eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]
        self.assertEqual([(each["policyArn"], each["accessScope"].get("namespaces")) for each in held], [(ADMIN, []), (VIEW, ["m"])])
        self.assertEqual(self.eks.list_access_entries(clusterName="c", associatedPolicyArn=VIEW)["accessEntries"], [self.admin])
        self.error(bad, associate, "policyArn is invalid", **entry, policyArn=ADMIN + "x", accessScope={"type": "cluster"})
        self.error(bad, associate, "accessScope", **entry, policyArn=VIEW, accessScope={"type": "namespace"})
        self.eks.disassociate_access_policy(**entry, policyArn=VIEW)
        self.error("ResourceNotFoundException", self.eks.disassociate_access_policy, **entry, policyArn=VIEW)
        self.assertIn(ADMIN, {each["arn"] for each in self.eks.list_access_policies()["accessPolicies"]})

    def test_nodes_entries_are_not_for_people(self):
        self.cluster()
        node = self.role("node", "ec2.amazonaws.com")
        self.make(node, type="EC2_LINUX")
        self.error("InvalidParameterException", self.eks.update_access_entry, "type of STANDARD", clusterName="c", principalArn=node, kubernetesGroups=["g"])
        self.error("InvalidRequestException", self.eks.associate_access_policy, clusterName="c", principalArn=node, policyArn=VIEW, accessScope={"type": "cluster"})
        self.error("InvalidParameterException", self.make, "STANDARD", principal=self.admin, type="EC2_LINUX", kubernetesGroups=["g"])

    def test_the_authentication_mode_must_allow_entries(self):
        self.cluster(accessConfig={"authenticationMode": "CONFIG_MAP"})
        self.error("InvalidRequestException", self.make, "must be set to one of [API, API_AND_CONFIG_MAP]", principal=self.admin)
        self.error("InvalidRequestException", self.eks.list_access_entries, clusterName="c")
        self.eks.update_cluster_config(name="c", accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
        self.make(self.admin)


class PodIdentity(EksTest):
    def make(self, role, namespace="ns", account="sa", **more):
        return self.eks.create_pod_identity_association(clusterName="c", namespace=namespace, serviceAccount=account, roleArn=role, **more)["association"]

    def pod(self, namespace="ns", account="sa", **more):
        asked = {"account": self.account, "region": "eu-central-1", "cluster": "c", "namespace": namespace, "service_account": account, **more}
        return control("pod-identity", "POST", asked)

    def test_an_association(self):
        self.cluster()
        role, other = self.pod_role("r"), self.pod_role("o")
        made = self.make(role, tags={"a": "b"})
        self.assertRegex(made["associationId"], r"^a-[a-z0-9]{17}$")
        self.assertTrue(made["associationArn"].endswith(f":podidentityassociation/c/{made['associationId']}"))
        asked = {"clusterName": "c", "associationId": made["associationId"]}
        self.error("ResourceInUseException", self.make, "Association already exists", role=other)
        self.eks.update_pod_identity_association(**asked, roleArn=other)
        self.assertEqual(self.eks.describe_pod_identity_association(**asked)["association"]["roleArn"], other)
        self.make(role, account="other")
        found = self.eks.list_pod_identity_associations(clusterName="c", namespace="ns", serviceAccount="sa")["associations"]
        self.assertEqual([each["associationId"] for each in found], [made["associationId"]])
        self.assertEqual(self.world("eks:pod_identity_association")[0]["tags"], {"a": "b"})
        self.eks.delete_pod_identity_association(**asked)
        self.error("ResourceNotFoundException", self.eks.describe_pod_identity_association, **asked)
        self.eks.delete_cluster(name="c")
        self.eks.list_clusters()
        self.assertEqual(self.world("eks:pod_identity_association"), [])

    def test_roles_that_do_not_fit(self):
        self.cluster()
        self.error("InvalidParameterException", self.make, "Role provided in the request does not exist", role=self.arn("role/none"))
        untagged = self.role("untagged", "pods.eks.amazonaws.com")
        for role in (untagged, self.role("ec2", "ec2.amazonaws.com", action=["sts:AssumeRole", "sts:TagSession"])):
            self.error("InvalidParameterException", self.make, "Trust policy", role=role)
        id = self.make(self.pod_role("r"))["associationId"]
        update = self.eks.update_pod_identity_association
        self.error("InvalidParameterException", update, "does not exist", clusterName="c", associationId=id, roleArn=self.arn("role/none"))

    def test_whether_a_pod_gets_credentials(self):
        arn = self.cluster()["arn"]
        self.assertIsNone(self.pod()["role_arn"])
        condition = {"StringEquals": {"aws:SourceAccount": self.account}, "ArnEquals": {"aws:SourceArn": arn}}
        document = trust({"Service": "pods.eks.amazonaws.com"}, ["sts:AssumeRole", "sts:TagSession"], Condition=condition)
        role = self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        self.make(role)
        self.assertIn("agent", self.pod()["why"])
        self.eks.create_addon(clusterName="c", addonName="eks-pod-identity-agent")
        self.assertEqual(self.pod()["role_arn"], role)
        self.assertIsNone(self.pod(account="other")["role_arn"])
        self.iam.update_assume_role_policy(RoleName="r", PolicyDocument=document.replace("cluster/c", "cluster/d"))
        self.assertIn("trust policy", self.pod()["why"])
        tagged = {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "ns"}}
        self.iam.update_assume_role_policy(RoleName="r", PolicyDocument=trust({"Service": "pods.eks.amazonaws.com"}, ["sts:AssumeRole", "sts:TagSession"], Condition=tagged))
        self.assertEqual(self.pod()["role_arn"], role)

    def test_the_same_by_an_annotation(self):
        issuer = self.cluster()["identity"]["oidc"]["issuer"]
        host = issuer.removeprefix("https://")
        provider = self.arn(f"oidc-provider/{host}")
        condition = {"StringEquals": {f"{host}:sub": "system:serviceaccount:ns:sa", f"{host}:aud": "sts.amazonaws.com"}}
        document = trust({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=condition)
        role = self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        self.assertIn("OIDC provider", self.pod(annotated_role=role)["why"])
        self.iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40])
        self.assertEqual(self.pod(annotated_role=role)["role_arn"], role)
        self.assertIsNone(self.pod(account="other", annotated_role=role)["role_arn"])

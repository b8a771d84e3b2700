"""Add-ons of EKS against the user guide and the API reference."""

import json

from .eks_environment import EksTest


class Catalogue(EksTest):
    def test_versions_of_a_kubernetes_version(self):
        found = {each["addonName"]: each for each in self.eks.describe_addon_versions(kubernetesVersion="1.34")["addons"]}
        wanted = {"vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "aws-ebs-csi-driver", "metrics-server", "amazon-cloudwatch-observability", "cert-manager"}
        self.assertLessEqual(wanted, set(found))
        for name, offered in found.items():
            defaults = [each["addonVersion"] for each in offered["addonVersions"] if each["compatibilities"][0]["defaultVersion"]]
            self.assertEqual(len(defaults), 1, name)
            self.assertEqual({each["compatibilities"][0]["clusterVersion"] for each in offered["addonVersions"]}, {"1.34"}, name)
        self.assertTrue(found["vpc-cni"]["addonVersions"][0]["requiresIamPermissions"])
        self.assertFalse(found["kube-proxy"]["addonVersions"][0]["requiresIamPermissions"])
        self.assertEqual((found["metrics-server"]["owner"], found["amazon-cloudwatch-observability"]["defaultNamespace"]), ("community", "amazon-cloudwatch"))

    def test_versions_of_one_add_on(self):
        [offered] = self.eks.describe_addon_versions(addonName="kube-proxy")["addons"]
        self.assertEqual({each["compatibilities"][0]["clusterVersion"] for each in offered["addonVersions"]}, {"1.30", "1.31", "1.32", "1.33", "1.34", "1.35"})
        self.assertEqual({each["owner"] for each in self.eks.describe_addon_versions(owners=["community"])["addons"]}, {"community"})
        self.assertEqual({each["type"] for each in self.eks.describe_addon_versions(types=["storage"])["addons"]}, {"storage"})

    def test_configuration(self):
        found = self.eks.describe_addon_configuration(addonName="vpc-cni", addonVersion="v1.20.5-eksbuild.1")
        self.assertIn("env", json.loads(found["configurationSchema"])["properties"])
        self.assertEqual(found["podIdentityConfiguration"][0]["serviceAccount"], "aws-node")
        self.error("ResourceNotFoundException", self.eks.describe_addon_configuration, addonName="vpc-cni", addonVersion="v9")


class Addons(EksTest):
    def make(self, name, **more):
        return self.eks.create_addon(clusterName="c", addonName=name, **more)["addon"]

    def shown(self, name):
        return self.eks.describe_addon(clusterName="c", addonName=name)["addon"]

    def update(self, name, **more):
        return self.eks.update_addon(clusterName="c", addonName=name, **more)["update"]

    def test_an_add_on_has_what_it_was_made_with(self):
        self.cluster(bootstrapSelfManagedAddons=False)
        role = self.role("irsa", "ec2.amazonaws.com")
        made = self.make("vpc-cni", addonVersion="v1.20.5-eksbuild.1", serviceAccountRoleArn=role, configurationValues='{"env":{}}', tags={"a": "b"})
        self.assertEqual(made["status"], "CREATING")
        found = self.shown("vpc-cni")
        self.assertEqual((found["status"], found["health"]["issues"], found["tags"]), ("ACTIVE", [], {"a": "b"}))
        self.assertEqual((found["addonVersion"], found["serviceAccountRoleArn"], found["configurationValues"]), ("v1.20.5-eksbuild.1", role, '{"env":{}}'))
        self.assertEqual((self.eks.list_addons(clusterName="c")["addons"], self.world("eks:addon")[0]["tags"]), (["vpc-cni"], {"a": "b"}))
        self.assertEqual(self.make("kube-proxy")["addonVersion"], "v1.34.1-eksbuild.2")

    def test_requests_that_do_not_fit(self):
        self.cluster()
        bad = "InvalidParameterException"
        self.error(bad, self.make, "Addon nope specified is not supported", name="nope")
        self.error(bad, self.make, "Addon version specified is not supported", name="kube-proxy", addonVersion="v1.33.5-eksbuild.2")
        self.error(bad, self.make, "ConfigurationValue provided in request is not supported", name="coredns", configurationValues='{"a"')
        self.error(bad, self.make, "does not exist", name="coredns", serviceAccountRoleArn=self.arn("role/none"))
        self.make("coredns", configurationValues="replicaCount: 2", resolveConflicts="OVERWRITE")
        self.error("ResourceInUseException", self.make, "Addon already exists", name="coredns")
        self.error("ResourceNotFoundException", self.shown, "No addon: kube-proxy found in cluster: c", name="kube-proxy")

    def test_pods_need_a_node(self):
        self.cluster()
        self.make("coredns")
        self.make("kube-proxy")
        found = self.shown("coredns")
        self.assertEqual((found["status"], found["health"]["issues"][0]["code"], self.shown("kube-proxy")["status"]), ("DEGRADED", "InsufficientNumberOfReplicas", "ACTIVE"))
        self.nodegroup()
        self.assertEqual((self.shown("coredns")["status"], self.shown("coredns")["health"]["issues"]), ("ACTIVE", []))
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")
        self.assertEqual(self.shown("coredns")["status"], "DEGRADED")

    def test_the_ebs_driver_needs_its_rights(self):
        self.cluster()
        self.nodegroup()
        self.make("aws-ebs-csi-driver")
        self.assertEqual(self.shown("aws-ebs-csi-driver")["status"], "DEGRADED")
        self.make("eks-pod-identity-agent")
        role = self.pod_role("ebs", "service-role/AmazonEBSCSIDriverPolicy")
        self.update("aws-ebs-csi-driver", podIdentityAssociations=[{"serviceAccount": "ebs-csi-controller-sa", "roleArn": role}])
        self.assertEqual(self.shown("aws-ebs-csi-driver")["status"], "ACTIVE")

    def test_container_insights_makes_its_log_groups_and_leaves_them(self):
        self.cluster()
        self.nodegroup()
        names = [f"/aws/containerinsights/c/{kind}" for kind in ("application", "dataplane", "host", "performance")]
        logs, name = self.aws("logs"), "amazon-cloudwatch-observability"

        def groups():
            found = logs.describe_log_groups(logGroupNamePrefix="/aws/containerinsights/")["logGroups"]
            return [(each["logGroupName"], each.get("retentionInDays"), each.get("kmsKeyId")) for each in found]

        self.make(name)
        self.assertEqual((self.shown(name)["status"], groups()), ("ACTIVE", []))
        self.iam.attach_role_policy(RoleName="node", PolicyArn="arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy")
        self.assertEqual(groups(), [(each, None, None) for each in names])
        logs.delete_log_group(logGroupName=names[0])
        self.assertEqual(len(groups()), 4)
        self.eks.delete_addon(clusterName="c", addonName=name)
        self.assertEqual((self.eks.list_addons(clusterName="c")["addons"], len(groups())), ([], 4))
        logs.delete_log_group(logGroupName=names[0])
        self.assertEqual(len(groups()), 3)

    def test_an_add_on_owns_its_associations(self):
        self.cluster()
        role = self.pod_role("r")
        asked = [{"serviceAccount": "aws-node", "roleArn": role}]
        made = self.make("vpc-cni", podIdentityAssociations=asked)
        [held] = self.eks.list_pod_identity_associations(clusterName="c")["associations"]
        self.assertEqual((made["podIdentityAssociations"], held["ownerArn"], held["namespace"]), ([held["associationArn"]], made["addonArn"], "kube-system"))
        self.error("InvalidRequestException", self.eks.delete_pod_identity_association, "owned", clusterName="c", associationId=held["associationId"])
        self.update("vpc-cni", configurationValues="{}")
        self.assertEqual(len(self.eks.list_pod_identity_associations(clusterName="c")["associations"]), 1)
        self.update("vpc-cni", podIdentityAssociations=[])
        self.assertEqual(self.eks.list_pod_identity_associations(clusterName="c")["associations"], [])
        self.update("vpc-cni", podIdentityAssociations=asked)
        self.shown("vpc-cni")
        self.eks.delete_addon(clusterName="c", addonName="vpc-cni")
        self.assertEqual(self.eks.list_pod_identity_associations(clusterName="c")["associations"], [])

    def test_an_association_that_somebody_else_made(self):
        self.cluster()
        role = self.pod_role("r")
        self.eks.create_pod_identity_association(clusterName="c", namespace="kube-system", serviceAccount="aws-node", roleArn=role)
        asked = [{"serviceAccount": "aws-node", "roleArn": role}]
        self.error("ResourceInUseException", self.make, "Association already exists", name="vpc-cni", podIdentityAssociations=asked)
        self.assertEqual(self.eks.list_addons(clusterName="c")["addons"], [])

    def test_vpc_cni_goes_one_minor_version_at_a_time(self):
        self.cluster(version="1.33")
        self.make("vpc-cni", addonVersion="v1.19.6-eksbuild.7")
        self.error("InvalidParameterException", self.update, "Updating VPC-CNI can only go up or down 1 minor version at a time", name="vpc-cni", addonVersion="v1.21.1-eksbuild.3")
        for version in ("v1.20.5-eksbuild.1", "v1.21.1-eksbuild.3", "v1.20.4-eksbuild.2"):
            self.assertEqual(self.update("vpc-cni", addonVersion=version)["type"], "AddonUpdate")
            self.assertEqual(self.shown("vpc-cni")["addonVersion"], version)

    def test_an_update_takes_its_time(self):
        self.slow()
        self.cluster()
        self.later(10)
        self.make("kube-proxy", addonVersion="v1.34.1-eksbuild.2")
        self.error("ResourceInUseException", self.update, name="kube-proxy", configurationValues="{}")
        self.later(1)
        update = self.update("kube-proxy", addonVersion="v1.34.5-eksbuild.2", configurationValues='{"mode":"ipvs"}')
        self.assertEqual((self.shown("kube-proxy")["status"], self.shown("kube-proxy")["addonVersion"]), ("UPDATING", "v1.34.1-eksbuild.2"))
        self.later(1)
        found = self.shown("kube-proxy")
        self.assertEqual((found["status"], found["addonVersion"], found["configurationValues"]), ("ACTIVE", "v1.34.5-eksbuild.2", '{"mode":"ipvs"}'))
        self.assertEqual(self.eks.describe_update(name="c", updateId=update["id"], addonName="kube-proxy")["update"]["status"], "Successful")
        self.eks.delete_addon(clusterName="c", addonName="kube-proxy")
        self.assertEqual(self.shown("kube-proxy")["status"], "DELETING")
        self.later(1)
        self.error("ResourceNotFoundException", self.shown, name="kube-proxy")

    def test_a_role_that_an_update_does_not_name_is_taken_away(self):
        self.cluster()
        self.make("vpc-cni", serviceAccountRoleArn=self.role("irsa", "ec2.amazonaws.com"), configurationValues="{}", resolveConflicts="OVERWRITE")
        self.update("vpc-cni", resolveConflicts="PRESERVE")
        found = self.shown("vpc-cni")
        self.assertEqual((found.get("serviceAccountRoleArn"), found["configurationValues"]), (None, "{}"))

    def test_self_managed_copies_conflict(self):
        self.cluster()
        self.make("coredns", configurationValues='{"replicaCount":3}')
        found = self.shown("coredns")
        self.assertEqual((found["status"], found["health"]["issues"][0]["code"]), ("CREATE_FAILED", "ConfigurationConflict"))
        self.eks.delete_addon(clusterName="c", addonName="coredns", preserve=True)
        self.make("coredns", configurationValues='{"replicaCount":3}', resolveConflicts="OVERWRITE")
        self.assertEqual(self.shown("coredns")["status"], "DEGRADED")

    def test_what_is_preserved_goes_on_working(self):
        self.cluster(bootstrapSelfManagedAddons=False)
        for preserve, status in ((True, "ACTIVE"), (False, "CREATE_FAILED")):
            self.make("vpc-cni")
            self.shown("vpc-cni")
            self.eks.delete_addon(clusterName="c", addonName="vpc-cni", preserve=preserve)
            self.assertEqual(self.nodegroup(f"n{preserve}")["status"], status)

    def test_a_token_makes_one_add_on(self):
        self.cluster()
        first = self.make("coredns", clientRequestToken="t" * 40)
        self.assertEqual(self.make("coredns", clientRequestToken="t" * 40)["addonArn"], first["addonArn"])
        self.error("InvalidParameterException", self.make, name="kube-proxy", clientRequestToken="t" * 40)

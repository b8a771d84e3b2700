"""EKS clusters against their API reference and user guide."""

from .eks_environment import EksTest
from .served import control


class Clusters(EksTest):
    def test_a_cluster_has_what_it_was_made_with(self):
        key = self.aws("kms").create_key()["KeyMetadata"]["Arn"]
        made = self.cluster(
            encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key}}],
            logging={"clusterLogging": [{"types": ["audit", "api"], "enabled": True}]},
            upgradePolicy={"supportType": "STANDARD"}, zonalShiftConfig={"enabled": True}, deletionProtection=True, tags={"a": "b"},
            resourcesVpcConfig={"endpointPrivateAccess": True, "endpointPublicAccess": False},
        )  # fmt: skip
        self.assertEqual((made["status"], made["version"], made["tags"]), ("ACTIVE", "1.34", {"a": "b"}))
        self.assertEqual(made["encryptionConfig"][0]["provider"]["keyArn"], key)
        self.assertEqual(made["logging"]["clusterLogging"][0], {"types": ["api", "audit"], "enabled": True})
        self.assertEqual(made["logging"]["clusterLogging"][1]["enabled"], False)
        self.assertEqual((made["upgradePolicy"], made["zonalShiftConfig"], made["deletionProtection"]), ({"supportType": "STANDARD"}, {"enabled": True}, True))
        self.assertEqual(made["resourcesVpcConfig"]["vpcId"], self.vpc)
        self.assertEqual((made["resourcesVpcConfig"]["endpointPrivateAccess"], made["resourcesVpcConfig"]["endpointPublicAccess"]), (True, False))
        self.assertEqual((made["accessConfig"]["authenticationMode"], made["health"]["issues"]), ("API", []))
        self.assertEqual(self.world("eks:cluster")[0]["tags"], {"a": "b"})

    def test_defaults(self):
        made = self.cluster(accessConfig=None, version=None)
        self.assertEqual((made["accessConfig"]["authenticationMode"], made["version"]), ("CONFIG_MAP", "1.35"))
        self.assertEqual((made["upgradePolicy"]["supportType"], made["deletionProtection"]), ("EXTENDED", False))
        config = made["resourcesVpcConfig"]
        self.assertEqual((config["endpointPublicAccess"], config["endpointPrivateAccess"], config["publicAccessCidrs"]), (True, False, ["0.0.0.0/0"]))
        self.assertNotIn("encryptionConfig", made)

    def test_what_comes_late(self):
        self.slow()
        made = self.cluster()
        self.assertEqual(made["status"], "CREATING")
        self.assertNotIn("endpoint", made)
        self.assertNotIn("data", made["certificateAuthority"])
        self.assertNotIn("clusterSecurityGroupId", made["resourcesVpcConfig"])
        self.error("InvalidRequestException", self.eks.create_addon, clusterName="c", addonName="coredns")
        self.later(10)
        made = self.eks.describe_cluster(name="c")["cluster"]
        self.assertEqual(made["status"], "ACTIVE")
        self.assertTrue(made["endpoint"] and made["certificateAuthority"]["data"] and made["identity"]["oidc"]["issuer"])
        self.assertEqual(self.eks.delete_cluster(name="c")["cluster"]["status"], "DELETING")
        self.assertEqual(self.eks.describe_cluster(name="c")["cluster"]["status"], "DELETING")
        self.error("ResourceInUseException", self.eks.create_cluster, **self.cluster_request())
        self.later(3)
        self.error("ResourceNotFoundException", self.eks.describe_cluster, "No cluster found for name: c", name="c")

    def test_another_groups_rule_keeps_the_cluster_security_group(self):
        id = self.cluster()["resourcesVpcConfig"]["clusterSecurityGroupId"]
        group = self.ec2.create_security_group(GroupName="database", Description="d", VpcId=self.vpc)["GroupId"]
        rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": id}]}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        self.eks.delete_cluster(name="c")
        self.assertIn(id, [each["id"] for each in self.world("ec2:security_group")])
        self.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
        self.ec2.delete_security_group(GroupId=id)

    def test_the_cluster_security_group(self):
        id = self.cluster()["resourcesVpcConfig"]["clusterSecurityGroupId"]
        group = self.ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]
        self.assertRegex(group["GroupName"], r"^eks-cluster-sg-c-\d+$")
        self.assertTrue(group["Description"].startswith("EKS created security group applied to ENI"))
        tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
        self.assertEqual((tags["aws:eks:cluster-name"], tags["kubernetes.io/cluster/c"]), ("c", "owned"))
        self.assertEqual(group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"], id)
        self.eks.delete_cluster(name="c")
        self.assertEqual(self.groups(), [])

    def groups(self):
        return [each for each in self.world("ec2:security_group") if each["name"] != "default"]

    def interfaces(self):
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["Amazon EKS *"]}])
        return found["NetworkInterfaces"]

    def test_the_control_planes_interfaces_hold_the_subnets(self):
        self.cluster()
        held = self.interfaces()
        self.assertEqual(({each["SubnetId"] for each in held}, {each["Description"] for each in held}), (set(self.subnets), {"Amazon EKS c"}))
        self.assertTrue(all(each["RequesterManaged"] and each["Status"] == "in-use" for each in held))
        self.error("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.subnets[0])
        self.error("InvalidParameterValue", self.ec2.delete_network_interface, NetworkInterfaceId=held[0]["NetworkInterfaceId"])
        self.eks.delete_cluster(name="c")
        self.assertEqual(self.interfaces(), [])
        self.ec2.delete_subnet(SubnetId=self.subnets[0])

    def test_without_its_role_eks_leaves_interfaces_and_group(self):
        self.cluster()
        self.iam.detach_role_policy(RoleName="cluster", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
        self.iam.delete_role(RoleName="cluster")
        self.assertEqual(self.eks.describe_cluster(name="c")["cluster"]["health"]["issues"][0]["code"], "IamRoleNotFound")
        self.eks.delete_cluster(name="c")
        self.assertEqual({each["Status"] for each in self.interfaces()}, {"available"})
        self.assertEqual(len(self.groups()), 1)
        for each in self.interfaces():
            self.ec2.delete_network_interface(NetworkInterfaceId=each["NetworkInterfaceId"])

    def test_the_log_group_comes_back_while_the_cluster_lives(self):
        logs, name = self.aws("logs"), "/aws/eks/c/cluster"
        self.cluster(logging={"clusterLogging": [{"types": ["api"], "enabled": True}]})
        logs.delete_log_group(logGroupName=name)
        self.assertEqual([each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]], [name])
        self.assertEqual([each["made_by"] for each in self.world("logs:log_group")], ["eks.amazonaws.com"])
        self.eks.delete_cluster(name="c")
        logs.describe_log_groups()
        logs.delete_log_group(logGroupName=name)
        self.assertEqual(logs.describe_log_groups()["logGroups"], [])

    def test_no_log_group_without_logging(self):
        self.cluster()
        self.assertEqual(self.aws("logs").describe_log_groups()["logGroups"], [])

    def test_roles_that_do_not_fit(self):
        request, create = self.cluster_request(), self.eks.create_cluster
        bad = "InvalidParameterException"
        self.error(bad, create, "does not exist", **{**request, "roleArn": self.arn("role/none")})
        other = self.role("other", "ec2.amazonaws.com", "AmazonEKSClusterPolicy")
        self.error(bad, create, "Role could not be assumed because the trusted entity is not correct", **{**request, "roleArn": other})
        bare = self.role("bare", "eks.amazonaws.com")
        self.error(bad, create, "doesn't have the Amazon EKS Managed Policies associated with it", **{**request, "roleArn": bare})
        self.assertEqual(self.world("eks:cluster"), [])
        self.assertEqual(self.groups(), [])

    def test_networks_that_do_not_fit(self):
        request, create = self.cluster_request(), self.eks.create_cluster
        bad, first = "InvalidParameterException", self.subnets[0]

        def placed(*subnets, **more):
            return {**request, "resourcesVpcConfig": {"subnetIds": list(subnets), **more}}

        self.error(bad, create, "at least two different AZs", **placed(first))
        self.error(bad, create, "does not exist", **placed(first, "subnet-0123456789abcdef0"))
        vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        foreign = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24", AvailabilityZone="eu-central-1b")["Subnet"]["SubnetId"]
        self.error(bad, create, "same VPC", **placed(first, foreign))
        self.error(bad, create, "security group", **placed(*self.subnets, securityGroupIds=["sg-0123456789abcdef0"]))
        self.error(bad, create, "cannot be false", **placed(*self.subnets, endpointPublicAccess=False, endpointPrivateAccess=False))

    def test_zones_without_eks(self):
        east = self.aws("ec2", "us-east-1")
        barred = next(zone["ZoneName"] for zone in east.describe_availability_zones()["AvailabilityZones"] if zone["ZoneId"] == "use1-az3")
        other = next(zone["ZoneName"] for zone in east.describe_availability_zones()["AvailabilityZones"] if zone["ZoneId"] == "use1-az1")
        vpc = east.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [east.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"] for n, zone in enumerate([barred, other])]
        role = self.role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy")
        self.error("UnsupportedAvailabilityZoneException", self.aws("eks", "us-east-1").create_cluster, name="c", roleArn=role, resourcesVpcConfig={"subnetIds": subnets})

    def test_versions(self):
        for version in ("9.99", "1.30", "1.36"):
            self.error("InvalidParameterException", self.eks.create_cluster, "unsupported Kubernetes version", **self.cluster_request(version=version))
        shown = self.eks.describe_cluster_versions()["clusterVersions"]
        self.assertEqual({each["clusterVersion"]: each["versionStatus"] for each in shown}, {
            "1.35": "STANDARD_SUPPORT", "1.34": "STANDARD_SUPPORT", "1.33": "EXTENDED_SUPPORT", "1.32": "EXTENDED_SUPPORT", "1.31": "EXTENDED_SUPPORT",
        })  # fmt: skip
        self.assertEqual([each["clusterVersion"] for each in self.eks.describe_cluster_versions(defaultOnly=True)["clusterVersions"]], ["1.35"])
        old = self.eks.describe_cluster_versions(clusterVersions=["1.30"])["clusterVersions"][0]
        self.assertEqual((old["versionStatus"], old["endOfStandardSupportDate"].year), ("UNSUPPORTED", 2025))
        self.assertEqual(len(self.eks.describe_cluster_versions(versionStatus="STANDARD_SUPPORT")["clusterVersions"]), 2)

    def test_keys_that_do_not_fit(self):
        kms = self.aws("kms")
        key = kms.create_key()["KeyMetadata"]
        kms.disable_key(KeyId=key["KeyId"])
        for arn in (key["Arn"], f"arn:aws:kms:eu-central-1:{self.account}:key/none", "none"):
            config = [{"resources": ["secrets"], "provider": {"keyArn": arn}}]
            self.error("InvalidParameterException", self.eks.create_cluster, "keyArn", **self.cluster_request(encryptionConfig=config))
        kms.enable_key(KeyId=key["KeyId"])
        self.cluster(encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": key["Arn"]}}])
        kms.disable_key(KeyId=key["KeyId"])
        self.assertEqual(self.eks.describe_cluster(name="c")["cluster"]["health"]["issues"][0]["code"], "KmsKeyDisabled")

    def test_a_token_makes_one_cluster(self):
        request = self.cluster_request(clientRequestToken="t" * 40)
        first = self.eks.create_cluster(**request)["cluster"]
        again = self.eks.create_cluster(**request)["cluster"]
        self.assertEqual((again["arn"], again["createdAt"], len(self.world("eks:cluster"))), (first["arn"], first["createdAt"], 1))
        self.error("InvalidParameterException", self.eks.create_cluster, "token", **{**request, "name": "d"})
        self.error("ResourceInUseException", self.eks.create_cluster, "Cluster already exists with name: c", **self.cluster_request())
        self.eks.delete_cluster(name="c")
        self.eks.create_cluster(**request)
        self.assertEqual(self.eks.list_clusters()["clusters"], ["c"])

    def test_deletes_that_are_refused(self):
        self.cluster(deletionProtection=True)
        self.error("InvalidRequestException", self.eks.delete_cluster, "Deletion protection", name="c")
        self.eks.update_cluster_config(name="c", deletionProtection=False)
        self.nodegroup()
        self.error("ResourceInUseException", self.eks.delete_cluster, "nodegroups attached", name="c")
        self.eks.delete_nodegroup(clusterName="c", nodegroupName="n")
        self.slow()
        self.eks.update_cluster_config(name="c", zonalShiftConfig={"enabled": True})
        self.error("ResourceInUseException", self.eks.delete_cluster, "in progress", name="c")

    def test_protection_does_not_hold_a_cluster_that_is_being_made(self):
        self.slow()
        self.cluster(deletionProtection=True)
        self.assertEqual(self.eks.delete_cluster(name="c")["cluster"]["status"], "DELETING")

    def test_clusters_of_regions_are_apart(self):
        self.cluster()
        self.assertEqual(self.aws("eks", "eu-west-1").list_clusters()["clusters"], [])
        self.error("ResourceNotFoundException", self.aws("eks", "eu-west-1").describe_cluster, name="c")

    def test_lists_in_pages(self):
        for name in ("a", "b", "c"):
            self.cluster(name)
        first = self.eks.list_clusters(maxResults=2)
        self.assertEqual(first["clusters"], ["a", "b"])
        self.assertEqual(self.eks.list_clusters(maxResults=2, nextToken=first["nextToken"])["clusters"], ["c"])

    def test_quotas(self):
        control(f"settings?account={self.account}", "POST", {"quotas": {"clusters": 1, "nodegroups-per-cluster": 0}})
        self.cluster()
        self.error("ResourceLimitExceededException", self.eks.create_cluster, **self.cluster_request("d"))
        self.error("ResourceLimitExceededException", self.eks.create_nodegroup, **self.nodegroup_request())

    def test_what_nobody_built_is_no_success(self):
        self.error("NotImplementedBySandbox", self.eks.create_cluster, "computeConfig", **self.cluster_request(computeConfig={"enabled": True}))

    def test_tags(self):
        arn = self.cluster(tags={"a": "1"})["arn"]
        self.eks.tag_resource(resourceArn=arn, tags={"b": "2"})
        self.eks.untag_resource(resourceArn=arn, tagKeys=["a"])
        self.assertEqual(self.eks.list_tags_for_resource(resourceArn=arn)["tags"], {"b": "2"})
        self.error("InvalidParameterException", self.eks.tag_resource, resourceArn=arn, tags={"aws:x": ""})
        self.error("ResourceNotFoundException", self.eks.list_tags_for_resource, resourceArn=arn + "x")

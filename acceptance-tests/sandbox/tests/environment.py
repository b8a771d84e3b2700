"""A whole small environment by hand, in the order of AWS's documentation, and its way back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .served import REGION, SandboxTest, allow, policy, trust

MANAGED = "arn:aws:iam::aws:policy/"
TAGS = {"deeploy-environment": "test"}
USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
# Where nothing is slower than this, a wait ends.
PATIENCE_S = 30.0


def pairs() -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in TAGS.items()]


def tagged(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": pairs()}]


def wait(what: Callable[[], str], end: str, *, bad: tuple[str, ...] = ()) -> None:
    """Until a state; `gone` is that of what is not found any more."""
    seen: list[str] = []
    started = time.monotonic()
    while not seen or seen[-1] != end:
        try:
            state = what()
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise
            state = "gone"
        if not seen or seen[-1] != state:
            seen.append(state)
        if state in bad or time.monotonic() - started > PATIENCE_S:
            raise AssertionError(f"{seen} instead of {end}")
        if state != end:
            time.sleep(0.02)
    return seen


class Environment(SandboxTest):
    def setUp(self) -> None:
        super().setUp()
        self.use(self.key)

    def use(self, key: str) -> None:
        """From now on, who has this key."""
        for service in ("ec2", "iam", "kms", "logs", "eks", "rds", "sns", "events", "cloudwatch", "s3"):
            setattr(self, service, self.aws(service, key=key))

    # --- network

    def make_network(self) -> None:
        ec2 = self.ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
        wait(lambda: ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["State"], "available")
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsSupport={"Value": True})
        ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.subnets = {
            kind: [self._subnet(f"10.0.{16 * row + number}.0/24", zone) for number, zone in enumerate("ab")]
            for row, kind in enumerate(("public", "private", "database"))
        }
        self.gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.tables = {kind: self._table(kind) for kind in self.subnets}
        ec2.create_route(RouteTableId=self.tables["public"], DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
        self.address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))["AllocationId"]
        made = ec2.create_nat_gateway(SubnetId=self.subnets["public"][0], AllocationId=self.address, TagSpecifications=tagged("natgateway"))
        self.nat = made["NatGateway"]["NatGatewayId"]
        wait(self._nat_state, "available", bad=("failed",))
        ec2.create_route(RouteTableId=self.tables["private"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=self.nat)
        self.endpoint = ec2.create_vpc_endpoint(
            VpcId=self.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=list(self.tables.values()), TagSpecifications=tagged("vpc-endpoint")
        )["VpcEndpoint"]["VpcEndpointId"]
        self.groups = {
            name: ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc, TagSpecifications=tagged("security-group"))["GroupId"]
            for name in ("nodes", "database")
        }
        from_nodes = [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": self.groups["nodes"]}]}]
        ec2.authorize_security_group_ingress(GroupId=self.groups["database"], IpPermissions=from_nodes)

    def _subnet(self, block: str, zone: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=block, AvailabilityZone=REGION + zone, TagSpecifications=tagged("subnet"))
        return str(made["Subnet"]["SubnetId"])

    def _table(self, kind: str) -> str:
        made = str(self.ec2.create_route_table(VpcId=self.vpc, TagSpecifications=tagged("route-table"))["RouteTable"]["RouteTableId"])
        for subnet in self.subnets[kind]:
            self.ec2.associate_route_table(RouteTableId=made, SubnetId=subnet)
        return made

    def _nat_state(self) -> str:
        return str(self.ec2.describe_nat_gateways(NatGatewayIds=[self.nat])["NatGateways"][0]["State"])

    # --- identities and the key

    def make_roles(self) -> None:
        self.roles = {
            "cluster": self._role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy"),
            "node": self._role("node", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"),
            "cni": self._role("cni", "pods.eks.amazonaws.com", "AmazonEKS_CNI_Policy", action=["sts:AssumeRole", "sts:TagSession"]),
            "monitoring": self._role("monitoring", "monitoring.rds.amazonaws.com", "service-role/AmazonRDSEnhancedMonitoringRole"),
            "flow": self._role("flow", "vpc-flow-logs.amazonaws.com"),
        }
        actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"]
        self.iam.put_role_policy(RoleName="flow", PolicyName="deliver", PolicyDocument=policy(allow(actions)))
        # A key policy may name it only when it is there.
        self.scaling_role = self.iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")["Role"]["Arn"]

    def _role(self, name: str, service: str, *policies: str, action: Any = "sts:AssumeRole") -> str:
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"Service": service}, action), Tags=pairs())
        for each in policies:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=MANAGED + each)
        return str(made["Role"]["Arn"])

    def make_key(self) -> None:
        mine = {"StringEquals": {"aws:SourceAccount": self.account}}
        groups = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{self.account}:log-group:*"}}
        document = policy(
            allow("kms:*", Principal={"AWS": self.arn("root")}),
            allow(USE, Principal={"Service": f"logs.{REGION}.amazonaws.com"}, Condition=groups),
            allow(["kms:Decrypt", "kms:GenerateDataKey*"], Principal={"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}),
            allow(["kms:Decrypt", "kms:GenerateDataKey*"], Principal={"Service": "events.rds.amazonaws.com"}, Condition=mine),
            allow(USE, Principal={"AWS": self.scaling_role}),
            allow("kms:CreateGrant", Principal={"AWS": self.scaling_role}, Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        )
        self.data_key = self.kms.create_key(Policy=document, Tags=[{"TagKey": key, "TagValue": value} for key, value in TAGS.items()])["KeyMetadata"]["Arn"]
        self.kms.create_alias(AliasName="alias/test", TargetKeyId=self.data_key)
        self.kms.enable_key_rotation(KeyId=self.data_key)

    def make_flow_logs(self) -> None:
        self.log_group("/aws/vpc/flow-logs/test")
        made = self.ec2.create_flow_logs(
            ResourceIds=[self.vpc], ResourceType="VPC", TrafficType="REJECT", LogGroupName="/aws/vpc/flow-logs/test",
            DeliverLogsPermissionArn=self.roles["flow"], TagSpecifications=tagged("vpc-flow-log"),
        )  # fmt: skip
        self.assertEqual(made["Unsuccessful"], [])
        [self.flow_log] = made["FlowLogIds"]

    def log_group(self, name: str) -> None:
        self.logs.create_log_group(logGroupName=name, kmsKeyId=self.data_key, tags=TAGS)
        self.logs.put_retention_policy(logGroupName=name, retentionInDays=30)

    # --- cluster

    def make_cluster(self) -> None:
        self.log_group("/aws/eks/test/cluster")
        self.eks.create_cluster(
            name="test", roleArn=self.roles["cluster"], version="1.34", tags=TAGS, bootstrapSelfManagedAddons=False,
            resourcesVpcConfig={"subnetIds": self.subnets["private"], "endpointPrivateAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]},
            accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
            encryptionConfig=[{"resources": ["secrets"], "provider": {"keyArn": self.data_key}}],
            logging={"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]},
        )  # fmt: skip
        wait(self.cluster_state, "ACTIVE", bad=("FAILED",))
        self.cluster_group = self.eks.describe_cluster(name="test")["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"]
        for name in ("eks-pod-identity-agent", "kube-proxy"):
            self.eks.create_addon(clusterName="test", addonName=name, tags=TAGS)
        network = [{"serviceAccount": "aws-node", "roleArn": self.roles["cni"]}]
        self.eks.create_addon(clusterName="test", addonName="vpc-cni", podIdentityAssociations=network, tags=TAGS)

    def make_nodes(self) -> None:
        disk = [{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "KmsKeyId": self.data_key, "VolumeSize": 50, "VolumeType": "gp3"}}]
        data = {
            "BlockDeviceMappings": disk, "MetadataOptions": {"HttpTokens": "required"},
            "SecurityGroupIds": [self.groups["nodes"], self.cluster_group],
        }  # fmt: skip
        self.template = self.ec2.create_launch_template(
            LaunchTemplateName="test", LaunchTemplateData=data, TagSpecifications=tagged("launch-template")
        )["LaunchTemplate"]["LaunchTemplateId"]
        self.eks.create_nodegroup(
            clusterName="test", nodegroupName="default", nodeRole=self.roles["node"], subnets=self.subnets["private"], tags=TAGS,
            instanceTypes=["m6i.large"], scalingConfig={"minSize": 2, "desiredSize": 2, "maxSize": 4},
            launchTemplate={"id": self.template, "version": "1"},
        )  # fmt: skip
        wait(self.nodes_state, "ACTIVE", bad=("CREATE_FAILED",))
        for name in ("coredns",):
            self.eks.create_addon(clusterName="test", addonName=name, tags=TAGS)
        for name in ("eks-pod-identity-agent", "kube-proxy", "vpc-cni", "coredns"):
            wait(lambda name=name: self.addon_state(name), "ACTIVE", bad=("CREATE_FAILED", "DEGRADED"))

    def cluster_state(self) -> str:
        return str(self.eks.describe_cluster(name="test")["cluster"]["status"])

    def nodes_state(self) -> str:
        return str(self.eks.describe_nodegroup(clusterName="test", nodegroupName="default")["nodegroup"]["status"])

    def addon_state(self, name: str) -> str:
        return str(self.eks.describe_addon(clusterName="test", addonName=name)["addon"]["status"])

    # --- database

    def make_database(self) -> None:
        rds = self.rds
        for kind in ("postgresql", "upgrade"):
            self.log_group(f"/aws/rds/instance/test/{kind}")
        rds.create_db_subnet_group(DBSubnetGroupName="test", DBSubnetGroupDescription="d", SubnetIds=self.subnets["database"], Tags=pairs())
        rds.create_db_parameter_group(DBParameterGroupName="test", DBParameterGroupFamily="postgres16", Description="d", Tags=pairs())
        force = [{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}]
        rds.modify_db_parameter_group(DBParameterGroupName="test", Parameters=force)
        rds.create_db_instance(
            DBInstanceIdentifier="test", Engine="postgres", EngineVersion="16.4", DBInstanceClass="db.m6g.large", AllocatedStorage=100,
            MaxAllocatedStorage=1000, StorageType="gp3", StorageEncrypted=True, KmsKeyId=self.data_key, MasterUsername="deeploy_admin",
            ManageMasterUserPassword=True, MasterUserSecretKmsKeyId=self.data_key, DBSubnetGroupName="test", DBParameterGroupName="test",
            VpcSecurityGroupIds=[self.groups["database"]], MultiAZ=True, BackupRetentionPeriod=7, CopyTagsToSnapshot=True,
            MonitoringInterval=60, MonitoringRoleArn=self.roles["monitoring"], EnableCloudwatchLogsExports=["postgresql", "upgrade"],
            PubliclyAccessible=False, Tags=pairs(),
        )  # fmt: skip
        wait(self.database_state, "available", bad=("failed",))

    def database(self) -> dict[str, Any]:
        return dict(self.rds.describe_db_instances(DBInstanceIdentifier="test")["DBInstances"][0])

    def database_state(self) -> str:
        return str(self.database()["DBInstanceStatus"])

    # --- monitoring

    def make_monitoring(self) -> None:
        self.topic = self.sns.create_topic(Name="test", Attributes={"KmsMasterKeyId": self.data_key}, Tags=pairs())["TopicArn"]
        mine = {"Condition": {"StringEquals": {"aws:SourceAccount": self.account}}}
        senders = {"Principal": {"Service": ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]}}
        admitted = [allow("sns:Publish", self.topic, **senders, **mine), allow("sns:Publish", self.topic, Principal={"Service": "events.amazonaws.com"})]
        self.sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy(*admitted))
        self.cloudwatch.put_metric_alarm(
            AlarmName="database-cpu", Namespace="AWS/RDS", MetricName="CPUUtilization", Statistic="Average", Period=60, EvaluationPeriods=5,
            Threshold=80.0, ComparisonOperator="GreaterThanThreshold", Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "test"}],
            AlarmActions=[self.topic], OKActions=[self.topic], Tags=pairs(),
        )  # fmt: skip
        self.events.put_rule(Name="health", EventPattern=json.dumps({"source": ["aws.health"]}), Tags=pairs())
        self.events.put_targets(Rule="health", Targets=[{"Id": "topic", "Arn": self.topic}])
        self.rds.create_event_subscription(
            SubscriptionName="test", SnsTopicArn=self.topic, SourceType="db-instance", SourceIds=["test"], EventCategories=["failure"], Tags=pairs()
        )

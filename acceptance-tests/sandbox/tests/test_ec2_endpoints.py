"""VPC endpoints against AWS PrivateLink's guide."""

import json

from .networks import NetworkTest, by, tagged
from .served import REGION


class Endpoints(NetworkTest):
    def make(self, service="s3", **more):
        asked = {"VpcId": self.vpc, "ServiceName": f"com.amazonaws.{REGION}.{service}", **more}
        return self.ec2.create_vpc_endpoint(**asked)["VpcEndpoint"]

    def make_interface_endpoint(self, *subnets, **more):
        return self.make("ecr.api", **{"VpcEndpointType": "Interface", "SubnetIds": list(subnets), **more})

    def shown(self, id):
        return self.ec2.describe_vpc_endpoints(VpcEndpointIds=[id])["VpcEndpoints"][0]

    def with_names(self):
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})

    def routed(self, table):
        return [each["GatewayId"] for name, each in self.routes(table).items() if name.startswith("pl-")]

    def test_a_gateway_endpoints_routes_come_and_go_with_it(self):
        one, two = self.make_table(), self.make_table()
        made = self.make(RouteTableIds=[one], TagSpecifications=tagged("vpc-endpoint", a="b"))
        id = made["VpcEndpointId"]
        self.assertEqual((made["State"], made["VpcEndpointType"], json.loads(made["PolicyDocument"])["Statement"][0]["Action"]), ("available", "Gateway", "*"))
        self.assertEqual((self.routed(one), self.routed(two)), ([id], []))
        prefix = next(name for name in self.routes(one) if name.startswith("pl-"))
        self.refused("InvalidParameterValue", self.ec2.delete_route, RouteTableId=one, DestinationPrefixListId=prefix)
        self.refused("RouteAlreadyExists", self.make, RouteTableIds=[one])
        self.ec2.modify_vpc_endpoint(VpcEndpointId=id, AddRouteTableIds=[two], RemoveRouteTableIds=[one], PolicyDocument='{"Statement":[]}')
        self.assertEqual((self.routed(one), self.routed(two)), ([], [id]))
        self.assertEqual(self.shown(id)["PolicyDocument"], '{"Statement":[]}')
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
        self.assertEqual(self.routed(two), [])
        self.refused("InvalidVpcEndpointId.NotFound", self.shown, id=id)
        self.assertEqual(self.world("ec2:vpc_endpoint"), [])

    def test_an_interface_endpoint(self):
        self.with_names()
        subnets, group = [self.make_subnet(0), self.make_subnet(1, zone="b")], self.make_group()
        made = self.make_interface_endpoint(*subnets, SecurityGroupIds=[group])
        self.assertEqual(made["State"], "pending")
        shown = self.shown(made["VpcEndpointId"])
        self.assertEqual((shown["State"], sorted(shown["SubnetIds"]), shown["PrivateDnsEnabled"]), ("available", sorted(subnets), True))
        self.assertIn(f"api.ecr.{REGION}.amazonaws.com", [each["DnsName"] for each in shown["DnsEntries"]])
        found = self.ec2.describe_network_interfaces(NetworkInterfaceIds=shown["NetworkInterfaceIds"])["NetworkInterfaces"]
        self.assertEqual({(each["InterfaceType"], each["RequesterManaged"], each["Groups"][0]["GroupId"]) for each in found}, {("vpc_endpoint", True, group)})
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=group)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=subnets[0])
        self.refused("InvalidParameter", self.make_interface_endpoint)
        other = self.make_group("other")
        self.ec2.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], AddSecurityGroupIds=[other], RemoveSecurityGroupIds=[group], RemoveSubnetIds=subnets[:1])
        self.ec2.delete_security_group(GroupId=group)
        self.ec2.delete_subnet(SubnetId=subnets[0])
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
        self.assertEqual(self.world("ec2:network_interface"), [])

    def test_it_is_pending_and_deleting_for_a_while(self):
        self.slowly()
        subnet = self.make_subnet()
        id = self.make_interface_endpoint(subnet, PrivateDnsEnabled=False)["VpcEndpointId"]
        self.assertEqual(self.shown(id)["State"], "pending")
        self.refused("IncorrectState", self.ec2.modify_vpc_endpoint, VpcEndpointId=id, ResetPolicy=True)
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
        self.assertEqual(self.shown(id)["State"], "deleting")
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=subnet)
        self.assertEqual(len(self.ec2.describe_vpc_endpoints(Filters=by(vpc_endpoint_state="deleting", vpc_id=self.vpc))["VpcEndpoints"]), 1)

    def test_refused(self):
        one, two = self.make_subnet(0), self.make_subnet(1)
        self.refused("InvalidParameter", self.make_interface_endpoint, SubnetIds=[one])  # DNS hostnames are off
        self.refused("DuplicateSubnetsInSameZone", self.make_interface_endpoint, SubnetIds=[one, two], PrivateDnsEnabled=False)
        self.refused("InvalidServiceName", self.make, service="nope")
        self.refused("InvalidParameter", self.make, service="ecr.api")
        self.refused("InvalidPolicyDocument", self.make, PolicyDocument="{")
        self.assertEqual(self.world("ec2:vpc_endpoint"), [])
        failed = self.ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-0123456789abcdef0"])["Unsuccessful"]
        self.assertEqual(failed[0]["Error"]["Code"], "InvalidVpcEndpoint.NotFound")

    def test_a_repeated_token(self):
        first, second = (self.make(ClientToken="t")["VpcEndpointId"] for _ in range(2))
        self.assertEqual(first, second)
        self.refused("IdempotentParameterMismatch", self.make, service="dynamodb", ClientToken="t")


class Services(NetworkTest):
    def test_services_and_their_kinds(self):
        name = f"com.amazonaws.{REGION}."
        found = self.ec2.describe_vpc_endpoint_services(ServiceNames=[name + "s3"])
        self.assertEqual([each["ServiceType"][0]["ServiceType"] for each in found["ServiceDetails"]], ["Gateway", "Interface"])
        self.assertEqual(found["ServiceNames"], [name + "s3"])
        found = self.ec2.describe_vpc_endpoint_services(Filters=by(service_name=name + "ecr.*", service_type="Interface"))
        self.assertEqual([each["PrivateDnsName"] for each in found["ServiceDetails"]], [f"{each}.ecr.{REGION}.amazonaws.com" for each in ("api", "dkr")])
        self.assertEqual({len(each["AvailabilityZones"]) for each in found["ServiceDetails"]}, {3})
        wanted = {name + each for each in ("ec2", "sts", "logs", "kms", "secretsmanager", "eks", "eks-auth", "autoscaling", "elasticloadbalancing", "monitoring", "ssm", "rds", "sqs")}
        self.assertEqual(wanted - set(self.ec2.describe_vpc_endpoint_services()["ServiceNames"]), set())
        self.refused("InvalidServiceName", self.ec2.describe_vpc_endpoint_services, ServiceNames=[name + "nope"])

"""Security groups and their rules against Amazon VPC's user guide."""

from deeploy_sandbox.rules.ec2_interfaces import make_interface

from .networks import NetworkTest, by, tagged
from .served import REGION


def tcp(port, to=None, **peer):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": to or port, **peer}


def of(group, **more):
    return {"UserIdGroupPairs": [{"GroupId": group, **more}]}


ALL = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


class Groups(NetworkTest):
    def rules(self, group, egress=None):
        found = self.ec2.describe_security_group_rules(Filters=by(group_id=group))["SecurityGroupRules"]
        return [each for each in found if egress in (None, each["IsEgress"])]

    def admit(self, group, *permissions, **more):
        return self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(permissions), **more)["SecurityGroupRules"]

    def test_a_default_group(self):
        group = self.ec2.describe_security_groups(Filters=by(vpc_id=self.vpc, group_name="default"))["SecurityGroups"][0]
        self.assertEqual([pair["GroupId"] for pair in group["IpPermissions"][0]["UserIdGroupPairs"]], [group["GroupId"]])
        self.assertEqual(group["IpPermissionsEgress"][0]["IpRanges"], [{"CidrIp": "0.0.0.0/0"}])
        self.refused("CannotDelete", self.ec2.delete_security_group, GroupId=group["GroupId"])
        rules = self.rules(group["GroupId"])
        self.assertEqual(sorted((each["IsEgress"], each["IpProtocol"], each["FromPort"]) for each in rules), [(False, "-1", -1), (True, "-1", -1)])
        for rule in rules:
            revoke = self.ec2.revoke_security_group_egress if rule["IsEgress"] else self.ec2.revoke_security_group_ingress
            revoke(GroupId=group["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
        self.assertEqual(self.rules(group["GroupId"]), [])
        shown = next(each for each in self.world("ec2:security_group"))
        self.assertEqual((shown["managed"], shown["ingress"], shown["egress"]), (True, 0, 0))

    def test_rules(self):
        one, two = self.make_group("one"), self.make_group("two")
        made = self.admit(two, tcp(5432, **of(one, Description="pg")), TagSpecifications=tagged("security-group-rule", a="b"))[0]
        shown = self.rules(two, egress=False)[0]
        self.assertEqual(shown["SecurityGroupRuleId"], made["SecurityGroupRuleId"])
        self.assertEqual((shown["ReferencedGroupInfo"]["GroupId"], shown["Description"], shown["Tags"]), (one, "pg", [{"Key": "a", "Value": "b"}]))
        self.refused("InvalidPermission.Duplicate", self.ec2.authorize_security_group_ingress, GroupId=two, IpPermissions=[tcp(5432, **of(one))])
        new = {"IpProtocol": "tcp", "FromPort": 5433, "ToPort": 5433, "ReferencedGroupId": one}
        self.ec2.modify_security_group_rules(GroupId=two, SecurityGroupRules=[{"SecurityGroupRuleId": made["SecurityGroupRuleId"], "SecurityGroupRule": new}])
        self.assertEqual(self.rules(two, egress=False)[0]["FromPort"], 5433)
        self.assertEqual(len(self.ec2.describe_security_group_rules(Filters=by(**{"tag:a": "b"}))["SecurityGroupRules"]), 1)
        self.ec2.revoke_security_group_ingress(GroupId=two, IpPermissions=[tcp(5433, **of(one))])
        revoke = self.ec2.revoke_security_group_ingress
        self.refused("InvalidPermission.NotFound", revoke, GroupId=two, IpPermissions=[tcp(5433, **of(one))])
        self.refused("InvalidSecurityGroupRuleId.NotFound", revoke, GroupId=two, SecurityGroupRuleIds=[made["SecurityGroupRuleId"]])

    def test_permissions_are_grouped_and_canonical(self):
        group = self.make_group()
        self.admit(group, tcp(443, IpRanges=[{"CidrIp": "10.1.2.3/16"}, {"CidrIp": "10.2.0.0/16"}]), {"IpProtocol": "17", "FromPort": 53, "ToPort": 53, **ALL})
        found = self.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
        self.assertEqual([(each["IpProtocol"], [item["CidrIp"] for item in each["IpRanges"]]) for each in found], [("tcp", ["10.1.0.0/16", "10.2.0.0/16"]), ("udp", ["0.0.0.0/0"])])
        self.assertEqual(len(self.ec2.describe_security_groups(Filters=by(ip_permission__cidr="10.2.0.0/16", vpc_id=self.vpc))["SecurityGroups"]), 1)

    def test_refused_rules(self):
        group, other = self.make_group(), self.make_group("far", self.make_vpc())
        for code, permission in (
            ("InvalidParameterValue", tcp(443, IpRanges=[{"CidrIp": "10.0.0.300/16"}])),
            ("InvalidParameterValue", {"IpProtocol": "tcp", **ALL}),
            ("InvalidParameterValue", tcp(99, 7, **ALL)),
            ("InvalidParameterValue", {"IpProtocol": "nope", **ALL}),
            ("InvalidGroup.NotFound", tcp(1, **of("sg-0123456789abcdef0"))),
            ("InvalidGroup.NotFound", tcp(1, **of(other))),
            ("InvalidGroupId.Malformed", tcp(1, **of("sg-x"))),
            ("InvalidPrefixListID.NotFound", tcp(1, PrefixListIds=[{"PrefixListId": "pl-0123456789abcdef0"}])),
        ):
            with self.subTest(permission):
                self.refused(code, self.ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[permission])
        self.assertEqual(self.rules(group, egress=False), [])

    def test_sixty_rules(self):
        group = self.make_group()
        self.admit(group, tcp(1, IpRanges=[{"CidrIp": f"10.0.0.{n}/32"} for n in range(60)]))
        self.refused("RulesPerSecurityGroupLimitExceeded", self.ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[tcp(2, **ALL)])

    def test_who_uses_a_group_keeps_it(self):
        one, two = self.make_group("one"), self.make_group("two")
        self.admit(one, tcp(1, **of(one)))
        self.admit(two, tcp(1, **of(one)))
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=one)
        self.ec2.revoke_security_group_ingress(GroupId=two, IpPermissions=[tcp(1, **of(one))])
        self.ec2.delete_security_group(GroupId=one)
        make_interface(self.account, REGION, self.make_subnet(), [two], "x")
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=two)

    def test_names(self):
        self.make_group("one")
        make = self.ec2.create_security_group
        self.refused("InvalidGroup.Duplicate", make, GroupName="one", Description="x", VpcId=self.vpc)
        self.refused("InvalidParameterValue", make, GroupName="sg-one", Description="x", VpcId=self.vpc)
        self.refused("InvalidParameterValue", make, GroupName="default", Description="x", VpcId=self.vpc)
        self.refused("MissingParameter", make, GroupName="two", VpcId=self.vpc)
        self.refused("InvalidParameterValue", make, GroupName="two", Description="ü", VpcId=self.vpc)
        self.make_group("one", self.make_vpc())

    def test_descriptions(self):
        group = self.make_group()
        rule = self.admit(group, tcp(1, **ALL))[0]["SecurityGroupRuleId"]
        change = {"SecurityGroupRuleId": rule, "Description": "d"}
        self.ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=[change])
        self.assertEqual(self.rules(group, egress=False)[0]["Description"], "d")

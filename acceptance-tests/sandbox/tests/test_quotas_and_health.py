"""Service Quotas and AWS Health against their API references."""

import urllib.error

from .served import SandboxTest, control


class Quotas(SandboxTest):
    def settings(self, **body):
        return control(f"settings?account={self.account}", "POST", body)

    def test_quotas(self):
        quotas = self.aws("service-quotas")
        value = lambda service, code: quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]  # noqa: E731
        found = {(service, code): value(service, code) for service, code in (("vpc", "L-F678F1CE"), ("ec2", "L-0263D0A3"), ("vpc", "L-FE5A380F"), ("eks", "L-1194D53C"), ("rds", "L-7B6409FD"))}
        self.assertEqual(list(found.values()), [5.0, 5.0, 5.0, 100.0, 40.0])
        self.settings(quotas={"vpc/L-F678F1CE": 1, "ec2/L-1216C47A": 4})
        self.assertEqual((value("vpc", "L-F678F1CE"), value("ec2", "L-1216C47A")), (1.0, 4.0))
        self.assertEqual(quotas.get_aws_default_service_quota(ServiceCode="vpc", QuotaCode="L-F678F1CE")["Quota"]["Value"], 5.0)
        listed = quotas.list_service_quotas(ServiceCode="vpc", MaxResults=5)
        rest = quotas.list_service_quotas(ServiceCode="vpc", NextToken=listed["NextToken"])
        self.assertEqual(listed["Quotas"][0]["Value"], 1.0)
        self.assertFalse({each["QuotaCode"] for each in listed["Quotas"]} & {each["QuotaCode"] for each in rest["Quotas"]})
        for service, code in (("none", "L-F678F1CE"), ("vpc", "L-00000000")):
            self.refused("NoSuchResourceException", quotas.get_service_quota, ServiceCode=service, QuotaCode=code)
        with self.assertRaises(urllib.error.HTTPError):
            self.settings(quotas={"vpc/none": 1})

    def test_one_table_for_what_is_shown_and_what_is_refused(self):
        shown = self.settings()["quotas"]
        self.assertEqual([shown[each] for each in ("vpcs", "elastic-ips", "L-1216C47A", "clusters", "DBInstances")], [5, 5, 256, 100, 40])
        value = lambda service, code: self.aws("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]  # noqa: E731
        self.settings(quotas={"elastic-ips": 1, "rds/L-7B6409FD": 2})
        self.assertEqual((value("ec2", "L-0263D0A3"), value("rds", "L-7B6409FD")), (1.0, 2.0))
        self.aws("ec2").allocate_address()
        self.refused("AddressLimitExceeded", self.aws("ec2").allocate_address)
        most = {each["AccountQuotaName"]: each["Max"] for each in self.aws("rds").describe_account_attributes()["AccountQuotas"]}
        self.assertEqual((most["DBInstances"], most["DBSubnetGroups"]), (2, 50))

    def test_an_unknown_setting_is_refused(self):
        with self.assertRaises(urllib.error.HTTPError):
            self.settings(secondsperminute=1)

    def test_health_needs_a_plan(self):
        health = self.aws("health", "us-east-1")
        self.refused("SubscriptionRequiredException", health.describe_events, 400)
        event = {"arn": "arn:aws:health:eu-central-1::event/RDS/X/1", "service": "RDS", "region": "eu-central-1", "statusCode": "open", "startTime": 1790000000.0}
        self.settings(support_plan="business", health_events=[event])
        find = lambda **filter: [each["arn"] for each in health.describe_events(filter=filter)["events"]]  # noqa: E731
        self.assertEqual(find(), [event["arn"]])
        self.assertEqual(find(services=["RDS"], regions=["eu-central-1"], eventStatusCodes=["open", "upcoming"]), [event["arn"]])
        self.assertEqual(find(services=["EKS"]), [])
        self.settings(support_plan="developer")
        self.refused("SubscriptionRequiredException", health.describe_events)

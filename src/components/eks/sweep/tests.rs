#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::components::{iam::replies::reply, replay::Script};

const OWNED: &str = "<Key>kubernetes.io/cluster/prod</Key><Value>owned</Value>";

fn ec2(action: &str, body: &str) -> String {
    format!(r#"<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>{body}</{action}Response>"#)
}

fn refused(code: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>has a dependent object</Message></Error></Errors><RequestID>r</RequestID></Response>"
    )
}

fn balancer(name: &str, vpc: &str) -> String {
    format!("<member><LoadBalancerName>{name}</LoadBalancerName><VPCId>{vpc}</VPCId></member>")
}

fn classic(inner: &str) -> String {
    reply("DescribeLoadBalancers", &format!("<LoadBalancerDescriptions>{inner}</LoadBalancerDescriptions>"))
}

fn modern(inner: &str) -> String {
    reply("DescribeLoadBalancers", &format!("<LoadBalancers>{inner}</LoadBalancers>"))
}

/// Replies of a VPC without load balancers and target groups.
fn without_balancers(script: Script) -> Script {
    let script = script.on("DescribeLoadBalancers", 200, &classic("")).on("DescribeLoadBalancers", 200, &modern(""));
    script.on("DescribeTargetGroups", 200, &reply("DescribeTargetGroups", "<TargetGroups/>"))
}

#[test]
fn only_tags_that_name_the_cluster_prove() {
    let proof = Proof::of("prod");
    for (key, value, proven) in [
        ("kubernetes.io/cluster/prod", "owned", true),
        ("kubernetes.io/cluster/prod", "shared", false),
        ("kubernetes.io/cluster/prod2", "owned", false),
        ("elbv2.k8s.aws/cluster", "prod", true),
        ("elbv2.k8s.aws/cluster", "prod2", false),
        ("cluster.k8s.amazonaws.com/name", "prod", true),
        ("Name", "prod", false),
    ] {
        assert_eq!(proof.holds(Some(key), Some(value)), proven, "{key}={value}");
    }
}

#[tokio::test]
async fn load_balancers_go_first_and_another_cluster_s_and_vpc_s_stay() {
    let all = [balancer("ours", "vpc-1"), balancer("theirs", "vpc-1"), balancer("elsewhere", "vpc-2")].concat();
    let tags = format!(
        "<TagDescriptions><member><LoadBalancerName>ours</LoadBalancerName><Tags><member>{OWNED}</member></Tags></member>\
         <member><LoadBalancerName>theirs</LoadBalancerName><Tags><member><Key>kubernetes.io/cluster/other</Key><Value>owned</Value></member></Tags></member></TagDescriptions>"
    );
    let script = Script::new().on("DescribeLoadBalancers", 200, &classic(&all)).on("DescribeTags", 200, &reply("DescribeTags", &tags));
    let script = script.on("DeleteLoadBalancer", 200, &reply("DeleteLoadBalancer", "")).on("DescribeLoadBalancers", 200, &modern(""));
    let failure = sweep(&script.aws("eu-central-1"), "prod", "vpc-1").await.unwrap_err();
    let asked = script.finish();
    assert_eq!((failure.class, failure.message.contains("ours")), (Class::Unfinished, true));
    assert!(asked[2].1.contains("LoadBalancerName=ours") && !asked[1].1.contains("elsewhere"), "{asked:?}");
}

#[tokio::test]
async fn groups_go_after_the_rules_that_point_to_them_and_interfaces() {
    let interfaces = "<networkInterfaceSet>\
        <item><networkInterfaceId>eni-1</networkInterfaceId><tagSet><item><key>cluster.k8s.amazonaws.com/name</key><value>prod</value></item></tagSet></item>\
        <item><networkInterfaceId>eni-2</networkInterfaceId><description>aws-K8S-i-1</description><tagSet/></item></networkInterfaceSet>";
    let rule = |group: &str| {
        format!(
            "<ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>1</fromPort><toPort>2</toPort><groups><item><groupId>{group}</groupId></item><item><groupId>sg-9</groupId></item></groups></item></ipPermissions>"
        )
    };
    let groups = format!(
        "<securityGroupInfo><item><groupId>sg-1</groupId>{}<tagSet><item><key>kubernetes.io/cluster/prod</key><value>owned</value></item></tagSet></item>\
         <item><groupId>sg-2</groupId>{}<tagSet/></item></securityGroupInfo>",
        rule("sg-7"),
        rule("sg-1")
    );
    let script = without_balancers(Script::new()).on("DescribeNetworkInterfaces", 200, &ec2("DescribeNetworkInterfaces", interfaces));
    let script = script.on("DeleteNetworkInterface", 200, &ec2("DeleteNetworkInterface", "<return>true</return>"));
    let script = script.on("DescribeSecurityGroups", 200, &ec2("DescribeSecurityGroups", &groups));
    let script = script.on("RevokeSecurityGroupIngress", 200, &ec2("RevokeSecurityGroupIngress", "<return>true</return>"));
    let script = script.on("DeleteSecurityGroup", 400, &refused("DependencyViolation"));
    let outcome = sweep(&script.aws("eu-central-1"), "prod", "vpc-1").await;
    let asked = script.finish();
    assert!(asked[4].1.contains("eni-1"), "{asked:?}");
    let revoked = &asked[6].1;
    assert!(revoked.contains("GroupId=sg-2") && revoked.contains("GroupId=sg-1") && !revoked.contains("sg-9"), "{revoked}");
    assert_eq!(outcome.unwrap_err().class, Class::Unfinished);
}

#[tokio::test]
async fn a_refusal_that_no_waiting_heals_is_told() {
    let groups = "<securityGroupInfo><item><groupId>sg-1</groupId><tagSet><item><key>kubernetes.io/cluster/prod</key><value>owned</value></item></tagSet></item></securityGroupInfo>";
    let script =
        without_balancers(Script::new()).on("DescribeNetworkInterfaces", 200, &ec2("DescribeNetworkInterfaces", "<networkInterfaceSet/>"));
    let script = script.on("DescribeSecurityGroups", 200, &ec2("DescribeSecurityGroups", groups)).on(
        "DeleteSecurityGroup",
        403,
        &refused("UnauthorizedOperation"),
    );
    assert_eq!(sweep(&script.aws("eu-central-1"), "prod", "vpc-1").await.unwrap_err().class, Class::Denied);
    script.finish();
}

#[tokio::test]
async fn disks_are_told_and_stay() {
    let volumes = "<volumeSet><item><volumeId>vol-1</volumeId><size>20</size><volumeType>gp3</volumeType><tagSet>\
        <item><key>kubernetes.io/created-for/pvc/name</key><value>data</value></item>\
        <item><key>kubernetes.io/created-for/pvc/namespace</key><value>deeploy</value></item></tagSet></item></volumeSet>";
    let script =
        without_balancers(Script::new()).on("DescribeNetworkInterfaces", 200, &ec2("DescribeNetworkInterfaces", "<networkInterfaceSet/>"));
    let script = script.on("DescribeSecurityGroups", 200, &ec2("DescribeSecurityGroups", "<securityGroupInfo/>"));
    let script = script.on("DescribeVolumes", 200, &ec2("DescribeVolumes", volumes));
    let kept = sweep(&script.aws("eu-central-1"), "prod", "vpc-1").await.unwrap();
    script.finish();
    assert_eq!(kept[0].what, "EBS volume vol-1 of the PersistentVolumeClaim deeploy/data: delete it when its data isn't needed any more");
    assert_eq!(kept[0].cost, "20 GiB of gp3 a month");
}

//! Who keeps an object from being deleted: AWS only says that something does.

use aws_sdk_ec2::types::{Filter, NetworkInterface};

use super::reader::{every, filter};
use crate::{
    aws::Aws,
    graph::{Class, Failure},
};

/// How many are named.
const NAMED_MAX: usize = 10;

/// What may be in the way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of<'a> {
    Vpc(&'a str),
    Subnet(&'a str),
    SecurityGroup(&'a str),
}

/// A refusal of a delete, with the names of what is in the way. What somebody made doesn't go by itself: then it is a conflict, which
/// the engine bears for less long than what AWS is about to take away.
pub(super) async fn named(aws: &Aws, of: Of<'_>, refused: Failure) -> Failure {
    if refused.class != Class::Busy {
        return refused;
    }
    // What can't be looked up is left unnamed: the refusal is what counts.
    let (interfaces, groups) = tokio::join!(interfaces(aws, of), groups(aws, of));
    let (interfaces, groups) = (interfaces.unwrap_or_default(), groups.unwrap_or_default());
    let stays = !groups.is_empty() || interfaces.iter().any(stays);
    let mut names: Vec<String> = interfaces.iter().map(interface).chain(groups).collect();
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    if names.is_empty() {
        return refused;
    }
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let end = if refused.message.ends_with('.') { "" } else { "." };
    Failure {
        class: if stays { Class::Conflict } else { refused.class },
        message: format!("{}{end} In the way: {}{rest}.", refused.message, names.join("; ")),
        ..refused
    }
}

/// Whether an interface stays until somebody deletes what it belongs to. Those of AWS's own services go when these are gone, but for
/// a load balancer's, which nobody here deletes.
fn stays(interface: &NetworkInterface) -> bool {
    !interface.requester_managed().unwrap_or_default() || interface.description().is_some_and(|text| text.starts_with("ELB "))
}

fn interface(of: &NetworkInterface) -> String {
    let id = of.network_interface_id().unwrap_or_default();
    let what = of.description().filter(|text| !text.is_empty()).unwrap_or("no description");
    let instance = of.attachment().and_then(|attachment| attachment.instance_id());
    match instance {
        Some(instance) => format!("network interface {id} ({what}) of instance {instance}"),
        None => format!("network interface {id} ({what})"),
    }
}

async fn interfaces(aws: &Aws, of: Of<'_>) -> Result<Vec<NetworkInterface>, Failure> {
    let (name, id) = match of {
        Of::Vpc(id) => ("vpc-id", id),
        Of::Subnet(id) => ("subnet-id", id),
        Of::SecurityGroup(id) => ("group-id", id),
    };
    let call = aws.ec2.describe_network_interfaces().filters(filter(name, vec![id.to_owned()]));
    every!(call, "ec2:DescribeNetworkInterfaces")
}

/// Security groups that are in the way: a VPC's other ones, and those whose rules name a group.
async fn groups(aws: &Aws, of: Of<'_>) -> Result<Vec<String>, Failure> {
    let describe = |by: Filter| async {
        let call = aws.ec2.describe_security_groups().filters(by);
        every!(call, "ec2:DescribeSecurityGroups")
    };
    let name = |group: &aws_sdk_ec2::types::SecurityGroup, why: &str| {
        format!("security group {} ({}){why}", group.group_id().unwrap_or_default(), group.group_name().unwrap_or_default())
    };
    Ok(match of {
        Of::Subnet(_) => Vec::new(),
        Of::Vpc(id) => {
            let found = describe(filter("vpc-id", vec![id.to_owned()])).await?;
            found.iter().filter(|group| group.group_name() != Some("default")).map(|group| name(group, "")).collect()
        }
        Of::SecurityGroup(id) => {
            let value = || vec![id.to_owned()];
            let (ingress, egress) = tokio::try_join!(
                describe(filter("ip-permission.group-id", value())),
                describe(filter("egress.ip-permission.group-id", value()))
            )?;
            let mut all: Vec<String> = ingress
                .iter()
                .chain(&egress)
                .filter(|group| group.group_id() != Some(id))
                .map(|group| name(group, ", whose rules name it"))
                .collect();
            all.sort();
            all.dedup();
            all
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::replies, *};
    use crate::components::replay::Script;

    fn refused(class: Class) -> Failure {
        Failure { class, ..crate::components::settings::bug("ec2:DeleteVpc", "The vpc 'vpc-1' has dependencies and cannot be deleted.") }
    }

    fn interface(requester: bool, description: &str) -> String {
        format!(
            "<item><networkInterfaceId>eni-1</networkInterfaceId><description>{description}</description>\
             <requesterManaged>{requester}</requesterManaged></item>"
        )
    }

    async fn told(interface: &str, groups: &str) -> Failure {
        let script = Script::any_order()
            .on("DescribeNetworkInterfaces", 200, &replies::set("DescribeNetworkInterfaces", "networkInterfaceSet", interface))
            .on("DescribeSecurityGroups", 200, &replies::set("DescribeSecurityGroups", "securityGroupInfo", groups));
        let failure = named(&script.aws("eu-west-1"), Of::Vpc("vpc-1"), refused(Class::Busy)).await;
        script.finish();
        failure
    }

    #[tokio::test]
    async fn what_somebody_made_is_named_and_a_conflict() {
        let others = "<item><groupId>sg-1</groupId><groupName>default</groupName></item><item><groupId>sg-2</groupId><groupName>web</groupName></item>";
        let failure = told(&interface(false, ""), others).await;
        assert_eq!(failure.class, Class::Conflict);
        let expected = "The vpc 'vpc-1' has dependencies and cannot be deleted. In the way: network interface eni-1 (no description); \
                        security group sg-2 (web).";
        assert_eq!(failure.message, expected);
        assert_eq!(told(&interface(true, "ELB app/web/1"), "").await.class, Class::Conflict);
    }

    #[tokio::test]
    async fn what_aws_takes_away_itself_is_waited_for() {
        let failure = told(&interface(true, "Amazon EKS deeploy-prod"), "").await;
        assert_eq!(failure.class, Class::Busy);
        assert!(failure.message.ends_with("In the way: network interface eni-1 (Amazon EKS deeploy-prod)."), "{failure}");
        assert_eq!(told("", "").await, refused(Class::Busy));
    }

    #[tokio::test]
    async fn groups_whose_rules_name_a_group_are_in_its_way() {
        let other = "<item><groupId>sg-2</groupId><groupName>web</groupName></item>";
        let script = Script::any_order()
            .on("DescribeNetworkInterfaces", 200, &replies::set("DescribeNetworkInterfaces", "networkInterfaceSet", ""))
            .on("DescribeSecurityGroups", 200, &replies::set("DescribeSecurityGroups", "securityGroupInfo", other))
            .on("DescribeSecurityGroups", 200, &replies::set("DescribeSecurityGroups", "securityGroupInfo", other));
        let failure = named(&script.aws("eu-west-1"), Of::SecurityGroup("sg-1"), refused(Class::Busy)).await;
        assert!(failure.message.ends_with("In the way: security group sg-2 (web), whose rules name it."), "{failure}");
        script.finish();
    }

    #[tokio::test]
    async fn another_failure_is_told_as_it_is() {
        assert_eq!(named(&Script::new().aws("eu-west-1"), Of::Subnet("s"), refused(Class::Denied)).await, refused(Class::Denied));
    }
}

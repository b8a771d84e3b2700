//! Which of AWS's services have interface endpoints in a region.

use std::collections::BTreeMap;

use super::reader::filter;
use crate::{
    aws::{Aws, failure},
    graph::Failure,
};

/// How the names of AWS's own services begin. In China some begin otherwise (AWS PrivateLink guide for China, "Services that integrate").
const STARTS: [&str; 2] = ["com.amazonaws.", "cn.com.amazonaws."];

/// The services' full names by their short ones: `ecr.api` → `com.amazonaws.eu-central-1.ecr.api`.
///
/// # Errors
/// The failure of a call.
pub async fn endpoint_services(aws: &Aws) -> Result<BTreeMap<String, String>, Failure> {
    let (mut all, mut next) = (BTreeMap::new(), None);
    loop {
        let call = aws.ec2.describe_vpc_endpoint_services().filters(filter("service-type", vec!["Interface".to_owned()]));
        let reply = call.filters(filter("owner", vec!["amazon".to_owned()])).set_next_token(next).send().await;
        let reply = reply.map_err(|error| failure("ec2:DescribeVpcEndpointServices", error))?;
        for name in reply.service_names() {
            let short = STARTS.into_iter().find_map(|start| name.strip_prefix(&format!("{start}{}.", aws.region)));
            let Some(short) = short else { continue };
            // Of a service with both names the one without the country is meant: endpoints of it are there already.
            let known = all.entry(short.to_owned()).or_insert_with(|| name.clone());
            if name.len() < known.len() {
                known.clone_from(name);
            }
        }
        next = reply.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::replies, *};
    use crate::components::replay::Script;

    #[tokio::test]
    async fn services_are_told_by_their_short_names() {
        let page = |names: &[&str], more: &str| {
            let names: String = names.iter().map(|name| format!("<item>{name}</item>")).collect();
            replies::reply("DescribeVpcEndpointServices", &format!("<serviceNameSet>{names}</serviceNameSet>{more}"))
        };
        let first = ["cn.com.amazonaws.cn-north-1.ecr.api", "cn.com.amazonaws.cn-north-1.sts", "aws.sagemaker.cn-north-1.notebook"];
        let last = ["com.amazonaws.cn-north-1.sts", "com.amazonaws.cn-north-1.logs"];
        let script = Script::new().on("DescribeVpcEndpointServices", 200, &page(&first, "<nextToken>more</nextToken>")).on(
            "DescribeVpcEndpointServices",
            200,
            &page(&last, ""),
        );
        let found = endpoint_services(&script.aws("cn-north-1")).await.unwrap();
        let expected = [
            ("ecr.api", "cn.com.amazonaws.cn-north-1.ecr.api"),
            ("logs", "com.amazonaws.cn-north-1.logs"),
            ("sts", "com.amazonaws.cn-north-1.sts"),
        ];
        assert_eq!(found, expected.map(|(short, name)| (short.to_owned(), name.to_owned())).into());
        assert!(script.finish().iter().all(|(_, body)| body.contains("Interface")));
    }
}

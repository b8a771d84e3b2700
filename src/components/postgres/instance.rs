//! What RDS says about the server behind a host name: whether it exists, who may reach it, where its administrator's secret is.

use aws_sdk_rds::types::Endpoint;

use crate::{
    aws::{Aws, failure},
    graph::Failure,
};

/// A DB instance or Aurora cluster with this endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Instance {
    /// Its identifier.
    pub(crate) identifier: String,
    /// Ids of its security groups.
    pub(crate) security_groups: Vec<String>,
    /// Whether it has an address in the internet.
    pub(crate) public: bool,
    /// ARN of the secret that RDS manages for its administrator.
    pub(crate) master_secret_arn: Option<String>,
}

/// Finds the instance, or the cluster, whose endpoint is `host`. `None`: this account has none in this region.
///
/// # Errors
/// When RDS doesn't answer, or denies it.
pub(crate) async fn instance_at(aws: &Aws, host: &str) -> Result<Option<Instance>, Failure> {
    const INSTANCES: &str = "rds:DescribeDBInstances";
    const CLUSTERS: &str = "rds:DescribeDBClusters";
    let mut pages = aws.rds.describe_db_instances().into_paginator().items().send();
    while let Some(instance) = pages.next().await {
        let instance = instance.map_err(|error| failure(INSTANCES, error))?;
        // Whatever the port: a wrong one proves nothing about the instance.
        if instance.endpoint().and_then(Endpoint::address).is_some_and(|address| address.eq_ignore_ascii_case(host)) {
            let groups = instance.vpc_security_groups().iter().filter_map(|group| group.vpc_security_group_id().map(str::to_owned));
            return Ok(Some(Instance {
                identifier: instance.db_instance_identifier().unwrap_or_default().to_owned(),
                security_groups: groups.collect(),
                public: instance.publicly_accessible().unwrap_or(false),
                master_secret_arn: instance.master_user_secret().and_then(|secret| secret.secret_arn()).map(str::to_owned),
            }));
        }
    }
    if !is_of_rds(host) {
        return Ok(None);
    }
    let mut pages = aws.rds.describe_db_clusters().into_paginator().items().send();
    while let Some(cluster) = pages.next().await {
        let cluster = cluster.map_err(|error| failure(CLUSTERS, error))?;
        let ends = [cluster.endpoint(), cluster.reader_endpoint()];
        if ends.into_iter().flatten().chain(cluster.custom_endpoints().iter().map(String::as_str)).any(|end| end.eq_ignore_ascii_case(host))
        {
            let groups = cluster.vpc_security_groups().iter().filter_map(|group| group.vpc_security_group_id().map(str::to_owned));
            return Ok(Some(Instance {
                identifier: cluster.db_cluster_identifier().unwrap_or_default().to_owned(),
                security_groups: groups.collect(),
                public: cluster.publicly_accessible().unwrap_or(false),
                master_secret_arn: cluster.master_user_secret().and_then(|secret| secret.secret_arn()).map(str::to_owned),
            }));
        }
    }
    Ok(None)
}

/// Whether a host name is one that RDS gives, in any partition: it has `rds` between its dots.
fn is_of_rds(host: &str) -> bool {
    host.to_ascii_lowercase().split('.').any(|label| label == "rds")
}

/// Whether a host name is one that DescribeDBInstances or DescribeDBClusters of this region would show: only of such a name their silence says anything.
/// Proxies have names of RDS, too, and are in neither.
pub(crate) fn is_listed_in(host: &str, region: &str) -> bool {
    let host = host.to_ascii_lowercase();
    is_of_rds(&host) && host.split('.').any(|label| label == region) && !host.split('.').any(|label| label.starts_with("proxy-"))
}

/// Whether there is no such name. RDS's names are public, whatever network they lead to, and go with their instance; a resolver in trouble
/// proves nothing.
pub(crate) async fn is_without_name(host: &str) -> bool {
    const PASSES: &str = "emporary";
    match tokio::net::lookup_host((host, 0)).await {
        Ok(mut addresses) => addresses.next().is_none(),
        Err(error) => !error.to_string().contains(PASSES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_rds_gave_in_this_region_proves_anything() {
        let ours = "deeploy-prod.c9akciq32rgd.eu-central-1.rds.amazonaws.com";
        assert!(is_listed_in(ours, "eu-central-1") && !is_listed_in(ours, "eu-west-1"));
        // China has the region behind the service.
        assert!(is_listed_in("x.abc.rds.cn-north-1.amazonaws.com.cn", "cn-north-1"));
        for other in
            ["127.0.0.1", "localhost", "db.example.com", "eu-central-1.example.com", "p.proxy-c9akciq32rgd.eu-central-1.rds.amazonaws.com"]
        {
            assert!(!is_listed_in(other, "eu-central-1"), "{other}");
        }
    }
}

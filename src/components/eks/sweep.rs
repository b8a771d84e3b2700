//! What Kubernetes made for a cluster, and left behind when the cluster went: load balancers, their security groups and interfaces.
//!
//! No controller is left to fight. Only what is provably this cluster's and in its VPC goes: by its tags, never by a name or a description.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, IpPermission, NetworkInterfaceStatus, SecurityGroup, Tag, Volume};

use crate::{
    aws::{Absent, Aws, failure},
    components::settings,
    graph::{Class, Failure, Kept},
};

mod balancers;

#[cfg(test)]
mod tests;

/// How many tags' owners are asked for at once: the limit of both load balancing APIs.
const TAGS_AT_ONCE: usize = 20;

/// The tags that prove an object to be a cluster's.
struct Proof {
    /// Of Kubernetes and EKS: `owned`, never `shared`.
    owned: String,
    cluster: String,
}

impl Proof {
    fn of(cluster: &str) -> Self {
        Self { owned: format!("kubernetes.io/cluster/{cluster}"), cluster: cluster.to_owned() }
    }

    fn holds(&self, key: Option<&str>, value: Option<&str>) -> bool {
        match key {
            Some("elbv2.k8s.aws/cluster" | "cluster.k8s.amazonaws.com/name") => value == Some(&self.cluster),
            Some(key) => key == self.owned && value == Some("owned"),
            None => false,
        }
    }

    fn of_tags(&self, tags: &[Tag]) -> bool {
        tags.iter().any(|tag| self.holds(tag.key(), tag.value()))
    }
}

/// What this round saw to be still there.
#[derive(Default)]
struct Going(Vec<String>);

impl Going {
    /// A delete that hangs on what is going itself is no failure: the next round tries again.
    fn note(&mut self, id: &str, deleted: Result<(), Failure>) -> Result<(), Failure> {
        match deleted {
            Err(failure) if failure.class == Class::NotFound => Ok(()),
            Err(failure) if !failure.class.is_retryable() && failure.class != Class::Conflict => Err(failure),
            _ => {
                self.0.push(id.to_owned());
                Ok(())
            }
        }
    }

    fn end(self) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let what = format!("what Kubernetes made for the cluster is being deleted: {}", self.0.join(", "));
        Err(settings::failure(Class::Unfinished, "eks:DeleteCluster", what))
    }
}

/// One round. Load balancers, then target groups and interfaces, then security groups; each only when what hangs on it is gone.
pub(super) async fn sweep(aws: &Aws, cluster: &str, vpc: &str) -> Result<Vec<Kept>, Failure> {
    let proof = Proof::of(cluster);
    let mut going = Going::default();
    balancers::classic(aws, &proof, vpc, &mut going).await?;
    balancers::modern(aws, &proof, vpc, &mut going).await?;
    going.end()?;

    let mut going = Going::default();
    balancers::target_groups(aws, &proof, vpc, &mut going).await?;
    interfaces(aws, &proof, vpc, &mut going).await?;
    groups(aws, &proof, vpc, &mut going).await?;
    going.end()?;
    volumes(aws, &proof).await
}

fn filter(name: &str, values: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.to_vec())).build()
}

/// Interfaces that the network plugin left: those in use go with their instances or load balancers.
async fn interfaces(aws: &Aws, proof: &Proof, vpc: &str, going: &mut Going) -> Result<(), Failure> {
    const CALL: &str = "ec2:DescribeNetworkInterfaces";
    let call = aws.ec2.describe_network_interfaces().filters(filter("vpc-id", &[vpc.to_owned()]));
    let call = call.filters(filter("status", &[NetworkInterfaceStatus::Available.as_str().to_owned()]));
    let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let all = all.map_err(|error| failure(CALL, error))?;
    for interface in all.iter().filter(|interface| proof.of_tags(interface.tag_set())) {
        let id = interface.network_interface_id().unwrap_or_default();
        let deleted = aws.ec2.delete_network_interface().network_interface_id(id).send().await;
        going.note(id, deleted.absent("ec2:DeleteNetworkInterface").map(drop))?;
    }
    Ok(())
}

/// Security groups, EKS's own `eks-cluster-sg-…` among them. Rules of others that point to them would keep them: those go first.
async fn groups(aws: &Aws, proof: &Proof, vpc: &str, going: &mut Going) -> Result<(), Failure> {
    let in_vpc = filter("vpc-id", &[vpc.to_owned()]);
    let all = described(aws, vec![in_vpc.clone()]).await?;
    let ids: Vec<String> =
        all.iter().filter(|group| proof.of_tags(group.tags())).filter_map(|group| group.group_id().map(str::to_owned)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    for group in &all {
        revoke(aws, group, &ids).await?;
    }
    for id in &ids {
        let deleted = aws.ec2.delete_security_group().group_id(id).send().await;
        going.note(id, deleted.absent("ec2:DeleteSecurityGroup").map(drop))?;
    }
    Ok(())
}

async fn described(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<SecurityGroup>, Failure> {
    let call = aws.ec2.describe_security_groups().set_filters(Some(filters));
    let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    all.map_err(|error| failure("ec2:DescribeSecurityGroups", error))
}

/// Takes the rules out of `group` that point to one of `ids`.
async fn revoke(aws: &Aws, group: &SecurityGroup, ids: &[String]) -> Result<(), Failure> {
    let Some(id) = group.group_id() else { return Ok(()) };
    let ingress = pointing(group.ip_permissions(), ids);
    if !ingress.is_empty() {
        let call = aws.ec2.revoke_security_group_ingress().group_id(id).set_ip_permissions(Some(ingress));
        call.send().await.absent("ec2:RevokeSecurityGroupIngress")?;
    }
    let egress = pointing(group.ip_permissions_egress(), ids);
    if !egress.is_empty() {
        let call = aws.ec2.revoke_security_group_egress().group_id(id).set_ip_permissions(Some(egress));
        call.send().await.absent("ec2:RevokeSecurityGroupEgress")?;
    }
    Ok(())
}

/// Only the pairs that name those groups, and nothing else of a rule.
fn pointing(permissions: &[IpPermission], ids: &[String]) -> Vec<IpPermission> {
    let only = |permission: &IpPermission| {
        let pairs: Vec<_> = (permission.user_id_group_pairs().iter())
            .filter(|pair| pair.group_id().is_some_and(|group| ids.iter().any(|id| id == group)))
            .map(|pair| aws_sdk_ec2::types::UserIdGroupPair::builder().set_group_id(pair.group_id().map(str::to_owned)).build())
            .collect();
        (!pairs.is_empty()).then(|| {
            IpPermission::builder()
                .set_ip_protocol(permission.ip_protocol().map(str::to_owned))
                .set_from_port(permission.from_port())
                .set_to_port(permission.to_port())
                .set_user_id_group_pairs(Some(pairs))
                .build()
        })
    };
    permissions.iter().filter_map(only).collect()
}

/// Disks of PersistentVolumes hold data: they are told, never deleted.
async fn volumes(aws: &Aws, proof: &Proof) -> Result<Vec<Kept>, Failure> {
    let owned = filter(&format!("tag:{}", proof.owned), &["owned".to_owned()]);
    let call = aws.ec2.describe_volumes().filters(owned).filters(filter("tag-key", &["kubernetes.io/created-for/*".to_owned()]));
    let all: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let all = all.map_err(|error| failure("ec2:DescribeVolumes", error))?;
    let mut seen = BTreeSet::new();
    Ok(all.iter().filter(|volume| seen.insert(volume.volume_id().map(str::to_owned))).map(kept).collect())
}

fn kept(volume: &Volume) -> Kept {
    let tag = |key: &str| volume.tags().iter().find(|tag| tag.key() == Some(key)).and_then(|tag| tag.value());
    let claim = tag("kubernetes.io/created-for/pvc/name").unwrap_or("unknown");
    let namespace = tag("kubernetes.io/created-for/pvc/namespace").unwrap_or("unknown");
    let id = volume.volume_id().unwrap_or_default();
    let (size, kind) = (volume.size().unwrap_or_default(), volume.volume_type().map_or("", |kind| kind.as_str()));
    Kept {
        what: format!("EBS volume {id} of the PersistentVolumeClaim {namespace}/{claim}: delete it when its data isn't needed any more"),
        cost: format!("{size} GiB of {kind} a month"),
    }
}

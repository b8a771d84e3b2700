//! Controls of AWS Security Hub's standards that an environment doesn't meet, and why: each follows from what the environment is set to.

use std::collections::{BTreeMap, BTreeSet};

use tf_provider::{Attr, Set, Value};

use super::{Environment, cluster::Cluster, database::Database, monitoring, network::Network};

type Controls = BTreeMap<&'static str, String>;

/// What no setting changes.
const ALWAYS: [(&str, &str); 6] = [
    ("EC2.17", "The cluster's network plugin gives nodes several network interfaces, from which pods have their addresses."),
    ("RDS.23", "Deeploy's chart has the port 5432 written into it."),
    ("RDS.26", "RDS backs the database up by itself; a plan of AWS Backup is the account's, over all that it has."),
    ("S3.7", "A copy in another region is a decision about where data may be, and about its price."),
    ("S3.11", "Nothing listens to events of the bucket."),
    ("S3.15", "Deeploy deletes artefacts that it doesn't need any more; a lock would keep them."),
];

/// Controls that ask for an interface endpoint of a service in the VPC.
const ENDPOINTS: [(&str, &str); 6] = [
    ("EC2.10", "ec2"),
    ("EC2.55", "ecr.api"),
    ("EC2.56", "ecr.dkr"),
    ("EC2.57", "ssm"),
    ("EC2.58", "ssm-contacts"),
    ("EC2.60", "ssm-incidents"),
];

/// Days for which CloudWatch.16 wants logs kept.
const LOG_RETENTION_MIN_DAYS: i64 = 365;
/// Days for which RDS.11 wants backups kept.
const BACKUP_RETENTION_MIN_DAYS: i64 = 7;

/// The waived controls with their reasons; `None` while what decides them is unknown.
pub(super) fn controls(model: &Environment) -> Option<Controls> {
    let mut all: Controls = ALWAYS.iter().map(|(control, reason)| (*control, (*reason).to_owned())).collect();
    all.insert("S3.20", "Only the account's root user, with its MFA device at hand, can switch MFA delete on.".to_owned());
    let (network, cluster, database) = (model.network.known()?, model.cluster.known()?, model.database.known()?);
    of_network(network, &mut all)?;
    of_cluster(cluster, &mut all)?;
    of_database(database, &mut all)?;
    of_logs(network, cluster, database, &mut all)?;
    of_storage(model, &mut all)?;
    if decided(&model.identity.known()?.mode)?.is_some_and(|mode| mode == "user") {
        all.insert("IAM.3", "`identity.mode = \"user\"` needs an access key; rotate it (`identity.access_key_rotation`).".to_owned());
        let by_hand = "The secret holds an access key, which only IAM can rotate: `identity.access_key_rotation` does.";
        all.extend(["SecretsManager.1", "SecretsManager.4"].map(|control| (control, by_hand.to_owned())));
    }
    of_monitoring(model.monitoring.known()?, &mut all)?;
    Some(all)
}

/// `None`: not known yet. Null: `Some(None)`.
fn decided<T>(attribute: &Attr<T>) -> Option<Option<&T>> {
    if attribute.is_unknown() { None } else { Some(attribute.known()) }
}

/// The texts of a set; of null none.
fn texts(attribute: &Attr<Set<String>>) -> Option<BTreeSet<&str>> {
    let set = decided(attribute)?;
    let whole = set.is_none_or(|set| set.known().count() == set.len());
    whole.then(|| set.into_iter().flat_map(Set::known).map(String::as_str).collect())
}

/// Of a network that exists already nothing is ours to set.
fn of_network(network: &Network, all: &mut Controls) -> Option<()> {
    if decided(&network.existing)?.is_some() {
        return Some(());
    }
    let endpoints = texts(&network.interface_endpoints)?;
    for (control, service) in ENDPOINTS.iter().filter(|(_, service)| !endpoints.contains(service)) {
        let reason = format!(
            "An interface endpoint is paid for in each zone, and its service is reached over TLS without it: `network.interface_endpoints` takes \"{service}\"."
        );
        all.insert(control, reason);
    }
    let logs = network.flow_logs.known()?;
    if decided(&logs.enabled)? == Some(&false) {
        all.insert("EC2.6", "`network.flow_logs.enabled` is off.".to_owned());
    } else if decided(&logs.traffic_type)?.is_some_and(|traffic| traffic == "ACCEPT") {
        all.insert("EC2.6", "`network.flow_logs.traffic_type = \"ACCEPT\"` leaves out rejected traffic.".to_owned());
    }
    Some(())
}

fn of_cluster(cluster: &Cluster, all: &mut Controls) -> Option<()> {
    if !texts(&cluster.public_access_cidrs)?.is_empty() {
        all.insert("EKS.1", "`cluster.public_access_cidrs` opens the cluster's API to these ranges.".to_owned());
    }
    if !texts(&cluster.enabled_cluster_log_types)?.contains("audit") {
        all.insert("EKS.8", "`cluster.enabled_cluster_log_types` leaves out `audit`.".to_owned());
    }
    // What a group leaves out is chosen by the preset, so that what counts is the whole.
    let groups = decided(&cluster.effective_node_groups)?;
    let mut single = Vec::new();
    for (name, group) in groups.into_iter().flatten() {
        if decided(&group.instance_types)?.is_some_and(|types| types.len() < 2) {
            single.push(name.as_str());
        }
    }
    if !single.is_empty() {
        let reason = format!("Nodes of one instance type in `cluster.node_groups`: {}.", single.join(", "));
        all.insert("AutoScaling.6", reason);
    }
    Some(())
}

fn of_database(database: &Database, all: &mut Controls) -> Option<()> {
    if decided(&database.multi_az)? == Some(&false) {
        all.insert("RDS.5", "`database.multi_az` is off: the database stands in one zone.".to_owned());
    }
    if decided(&database.deletion_protection)? == Some(&false) {
        all.insert("RDS.8", "`database.deletion_protection` is off.".to_owned());
    }
    let exported = texts(&database.enabled_cloudwatch_logs_exports)?;
    let missing: Vec<&str> = ["postgresql", "upgrade"].into_iter().filter(|log| !exported.contains(log)).collect();
    if !missing.is_empty() {
        all.insert("RDS.9", format!("`database.enabled_cloudwatch_logs_exports` leaves out {}.", missing.join(" and ")));
    }
    if decided(&database.backup_retention_period)?.is_some_and(|days| *days < BACKUP_RETENTION_MIN_DAYS) {
        all.insert("RDS.11", format!("`database.backup_retention_period` is below {BACKUP_RETENTION_MIN_DAYS} days."));
    }
    Some(())
}

/// Logs that are not taken are no log groups that are kept too short.
fn of_logs(network: &Network, cluster: &Cluster, database: &Database, all: &mut Controls) -> Option<()> {
    // The cluster's group is made in any case: EKS would make it without an end.
    let mut groups = vec![("cluster.log_retention_in_days", &cluster.log_retention_in_days, true)];
    if decided(&network.existing)?.is_none() {
        let logs = network.flow_logs.known()?;
        groups.push(("network.flow_logs.retention_in_days", &logs.retention_in_days, decided(&logs.enabled)? == Some(&true)));
    }
    let taken = !texts(&database.enabled_cloudwatch_logs_exports)?.is_empty();
    groups.push(("database.log_retention_in_days", &database.log_retention_in_days, taken));
    let mut short = Vec::new();
    for (name, days, _) in groups.into_iter().filter(|(.., taken)| *taken) {
        if decided(days)?.is_some_and(|days| *days < LOG_RETENTION_MIN_DAYS) {
            short.push(format!("`{name}`"));
        }
    }
    if !short.is_empty() {
        all.insert("CloudWatch.16", format!("Logs are kept for less than a year: {}.", short.join(", ")));
    }
    Some(())
}

fn of_storage(model: &Environment, all: &mut Controls) -> Option<()> {
    let storage = model.storage.known()?;
    if decided(&storage.access)?.is_some_and(|access| access == "documented") {
        all.insert("IAM.21", "`storage.access = \"documented\"` gives `s3:*` on the bucket's objects.".to_owned());
    }
    let logging = storage.access_logging.known()?;
    if decided(&logging.enabled)? == Some(&false) {
        all.insert("S3.9", "`storage.access_logging.enabled` is off.".to_owned());
    } else if decided(&logging.bucket)?.is_none() {
        all.insert("S3.17", "S3 delivers access logs only to buckets that it encrypts with its own keys.".to_owned());
    }
    Some(())
}

/// Without a topic nobody is told.
fn of_monitoring(monitoring: &monitoring::Monitoring, all: &mut Controls) -> Option<()> {
    let told = decided(&monitoring.sns_topic_arn)?.is_some() || monitoring::has_topic(monitoring)?;
    if !told {
        let reason = "Nobody is told: set `monitoring.alarm_emails` or `monitoring.sns_topic_arn`.";
        all.extend(["CloudWatch.15", "RDS.20", "RDS.21", "RDS.22"].map(|control| (control, reason.to_owned())));
    }
    Some(())
}

/// As a value of `waived_controls`.
pub(super) fn to_value(controls: &Controls) -> Value {
    Value::Map(controls.iter().map(|(control, reason)| ((*control).to_owned(), Value::from(reason.as_str()))).collect())
}

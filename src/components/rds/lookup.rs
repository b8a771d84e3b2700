//! What a plan asks of RDS: which versions and classes there are, and what a snapshot holds. Reads only.

use std::collections::BTreeMap;

use aws_sdk_rds::primitives::DateTimeFormat;

use crate::{
    aws::{Absent, Aws, failure},
    graph::Failure,
};

/// The engine of every instance.
const ENGINE: &str = "postgres";

/// A version of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// E.g. `17.6`.
    pub version: String,
    /// Versions of other majors that AWS upgrades it to.
    pub major_targets: Vec<String>,
}

/// How a class is offered with a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// E.g. `17.6`.
    pub version: String,
    /// E.g. `gp3`.
    pub storage_type: String,
    /// Whether it can stand in two zones.
    pub multi_az: bool,
}

/// What a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// `available`, `creating` …
    pub status: String,
    /// E.g. `postgres`.
    pub engine: String,
    /// E.g. `17.6`.
    pub engine_version: String,
    /// GiB.
    pub allocated_storage: i64,
    /// Whether it is encrypted; what is restored from it is then, with the same key.
    pub encrypted: bool,
}

/// The versions that `version` names: all of a major (`17`), or one (`17.6`). Empty: there is none.
///
/// # Errors
/// What AWS says.
pub async fn versions(aws: &Aws, version: &str) -> Result<Vec<Version>, Failure> {
    const CALL: &str = "rds:DescribeDBEngineVersions";
    let call = aws.rds.describe_db_engine_versions().engine(ENGINE);
    // A major version is a family of parameter groups.
    let call =
        if version.contains('.') { call.engine_version(version) } else { call.db_parameter_group_family(format!("{ENGINE}{version}")) };
    let call = call.into_paginator().items().send();
    let found: Option<Vec<_>> = call.collect::<Result<Vec<_>, _>>().await.absent(CALL)?;
    let targets = |version: &aws_sdk_rds::types::DbEngineVersion| {
        let majors = version.valid_upgrade_target().iter().filter(|target| target.is_major_version_upgrade() == Some(true));
        majors.filter_map(|target| target.engine_version().map(str::to_owned)).collect()
    };
    let of = |version: aws_sdk_rds::types::DbEngineVersion| {
        Some(Version { version: version.engine_version()?.to_owned(), major_targets: targets(&version) })
    };
    Ok(found.unwrap_or_default().into_iter().filter_map(of).collect())
}

/// How a class is offered in this region with exactly this version (`17.6`). Empty: it isn't.
///
/// # Errors
/// What AWS says.
pub async fn offers(aws: &Aws, version: &str, class: &str) -> Result<Vec<Offer>, Failure> {
    const CALL: &str = "rds:DescribeOrderableDBInstanceOptions";
    let call = aws.rds.describe_orderable_db_instance_options().engine(ENGINE).engine_version(version).db_instance_class(class).vpc(true);
    let found: Vec<_> = call.into_paginator().items().send().collect::<Result<_, _>>().await.map_err(|error| failure(CALL, error))?;
    let of = |option: aws_sdk_rds::types::OrderableDbInstanceOption| {
        Some(Offer {
            version: option.engine_version()?.to_owned(),
            storage_type: option.storage_type().unwrap_or_default().to_owned(),
            multi_az: option.multi_az_capable().unwrap_or(false),
        })
    };
    Ok(found.into_iter().filter_map(of).collect())
}

/// A snapshot by its name or, where it is shared, its ARN.
///
/// # Errors
/// What AWS says.
pub async fn snapshot(aws: &Aws, name: &str) -> Result<Option<Snapshot>, Failure> {
    let reply = aws.rds.describe_db_snapshots().db_snapshot_identifier(name).send().await.absent("rds:DescribeDBSnapshots")?;
    let found = reply.as_ref().and_then(|reply| reply.db_snapshots().first());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(found.map(|found| Snapshot {
        status: text(found.status()),
        engine: text(found.engine()),
        engine_version: text(found.engine_version()),
        allocated_storage: found.allocated_storage().unwrap_or_default().into(),
        encrypted: found.encrypted().unwrap_or(false),
    }))
}

/// A snapshot that can be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restorable {
    /// Its name.
    pub name: String,
    /// When it was taken, UTC; empty where RDS doesn't tell.
    pub taken: String,
}

/// The newest snapshot of an instance, which may be gone, that can be restored.
///
/// # Errors
/// What AWS says.
pub async fn newest_snapshot(aws: &Aws, instance: &str) -> Result<Option<Restorable>, Failure> {
    let call = aws.rds.describe_db_snapshots().db_instance_identifier(instance).into_paginator().items().send();
    let all: Option<Vec<_>> = call.collect::<Result<Vec<_>, _>>().await.absent("rds:DescribeDBSnapshots")?;
    let available = all.into_iter().flatten().filter(|snapshot| snapshot.status() == Some("available"));
    let newest = available.max_by_key(|snapshot| snapshot.snapshot_create_time().map(|time| (time.secs(), time.subsec_nanos())));
    Ok(newest.and_then(|snapshot| {
        let taken = snapshot.snapshot_create_time().and_then(|time| time.fmt(DateTimeFormat::DateTime).ok());
        Some(Restorable { name: snapshot.db_snapshot_identifier()?.to_owned(), taken: taken.unwrap_or_default() })
    }))
}

/// The parameters of a major version (`17`) by name, with whether they can be set. Empty: there is no such version.
///
/// # Errors
/// What AWS says.
pub async fn parameters(aws: &Aws, major: &str) -> Result<BTreeMap<String, bool>, Failure> {
    let call = aws.rds.describe_engine_default_parameters().db_parameter_group_family(format!("{ENGINE}{major}"));
    let all: Option<Vec<_>> =
        call.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.absent("rds:DescribeEngineDefaultParameters")?;
    let of =
        |parameter: aws_sdk_rds::types::Parameter| Some((parameter.parameter_name()?.to_owned(), parameter.is_modifiable() != Some(false)));
    Ok(all.into_iter().flatten().filter_map(of).collect())
}

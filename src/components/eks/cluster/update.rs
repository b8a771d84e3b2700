//! Changing a cluster: one change a call, and EKS carries out one at a time.

use std::collections::BTreeSet;

use aws_sdk_eks::types::{
    AuthenticationMode, EncryptionConfig, LogSetup, LogType, Logging, Provider, SupportType, Update, UpdateAccessConfigRequest,
    UpgradePolicyRequest, VpcConfigRequest, ZonalShiftConfigRequest,
};
use serde_json::Value as Json;

use crate::{
    aws::{Aws, failure},
    components::{
        eks::version,
        settings::{self, Settings, required, text, texts},
    },
    graph::{Class, Failure, Found},
};

/// Every type of control plane log.
const LOG_TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// The settings in the order of their updates: who may reach it before what it runs, and the version, which takes longest, last.
const ORDER: [&str; 10] = [
    "authentication_mode",
    "encryption_key_arn",
    "endpoint_private_access",
    "endpoint_public_access",
    "public_access_cidrs",
    "subnet_ids",
    "log_types",
    "support_type",
    "zonal_shift",
    "deletion_protection",
];

/// Begins the first of the changes; `None`: none was to be made.
pub(super) async fn one(aws: &Aws, found: &Found, wanted: &Settings, changed: &BTreeSet<String>) -> Result<Option<Update>, Failure> {
    const CALL: &str = "eks:UpdateClusterConfig";
    let flag = |name: &str| wanted.get(name).and_then(Json::as_bool);
    let call = aws.eks.update_cluster_config().name(&found.id);
    let call = match ORDER.into_iter().find(|name| changed.contains(*name)) {
        None => return next_version(aws, found, wanted, changed).await,
        Some("encryption_key_arn") => return encrypt(aws, found, wanted).await,
        Some("authentication_mode") => {
            let mode = next_mode(text(&found.settings, "authentication_mode"), required(wanted, "authentication_mode", CALL)?);
            call.access_config(UpdateAccessConfigRequest::builder().authentication_mode(AuthenticationMode::from(mode)).build())
        }
        Some("subnet_ids") => call.resources_vpc_config(VpcConfigRequest::builder().set_subnet_ids(texts(wanted, "subnet_ids")).build()),
        Some("log_types") => call.set_logging(logging(wanted)),
        Some("support_type") => {
            let kind = SupportType::from(required(wanted, "support_type", CALL)?);
            call.upgrade_policy(UpgradePolicyRequest::builder().support_type(kind).build())
        }
        Some("zonal_shift") => call.zonal_shift_config(ZonalShiftConfigRequest::builder().set_enabled(flag("zonal_shift")).build()),
        Some("deletion_protection") => call.set_deletion_protection(flag("deletion_protection")),
        Some(_) => call.resources_vpc_config(network(wanted, false)),
    };
    Ok(call.send().await.map_err(|error| failure(CALL, error))?.update)
}

/// From the config map alone there is no direct way to entries alone, and never a way back.
fn next_mode<'a>(found: Option<&str>, wanted: &'a str) -> &'a str {
    if found == Some("CONFIG_MAP") && wanted == "API" { "API_AND_CONFIG_MAP" } else { wanted }
}

async fn next_version(aws: &Aws, found: &Found, wanted: &Settings, changed: &BTreeSet<String>) -> Result<Option<Update>, Failure> {
    const CALL: &str = "eks:UpdateClusterVersion";
    if !changed.contains("version") {
        return Ok(None);
    }
    let live = text(&found.outputs, "version").unwrap_or_default();
    let Some(next) = version::step(live, required(wanted, "version", CALL)?) else { return Ok(None) };
    let call = aws.eks.update_cluster_version().name(&found.id).version(next);
    Ok(call.send().await.map_err(|error| failure(CALL, error))?.update)
}

async fn encrypt(aws: &Aws, found: &Found, wanted: &Settings) -> Result<Option<Update>, Failure> {
    const CALL: &str = "eks:AssociateEncryptionConfig";
    if let Some(other) = text(&found.settings, "encryption_key_arn") {
        let why =
            format!("the cluster's secrets are encrypted with {other}, and EKS never changes that: keep the key, or make another cluster");
        return Err(settings::failure(Class::Invalid, CALL, why));
    }
    let config = encryption(required(wanted, "encryption_key_arn", CALL)?);
    let call = aws.eks.associate_encryption_config().cluster_name(&found.id).encryption_config(config);
    Ok(call.send().await.map_err(|error| failure(CALL, error))?.update)
}

/// Secrets were what EKS encrypted with the key; by now it is all of Kubernetes' data, and the name is sent for clusters of before.
#[allow(deprecated)]
pub(super) fn encryption(key: &str) -> EncryptionConfig {
    EncryptionConfig::builder().resources("secrets").provider(Provider::builder().key_arn(key).build()).build()
}

/// How the API is reached, and with `subnets` where the control plane's interfaces stand: EKS takes the two in calls of their own.
pub(super) fn network(wanted: &Settings, subnets: bool) -> VpcConfigRequest {
    let flag = |name: &str| wanted.get(name).and_then(Json::as_bool);
    let public = flag("endpoint_public_access");
    VpcConfigRequest::builder()
        .set_subnet_ids(texts(wanted, "subnet_ids").filter(|_| subnets))
        .set_endpoint_private_access(flag("endpoint_private_access"))
        .set_endpoint_public_access(public)
        .set_public_access_cidrs(texts(wanted, "public_access_cidrs").filter(|_| public == Some(true)))
        .build()
}

/// Each type of log switched on or off; `None` where nobody says.
pub(super) fn logging(wanted: &Settings) -> Option<Logging> {
    let on = texts(wanted, "log_types")?;
    let setup = |enabled: bool| {
        let types: Vec<LogType> =
            LOG_TYPES.into_iter().filter(|kind| on.iter().any(|on| on == kind) == enabled).map(LogType::from).collect();
        (!types.is_empty()).then(|| LogSetup::builder().set_types(Some(types)).enabled(enabled).build())
    };
    Some(Logging::builder().set_cluster_logging(Some([setup(true), setup(false)].into_iter().flatten().collect())).build())
}

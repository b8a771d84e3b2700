#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use serde_json::json;

use super::*;
use crate::components::{
    replay::Script,
    settings::{Settings, map},
};
use crate::graph::Limits;

const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1";
const GONE: &str = r#"{"__type":"ResourceNotFoundException","message":"No cluster found for name: prod."}"#;

fn component(script: &Script) -> EksCluster {
    EksCluster::new(script.aws("eu-central-1"))
}

fn settings() -> Settings {
    map([
        ("name", json!("prod")),
        ("role_arn", json!("arn:aws:iam::123456789012:role/prod-cluster")),
        ("version", json!("1.33")),
        ("subnet_ids", json!(["subnet-1", "subnet-2"])),
        ("endpoint_private_access", json!(true)),
        ("endpoint_public_access", json!(true)),
        ("public_access_cidrs", json!(["192.0.2.0/24"])),
        ("log_types", json!(["api", "audit"])),
        ("support_type", json!("STANDARD")),
        ("zonal_shift", json!(true)),
        ("deletion_protection", json!(true)),
        ("encryption_key_arn", json!(KEY)),
        ("authentication_mode", json!("API")),
    ])
}

fn wanted() -> Wanted {
    let tags = BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_eks_cluster/prod".to_owned())]);
    Wanted { component: "cluster".into(), settings: settings(), tags, token: "t".repeat(64) }
}

fn query() -> Query {
    Query { component: "cluster".into(), settings: settings(), ..Query::default() }
}

fn reply(status: &str, version: &str, issues: &Json) -> String {
    json!({ "cluster": {
        "name": "prod", "arn": "arn:aws:eks:eu-central-1:123456789012:cluster/prod", "version": version, "endpoint": "https://x", "status": status,
        "roleArn": "arn:aws:iam::123456789012:role/prod-cluster", "platformVersion": "eks.5", "certificateAuthority": { "data": "Y2E=" },
        "identity": { "oidc": { "issuer": "https://oidc.eks/id/A" } }, "kubernetesNetworkConfig": { "serviceIpv4Cidr": "172.20.0.0/16" },
        "resourcesVpcConfig": { "subnetIds": ["subnet-1", "subnet-2"], "securityGroupIds": [], "clusterSecurityGroupId": "sg-1", "vpcId": "vpc-1",
            "endpointPublicAccess": true, "endpointPrivateAccess": true, "publicAccessCidrs": ["192.0.2.0/24"] },
        "logging": { "clusterLogging": [{ "types": ["api", "audit"], "enabled": true }, { "types": ["scheduler"], "enabled": false }] },
        "upgradePolicy": { "supportType": "STANDARD" }, "zonalShiftConfig": { "enabled": true }, "deletionProtection": true,
        "encryptionConfig": [{ "resources": ["secrets"], "provider": { "keyArn": KEY } }], "accessConfig": { "authenticationMode": "API" },
        "health": { "issues": issues }, "tags": { "a": "b", "aws:x": "y" },
    } })
    .to_string()
}

fn ready() -> String {
    reply("ACTIVE", "1.33", &json!([]))
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn find_tells_everything_that_is_managed() {
    let script = Script::new().on("GET /clusters/prod", 200, &ready()).on("GET /clusters/prod", 404, GONE);
    let component = component(&script);
    let found = component.find(&query()).await.unwrap().unwrap();
    assert_eq!(found.settings, settings());
    assert_eq!(find::nulls(&found), Vec::<&str>::new());
    assert_eq!(
        (found.outputs["issuer"].as_str(), found.outputs["security_group_id"].as_str()),
        (Some("https://oidc.eks/id/A"), Some("sg-1"))
    );
    assert_eq!(found.tags, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
    assert_eq!(component.find(&query()).await.unwrap(), None);
    script.finish();
}

#[tokio::test]
async fn a_version_that_aws_raised_is_no_difference_and_is_told() {
    let script = Script::new().on("GET /clusters/prod", 200, &reply("ACTIVE", "1.34", &json!([])));
    let found = component(&script).find(&query()).await.unwrap().unwrap();
    assert_eq!((&found.settings["version"], &found.outputs["version"]), (&json!("1.33"), &json!("1.34")));
}

#[tokio::test]
async fn states() {
    let issue = json!([{ "code": "KmsKeyNotFound", "message": "the key is gone", "resourceIds": [KEY] }]);
    let slow = json!([{ "code": "InternalFailure", "message": "try", "resourceIds": [] }]);
    for (status, issues, ready, text) in [
        ("CREATING", &slow, "pending", "InternalFailure"),
        ("CREATING", &issue, "broken", "KmsKeyNotFound: the key is gone (arn:aws:kms"),
        ("UPDATING", &slow, "pending", "updating"),
        ("DELETING", &slow, "pending", "deleting"),
        ("FAILED", &issue, "broken", "could not make"),
    ] {
        let script = Script::new().on("GET /clusters/prod", 200, &reply(status, "1.33", issues));
        let (kind, told) = match component(&script).find(&query()).await.unwrap().unwrap().readiness {
            Readiness::Pending(why) => ("pending", why),
            Readiness::Broken(why) => ("broken", why),
            other => panic!("{other:?}"),
        };
        assert!(kind == ready && told.contains(text), "{status}: {kind} {told}");
    }
}

#[tokio::test]
async fn create_is_one_call_and_makes_nobody_an_administrator() {
    let script = Script::new().on("POST /clusters", 200, &reply("CREATING", "1.33", &json!([])));
    component(&script).create(&wanted()).await.unwrap();
    let asked = script.finish();
    let body: Json = serde_json::from_str(&asked[0].1).unwrap();
    let expected = json!({
        "name": "prod", "version": "1.33", "roleArn": "arn:aws:iam::123456789012:role/prod-cluster", "clientRequestToken": "t".repeat(64),
        "resourcesVpcConfig": { "subnetIds": ["subnet-1", "subnet-2"], "endpointPrivateAccess": true, "endpointPublicAccess": true, "publicAccessCidrs": ["192.0.2.0/24"] },
        "accessConfig": { "authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": false }, "bootstrapSelfManagedAddons": false,
        "encryptionConfig": [{ "resources": ["secrets"], "provider": { "keyArn": KEY } }],
        "logging": { "clusterLogging": [{ "types": ["api", "audit"], "enabled": true }, { "types": ["authenticator", "controllerManager", "scheduler"], "enabled": false }] },
        "upgradePolicy": { "supportType": "STANDARD" }, "zonalShiftConfig": { "enabled": true },
        "tags": { "deeploy:owner": "deeploy_eks_cluster/prod" },
    });
    assert_eq!(body, expected, "and no deletion protection, which is the seal");
}

#[tokio::test]
async fn each_update_is_one_kind_of_change() {
    let update = r#"{"update":{"id":"u-1","status":"InProgress","type":"VersionUpdate"}}"#;
    let cases: [(&[&str], &str, &str); 7] = [
        (&["log_types", "version"], "POST /clusters/prod/update-config", "logging"),
        (
            &["endpoint_public_access", "public_access_cidrs", "subnet_ids"],
            "POST /clusters/prod/update-config",
            r#""endpointPublicAccess":true,"endpointPrivateAccess":true"#,
        ),
        (&["subnet_ids"], "POST /clusters/prod/update-config", r#"{"subnetIds":["subnet-1","subnet-2"]}"#),
        (&["support_type", "zonal_shift"], "POST /clusters/prod/update-config", "STANDARD"),
        (&["zonal_shift"], "POST /clusters/prod/update-config", "zonalShiftConfig"),
        (&["deletion_protection"], "POST /clusters/prod/update-config", r#""deletionProtection":true"#),
        (&["version"], "POST /clusters/prod/updates", r#""version":"1.32""#),
    ];
    for (changed, call, sent) in cases {
        let script = Script::new().on(call, 200, update);
        let found = Found { id: "prod".into(), outputs: map([("version", json!("1.31"))]), ..Found::default() };
        component(&script).update(&found, &wanted(), &names(changed)).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains(sent), "{changed:?}: {asked:?}");
    }
}

#[tokio::test]
async fn an_update_is_watched_and_one_without_a_change_succeeds() {
    let script = Script::new().on("POST /clusters/prod/updates", 200, r#"{"update":{"id":"u-1","type":"VersionUpdate"}}"#);
    let failed = r#"{"update":{"id":"u-1","type":"VersionUpdate","status":"Failed","errors":[{"errorCode":"SubnetNotFound","errorMessage":"gone","resourceIds":["subnet-1"]}]}}"#;
    let script =
        script.on("GET /clusters/prod", 200, &reply("ACTIVE", "1.32", &json!([]))).on("GET /clusters/prod/updates/u-1", 200, failed);
    let script = script.on(
        "POST /clusters/prod/update-config",
        400,
        r#"{"__type":"InvalidParameterException","message":"No changes needed for the logging config provided"}"#,
    );
    let component = component(&script);
    let found = Found { id: "prod".into(), outputs: map([("version", json!("1.32"))]), ..Found::default() };
    component.update(&found, &wanted(), &names(&["version"])).await.unwrap();
    let found = component.find(&query()).await.unwrap().unwrap();
    assert_eq!(found.readiness, Readiness::Broken("VersionUpdate failed: SubnetNotFound: gone (subnet-1)".to_owned()));
    component.update(&found, &wanted(), &names(&["log_types"])).await.unwrap();
    script.finish();
}

#[tokio::test]
async fn another_key_is_refused_and_a_first_one_associated() {
    let script = Script::new().on("POST /clusters/prod/encryption-config/associate", 200, r#"{"update":{"id":"u-1"}}"#);
    let component = component(&script);
    let none = Found { id: "prod".into(), ..Found::default() };
    component.update(&none, &wanted(), &names(&["encryption_key_arn"])).await.unwrap();
    let other = Found { settings: map([("encryption_key_arn", json!("arn:aws:kms:x"))]), ..none };
    assert_eq!(component.update(&other, &wanted(), &names(&["encryption_key_arn"])).await.unwrap_err().class, Class::Invalid);
    script.finish();
}

#[tokio::test]
async fn gone_is_what_was_not_found_three_times() {
    let script = Script::new().on("DELETE /clusters/prod", 200, &reply("DELETING", "1.33", &json!([])));
    let script = script.on("GET /clusters/prod", 404, GONE).on("DELETE /clusters/prod", 404, GONE);
    let component = component(&script);
    let found = Found { id: "prod".into(), ..Found::default() };
    component.delete(&found, &wanted()).await.unwrap();
    assert_eq!((component.find(&query()).await.unwrap(), component.absences()), (None, 3));
    assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
    script.finish();
}

#[tokio::test]
async fn deletion_protection_guards_what_was_handed_out() {
    let component = component(&Script::new());
    let on = Found { settings: map([("deletion_protection", json!(true))]), ..Found::default() };
    assert_eq!(component.guards(&on, &wanted()).await.unwrap()[0].attribute, "deletion_protection");
    assert_eq!(component.guards(&Found::default(), &wanted()).await.unwrap(), []);
    assert_eq!(component.guards(&on, &unsealed()).await.unwrap(), [], "a create that failed after this seal");
    let mut within = wanted();
    within.settings.insert("attribute_prefix".into(), json!("cluster."));
    assert_eq!(component.guards(&on, &within).await.unwrap()[0].attribute, "cluster.deletion_protection");
}

/// What a destroy wants of a resource that never was ready: no seals.
fn unsealed() -> Wanted {
    let mut wanted = wanted();
    wanted.settings.remove("deletion_protection");
    wanted
}

#[tokio::test]
async fn what_was_never_handed_out_is_unprotected_and_deleted() {
    let busy = r#"{"__type":"ResourceInUseException","message":"Cluster has an update in progress"}"#;
    let on = Found { id: "prod".into(), settings: map([("deletion_protection", json!(true))]), ..Found::default() };
    let script = Script::new()
        .on("POST /clusters/prod/update-config", 200, r#"{"update":{"id":"u"}}"#)
        .on("DELETE /clusters/prod", 409, busy)
        .on("POST /clusters/prod/update-config", 409, busy)
        .on("DELETE /clusters/prod", 200, "{}");
    let component = component(&script);
    assert_eq!(component.delete(&on, &unsealed()).await.unwrap_err().class, Class::Busy);
    assert_eq!(component.delete(&on, &unsealed()).await.unwrap(), None);
    assert!(component.busy() > Some(Limits::default().busy));
    assert!(script.finish()[0].1.contains(r#""deletionProtection":false"#));
}

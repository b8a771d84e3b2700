#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::*;
use crate::{components::replay::Script, graph::Class};

const PATH: &str = "/clusters/prod/addons";

fn component(script: &Script) -> EksAddon {
    EksAddon::new(script.aws("eu-central-1"))
}

fn settings() -> Settings {
    map([
        ("cluster_name", json!("prod")),
        ("addon_name", json!("vpc-cni")),
        ("addon_version", json!("v1.20.1-eksbuild.1")),
        ("configuration_values", json!({ "env": { "A": "b" } })),
        ("health", json!([])),
        ("create_failed", json!(false)),
    ])
}

fn wanted() -> Wanted {
    let tags = BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_eks_cluster/prod".to_owned())]);
    Wanted { component: "addon/vpc-cni".into(), settings: settings(), tags, token: "t".repeat(64) }
}

fn query() -> Query {
    Query { settings: settings(), ..Query::default() }
}

fn reply(status: &str, version: &str, issues: &Json) -> String {
    json!({ "addon": {
        "addonName": "vpc-cni", "clusterName": "prod", "status": status, "addonVersion": version, "addonArn": "arn:aws:eks:a", "tags": {},
        "configurationValues": r#"{"env": {"A": "b"}}"#, "health": { "issues": issues },
    } })
    .to_string()
}

fn few() -> Json {
    json!([{ "code": "InsufficientNumberOfReplicas", "message": "0 of 2", "resourceIds": [] }])
}

fn denied() -> Json {
    json!([{ "code": "AccessDenied", "message": "no", "resourceIds": ["x"] }])
}

#[tokio::test]
async fn found_with_its_configuration_as_json() {
    let script = Script::new().on(&format!("GET {PATH}/vpc-cni"), 200, &reply("ACTIVE", "v1.20.1-eksbuild.1", &json!([])));
    let script = script.on(&format!("GET {PATH}/vpc-cni"), 404, r#"{"__type":"ResourceNotFoundException","message":"No addon"}"#);
    let component = component(&script);
    let found = component.find(&query()).await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), &found.settings), ("prod:vpc-cni", &settings()));
    assert_eq!(component.find(&Query { id: Some("prod:vpc-cni".into()), ..Query::default() }).await.unwrap(), None);
    script.finish();
}

#[tokio::test]
async fn create_overwrites_and_update_preserves() {
    let script = Script::new().on(&format!("POST {PATH}"), 200, &reply("CREATING", "v1.20.1-eksbuild.1", &json!([])));
    let script = script.on(&format!("POST {PATH}/vpc-cni/update"), 200, r#"{"update":{"id":"u-1"}}"#);
    let component = component(&script);
    let made = component.create(&wanted()).await.unwrap();
    component.update(&made, &wanted(), &BTreeSet::from(["configuration_values".to_owned()])).await.unwrap();
    let asked = script.finish();
    let body: Json = serde_json::from_str(&asked[0].1).unwrap();
    let expected = json!({
        "addonName": "vpc-cni", "addonVersion": "v1.20.1-eksbuild.1", "resolveConflicts": "OVERWRITE", "clientRequestToken": "t".repeat(64),
        "configurationValues": r#"{"env":{"A":"b"}}"#, "tags": { "deeploy:owner": "deeploy_eks_cluster/prod" },
    });
    assert_eq!(body, expected);
    assert!(asked[1].1.contains("PRESERVE") && !asked[1].1.contains("addonVersion"), "{asked:?}");
}

#[tokio::test]
async fn the_network_plugin_goes_one_minor_at_a_time() {
    let versions = json!({ "addons": [{ "addonName": "vpc-cni", "addonVersions": [
        { "addonVersion": "v1.19.2-eksbuild.5" }, { "addonVersion": "v1.19.10-eksbuild.1" }, { "addonVersion": "v1.20.1-eksbuild.1" },
    ] }] })
    .to_string();
    let script = Script::new().on("GET /addons/supported-versions", 200, &versions);
    let script = script.on(&format!("POST {PATH}/vpc-cni/update"), 200, r#"{"update":{"id":"u-1"}}"#);
    let script = script.on("GET /addons/supported-versions", 200, &versions);
    let component = component(&script);
    let at = |version: &str| Found { id: "prod:vpc-cni".into(), outputs: map([("version", json!(version))]), ..Found::default() };
    let changed = BTreeSet::from(["addon_version".to_owned()]);
    component.update(&at("v1.18.0-eksbuild.1"), &wanted(), &changed).await.unwrap();
    let failure = component.update(&at("v1.16.0-eksbuild.1"), &wanted(), &changed).await.unwrap_err();
    assert_eq!(failure.class, Class::Invalid, "no way through a minor that AWS doesn't offer");
    assert!(script.finish()[1].1.contains("v1.19.10-eksbuild.1"));
}

#[tokio::test]
async fn states_of_one_that_this_process_made() {
    for (status, issues, expected) in [
        ("CREATING", json!([]), Readiness::Pending("creating".into())),
        ("CREATING", denied(), Readiness::Broken("AccessDenied: no (x)".into())),
        ("DEGRADED", few(), Readiness::Pending("InsufficientNumberOfReplicas: 0 of 2".into())),
        ("DEGRADED", denied(), Readiness::Broken("AccessDenied: no (x)".into())),
        ("CREATE_FAILED", denied(), Readiness::Broken("EKS could not install the add-on: AccessDenied: no (x)".into())),
        ("UPDATE_FAILED", denied(), Readiness::Broken("the update failed: AccessDenied: no (x)".into())),
        ("DELETING", json!([]), Readiness::Pending("deleting".into())),
        ("DELETE_FAILED", denied(), Readiness::Broken("EKS could not remove the add-on: AccessDenied: no (x)".into())),
        ("ACTIVE", json!([]), Readiness::Ready),
    ] {
        let script = Script::new().on(&format!("GET {PATH}/vpc-cni"), 200, &reply(status, "v1", &issues));
        let component = component(&script);
        component.begun.touch("prod:vpc-cni");
        assert_eq!(component.find(&query()).await.unwrap().unwrap().readiness, expected, "{status}");
    }
}

#[tokio::test]
async fn what_nobody_touched_shows_its_health_as_a_difference_first() {
    let path = format!("GET {PATH}/vpc-cni");
    let script = Script::new().on(&path, 200, &reply("DEGRADED", "v1", &few())).on(&path, 200, &reply("DEGRADED", "v1", &few()));
    let script = script.on(&path, 200, &reply("CREATE_FAILED", "v1", &denied()));
    let component = component(&script);
    let found = component.find(&query()).await.unwrap().unwrap();
    assert_eq!((&found.readiness, &found.settings["health"]), (&Readiness::Ready, &json!(["InsufficientNumberOfReplicas: 0 of 2"])));
    component.update(&found, &wanted(), &BTreeSet::from(["health".to_owned()])).await.unwrap();
    let found = component.find(&query()).await.unwrap().unwrap();
    assert!(matches!(found.readiness, Readiness::Pending(_)), "{found:?}");
    let component = self::component(&script);
    let found = component.find(&query()).await.unwrap().unwrap();
    assert_eq!((&found.readiness, &found.settings["create_failed"]), (&Readiness::Ready, &json!(true)), "to be made anew");
    script.finish();
}

#[tokio::test]
async fn delete_succeeds_twice() {
    let script = Script::new().on(&format!("DELETE {PATH}/vpc-cni"), 200, &reply("DELETING", "v1", &json!([])));
    let script = script.on(&format!("DELETE {PATH}/vpc-cni"), 404, r#"{"__type":"ResourceNotFoundException","message":"No addon"}"#);
    let component = component(&script);
    let found = Found { id: "prod:vpc-cni".into(), ..Found::default() };
    assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
    assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
    let going = Found { readiness: Readiness::Pending("deleting".into()), ..found };
    assert_eq!(component.delete(&going, &wanted()).await.unwrap(), None);
    script.finish();
}

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::*;
use crate::components::{
    iam::replies,
    replay::Script,
    settings::{Settings, map},
};

const PATH: &str = "/clusters/prod/node-groups";
const NAME: &str = "default-tttttttt";

fn component(script: &Script) -> EksNodegroup {
    EksNodegroup::new(script.aws("eu-central-1"))
}

fn settings() -> Settings {
    map([
        ("cluster_name", json!("prod")),
        ("name", json!("default")),
        ("version", json!("1.33")),
        ("launch_template_id", json!("lt-1")),
        ("launch_template_version", json!("2")),
        ("min_size", json!(3)),
        ("max_size", json!(9)),
        ("labels", json!({ "pool": "default" })),
        ("taints", json!([{ "key": "gpu", "value": "yes", "effect": "NO_SCHEDULE" }])),
        ("max_unavailable_percentage", json!(33)),
        ("node_repair", json!(true)),
        ("instance_types", json!(["m6i.large"])),
        ("ami_type", json!("AL2023_x86_64_STANDARD")),
        ("capacity_type", json!("ON_DEMAND")),
        ("subnet_ids", json!(["subnet-1", "subnet-2"])),
        ("node_role_arn", json!("arn:aws:iam::123456789012:role/prod-nodes")),
        ("desired_size", json!(4)),
        ("health", json!([])),
        ("create_failed", json!(false)),
    ])
}

fn tags() -> BTreeMap<String, String> {
    [(OWNER, "deeploy_eks_cluster/prod"), (COMPONENT, "node_group/default")].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn wanted() -> Wanted {
    Wanted { component: "node_group/default".into(), settings: settings(), tags: tags(), token: "t".repeat(64) }
}

fn query(id: Option<&str>) -> Query {
    let owner = "deeploy_eks_cluster/prod".to_owned();
    Query { component: "node_group/default".into(), id: id.map(str::to_owned), settings: settings(), owner, recover: false }
}

fn group(name: &str, status: &str, issues: &Json, tags: &BTreeMap<String, String>) -> String {
    json!({ "nodegroup": {
        "nodegroupName": name, "nodegroupArn": "arn:aws:eks:n", "clusterName": "prod", "version": "1.33", "status": status, "capacityType": "ON_DEMAND",
        "scalingConfig": { "minSize": 3, "maxSize": 9, "desiredSize": 4 }, "instanceTypes": ["m6i.large"], "subnets": ["subnet-1", "subnet-2"],
        "amiType": "AL2023_x86_64_STANDARD", "nodeRole": "arn:aws:iam::123456789012:role/prod-nodes", "labels": { "pool": "default" },
        "taints": [{ "key": "gpu", "value": "yes", "effect": "NO_SCHEDULE" }], "resources": { "autoScalingGroups": [{ "name": "eks-default-1" }] },
        "health": { "issues": issues }, "updateConfig": { "maxUnavailablePercentage": 33 }, "nodeRepairConfig": { "enabled": true },
        "launchTemplate": { "name": "prod-default", "id": "lt-1", "version": "2" }, "tags": tags,
    } })
    .to_string()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn found_by_id_and_complete() {
    let script = Script::new().on(&format!("GET {PATH}/{NAME}"), 200, &group(NAME, "ACTIVE", &json!([]), &tags()));
    let found = component(&script).find(&query(Some("prod:default-tttttttt"))).await.unwrap().unwrap();
    assert_eq!(found.settings, settings());
    assert_eq!((found.readiness, &found.outputs["autoscaling_group_name"]), (Readiness::Ready, &json!("eks-default-1")));
}

#[tokio::test]
async fn without_an_id_its_tags_decide() {
    let gone = r#"{"__type":"ResourceNotFoundException","message":"No node group"}"#;
    let script =
        Script::new().on(&format!("GET {PATH}/default-0"), 404, gone).on(&format!("GET {PATH}"), 200, r#"{"nodegroups":["a","b","c"]}"#);
    let script = script.on(&format!("GET {PATH}/a"), 200, &group("a", "ACTIVE", &json!([]), &BTreeMap::new()));
    let script = script.on(&format!("GET {PATH}/b"), 200, &group("b", "DELETING", &json!([]), &tags()));
    let script = script.on(&format!("GET {PATH}/c"), 200, &group("c", "ACTIVE", &json!([]), &tags()));
    let script = script.on(&format!("GET {PATH}"), 404, gone);
    let component = component(&script);
    assert_eq!(component.find(&query(Some("prod:default-0"))).await.unwrap().unwrap().id, "prod:c");
    assert_eq!(component.find(&query(None)).await.unwrap(), None);
    script.finish();
}

#[tokio::test]
async fn create_is_one_call_and_the_name_ends_in_digits_of_the_token() {
    let script = Script::new().on(&format!("POST {PATH}"), 200, &group(NAME, "CREATING", &json!([]), &tags()));
    let made = component(&script).create(&wanted()).await.unwrap();
    let asked = script.finish();
    let body: Json = serde_json::from_str(&asked[0].1).unwrap();
    let expected = json!({
        "nodegroupName": NAME, "scalingConfig": { "minSize": 3, "maxSize": 9, "desiredSize": 4 }, "subnets": ["subnet-1", "subnet-2"],
        "instanceTypes": ["m6i.large"], "amiType": "AL2023_x86_64_STANDARD", "nodeRole": "arn:aws:iam::123456789012:role/prod-nodes",
        "labels": { "pool": "default" }, "taints": [{ "key": "gpu", "value": "yes", "effect": "NO_SCHEDULE" }], "version": "1.33",
        "launchTemplate": { "id": "lt-1", "version": "2" }, "updateConfig": { "maxUnavailablePercentage": 33 }, "nodeRepairConfig": { "enabled": true },
        "capacityType": "ON_DEMAND", "clientRequestToken": "t".repeat(64), "tags": tags(),
    });
    assert_eq!(body, expected);
    assert_eq!(made.id, format!("prod:{NAME}"));
    assert_eq!(name(&"x".repeat(80), "0123456789abcdef").len(), NAME_MAX);
}

#[tokio::test]
async fn the_live_size_stays_within_the_new_bounds() {
    for (live, min, max, sent) in [(4, 3, 9, 4), (4, 6, 9, 6), (4, 1, 2, 2)] {
        let script = Script::new().on(&format!("POST {PATH}/{NAME}/update-config"), 200, r#"{"update":{"id":"u-1"}}"#);
        let found = Found { id: format!("prod:{NAME}"), settings: map([("desired_size", json!(live))]), ..Found::default() };
        let mut wanted = wanted();
        wanted.settings.extend(map([("min_size", json!(min)), ("max_size", json!(max))]));
        component(&script).update(&found, &wanted, &names(&["min_size"])).await.unwrap();
        let asked = script.finish();
        assert!(asked[0].1.contains(&format!(r#""desiredSize":{sent}"#)), "{asked:?}");
    }
}

#[tokio::test]
async fn labels_and_taints_go_as_differences() {
    let script = Script::new().on(&format!("POST {PATH}/{NAME}/update-config"), 200, r#"{"update":{"id":"u-1"}}"#);
    let before = map([
        ("labels", json!({ "pool": "old", "gone": "x" })),
        ("taints", json!([{ "key": "old", "value": "", "effect": "NO_EXECUTE" }])),
    ]);
    let found = Found { id: format!("prod:{NAME}"), settings: before, ..Found::default() };
    component(&script).update(&found, &wanted(), &names(&["labels", "taints", "version"])).await.unwrap();
    let asked = script.finish();
    let body: Json = serde_json::from_str(&asked[0].1).unwrap();
    assert_eq!(body["labels"], json!({ "addOrUpdateLabels": { "pool": "default" }, "removeLabels": ["gone"] }));
    assert_eq!(body["taints"]["removeTaints"], json!([{ "key": "old", "value": "", "effect": "NO_EXECUTE" }]));
    assert_eq!(body["taints"]["addOrUpdateTaints"], json!([{ "key": "gpu", "value": "yes", "effect": "NO_SCHEDULE" }]));
    assert!(body.get("scalingConfig").is_none(), "{body}");
}

#[tokio::test]
async fn nodes_are_replaced_by_the_template_s_id_and_never_by_force() {
    let script = Script::new().on(&format!("POST {PATH}/{NAME}/update-version"), 200, r#"{"update":{"id":"u-1"}}"#);
    let found = Found { id: format!("prod:{NAME}"), ..Found::default() };
    component(&script).update(&found, &wanted(), &names(&["launch_template_version", "version"])).await.unwrap();
    let body: Json = serde_json::from_str(&script.finish()[0].1).unwrap();
    assert_eq!(
        (&body["launchTemplate"], &body["version"], body.get("force")),
        (&json!({ "id": "lt-1", "version": "2" }), &json!("1.33"), None)
    );
}

#[tokio::test]
async fn a_group_whose_nodes_never_start_is_given_up_at_once() {
    let why = "Client.InternalError: Client error on launch";
    let activity = format!(
        "<Activities><member><ActivityId>a</ActivityId><AutoScalingGroupName>eks-default-1</AutoScalingGroupName><Cause>c</Cause>\
         <StartTime>2026-01-01T00:00:00Z</StartTime><StatusCode>Failed</StatusCode><StatusMessage>{why}</StatusMessage></member></Activities>"
    );
    let script = Script::new().on(&format!("GET {PATH}/{NAME}"), 200, &group(NAME, "CREATING", &json!([]), &tags()));
    let script = script.on("DescribeScalingActivities", 200, &replies::reply("DescribeScalingActivities", &activity));
    let script = script.on(&format!("GET {PATH}/{NAME}"), 200, &group(NAME, "CREATING", &json!([]), &tags()));
    let script = script.on("DescribeScalingActivities", 200, &replies::reply("DescribeScalingActivities", "<Activities/>"));
    let component = component(&script);
    let found = component.find(&query(Some("prod:default-tttttttt"))).await.unwrap().unwrap();
    assert_eq!(found.readiness, Readiness::Broken(format!("nodes can't be started: {why}")));
    let found = component.find(&query(Some("prod:default-tttttttt"))).await.unwrap().unwrap();
    assert_eq!(found.readiness, Readiness::Pending("creating".to_owned()));
}

#[tokio::test]
async fn states_of_one_that_this_process_made_or_only_met() {
    let issue = json!([{ "code": "NodeCreationFailure", "message": "Instances failed to join", "resourceIds": ["i-1"] }]);
    let words = "NodeCreationFailure: Instances failed to join (i-1)";
    for (status, touched, expected) in [
        ("CREATE_FAILED", true, Readiness::Broken(format!("EKS could not make the node group: {words}"))),
        ("CREATE_FAILED", false, Readiness::Ready),
        ("DEGRADED", true, Readiness::Broken(words.to_owned())),
        ("DEGRADED", false, Readiness::Ready),
        ("DELETE_FAILED", false, Readiness::Broken(format!("EKS could not delete the node group: {words}"))),
        ("UPDATING", false, Readiness::Pending("updating".to_owned())),
    ] {
        let script = Script::new().on(&format!("GET {PATH}/{NAME}"), 200, &group(NAME, status, &issue, &tags()));
        let component = component(&script);
        if touched {
            component.begun.touch("prod:default-tttttttt");
        }
        let found = component.find(&query(Some("prod:default-tttttttt"))).await.unwrap().unwrap();
        assert_eq!(found.readiness, expected, "{status} {touched}");
        assert_eq!(found.settings["create_failed"], json!(status == "CREATE_FAILED"));
    }
}

#[tokio::test]
async fn delete_succeeds_twice_and_strays_are_ours() {
    let gone = r#"{"__type":"ResourceNotFoundException","message":"No node group"}"#;
    let script = Script::new().on(&format!("DELETE {PATH}/{NAME}"), 404, gone).on(&format!("GET {PATH}"), 200, r#"{"nodegroups":["a"]}"#);
    let script = script.on(&format!("GET {PATH}/a"), 200, &group("a", "ACTIVE", &json!([]), &tags()));
    let component = component(&script);
    let found = Found { id: format!("prod:{NAME}"), ..Found::default() };
    assert_eq!(component.delete(&found, &wanted()).await.unwrap(), None);
    assert_eq!(component.strays(&query(None)).await.unwrap().len(), 1);
    assert!(component.side_by_side());
    script.finish();
}

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use serde_json::json;

use super::{
    super::{iam::replies, replay::Script},
    *,
};
use crate::graph::Class;

const ROLE: &str = "<RoleName>r</RoleName><RoleId>AROA1</RoleId><Arn>arn:aws:iam::123456789012:role/deeploy/r</Arn><Path>/deeploy/</Path>\
    <CreateDate>2026-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</AssumeRolePolicyDocument>\
    <Description>d</Description><MaxSessionDuration>7200</MaxSessionDuration>\
    <PermissionsBoundary><PermissionsBoundaryArn>arn:aws:iam::aws:policy/B</PermissionsBoundaryArn></PermissionsBoundary>\
    <Tags><member><Key>deeploy:owner</Key><Value>deeploy_iam_role/r</Value></member><member><Key>aws:x</Key><Value>y</Value></member></Tags>";

fn query(id: Option<&str>, name: &str) -> Query {
    Query { id: id.map(str::to_owned), settings: map([("name", name.into())]), ..Query::default() }
}

fn wanted(settings: Vec<(&str, Json)>) -> Wanted {
    Wanted {
        component: "role".into(),
        settings: settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        tags: BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_iam_role/r".to_owned())]),
        token: String::new(),
    }
}

fn of(script: &Script) -> IamRole {
    IamRole::new(script.aws("eu-west-1"))
}

fn some_role() -> Found {
    Found { id: "r".to_owned(), settings: map([("max_session_duration", 7200.into()), ("description", "d".into())]), ..Found::default() }
}

#[tokio::test]
async fn one_call_finds_a_role_with_all_its_settings() {
    let script = Script::new().on("GetRole", 200, &replies::reply("GetRole", &format!("<Role>{ROLE}</Role>")));
    let found = of(&script).find(&query(Some("r"), "r")).await.unwrap().unwrap();
    assert_eq!(script.names(), ["GetRole"]);
    assert_eq!(
        Json::Object(found.settings.into_iter().collect()),
        json!({
            "name": "r", "path": "/deeploy/", "trust_policy": {"Version": "2012-10-17"}, "description": "d", "max_session_duration": 7200,
            "permissions_boundary": "arn:aws:iam::aws:policy/B",
        })
    );
    assert_eq!(found.outputs["unique_id"], "AROA1");
    assert_eq!(found.tags, BTreeMap::from([("deeploy:owner".to_owned(), "deeploy_iam_role/r".to_owned())]));
}

#[tokio::test]
async fn absent_is_proven_once() {
    let script = Script::new().on("GetRole", 404, &replies::error("NoSuchEntity", "no"));
    assert_eq!(of(&script).find(&query(Some("r"), "r")).await.unwrap(), None);
    assert_eq!(script.names(), ["GetRole"]);
    // Another name in state: both are asked.
    let script =
        Script::new().on("GetRole", 404, &replies::error("NoSuchEntity", "no")).on("GetRole", 404, &replies::error("NoSuchEntity", "no"));
    assert_eq!(of(&script).find(&query(Some("old"), "r")).await.unwrap(), None);
    assert_eq!(script.names(), ["GetRole", "GetRole"]);
    let script = Script::new().on("GetRole", 403, &replies::error("AccessDenied", "no"));
    assert_eq!(of(&script).find(&query(None, "r")).await.unwrap_err().class, Class::Denied);
}

#[tokio::test]
async fn create_is_one_call_that_carries_everything() {
    let script = Script::new().on("CreateRole", 200, &replies::reply("CreateRole", &format!("<Role>{ROLE}</Role>")));
    let settings = vec![
        ("name", json!("r")),
        ("path", json!("/deeploy/")),
        ("trust_policy", json!({"Version": "2012-10-17"})),
        ("description", json!("d")),
        ("max_session_duration", json!(7200)),
        ("permissions_boundary", json!("arn:aws:iam::aws:policy/B")),
    ];
    let wanted = wanted(settings);
    let made = of(&script).create(&wanted).await.unwrap();
    assert_eq!(made.settings.get("managed_policies"), Some(&json!([])));
    assert!(wanted.settings.iter().all(|(name, value)| made.settings.get(name) == Some(value)));
    assert_eq!(made.tags, wanted.tags);
    let asked = script.finish();
    for part in [
        "RoleName=r",
        "Path=%2Fdeeploy%2F",
        "Description=d",
        "MaxSessionDuration=7200",
        "PermissionsBoundary=arn",
        "Tags.member.1.Key=deeploy%3Aowner",
    ] {
        assert!(asked[0].1.contains(part), "{part} is missing in {}", asked[0].1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_of_create_is_not_repeated_by_the_sdk() {
    let script = Script::new().on("CreateRole", 500, "");
    let wanted = wanted(vec![("name", json!("r")), ("trust_policy", json!({}))]);
    let failure = IamRole::new(script.retrying("eu-west-1").await).create(&wanted).await.unwrap_err();
    assert_eq!((failure.class, script.names().len()), (Class::Ambiguous, 1));
}

#[tokio::test]
async fn each_setting_has_its_call() {
    let ok = |action: &str| replies::reply(action, "");
    let cases = [
        ("trust_policy", json!({"a": 1}), "UpdateAssumeRolePolicy", vec!["PolicyDocument=%7B%22a%22%3A1%7D"]),
        ("description", json!("new"), "UpdateRole", vec!["Description=new", "MaxSessionDuration=7200"]),
        ("max_session_duration", json!(3600), "UpdateRole", vec!["Description=d", "MaxSessionDuration=3600"]),
        ("permissions_boundary", json!("arn:x"), "PutRolePermissionsBoundary", vec!["PermissionsBoundary=arn%3Ax"]),
        ("permissions_boundary", Json::Null, "DeleteRolePermissionsBoundary", vec!["RoleName=r"]),
    ];
    for (name, value, call, parts) in cases {
        let script = Script::new().on(call, 200, &ok(call));
        let changed = BTreeSet::from([name.to_owned()]);
        of(&script).update(&some_role(), &wanted(vec![(name, value)]), &changed).await.unwrap();
        let asked = script.finish();
        assert_eq!(asked.len(), 1);
        for part in parts {
            assert!(asked[0].1.contains(part), "{call}: {part} is missing in {}", asked[0].1);
        }
    }
}

#[tokio::test]
async fn what_others_attached_is_named_before_anything_is_deleted() {
    let policies = "<AttachedPolicies><member><PolicyName>P</PolicyName><PolicyArn>arn:P</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>";
    let inline = "<PolicyNames><member>ours</member><member>theirs</member></PolicyNames><IsTruncated>false</IsTruncated>";
    let script = Script::new()
        .on("ListAttachedRolePolicies", 200, &replies::reply("ListAttachedRolePolicies", policies))
        .on(
            "ListInstanceProfilesForRole",
            200,
            &replies::reply(
                "ListInstanceProfilesForRole",
                "<InstanceProfiles><member><InstanceProfileName>eks-5ac1-of-a-node-group</InstanceProfileName></member>\
                 <member><InstanceProfileName>by-hand</InstanceProfileName></member></InstanceProfiles><IsTruncated>false</IsTruncated>",
            ),
        )
        .on("ListRolePolicies", 200, &replies::reply("ListRolePolicies", inline));
    let guards = of(&script).guards(&some_role(), &wanted(vec![("inline_policies", json!(["ours"]))])).await.unwrap();
    let reasons: Vec<_> = guards.iter().map(|guard| guard.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "the role r has managed policies attached, not made by this resource: arn:P; detach them first",
            // The profile that EKS made goes with its node group.
            "the role r is in instance profiles, not made by this resource: by-hand; remove it from them first",
            "the role r holds inline policies, not made by this resource: theirs; delete them first",
        ]
    );
    script.finish();
}

#[tokio::test]
async fn deleting_what_is_gone_succeeds() {
    let script = Script::new().on("DeleteRole", 404, &replies::error("NoSuchEntity", "no"));
    assert_eq!(of(&script).delete(&some_role(), &wanted(vec![])).await.unwrap(), None);
    let script = Script::new().on("DeleteRole", 409, &replies::error("DeleteConflict", "must detach all policies first"));
    assert_eq!(of(&script).delete(&some_role(), &wanted(vec![])).await.unwrap_err().class, Class::Busy);
}

#[tokio::test]
async fn tags_are_removed_before_others_are_set() {
    let script = Script::new().on("UntagRole", 200, &replies::reply("UntagRole", "")).on("TagRole", 200, &replies::reply("TagRole", ""));
    let found = Found { id: "r".to_owned(), ..Found::default() };
    let set = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    of(&script).tag(&found, &set, &["c".to_owned()]).await.unwrap();
    let asked = script.finish();
    assert!(asked[0].1.contains("TagKeys.member.1=c") && asked[1].1.contains("Tags.member.1.Key=a"));
}

fn attached(policies: &[&str]) -> String {
    let members: String =
        policies.iter().map(|arn| format!("<member><PolicyName>p</PolicyName><PolicyArn>{arn}</PolicyArn></member>")).collect();
    replies::reply("ListAttachedRolePolicies", &format!("<AttachedPolicies>{members}</AttachedPolicies><IsTruncated>false</IsTruncated>"))
}

#[tokio::test]
async fn managed_policies_are_read_where_the_blueprint_minds_them() {
    let script = Script::new().on("GetRole", 200, &replies::reply("GetRole", &format!("<Role>{ROLE}</Role>"))).on(
        "ListAttachedRolePolicies",
        200,
        &attached(&["arn:P", "arn:Q"]),
    );
    let mut query = query(None, "r");
    query.settings.insert("managed_policies".to_owned(), json!(["arn:P"]));
    let found = of(&script).find(&query).await.unwrap().unwrap();
    assert_eq!(found.settings["managed_policies"], json!(["arn:P", "arn:Q"]));
    script.finish();
}

#[tokio::test]
async fn new_policies_are_attached_before_old_ones_are_detached() {
    let script = Script::new().on("AttachRolePolicy", 200, &replies::reply("AttachRolePolicy", "")).on(
        "DetachRolePolicy",
        200,
        &replies::reply("DetachRolePolicy", ""),
    );
    let mut found = some_role();
    found.settings.insert("managed_policies".to_owned(), json!(["arn:kept", "arn:old"]));
    let changed = BTreeSet::from(["managed_policies".to_owned()]);
    of(&script).update(&found, &wanted(vec![("managed_policies", json!(["arn:new", "arn:kept"]))]), &changed).await.unwrap();
    let asked = script.finish();
    assert!(asked[0].1.contains("PolicyArn=arn%3Anew") && asked[1].1.contains("PolicyArn=arn%3Aold"), "{asked:?}");
}

#[tokio::test]
async fn our_policies_are_no_guard_and_are_detached_before_the_role_goes() {
    let no_profiles = replies::reply("ListInstanceProfilesForRole", "<InstanceProfiles/><IsTruncated>false</IsTruncated>");
    let script = Script::any_order().on("ListAttachedRolePolicies", 200, &attached(&["arn:P", "arn:theirs"])).on(
        "ListInstanceProfilesForRole",
        200,
        &no_profiles,
    );
    let ours = wanted(vec![("managed_policies", json!(["arn:P", "arn:gone"]))]);
    let guards = of(&script).guards(&some_role(), &ours).await.unwrap();
    assert!(guards.len() == 1 && guards[0].reason.contains("not made by this resource: arn:theirs;"), "{guards:?}");
    script.finish();
    let script = Script::new()
        .on("DetachRolePolicy", 200, &replies::reply("DetachRolePolicy", ""))
        .on("DetachRolePolicy", 404, &replies::error("NoSuchEntity", "Policy arn:gone was not found."))
        .on("DeleteRole", 200, &replies::reply("DeleteRole", ""));
    assert_eq!(of(&script).delete(&some_role(), &ours).await.unwrap(), None);
    assert_eq!(script.names(), ["DetachRolePolicy", "DetachRolePolicy", "DeleteRole"]);
}

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::json;

use super::{
    super::replies::{self, names, query, wanted},
    *,
};
use crate::components::replay::Script;

const GROUPS: &str = "DescribeSecurityGroups";
const RULES: &str = "DescribeSecurityGroupRules";
const NODES: &str = "nodes_rules";

fn component(script: &Script) -> SecurityGroupRules {
    SecurityGroupRules::new(script.aws("eu-west-1"))
}

fn group() -> String {
    replies::set(GROUPS, "securityGroupInfo", "<item><groupId>sg-1</groupId></item>")
}

fn rules(items: &[String]) -> String {
    replies::set(RULES, "securityGroupRuleSet", &items.concat())
}

/// A rule of TCP port 443 from somewhere.
fn https(id: &str, cidr: &str, more: &str) -> String {
    format!(
        "<item><securityGroupRuleId>{id}</securityGroupRuleId><groupId>sg-1</groupId><isEgress>false</isEgress><ipProtocol>tcp</ipProtocol>\
         <fromPort>443</fromPort><toPort>443</toPort><cidrIpv4>{cidr}</cidrIpv4>{more}</item>"
    )
}

/// The rule that AWS makes each group with.
fn all_out() -> String {
    "<item><securityGroupRuleId>sgr-out</securityGroupRuleId><groupId>sg-1</groupId><isEgress>true</isEgress><ipProtocol>-1</ipProtocol>\
     <fromPort>-1</fromPort><toPort>-1</toPort><cidrIpv4>0.0.0.0/0</cidrIpv4></item>"
        .to_owned()
}

fn from(cidr: &str) -> Json {
    json!({ "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": cidr })
}

fn settings(ingress: Json, egress: Json, exclusive: bool) -> [(&'static str, Json); 4] {
    [("group_id", json!("sg-1")), ("ingress", ingress), ("egress", egress), ("exclusive", json!(exclusive))]
}

#[tokio::test]
async fn exclusive_rules_are_all_of_the_group_spelled_as_wanted() {
    let script = Script::any_order().on(GROUPS, 200, &group());
    let script = script.on(RULES, 200, &rules(&[https("sgr-1", "10.0.0.0/16", ""), https("sgr-2", "0.0.0.0/0", ""), all_out()]));
    let query = query(NODES, None, settings(json!([from("10.0.0.0/16")]), json!([]), true));
    let found = component(&script).find(&query).await.unwrap().unwrap();
    let other = json!({ "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": "0.0.0.0/0", "description": null });
    assert_eq!(found.settings["ingress"], json!([from("10.0.0.0/16"), other]));
    assert_eq!(found.settings["egress"].as_array().unwrap().len(), 1);
    assert_eq!((found.id.as_str(), &found.outputs["id"]), ("sg-1", &json!("sg-1")));
    assert!(script.finish().iter().all(|(_, body)| body.contains("Filter.1.Name=group-id&Filter.1.Value.1=sg-1")));
}

#[tokio::test]
async fn others_rules_are_no_drift_and_ours_are_known_by_marks() {
    let marked = https("sgr-2", "10.9.0.0/16", &replies::tags(NODES, &[]));
    let foreign = https("sgr-3", "10.8.0.0/16", &replies::tags("another", &[]));
    let script = Script::any_order().on(GROUPS, 200, &group());
    let script = script.on(RULES, 200, &rules(&[https("sgr-1", "10.0.0.0/16", ""), marked, foreign, all_out()]));
    let query = query(NODES, None, settings(json!([from("10.0.0.0/16")]), json!([]), false));
    let found = component(&script).find(&query).await.unwrap().unwrap();
    assert_eq!(found.settings["ingress"].as_array().unwrap().len(), 2, "{found:?}");
    assert_eq!(found.settings["egress"], json!([]));
}

#[tokio::test]
async fn without_its_group_it_is_absent_and_an_empty_group_is_not() {
    let nothing = replies::set(GROUPS, "securityGroupInfo", "");
    let script = Script::any_order().on(GROUPS, 200, &nothing).on(RULES, 200, &rules(&[]));
    assert_eq!(component(&script).find(&query(NODES, Some("sg-1"), [])).await.unwrap(), None);
    script.finish();
    let script = Script::any_order().on(GROUPS, 200, &group()).on(RULES, 200, &rules(&[]));
    let found = component(&script).find(&query(NODES, Some("sg-1"), settings(json!([]), json!([]), true))).await.unwrap().unwrap();
    assert_eq!(found.settings["ingress"], json!([]));
    assert_eq!(component(&Script::new()).find(&query(NODES, None, [])).await.unwrap(), None, "nothing is known to ask for");
}

#[tokio::test]
async fn create_is_one_call_with_our_marks_alone() {
    let script = Script::new().on("AuthorizeSecurityGroupIngress", 200, &replies::done("AuthorizeSecurityGroupIngress"));
    let mut wanted = wanted(NODES, settings(json!([from("10.0.0.0/16")]), json!([from("10.0.0.0/8")]), true));
    wanted.tags.insert("team".into(), "ml".into());
    let made = component(&script).create(&wanted).await.unwrap();
    assert_eq!((&made.settings["ingress"], &made.settings["egress"]), (&json!([from("10.0.0.0/16")]), &Json::Null));
    let body = &script.finish()[0].1;
    assert!(body.contains("GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=443"), "{body}");
    assert!(body.contains("ResourceType=security-group-rule") && !body.contains("team"), "{body}");

    let made = component(&Script::new()).create(&self::wanted(NODES, settings(json!([]), json!([]), true))).await.unwrap();
    assert_eq!(made.settings["egress"], Json::Null, "what is there is seen by find");
}

#[tokio::test]
async fn what_is_missing_is_added_before_what_is_too_much_goes() {
    let script = Script::new().on(RULES, 200, &rules(&[https("sgr-1", "0.0.0.0/0", ""), all_out()]));
    let script = script.on("AuthorizeSecurityGroupIngress", 200, &replies::done("AuthorizeSecurityGroupIngress"));
    let script = script.on("RevokeSecurityGroupIngress", 200, &replies::done("RevokeSecurityGroupIngress"));
    let script = script.on("RevokeSecurityGroupEgress", 200, &replies::done("RevokeSecurityGroupEgress"));
    let found = found("sg-1", json!([]), json!([]));
    let wanted = wanted(NODES, settings(json!([from("10.0.0.0/16")]), json!([]), true));
    component(&script).update(&found, &wanted, &names(&["ingress", "egress"])).await.unwrap();
    let asked = script.finish();
    assert!(asked[2].1.contains("SecurityGroupRuleId.1=sgr-1"), "{}", asked[2].1);
    assert!(asked[3].1.contains("SecurityGroupRuleId.1=sgr-out"), "{}", asked[3].1);
}

#[tokio::test]
async fn a_description_alone_is_changed_in_place() {
    let script = Script::new().on(RULES, 200, &rules(&[https("sgr-1", "10.0.0.0/16", "<description>old</description>")]));
    let call = "UpdateSecurityGroupRuleDescriptionsIngress";
    let script = script.on(call, 200, &replies::done(call));
    let wanted = wanted(NODES, settings(json!([from("10.0.0.0/16")]), json!([]), false));
    component(&script).update(&found("sg-1", Json::Null, Json::Null), &wanted, &names(&["ingress"])).await.unwrap();
    script.finish();
}

#[tokio::test]
async fn a_rule_that_is_there_already_keeps_none_of_the_others_away() {
    let duplicate = replies::error("InvalidPermission.Duplicate", "the specified rule already exists");
    let call = "AuthorizeSecurityGroupIngress";
    let script = Script::new().on(RULES, 200, &rules(&[])).on(call, 400, &duplicate).on(call, 400, &duplicate);
    let script = script.on(call, 200, &replies::done(call));
    let wanted = wanted(NODES, settings(json!([from("10.0.0.0/16"), from("10.1.0.0/16")]), json!([]), true));
    component(&script).update(&found("sg-1", Json::Null, Json::Null), &wanted, &names(&["ingress"])).await.unwrap();
    script.finish();
}

#[tokio::test]
async fn delete_revokes_what_is_ours_and_may_be_repeated() {
    let ours = https("sgr-2", "10.9.0.0/16", &replies::tags(NODES, &[]));
    let script = Script::new().on(RULES, 200, &rules(&[https("sgr-1", "0.0.0.0/0", ""), ours]));
    let gone = replies::error("InvalidSecurityGroupRuleId.NotFound", "gone");
    let script = script.on("RevokeSecurityGroupIngress", 400, &gone).on(RULES, 200, &rules(&[]));
    let (component, found) = (component(&script), found("sg-1", Json::Null, Json::Null));
    let wanted = wanted(NODES, settings(json!([]), json!([]), false));
    component.delete(&found, &wanted).await.unwrap();
    component.delete(&found, &wanted).await.unwrap();
    let body = &script.finish()[1].1;
    assert!(body.contains("SecurityGroupRuleId.1=sgr-2") && !body.contains("sgr-1"), "{body}");
}

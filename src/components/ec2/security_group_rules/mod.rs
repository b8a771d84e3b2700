//! `security_group_rules`: what a security group lets in and out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use aws_sdk_ec2::types::{ResourceType, SecurityGroupRule};
use serde_json::Value as Json;

use super::{
    reader::{Reader, every, filter},
    security_group::Groups,
    tags::{Tags, specification},
};
use crate::{
    aws::{Absent, Aws, batch::Batch, failure, once},
    components::settings::{Settings, map, required, text},
    graph::{Class, Component, Failure, Found, Kept, PREFIX, Query, Readiness, Wanted},
};

mod rule;

use rule::{Live, Rule, of_api, of_setting};

/// The rules of a group. They belong to it: the group's going takes them along.
///
/// Settings: `group_id` (fixed); `ingress`, `egress` (live, unordered: objects of `protocol`, `from_port`, `to_port`, `description` and one of
/// `cidr_ipv4`, `cidr_ipv6`, `referenced_security_group_id`, `prefix_list_id`; protocol `-1` means all, without ports). Not read:
/// `exclusive` (every other rule of the group is drift and revoked; without it others' rules are none of our business).
/// Output: `id`, the group's. Id: the group's.
pub(super) struct SecurityGroupRules {
    aws: Arc<Aws>,
    groups: Reader<Groups>,
    rules: Batch<String, Vec<SecurityGroupRule>>,
}

/// The two directions, as settings.
const INGRESS: &str = "ingress";
const EGRESS: &str = "egress";

impl SecurityGroupRules {
    /// In one account and region.
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self { groups: Reader::new(Arc::clone(&aws)), aws, rules: Batch::default() }
    }

    /// Every rule of a group.
    async fn all(&self, group_id: &str) -> Result<Vec<Live>, Failure> {
        let call = |groups: Vec<String>| async move {
            let call = self.aws.ec2.describe_security_group_rules().filters(filter("group-id", groups));
            let rules = every!(call, "ec2:DescribeSecurityGroupRules")?;
            let mut by_group: BTreeMap<String, Vec<SecurityGroupRule>> = BTreeMap::new();
            for rule in rules {
                by_group.entry(rule.group_id().unwrap_or_default().to_owned()).or_default().push(rule);
            }
            Ok(by_group.into_iter().collect())
        };
        let rules = self.rules.get(group_id.to_owned(), call).await?;
        Ok(rules.unwrap_or_default().iter().filter_map(of_api).collect())
    }

    /// The rules that are ours to change: all, or those that carry our marks or are wanted.
    async fn ours(&self, group_id: &str, settings: &Settings, owner: &str, component: &str) -> Result<Vec<Live>, Failure> {
        let mut rules = self.all(group_id).await?;
        if !is_exclusive(settings) {
            let (ingress, egress) = (of_setting(settings.get(INGRESS))?, of_setting(settings.get(EGRESS))?);
            let wanted = |live: &Live| {
                let among = if live.egress { &egress } else { &ingress };
                among.iter().any(|(rule, _)| rule.identity == live.rule.identity)
            };
            rules.retain(|live| live.is_of(owner, component) || wanted(live));
        }
        Ok(rules)
    }

    async fn authorize(&self, group_id: &str, egress: bool, rules: &[&Rule], tags: &Tags) -> Result<(), Failure> {
        let permissions = Some(rules.iter().map(|rule| rule.to_api()).collect());
        // The user's tags belong on objects that somebody pays for: a rule carries only what says whose it is.
        let marks: Tags = tags.iter().filter(|(key, _)| key.starts_with(PREFIX)).map(|(key, value)| (key.clone(), value.clone())).collect();
        let marks = specification(ResourceType::SecurityGroupRule, &marks);
        let ec2 = &self.aws.ec2;
        if egress {
            let call = ec2.authorize_security_group_egress().group_id(group_id).set_ip_permissions(permissions).tag_specifications(marks);
            let reply = call.customize().config_override(once::ec2()).send().await;
            reply.map(drop).map_err(|error| failure("ec2:AuthorizeSecurityGroupEgress", error))
        } else {
            let call = ec2.authorize_security_group_ingress().group_id(group_id).set_ip_permissions(permissions).tag_specifications(marks);
            let reply = call.customize().config_override(once::ec2()).send().await;
            reply.map(drop).map_err(|error| failure("ec2:AuthorizeSecurityGroupIngress", error))
        }
    }

    /// Adds rules. Where one of them turns out to be there already AWS adds none: then each is added alone.
    async fn add(&self, group_id: &str, egress: bool, rules: &[&Rule], tags: &Tags) -> Result<(), Failure> {
        match self.authorize(group_id, egress, rules, tags).await {
            Err(failure) if failure.class == Class::Conflict && rules.len() == 1 => Ok(()),
            Err(failure) if failure.class == Class::Conflict => {
                for rule in rules {
                    match self.authorize(group_id, egress, &[rule], tags).await {
                        Err(failure) if failure.class != Class::Conflict => return Err(failure),
                        _ => {}
                    }
                }
                Ok(())
            }
            other => other,
        }
    }

    async fn describe_anew(&self, group_id: &str, egress: bool, rules: &[&Rule]) -> Result<(), Failure> {
        let permissions = Some(rules.iter().map(|rule| rule.to_api()).collect());
        let ec2 = &self.aws.ec2;
        if egress {
            let call = ec2.update_security_group_rule_descriptions_egress().group_id(group_id).set_ip_permissions(permissions);
            call.send().await.map(drop).map_err(|error| failure("ec2:UpdateSecurityGroupRuleDescriptionsEgress", error))
        } else {
            let call = ec2.update_security_group_rule_descriptions_ingress().group_id(group_id).set_ip_permissions(permissions);
            call.send().await.map(drop).map_err(|error| failure("ec2:UpdateSecurityGroupRuleDescriptionsIngress", error))
        }
    }

    async fn revoke(&self, group_id: &str, egress: bool, ids: Vec<String>) -> Result<(), Failure> {
        let ec2 = &self.aws.ec2;
        if egress {
            let call = ec2.revoke_security_group_egress().group_id(group_id).set_security_group_rule_ids(Some(ids));
            call.send().await.absent("ec2:RevokeSecurityGroupEgress").map(drop)
        } else {
            let call = ec2.revoke_security_group_ingress().group_id(group_id).set_security_group_rule_ids(Some(ids));
            call.send().await.absent("ec2:RevokeSecurityGroupIngress").map(drop)
        }
    }

    /// Brings one direction about: what is missing is added before what is too much goes, so that nothing is cut in between.
    async fn bring_about(&self, group_id: &str, egress: bool, live: &[Live], wanted: &Wanted) -> Result<(), Failure> {
        let rules = of_setting(wanted.settings.get(direction(egress)))?;
        let live: Vec<&Live> = live.iter().filter(|live| live.egress == egress).collect();
        let there = |rule: &Rule| live.iter().find(|live| live.rule.identity == rule.identity);
        let missing: Vec<&Rule> = rules.iter().map(|(rule, _)| rule).filter(|rule| there(rule).is_none()).collect();
        if !missing.is_empty() {
            self.add(group_id, egress, &missing, &wanted.tags).await?;
        }
        let renamed = |rule: &&Rule| there(rule).is_some_and(|live| live.rule.description != rule.description);
        let renamed: Vec<&Rule> = rules.iter().map(|(rule, _)| rule).filter(renamed).collect();
        if !renamed.is_empty() {
            self.describe_anew(group_id, egress, &renamed).await?;
        }
        let too_much = |live: &&&Live| !rules.iter().any(|(rule, _)| rule.identity == live.rule.identity);
        let too_much: Vec<String> = live.iter().filter(too_much).map(|live| live.id.clone()).collect();
        if !too_much.is_empty() {
            self.revoke(group_id, egress, too_much).await?;
        }
        Ok(())
    }
}

fn is_exclusive(settings: &Settings) -> bool {
    settings.get("exclusive").and_then(Json::as_bool).unwrap_or_default()
}

const fn direction(egress: bool) -> &'static str {
    if egress { EGRESS } else { INGRESS }
}

/// The rules of one direction as a setting, spelled as they are wanted where they are wanted.
fn told(live: &[Live], egress: bool, settings: &Settings) -> Result<Json, Failure> {
    let wanted = of_setting(settings.get(direction(egress)))?;
    let spell = |live: &Live| {
        let spelled = wanted.iter().find(|(rule, _)| *rule == live.rule);
        spelled.map_or_else(|| live.rule.to_json(), |(_, json)| json.clone())
    };
    Ok(live.iter().filter(|live| live.egress == egress).map(spell).collect())
}

fn found(group_id: &str, ingress: Json, egress: Json) -> Found {
    Found {
        id: group_id.to_owned(),
        settings: map([("group_id", group_id.into()), (INGRESS, ingress), (EGRESS, egress)]),
        outputs: map([("id", group_id.into())]),
        tags: BTreeMap::new(),
        readiness: Readiness::Ready,
    }
}

#[async_trait]
impl Component for SecurityGroupRules {
    fn kind(&self) -> &'static str {
        "security_group_rules"
    }

    fn actions(&self) -> &'static [&'static str] {
        &[
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateTags",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
            "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
        ]
    }

    fn taggable(&self) -> bool {
        false
    }

    fn is_settings(&self) -> bool {
        true
    }

    /// Absent only with its group.
    async fn find(&self, query: &Query) -> Result<Option<Found>, Failure> {
        let Some(group_id) = text(&query.settings, "group_id").or(query.id.as_deref()) else { return Ok(None) };
        let ours = self.ours(group_id, &query.settings, &query.owner, &query.component);
        let (group, ours) = tokio::try_join!(self.groups.get(group_id), ours)?;
        if group.is_none() {
            return Ok(None);
        }
        Ok(Some(found(group_id, told(&ours, false, &query.settings)?, told(&ours, true, &query.settings)?)))
    }

    /// Where the group didn't show a moment ago: one direction, or with nothing to let through no call at all. The rest follows by update.
    async fn create(&self, wanted: &Wanted) -> Result<Found, Failure> {
        let group_id = required(&wanted.settings, "group_id", "ec2:AuthorizeSecurityGroupIngress")?;
        let (mut ingress, mut egress) = (Json::Null, Json::Null);
        for (is_egress, told) in [(false, &mut ingress), (true, &mut egress)] {
            let setting = wanted.settings.get(direction(is_egress));
            let rules = of_setting(setting)?;
            if let (false, Some(setting)) = (rules.is_empty(), setting) {
                let rules: Vec<&Rule> = rules.iter().map(|(rule, _)| rule).collect();
                self.add(group_id, is_egress, &rules, &wanted.tags).await?;
                *told = setting.clone();
                break;
            }
        }
        Ok(found(group_id, ingress, egress))
    }

    async fn update(&self, found: &Found, wanted: &Wanted, changed: &BTreeSet<String>) -> Result<(), Failure> {
        let owner = wanted.tags.get(crate::graph::OWNER).map(String::as_str).unwrap_or_default();
        let live = self.ours(&found.id, &wanted.settings, owner, &wanted.component.0).await?;
        for egress in [false, true] {
            if changed.contains(direction(egress)) {
                self.bring_about(&found.id, egress, &live, wanted).await?;
            }
        }
        Ok(())
    }

    async fn tag(&self, _found: &Found, _set: &BTreeMap<String, String>, _remove: &[String]) -> Result<(), Failure> {
        Ok(())
    }

    /// Groups whose rules name each other can only go when the rules have gone.
    async fn delete(&self, found: &Found, wanted: &Wanted) -> Result<Option<Kept>, Failure> {
        let owner = wanted.tags.get(crate::graph::OWNER).map(String::as_str).unwrap_or_default();
        // Where the groups that the wanted rules name are gone, the rules are known by their marks.
        let live = self.ours(&found.id, &wanted.settings, owner, &wanted.component.0).await?;
        for egress in [false, true] {
            let ids: Vec<String> = live.iter().filter(|live| live.egress == egress).map(|live| live.id.clone()).collect();
            if !ids.is_empty() {
                self.revoke(&found.id, egress, ids).await?;
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;

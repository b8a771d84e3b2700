//! One rule of a security group: as a setting, as the API tells it, as the API takes it.

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, UserIdGroupPair};
use serde_json::{Map, Value as Json};

use super::super::tags::{Tags, own_tags};
use crate::{
    components::settings::bug,
    graph::{COMPONENT, Failure, OWNER},
};

/// What a rule may admit, by the setting's name; one of them stands in a rule.
const SOURCES: [&str; 4] = ["cidr_ipv4", "cidr_ipv6", "referenced_security_group_id", "prefix_list_id"];

/// What makes a rule the same one: AWS takes no second rule that differs by its description alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    protocol: String,
    /// First and last port; `None` for all protocols.
    ports: Option<(i32, i32)>,
    /// One of [`SOURCES`].
    kind: &'static str,
    source: String,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub identity: Identity,
    /// Empty: none.
    pub description: String,
}

/// A rule that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Live {
    /// `sgr-…`
    pub id: String,
    pub egress: bool,
    pub rule: Rule,
    pub tags: Tags,
}

impl Live {
    /// Whether it carries the marks of that component.
    pub(super) fn is_of(&self, owner: &str, component: &str) -> bool {
        let tag = |key: &str| self.tags.get(key).map(String::as_str);
        tag(OWNER) == Some(owner) && tag(COMPONENT) == Some(component)
    }
}

/// The rules of a setting, each with its own spelling.
///
/// # Errors
/// [`crate::graph::Class::Bug`] for what is no rule: the blueprint makes them.
pub(super) fn of_setting(setting: Option<&Json>) -> Result<Vec<(Rule, Json)>, Failure> {
    let rules = setting.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = |json: &Json| match of_json(json) {
        Some(rule) => Ok((rule, json.clone())),
        None => Err(bug("ec2:AuthorizeSecurityGroupIngress", format!("{json} is no rule of a security group"))),
    };
    rules.iter().map(read).collect()
}

fn of_json(json: &Json) -> Option<Rule> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let port = |name: &str| json.get(name).and_then(Json::as_i64).and_then(|port| i32::try_from(port).ok());
    let mut sources = SOURCES.into_iter().filter_map(|kind| Some((kind, text(kind)?)));
    let (Some((kind, source)), None) = (sources.next(), sources.next()) else { return None };
    let protocol = protocol(text("protocol")?);
    let ports = match protocol.as_str() {
        ALL => None,
        _ => Some((port("from_port")?, port("to_port")?)),
    };
    let identity = Identity { protocol, ports, kind, source: source.to_owned() };
    Some(Rule { identity, description: text("description").unwrap_or_default().to_owned() })
}

/// Every protocol.
const ALL: &str = "-1";

/// AWS takes numbers and tells names.
fn protocol(text: &str) -> String {
    match text {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" => "icmpv6",
        "all" => ALL,
        other => other,
    }
    .to_owned()
}

/// A rule as the API tells it; `None` for one of a kind that doesn't exist yet.
pub(super) fn of_api(rule: &SecurityGroupRule) -> Option<Live> {
    let group = rule.referenced_group_info().and_then(|group| group.group_id());
    let sources = [rule.cidr_ipv4(), rule.cidr_ipv6(), group, rule.prefix_list_id()];
    let (kind, source) = SOURCES.into_iter().zip(sources).find_map(|(kind, source)| Some((kind, source?.to_owned())))?;
    let protocol = protocol(rule.ip_protocol()?);
    let ports = if protocol == ALL { None } else { Some((rule.from_port()?, rule.to_port()?)) };
    Some(Live {
        id: rule.security_group_rule_id()?.to_owned(),
        egress: rule.is_egress().unwrap_or_default(),
        rule: Rule { identity: Identity { protocol, ports, kind, source }, description: rule.description().unwrap_or_default().to_owned() },
        tags: own_tags(rule.tags()),
    })
}

impl Rule {
    /// As a setting.
    pub(super) fn to_json(&self) -> Json {
        let Identity { protocol, ports, kind, source } = &self.identity;
        let mut rule = Map::new();
        rule.insert("protocol".to_owned(), Json::from(protocol.as_str()));
        rule.insert("from_port".to_owned(), ports.map_or(Json::Null, |(from, _)| from.into()));
        rule.insert("to_port".to_owned(), ports.map_or(Json::Null, |(_, to)| to.into()));
        rule.insert((*kind).to_owned(), Json::from(source.as_str()));
        rule.insert("description".to_owned(), crate::components::settings::json(Some(&self.description)));
        Json::Object(rule)
    }

    /// As the API takes it.
    pub(super) fn to_api(&self) -> IpPermission {
        let Identity { protocol, ports, kind, source } = &self.identity;
        let text = Some(self.description.clone()).filter(|text| !text.is_empty());
        let permission =
            IpPermission::builder().ip_protocol(protocol).set_from_port(ports.map(|(from, _)| from)).set_to_port(ports.map(|(_, to)| to));
        match *kind {
            "cidr_ipv4" => permission.ip_ranges(IpRange::builder().cidr_ip(source).set_description(text).build()),
            "cidr_ipv6" => permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(source).set_description(text).build()),
            "prefix_list_id" => permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(source).set_description(text).build()),
            _ => permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(source).set_description(text).build()),
        }
        .build()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_rule_is_a_bug_of_ours() {
        let cases = [
            json!({ "protocol": "tcp", "from_port": 443, "to_port": 443 }),
            json!({ "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": "a", "prefix_list_id": "b" }),
            json!({ "protocol": "tcp", "cidr_ipv4": "10.0.0.0/8" }),
            json!({ "from_port": 1, "to_port": 1, "cidr_ipv4": "10.0.0.0/8" }),
        ];
        for case in cases {
            assert!(of_setting(Some(&json!([case]))).is_err(), "{case}");
        }
        assert_eq!(of_setting(Some(&Json::Null)).unwrap(), []);
    }

    #[test]
    fn one_rule_has_many_spellings() {
        let spelled = [
            json!({ "protocol": "-1", "cidr_ipv4": "0.0.0.0/0" }),
            json!({ "protocol": "all", "from_port": -1, "to_port": -1, "cidr_ipv4": "0.0.0.0/0", "description": "" }),
            json!({ "protocol": "-1", "from_port": null, "cidr_ipv4": "0.0.0.0/0", "prefix_list_id": null, "description": null }),
        ];
        let read: Vec<Rule> = of_setting(Some(&json!(spelled))).unwrap().into_iter().map(|(rule, _)| rule).collect();
        assert!(read.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(
            read[0].to_json(),
            json!({ "protocol": "-1", "from_port": null, "to_port": null, "cidr_ipv4": "0.0.0.0/0", "description": null })
        );
    }

    #[test]
    fn what_the_api_tells_is_what_it_took() {
        for (kind, source) in SOURCES.into_iter().zip(["10.0.0.0/8", "::/0", "sg-2", "pl-1"]) {
            let setting = json!([{ "protocol": "6", "from_port": 443, "to_port": 444, kind: source, "description": "d" }]);
            let (rule, _) = of_setting(Some(&setting)).unwrap().remove(0);
            let told = SecurityGroupRule::builder().security_group_rule_id("sgr-1").ip_protocol("tcp").from_port(443).to_port(444);
            let told = match kind {
                "cidr_ipv4" => told.cidr_ipv4(source),
                "cidr_ipv6" => told.cidr_ipv6(source),
                "prefix_list_id" => told.prefix_list_id(source),
                _ => told.referenced_group_info(aws_sdk_ec2::types::ReferencedSecurityGroup::builder().group_id(source).build()),
            };
            let live = of_api(&told.description("d").build()).unwrap();
            assert_eq!((live.rule, live.egress), (rule.clone(), false));
            let api = format!("{:?}", rule.to_api());
            assert!(api.contains(source) && api.contains("\"d\""), "{api}");
        }
    }
}

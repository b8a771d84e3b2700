//! A database's components.

use serde_json::{Value as Json, json};
use tf_provider::Attr;

use super::{DATABASE, Database, GROUP};
use crate::{
    graph::{Input, Meaning, Node, Setting, link},
    policies::Place,
    resources::{
        parts::iam_name::iam_name,
        setting::{fixed, input, live, settings, unread},
    },
};

/// Deeploy's chart has PostgreSQL's own port fixed.
pub(super) const PORT: i64 = 5432;
/// How many earlier families may have left a parameter group: AWS supports a major version for five years, and upgrades over three.
const FAMILIES_BACK: u32 = 3;

const ROLE: &str = "database_monitoring_role";
const SUBNETS: &str = "database_subnet_group";
const EVENTS: &str = "database_events";

/// What comes from other parts.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    /// The resource's own name; objects are named after it.
    pub name: String,
    /// The VPC.
    pub vpc_id: Input,
    /// Subnets in two zones at least.
    pub database_subnet_ids: Input,
    /// The group of the nodes, which alone may connect beside `allowed_security_group_ids`; a known null: nobody else.
    pub node_security_group_id: Input,
    /// The key of everything that the database stores.
    pub data_key_arn: Input,
    /// Where RDS's events go; `None`: nowhere.
    pub topic_arn: Option<Input>,
    /// Of the monitoring role; a known empty text: none.
    pub permissions_boundary: Input,
    /// Of the monitoring role.
    pub iam_path: Input,
    /// Where the part's attributes stand in the resource: `""` or `"database."`.
    pub prefix: &'static str,
}

/// The id of the component that holds a major version's parameters.
fn parameter_group(major: &str) -> String {
    format!("database_parameter_group/postgres{major}")
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

/// Every component of the database, in the order of creation.
pub(crate) fn nodes(model: &Database, links: &Links, place: &Place) -> Vec<Node> {
    let mut nodes = vec![subnet_group(links), security_group(links), rules(model, links), role(links, place)];
    nodes.extend(log_groups(model, links));
    nodes.extend(parameter_groups(model, links));
    nodes.push(instance(model, links));
    nodes.extend(events(links));
    nodes
}

fn known(value: impl Into<Json>) -> Input {
    Input::Known(value.into())
}

fn subnet_group(links: &Links) -> Node {
    Node::new(
        SUBNETS,
        "rds_subnet_group",
        settings([
            ("name", fixed(known(format!("{}-database", links.identifier())))),
            ("description", live(known(format!("Subnets of the database {}", links.identifier())))),
            ("subnet_ids", live(links.database_subnet_ids.clone()).meaning(Meaning::Unordered)),
        ]),
    )
}

fn security_group(links: &Links) -> Node {
    Node::new(
        GROUP,
        "security_group",
        settings([
            ("name", fixed(known(format!("{}-database", links.name)))),
            ("description", fixed(known(format!("Deeploy database {}", links.name)))),
            ("vpc_id", fixed(links.vpc_id.clone())),
        ]),
    )
}

/// Only the nodes and the allowed groups come in, on one port; nothing goes out.
fn rules(model: &Database, links: &Links) -> Node {
    Node::new(
        "database_security_group_rules",
        "security_group_rules",
        settings([
            ("group_id", fixed(Input::Output(GROUP.into(), "id".to_owned()))),
            ("ingress", live(ingress(model, links)).meaning(Meaning::Unordered)),
            ("egress", live(known(json!([]))).meaning(Meaning::Unordered)),
            ("exclusive", unread(known(true))),
        ]),
    )
}

const NODES: &str = "PostgreSQL from the nodes";
const ALLOWED: &str = "PostgreSQL from an allowed group";

fn ingress(model: &Database, links: &Links) -> Input {
    let Some(nodes) = inside(&links.node_security_group_id) else { return Input::Unknown };
    let rule = |group: Json, description: &str| {
        json!({
            "protocol": "tcp", "from_port": PORT, "to_port": PORT, "referenced_security_group_id": group, "description": description,
        })
    };
    let mut rules: Vec<Json> = Vec::new();
    if !nodes.is_null() {
        rules.push(rule(nodes.clone(), NODES));
    }
    match &model.allowed_security_group_ids {
        Attr::Unknown => return Input::Unknown,
        Attr::Null => {}
        Attr::Known(groups) => {
            for group in groups.iter() {
                match group {
                    Attr::Unknown => return Input::Unknown,
                    Attr::Known(group) if nodes != json!(group) => rules.push(rule(json!(group), ALLOWED)),
                    _ => {}
                }
            }
        }
    }
    Input::from(Json::Array(rules))
}

/// An input as part of a larger value; `None` while it is unknown.
fn inside(input: &Input) -> Option<Json> {
    match input {
        Input::Known(value) | Input::Template(value) => Some(value.clone()),
        Input::Output(component, output) => Some(link(&component.0, output).into()),
        Input::Unknown => None,
    }
}

/// Enhanced monitoring's role: RDS's agent writes the operating system's figures to CloudWatch Logs with it.
fn role(links: &Links, place: &Place) -> Node {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "DeeployRdsMonitoring",
            "Effect": "Allow",
            "Principal": {"Service": "monitoring.rds.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account_id},
                "ArnLike": {"aws:SourceArn": place.regional("rds", &format!("db:{}", links.identifier()))},
            },
        }],
    });
    let policy = format!("arn:{}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole", place.partition);
    Node::new(
        ROLE,
        "iam_role",
        settings([
            ("name", fixed(known(iam_name(&links.name, "rds-monitoring", place)))),
            ("path", fixed(links.iam_path.clone())),
            ("trust_policy", live(known(trust)).meaning(Meaning::Policy)),
            ("permissions_boundary", live(links.permissions_boundary.clone())),
            ("description", live(known(format!("Enhanced monitoring of the database {}", links.name)))),
            ("managed_policies", live(known(json!([policy]))).meaning(Meaning::Unordered)),
        ]),
    )
}

/// The group that `log_retention_in_days` is read from.
pub(super) const SHOWN_LOG_GROUP: &str = "database_log_group/postgresql";

/// The logs' groups are made before RDS would make them, without an end and without a key.
fn log_groups(model: &Database, links: &Links) -> Vec<Node> {
    let exported = |kind: &str| model.enabled_cloudwatch_logs_exports.known().is_none_or(|types| types.known().any(|known| known == kind));
    let group = |kind: &str| {
        let id = format!("database_log_group/{kind}");
        let days = live(input(&model.log_retention_in_days));
        // `log_retention_in_days` shows this one's; what the others have shows in `drift`.
        let days = if id == SHOWN_LOG_GROUP { days.shown() } else { days };
        let node = Node::new(
            &id,
            "log_group",
            settings([
                ("name", fixed(known(format!("/aws/rds/instance/{}/{kind}", links.identifier())))),
                ("retention_in_days", days),
                ("kms_key_arn", live(links.data_key_arn.clone())),
            ]),
        );
        node.adopting().absent_if(!exported(kind))
    };
    let mut nodes = vec![group("postgresql"), group("upgrade")];
    if exported("iam-db-auth-error") && model.enabled_cloudwatch_logs_exports.known().is_some() {
        nodes.push(group("iam-db-auth-error"));
    }
    nodes
}

/// The major versions before.
fn earlier(version: &str) -> Vec<String> {
    let current: u32 = major(version).parse().unwrap_or_default();
    (1..=FAMILIES_BACK).filter_map(|back| current.checked_sub(back)).map(|major| major.to_string()).collect()
}

/// The family's group, and those of earlier families, which go when the instance has let go of them.
fn parameter_groups(model: &Database, links: &Links) -> Vec<Node> {
    let Some(version) = model.engine_version.as_str() else { return Vec::new() };
    let family = |major: &str| format!("postgres{major}");
    let name = |major: &str| format!("{}-{}", links.identifier(), family(major));
    let earlier = earlier(version);
    let named = |major: &str| {
        settings([
            ("name", fixed(known(name(major)))),
            ("family", fixed(known(family(major)))),
            ("description", fixed(known(format!("Parameters of the database {}", links.identifier())))),
        ])
    };
    let mut all = named(major(version));
    let previous: Vec<String> = earlier.iter().map(|major| name(major)).collect();
    all.extend(settings([("parameters", live(input(&model.effective_parameters))), ("previous_names", unread(known(json!(previous))))]));
    let mut nodes = vec![Node::new(&parameter_group(major(version)), "rds_parameter_group", all)];
    for major in &earlier {
        let mut all = named(major);
        all.extend(settings([("released_by", unread(known(links.identifier())))]));
        nodes.push(Node::new(&parameter_group(major), "rds_parameter_group", all).absent_if(true));
    }
    nodes
}

fn instance(model: &Database, links: &Links) -> Node {
    let restored = !model.snapshot_identifier.is_null() || !model.restore_to_point_in_time.is_null();
    let parameters = match model.engine_version.as_str() {
        Some(version) => Input::Output(parameter_group(major(version)).into(), "name".to_owned()),
        None => Input::Unknown,
    };
    let group = Input::from(json!([link(GROUP, "id")]));
    // A restored instance keeps its origin's master user.
    let master = if restored { Json::Null } else { json!("deeploy_admin") };
    let mut all = settings([
        ("identifier", fixed(known(links.identifier()))),
        ("engine", fixed(known("postgres"))),
        ("engine_version", live(input(&model.engine_version)).shown()),
        ("allow_major_version_upgrade", unread(input(&model.allow_major_version_upgrade))),
        ("apply_immediately", unread(input(&model.apply_immediately))),
        ("instance_class", live(input(&model.instance_class)).shown()),
        ("allocated_storage", live(input(&model.allocated_storage)).shown()),
        ("max_allocated_storage", live(input(&model.max_allocated_storage)).shown()),
        ("storage_type", live(known("gp3"))),
        ("storage_encrypted", fixed(known(true))),
        ("kms_key_arn", unread(links.data_key_arn.clone())),
        ("multi_az", live(input(&model.multi_az)).shown()),
        ("publicly_accessible", live(known(false))),
        ("port", live(known(PORT))),
        ("subnet_group", fixed(Input::Output(SUBNETS.into(), "name".to_owned()))),
        ("security_group_ids", live(group).meaning(Meaning::Unordered)),
        ("parameter_group", live(parameters)),
        ("backup_retention_period", live(input(&model.backup_retention_period)).shown()),
        ("backup_window", live(input(&model.backup_window)).shown()),
        ("maintenance_window", live(input(&model.maintenance_window)).shown()),
        // It counts when an instance is made: one that was restored keeps its own when the snapshot's name goes from the configuration.
        ("master_username", unread(known(master))),
        ("manage_master_user_password", live(known(true))),
        ("master_user_secret_kms_key_arn", live(links.data_key_arn.clone())),
        ("snapshot_identifier", unread(input(&model.snapshot_identifier))),
        ("restore_to_point_in_time", unread(input(&model.restore_to_point_in_time))),
        ("attribute_prefix", unread(known(links.prefix))),
    ]);
    all.extend(best_practices(model, links));
    let mut node =
        Node::new(DATABASE, "rds_instance", all).stateful().after(["database_log_group/postgresql", "database_log_group/upgrade"]);
    if model.enabled_cloudwatch_logs_exports.known().is_some_and(|types| types.known().any(|kind| kind == "iam-db-auth-error")) {
        node = node.after(["database_log_group/iam-db-auth-error"]);
    }
    // So that a destroy deletes the instance before them.
    node.after(model.engine_version.as_str().map(earlier).unwrap_or_default().iter().map(|major| parameter_group(major)))
}

fn best_practices(model: &Database, links: &Links) -> [(String, Setting); 15] {
    let role = Input::Output(ROLE.into(), "arn".to_owned());
    let exports = input(&model.enabled_cloudwatch_logs_exports);
    [
        ("auto_minor_version_upgrade", live(known(true))),
        ("copy_tags_to_snapshot", live(known(true))),
        ("iam_database_authentication", live(known(true))),
        ("ca_certificate_identifier", live(known("rds-ca-rsa2048-g1"))),
        ("monitoring_interval", live(known(60))),
        ("monitoring_role_arn", live(role)),
        ("performance_insights_enabled", live(known(true))),
        ("performance_insights_retention_period", live(known(7))),
        ("performance_insights_kms_key_arn", unread(links.data_key_arn.clone())),
        ("database_insights_mode", live(known("standard"))),
        ("enabled_cloudwatch_logs_exports", live(exports).meaning(Meaning::Unordered).shown()),
        ("engine_lifecycle_support", live(known("open-source-rds-extended-support-disabled"))),
        ("deletion_protection", live(input(&model.deletion_protection)).shown().sealed()),
        ("final_snapshot", unread(input(&model.final_snapshot)).sealed()),
        ("delete_automated_backups", unread(input(&model.delete_automated_backups)).sealed()),
    ]
    .map(|(name, setting)| (name.to_owned(), setting))
}

/// What Security Hub's controls RDS.20 to RDS.22 want to be told of. Without a topic they shall not exist.
fn events(links: &Links) -> Vec<Node> {
    let subscription = |id: &str, suffix: &str, kind: &str, sources: Json, categories: Json| {
        let topic = links.topic_arn.clone().unwrap_or(Input::Known(Json::Null));
        let node = Node::new(
            id,
            "rds_event_subscription",
            settings([
                ("name", fixed(known(format!("{}-{suffix}", links.identifier())))),
                ("sns_topic_arn", live(topic)),
                ("source_type", live(known(kind))),
                ("source_ids", live(Input::from(sources)).meaning(Meaning::Unordered)),
                ("event_categories", live(known(categories)).meaning(Meaning::Unordered)),
                ("enabled", live(known(true))),
            ]),
        );
        node.absent_if(links.topic_arn.is_none())
    };
    let own = json!([link(DATABASE, "identifier")]);
    let change = "configuration change";
    // Without sources RDS tells of every group of its kind in the region, as the controls ask for.
    vec![
        subscription(EVENTS, "database-events", "db-instance", own, json!(["maintenance", change, "failure"])),
        subscription("database_events/parameter_groups", "parameter-group-events", "db-parameter-group", json!([]), json!([change])),
        subscription(
            "database_events/security_groups",
            "security-group-events",
            "db-security-group",
            json!([]),
            json!([change, "failure"]),
        ),
    ]
}

impl Links {
    /// The instance's identifier: RDS keeps it in lower case.
    fn identifier(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

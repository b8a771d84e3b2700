//! A network's components, with their edges.

use serde_json::{Value as Json, json};
use tf_provider::Attr;

use super::{
    Existing, FLOW_LOGS, FLOW_LOGS_GROUP, NONE, Network, Purpose, S3_ENDPOINT, SINGLE, Source, VPC, elements,
    ranges::{Plan, Range, plan},
    source, subnet_ids, vpc_id,
};
use crate::{
    graph::{Change, Input, Meaning, Node, Setting, Settings, link},
    policies::{Place, document},
    resources::{
        parts::iam_name::iam_name,
        setting::{fixed, input, live, settings, unread},
    },
};

/// The VPC's way to the internet.
const INTERNET_GATEWAY: &str = "internet_gateway";
/// Everywhere.
const ANYWHERE: &str = "0.0.0.0/0";
/// The group of the interface endpoints.
const ENDPOINTS_GROUP: &str = "endpoints_security_group";
const ENDPOINTS_RULES: &str = "endpoints_security_group_rules";
const FLOW_LOGS_ROLE: &str = "flow_logs_role";
const FLOW_LOGS_POLICY: &str = "flow_logs_policy";
/// Seconds over which flow logs are gathered: AWS's default, ten times cheaper to keep than the minute.
const AGGREGATION_S: i64 = 600;

/// What comes from other parts.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    /// The resource's own name; objects are named after it. Empty while it is unknown.
    pub name: String,
    /// The key of the flow logs' group; a known empty text: CloudWatch Logs' own.
    pub logs_key_arn: Input,
    /// Of the flow logs' role; a known empty text: none.
    pub permissions_boundary: Input,
    /// Of the flow logs' role.
    pub iam_path: Input,
}

/// Every component. While the zones or the network aren't known: those that don't depend on them.
pub(crate) fn nodes(model: &Network, links: &Links, place: &Place) -> Vec<Node> {
    let nodes = match source(model) {
        Source::Own(zones) => own(model, &zones, links, place),
        Source::Existing(existing) => existing_nodes(existing, place),
        Source::Unknown => Vec::new(),
    };
    nodes.into_iter().map(|node| labelled(node, &links.name)).collect()
}

/// What EC2's console shows as an object's name.
fn labelled(node: Node, name: &str) -> Node {
    let has_label =
        ["vpc", "subnet", "internet_gateway", "elastic_ip", "nat_gateway", "route_table", "vpc_endpoint", "security_group", "flow_log"]
            .contains(&node.kind);
    if !has_label || name.is_empty() {
        return node;
    }
    let label = format!("{name}-{}", node.id.0.replace(['_', '/'], "-"));
    node.tagged([("Name", label)])
}

fn known(value: impl Into<Json>) -> Input {
    Input::Known(value.into())
}

fn output(component: &str, name: &str) -> Input {
    Input::Output(component.into(), name.to_owned())
}

/// A setting that takes another object.
fn replace(value: Input) -> Setting {
    Setting { change: Change::Replace, ..live(value) }
}

/// The network of our own.
fn own(model: &Network, zones: &[&str], links: &Links, place: &Place) -> Vec<Node> {
    let mut nodes = vec![
        Node::new(
            VPC,
            "vpc",
            settings([
                ("cidr_block", fixed(input(&model.cidr)).shown()),
                ("enable_dns_support", live(known(true))),
                ("enable_dns_hostnames", live(known(true))),
            ]),
        )
        .stateful(),
        Node::new("default_security_group", "security_group_rules", rules(output(VPC, "default_security_group_id"), &json!([]))),
        Node::new(INTERNET_GATEWAY, "internet_gateway", settings([("vpc_id", live(output(VPC, "id")))])),
    ];
    nodes.extend(subnets(model, zones));
    nodes.extend(nat(model, zones));
    nodes.extend(routes(model, zones));
    nodes.extend(associations(zones));
    nodes.push(s3_endpoint(output(VPC, "id"), own_tables(zones), place));
    nodes.extend(endpoints(model, links, place));
    nodes.extend(flow_logs(model, links, place));
    nodes
}

fn existing_nodes(existing: &Existing, place: &Place) -> Vec<Node> {
    let tables = elements(&existing.route_table_ids);
    let none = tables.as_ref().is_some_and(Vec::is_empty);
    let vpc_id = existing.vpc_id.as_str().map_or(Input::Unknown, known);
    vec![s3_endpoint(vpc_id, tables.map_or(Input::Unknown, known), place).absent_if(none)]
}

fn subnets(model: &Network, zones: &[&str]) -> Vec<Node> {
    let divided = divided(model, zones.len());
    let mut nodes = Vec::new();
    for purpose in Purpose::ALL {
        for (at, zone) in zones.iter().enumerate() {
            let range = divided.as_ref().and_then(|plan| of(plan, purpose).get(at)).map(ToString::to_string);
            let subnet = settings([
                ("vpc_id", fixed(output(VPC, "id"))),
                ("cidr_block", fixed(range.map_or(Input::Unknown, known))),
                ("availability_zone_id", fixed(known(*zone))),
                ("map_public_ip_on_launch", live(known(false))),
            ]);
            let node = Node::new(&purpose.subnet(zone), "subnet", subnet).stateful();
            // By these tags the load balancer controller finds where to put load balancers (EKS User Guide, "Network load balancing").
            nodes.push(match purpose {
                Purpose::Public => node.tagged([("kubernetes.io/role/elb", "1")]),
                Purpose::Private => node.tagged([("kubernetes.io/role/internal-elb", "1")]),
                Purpose::Database | Purpose::ControlPlane => node,
            });
        }
    }
    nodes
}

fn divided(model: &Network, zones: usize) -> Option<Plan> {
    let vpc = Range::parse(model.cidr.as_str()?).ok()?;
    plan(vpc, zones, u8::try_from(*model.private_subnet_prefix_length.known()?).ok()?)
}

fn of(plan: &Plan, purpose: Purpose) -> &[Range] {
    match purpose {
        Purpose::Private => &plan.private,
        Purpose::Public => &plan.public,
        Purpose::Database => &plan.database,
        Purpose::ControlPlane => &plan.control_plane,
    }
}

/// The zone whose gateway another zone's private subnet uses.
fn gateway_of<'a>(model: &Network, zones: &[&'a str], zone: &'a str) -> &'a str {
    match model.nat.as_str() {
        Some(SINGLE) => zones.first().copied().unwrap_or(zone),
        _ => zone,
    }
}

fn has_gateway(model: &Network, zones: &[&str], zone: &str) -> bool {
    model.nat.as_str() != Some(NONE) && gateway_of(model, zones, zone) == zone
}

/// A gateway and its address in each zone, those that `nat` doesn't ask for absent: so that they go when it changes, after the routes.
fn nat(model: &Network, zones: &[&str]) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (at, zone) in zones.iter().enumerate() {
        let wanted = has_gateway(model, zones, zone);
        let users = match &model.nat_eip_allocation_ids {
            Attr::Unknown => Some(Input::Unknown),
            Attr::Known(ids) => Some(ids.get(at).and_then(Attr::as_str).map_or(Input::Unknown, known)),
            Attr::Null => None,
        };
        let address = format!("eip/{zone}");
        nodes.push(Node::new(&address, "elastic_ip", Settings::new()).after([INTERNET_GATEWAY]).absent_if(!wanted || users.is_some()));
        let gateway = settings([
            ("subnet_id", replace(output(&Purpose::Public.subnet(zone), "id"))),
            ("allocation_id", replace(users.filter(|_| wanted).unwrap_or_else(|| output(&address, "id")))),
        ]);
        // A gateway that comes up where there is no way out fails for good.
        nodes.push(Node::new(&format!("nat_gateway/{zone}"), "nat_gateway", gateway).after([INTERNET_GATEWAY]).absent_if(!wanted));
    }
    nodes
}

fn table(id: &str) -> Node {
    Node::new(id, "route_table", settings([("vpc_id", fixed(output(VPC, "id")))]))
}

fn route(id: &str, table: &str, target: (&str, Input)) -> Node {
    let other = if target.0 == "gateway_id" { "nat_gateway_id" } else { "gateway_id" };
    let route = settings([
        ("route_table_id", fixed(output(table, "id"))),
        ("destination_cidr_block", fixed(known(ANYWHERE))),
        (target.0, live(target.1)),
        (other, live(Input::Known(Json::Null))),
    ]);
    Node::new(id, "route", route)
}

/// Database and control plane have tables without a way out.
fn routes(model: &Network, zones: &[&str]) -> Vec<Node> {
    let mut nodes = vec![
        table("public_route_table"),
        route("public_route", "public_route_table", ("gateway_id", output(INTERNET_GATEWAY, "id"))),
        table("database_route_table"),
        table("control_plane_route_table"),
    ];
    for zone in zones {
        let private = private_table(zone);
        let gateway = format!("nat_gateway/{}", gateway_of(model, zones, zone));
        nodes.push(table(&private));
        let way_out = route(&format!("private_route/{zone}"), &private, ("nat_gateway_id", output(&gateway, "id")));
        nodes.push(way_out.absent_if(model.nat.as_str() == Some(NONE)));
    }
    nodes
}

fn private_table(zone: &str) -> String {
    format!("private_route_table/{zone}")
}

fn associations(zones: &[&str]) -> Vec<Node> {
    let mut nodes = Vec::new();
    for purpose in Purpose::ALL {
        for zone in zones {
            let table = match purpose {
                Purpose::Private => private_table(zone),
                other => format!("{}_route_table", other.name()),
            };
            let association = settings([
                ("subnet_id", fixed(output(&purpose.subnet(zone), "id"))),
                ("route_table_id", live(output(&table, "id")).renewing()),
            ]);
            nodes.push(Node::new(&format!("{}_association/{zone}", purpose.name()), "route_table_association", association));
        }
    }
    nodes
}

fn own_tables(zones: &[&str]) -> Input {
    let shared = ["public_route_table", "database_route_table", "control_plane_route_table"].map(str::to_owned);
    let all = zones.iter().map(|zone| private_table(zone)).chain(shared);
    Input::from(Json::from_iter(all.map(|table| link(&table, "id"))))
}

fn s3_endpoint(vpc_id: Input, tables: Input, place: &Place) -> Node {
    let endpoint = settings([
        ("vpc_id", fixed(vpc_id)),
        ("service_name", fixed(known(format!("com.amazonaws.{}.s3", place.region)))),
        ("endpoint_type", fixed(known("Gateway"))),
        ("route_table_ids", live(tables).meaning(Meaning::Unordered)),
    ]);
    Node::new(S3_ENDPOINT, "vpc_endpoint", endpoint)
}

/// The rules of a group that has no others.
fn rules(group_id: Input, ingress: &Json) -> Settings {
    settings([
        ("group_id", fixed(group_id)),
        ("ingress", live(Input::from(ingress.clone())).meaning(Meaning::Unordered)),
        ("egress", live(known(json!([]))).meaning(Meaning::Unordered)),
        ("exclusive", unread(known(true))),
    ])
}

fn endpoints(model: &Network, links: &Links, place: &Place) -> Vec<Node> {
    let services = elements(&model.interface_endpoints).unwrap_or_default();
    let none = services.is_empty();
    let group = settings([
        ("name", fixed(known(format!("{}-endpoints", links.name)))),
        ("description", fixed(known("Interface endpoints: HTTPS from the VPC"))),
        ("vpc_id", fixed(output(VPC, "id"))),
    ]);
    let https = json!([{
        "protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": link(VPC, "cidr_block"), "description": "HTTPS from the VPC",
    }]);
    let mut nodes = vec![
        Node::new(ENDPOINTS_GROUP, "security_group", group).absent_if(none),
        Node::new(ENDPOINTS_RULES, "security_group_rules", rules(output(ENDPOINTS_GROUP, "id"), &https)).absent_if(none),
    ];
    nodes.extend(services.iter().filter_map(Json::as_str).map(|service| endpoint(service, model, place)));
    nodes
}

/// A service's full name: what AWS told, or its usual form where nobody could ask.
fn service_name(service: &str, model: &Network, place: &Place) -> Input {
    let told = match &model.interface_endpoint_services {
        Attr::Unknown => &Attr::Unknown,
        Attr::Known(names) => names.get(service).unwrap_or(&Attr::Null),
        Attr::Null => &Attr::Null,
    };
    match told {
        Attr::Unknown => Input::Unknown,
        Attr::Known(name) => known(name.as_str()),
        Attr::Null => known(format!("com.amazonaws.{}.{service}", place.region)),
    }
}

fn endpoint(service: &str, model: &Network, place: &Place) -> Node {
    let endpoint = settings([
        ("vpc_id", fixed(vpc_id(model))),
        ("service_name", fixed(service_name(service, model, place))),
        ("endpoint_type", fixed(known("Interface"))),
        ("subnet_ids", live(subnet_ids(model, Purpose::Private)).meaning(Meaning::Unordered)),
        ("security_group_ids", live(Input::from(json!([link(ENDPOINTS_GROUP, "id")]))).meaning(Meaning::Unordered)),
        ("private_dns_enabled", live(known(true))),
    ]);
    Node::new(&format!("endpoint/{service}"), "vpc_endpoint", endpoint).after([ENDPOINTS_RULES])
}

/// An interface endpoint that was taken out of the configuration.
pub(crate) fn leftover(component: &str, model: &Network, place: &Place) -> Option<Node> {
    let service = component.strip_prefix("endpoint/")?;
    matches!(source(model), Source::Own(_)).then(|| endpoint(service, model, place))
}

fn flow_logs(model: &Network, links: &Links, place: &Place) -> Vec<Node> {
    let (on, traffic, days) = match &model.flow_logs {
        Attr::Known(logs) => (logs.enabled.known() == Some(&true), input(&logs.traffic_type), input(&logs.retention_in_days)),
        Attr::Null => (false, Input::Known(Json::Null), Input::Known(Json::Null)),
        Attr::Unknown => (true, Input::Unknown, Input::Unknown),
    };
    let name = format!("/deeploy/{}/flow-logs", links.name);
    let group = settings([
        ("name", fixed(known(name))),
        ("retention_in_days", live(days).shown()),
        ("kms_key_arn", live(links.logs_key_arn.clone())),
    ]);
    let role = settings([
        ("name", fixed(known(iam_name(&links.name, "flow-logs", place)))),
        ("path", fixed(links.iam_path.clone())),
        ("trust_policy", live(known(trust(place))).meaning(Meaning::Policy)),
        ("permissions_boundary", live(links.permissions_boundary.clone())),
        ("description", live(known(format!("Writes the flow logs of {}", links.name)))),
    ]);
    let policy = settings([
        ("role", live(output(FLOW_LOGS_ROLE, "name"))),
        ("name", fixed(known("flow-logs"))),
        ("policy", live(Input::from(delivery(place))).meaning(Meaning::Policy)),
    ]);
    let log = settings([
        ("resource_id", replace(output(VPC, "id"))),
        ("traffic_type", replace(traffic).shown()),
        ("log_group_name", replace(output(FLOW_LOGS_GROUP, "name"))),
        ("role_arn", replace(output(FLOW_LOGS_ROLE, "arn"))),
        ("max_aggregation_interval", replace(known(AGGREGATION_S))),
    ]);
    [
        Node::new(FLOW_LOGS_GROUP, "log_group", group),
        Node::new(FLOW_LOGS_ROLE, "iam_role", role),
        Node::new(FLOW_LOGS_POLICY, "iam_role_policy", policy),
        Node::new(FLOW_LOGS, "flow_log", log).after([FLOW_LOGS_POLICY]),
    ]
    .into_iter()
    .map(|node| node.absent_if(!on))
    .collect()
}

/// Flow logs of this account and region, and nobody else's (VPC User Guide, "IAM role for publishing flow logs to CloudWatch Logs").
fn trust(place: &Place) -> Json {
    document(&[json!({
        "Sid": "DeeployFlowLogs",
        "Effect": "Allow",
        "Principal": { "Service": "vpc-flow-logs.amazonaws.com" },
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": { "aws:SourceAccount": place.account_id },
            "ArnLike": { "aws:SourceArn": place.regional("ec2", "vpc-flow-log/*") },
        },
    })])
}

fn delivery(place: &Place) -> Json {
    let group = link(FLOW_LOGS_GROUP, "arn");
    document(&[
        json!({
            "Sid": "DeeployDelivery",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": [group.clone(), format!("{group}:*")],
        }),
        json!({
            "Sid": "DeeployGroups",
            "Effect": "Allow",
            "Action": ["logs:DescribeLogGroups"],
            "Resource": place.regional("logs", "log-group:*"),
        }),
    ])
}

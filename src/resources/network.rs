//! `deeploy_network`.

use std::{sync::Arc, time::Duration};

use tf_provider::{Attr, Diagnostics, Model, Path, validators};

use super::{
    checks,
    composite::{Composite, Decider, Foretold, Seen, deciders},
    parts::{
        network::{self, Facts, Links, Network},
        record,
    },
    report,
    setting::{input, or_none},
    shared::Shared,
};
use crate::{
    aws::Aws,
    graph::{Blueprint, Known, Node, Observed, Owner, patiently},
    policies::Place,
    presets::Preset,
};

/// NAT gateways take two minutes to come and go, interface endpoints five; network interfaces of others go when they go.
const OPERATION_MAX: Duration = Duration::from_secs(45 * 60);

/// A network for Deeploy: a VPC over several availability zones with public, private, database and control plane subnets, NAT gateways, an S3
/// gateway endpoint, flow logs, and a default security group that lets nothing through.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct NetworkResource {
    /// Name of the network; its objects are named after it.
    #[tf(
        required,
        replace,
        validate(validators::matches(
            "[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
            "1 to 40 lower-case letters, digits and hyphens that begin with a letter"
        )),
        note(change = "replace")
    )]
    pub name: Attr<String>,
    /// Set of defaults: `production` or `development`.
    #[tf(optional, computed, default = "production", validate(checks::preset()))]
    pub preset: Attr<String>,
    /// ARN of the KMS key that encrypts the flow logs' group. Its policy must let CloudWatch Logs use it. By default CloudWatch Logs encrypts with a
    /// key of its own.
    #[tf(optional, validate(checks::arn_of("kms", "key/")), note(change = "live"))]
    pub kms_key_arn: Attr<String>,
    /// ARN of the permissions boundary of the flow logs' role.
    #[tf(optional, validate(checks::arn_of("iam", "policy/")), note(change = "live"))]
    pub permissions_boundary: Attr<String>,
    /// Path of the flow logs' role.
    #[tf(optional, computed, validate(checks::iam_path()), note(preset = "iam_role.path", change = "fixed"))]
    pub iam_path: Attr<String>,
    /// The network's own attributes.
    #[tf(flatten)]
    pub network: Network,
    /// What every resource of several objects has.
    #[tf(flatten)]
    pub shared: Shared,
}

/// The second part of the record's name.
const RECORD_KIND: &str = "network";

/// [`Composite`] of `deeploy_network`.
pub(crate) struct Kind;

impl Composite for Kind {
    type Model = NetworkResource;
    type Facts = Facts;
    const TYPE: &'static str = "deeploy_network";
    const OPERATION_MAX: Duration = OPERATION_MAX;
    const IMPORT_IDS: &'static str = "the network's name";

    fn deciders() -> Vec<Decider> {
        let mut all = deciders("", network::OUTPUTS);
        all.extend(deciders("", &[("id", record::RECORD)]));
        all
    }

    async fn look_up(model: &NetworkResource, prior: Option<&NetworkResource>, aws: &Arc<Aws>) -> Result<Option<Facts>, Diagnostics> {
        let before = prior.map(|prior| &prior.network);
        let facts = patiently(|| Box::pin(network::look_up(aws, &model.network, before))).await;
        facts.map(Some).map_err(|failure| vec![report::failed(Path::root(), "The region's network can't be looked at", &failure)])
    }

    fn check(model: &NetworkResource) -> Diagnostics {
        network::check(&model.network, &Path::root())
    }

    fn check_in(model: &NetworkResource, place: &Place) -> Diagnostics {
        let Some(arn) = model.kms_key_arn.as_str() else { return Vec::new() };
        let path = Path::of("kms_key_arn");
        checks::of_partition(path.clone(), arn, place).or_else(|| checks::of_region(path, arn, place)).into_iter().collect()
    }

    fn check_change(model: &NetworkResource, prior: Option<&NetworkResource>, facts: Option<&Facts>) -> Diagnostics {
        network::check_change(&model.network, prior.map(|prior| &prior.network), facts, &Path::root())
    }

    fn derive(model: &mut NetworkResource, written: &NetworkResource, prior: Option<&NetworkResource>, facts: Option<&Facts>) {
        let preset = model.preset.as_str().and_then(Preset::parse);
        network::derive(&mut model.network, &written.network, prior.map(|prior| &prior.network), facts, preset);
    }

    fn blueprint(model: &NetworkResource, place: &Place) -> Result<Blueprint, Diagnostics> {
        let name = model.name.known().cloned().unwrap_or_default();
        let mut nodes = vec![record::node(RECORD_KIND, model)];
        nodes.extend(network::nodes(&model.network, &links(model, name.clone()), place));
        Ok(Blueprint::of(Owner { resource: Kind::TYPE.to_owned(), name }, nodes))
    }

    fn leftover(component: &str, model: &NetworkResource, place: &Place) -> Result<Option<Node>, Diagnostics> {
        Ok(network::leftover(component, &model.network, place))
    }

    fn known(state: &NetworkResource) -> Known {
        state.shared.known()
    }

    fn foretell(model: &NetworkResource, _place: &Place) -> Foretold {
        let own = [("id", model.name.to_value())];
        own.into_iter().chain(network::foretell(&model.network)).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn outputs(model: &mut NetworkResource, seen: &Observed) {
        model.shared.id = model.name.clone();
        network::outputs(&mut model.network, seen);
    }

    fn refresh(model: &mut NetworkResource, seen: &Observed) {
        network::refresh(&mut model.network, seen);
    }

    async fn import(model: &mut NetworkResource, id: &str, aws: &Arc<Aws>) -> Result<(), Diagnostics> {
        *model = record::imported(aws, RECORD_KIND, id, Kind::TYPE).await?;
        let named = network::import(aws, &mut model.network).await;
        named.map_err(|failure| {
            vec![report::failed(Path::of("interface_endpoints"), "The services of the endpoints can't be read", &failure)]
        })
    }

    fn adopt(model: &mut NetworkResource, seen: &Observed) {
        let seen = Seen(seen);
        seen.text("flow_logs_role", "path", &mut model.iam_path);
        seen.text("flow_logs_role", "permissions_boundary", &mut model.permissions_boundary);
        seen.text("flow_logs_group", "kms_key_arn", &mut model.kms_key_arn);
    }

    fn warnings(planned: &NetworkResource, prior: Option<&NetworkResource>, _facts: Option<&Facts>) -> Diagnostics {
        network::warnings(&planned.network, prior.map(|prior| &prior.network), &Path::root())
    }
}

fn links(model: &NetworkResource, name: String) -> Links {
    Links {
        name,
        logs_key_arn: or_none(&model.kms_key_arn),
        permissions_boundary: or_none(&model.permissions_boundary),
        iam_path: input(&model.iam_path),
    }
}

//! Plan, apply, read and import of every resource, once: over its blueprint.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value as Json;
use tf_provider::{
    ApplyRequest, ApplyResponse, Capabilities, Diagnostics, ImportRequest, ImportResponse, Model, Path, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Resource, Schema, Value,
};

use crate::{
    aws::{Arn, Aws},
    components::arn_of_role,
    graph::{Blueprint, ComponentId, Known, Node, Observed},
    policies::Place,
    provider::Session,
};

use super::{
    apply,
    bound::{Binding, Task},
    change::Change,
    import, plan, read, report,
};

pub(super) use super::{
    outputs::{Decider, deciders},
    seen::Seen,
};

/// What makes one Terraform resource: its model, and how the model becomes a blueprint and back.
pub(crate) trait Composite: Send + Sync + 'static {
    /// Its attributes.
    type Model: Model + Clone;
    /// Terraform's name of the resource type.
    const TYPE: &'static str;
    /// What a plan looks up; `()` where it needs nothing.
    type Facts: Send + Sync;
    /// Computed attributes that components decide, each with the component that decides it.
    const OUTPUTS: &'static [(&'static str, &'static str)] = &[];
    /// How long an operation may take where `timeouts` says nothing.
    const OPERATION_MAX: Duration = apply::OPERATION_MAX;

    /// All computed attributes that components decide, those of nested attributes too.
    fn deciders() -> Vec<Decider> {
        deciders("", Self::OUTPUTS)
    }

    /// Looks up what the plan of `model` needs beside configuration and prior state; reads only.
    fn look_up(
        _model: &Self::Model,
        _prior: Option<&Self::Model>,
        _aws: &Arc<Aws>,
    ) -> impl Future<Output = Result<Option<Self::Facts>, Diagnostics>> + Send {
        async { Ok(None) }
    }

    /// What what was looked up, or what stood before, shows to be wrong.
    fn check_change(_model: &Self::Model, _prior: Option<&Self::Model>, _facts: Option<&Self::Facts>) -> Diagnostics {
        Vec::new()
    }

    /// What no single attribute shows to be wrong; attributes may be unknown.
    fn check(_model: &Self::Model) -> Diagnostics {
        Vec::new()
    }

    /// What of the configuration alone shows to be wrong: only there stand the write-only values.
    fn check_written(_written: &Self::Model) -> Diagnostics {
        Vec::new()
    }

    /// The same, where account and region must be known for it.
    fn check_in(_model: &Self::Model, _place: &Place) -> Diagnostics {
        Vec::new()
    }

    /// The component whose tags `tags_all` shows; `None`: the claim.
    const TAGS_OF: Option<&'static str> = None;

    /// What an operation works with beside the account's components; connects to nothing yet.
    fn bind(_task: Task<'_, Self::Model>, _aws: &Arc<Aws>) -> impl Future<Output = Result<Binding, Diagnostics>> + Send {
        async { Ok(Binding::Account) }
    }

    /// Fills attributes that are made of others (a secret's name of the user's). Runs after the preset's defaults; `written` is what
    /// the user wrote, which stays as it is. Without facts (offline, import) what they decide stays unknown or as it was.
    fn derive(_model: &mut Self::Model, _written: &Self::Model, _prior: Option<&Self::Model>, _facts: Option<&Self::Facts>) {}

    /// The principals that the policies name, by attribute: sessions among them are looked up.
    fn principals(_model: &Self::Model) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The components. An error where they can't be told: a component that were only left out would be deleted.
    fn blueprint(model: &Self::Model, place: &Place) -> Result<Blueprint, Diagnostics>;

    /// A component that stands in state and that the configuration no longer wants and names (a node group that was taken out), with
    /// what it takes to find and delete it. The engine deletes it when everything else is as it shall be; what is stateful stays until the
    /// resource goes.
    fn leftover(_component: &str, _model: &Self::Model, _place: &Place) -> Result<Option<Node>, Diagnostics> {
        Ok(None)
    }

    /// The components' ids that stand in a state.
    fn known(state: &Self::Model) -> Known;

    /// The outputs that the configuration already decides, so that dependents see them at plan: null where there will be none,
    /// unknown while an input is.
    fn foretell(model: &Self::Model, place: &Place) -> Foretold;

    /// What to do about an object that waits for its deletion, scheduled outside of Terraform.
    const RESCUE: &'static str = "Take it back before its time is over, and apply again.";

    /// Outputs that going from `prior` to `planned` may change and [`Self::foretell`] doesn't tell.
    fn moved(_planned: &Self::Model, _prior: &Self::Model) -> Vec<String> {
        Vec::new()
    }

    /// Fills the computed attributes from what was found.
    fn outputs(model: &mut Self::Model, seen: &Observed);

    /// The policy document that the attribute `policy` shows, as it is.
    fn live_policy(_seen: &Observed) -> Option<Json> {
        None
    }

    /// Sets the inputs that AWS tells to what AWS tells.
    fn refresh(model: &mut Self::Model, seen: &Observed);

    /// What an import id may be, for messages: `a bucket's name`.
    const IMPORT_IDS: &'static str;

    /// Sets in a model of defaults what an import id says; may look AWS up, changes nothing.
    fn import(model: &mut Self::Model, id: &str, aws: &Arc<Aws>) -> impl Future<Output = Result<(), Diagnostics>> + Send;

    /// Reads the inputs that only policies tell back from them, once, at import.
    fn adopt(_model: &mut Self::Model, _seen: &Observed) {}

    /// What in state forbids a destroy: attribute, reason.
    fn guarded(_state: &Self::Model) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Warnings about what parts do when their settings change in place.
    fn consequences(_change: &Change) -> Diagnostics {
        Vec::new()
    }

    /// What is left of a part that holds data and is gone, and how to get it back; for the error that names the part.
    fn left_of(_component: &str, _facts: Option<&Self::Facts>) -> Option<String> {
        None
    }

    /// Warnings about what a change does to those who use the object.
    fn warnings(_planned: &Self::Model, _prior: Option<&Self::Model>, _facts: Option<&Self::Facts>) -> Diagnostics {
        Vec::new()
    }
}

/// Outputs by dotted name, as they will be.
pub(super) type Foretold = Vec<(String, Value)>;

/// Texts foretold.
pub(super) fn told<const N: usize>(texts: [(&str, tf_provider::Attr<String>); N]) -> Foretold {
    texts.into_iter().map(|(name, text)| (name.to_owned(), text.to_value())).collect()
}

/// [`Resource`] over a [`Composite`].
pub(crate) struct Adapter<C> {
    pub(super) session: Arc<Session>,
    composite: std::marker::PhantomData<fn() -> C>,
}

impl<C: Composite> Adapter<C> {
    /// The resource, as the provider offers it.
    #[must_use]
    pub(crate) fn resource(session: Arc<Session>) -> Arc<dyn Resource> {
        Arc::new(Self { session, composite: std::marker::PhantomData })
    }

    /// The model of a value; its errors carry paths.
    pub(super) fn model(value: &Value) -> Result<C::Model, Diagnostics> {
        C::Model::from_value(value, &Path::root())
    }

    /// Where a connection leads, and the roles behind the sessions that the model names.
    pub(super) async fn place(aws: &Aws, model: &C::Model) -> Result<Place, Diagnostics> {
        let mut place = Place::of(aws);
        for (attribute, arn) in C::principals(model) {
            let Some((role, _)) = Arn::parse(&arn)
                .ok()
                .filter(|arn| arn.account == place.account_id)
                .and_then(|arn| arn.session().map(|(role, session)| (role.to_owned(), session.to_owned())))
            else {
                continue;
            };
            let found = arn_of_role(aws, &role).await;
            let found =
                found.map_err(|failure| vec![report::failed(Path::of(attribute), format!("The role of {arn} can't be read"), &failure)])?;
            place.roles.extend(found.map(|found| (role, found)));
        }
        Ok(place)
    }

    /// The blueprint with everything that the provider block adds to it. `known`: what stands in state, so that nothing of it is forgotten.
    pub(super) fn blueprint(&self, model: &C::Model, value: &Value, place: &Place, known: &Known) -> Result<Blueprint, Diagnostics> {
        let mut blueprint = C::blueprint(model, place)?;
        let wanted: BTreeSet<&ComponentId> = blueprint.nodes.iter().map(|node| &node.id).collect();
        let mut leftovers = Vec::new();
        for component in known.keys().filter(|component| !wanted.contains(component)) {
            let node = C::leftover(&component.0, model, place)?;
            leftovers.extend(node.map(|node| {
                let stays = node.stateful;
                node.absent_if(!stays)
            }));
        }
        blueprint.nodes.extend(leftovers);
        blueprint.tags = super::tags::wanted(&self.session, value).unwrap_or_else(|| super::tags::stated(value));
        super::tags::spread(&mut blueprint.nodes, &blueprint.tags);
        blueprint.ignore_tags = self.session.ignore_tags();
        Ok(blueprint)
    }
}

#[async_trait]
impl<C: Composite> Resource for Adapter<C> {
    fn type_name(&self) -> &'static str {
        C::TYPE
    }

    fn schema(&self) -> Schema {
        Schema { version: 0, description: C::Model::description().to_owned(), attributes: C::Model::attributes() }
    }

    async fn validate(&self, config: &Value, _capabilities: Capabilities) -> Diagnostics {
        match Self::model(config) {
            Ok(model) => {
                let mut problems = C::check_written(&model);
                problems.extend(C::check(&model));
                problems
            }
            Err(diagnostics) => diagnostics,
        }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        plan::plan(self, request).await
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        apply::apply(self, request).await
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        read::read(self, request).await
    }

    async fn import(&self, request: ImportRequest) -> ImportResponse {
        import::import(self, request).await
    }
}

/// The attributes of an object; none for null.
pub(super) fn fields(value: &Value) -> BTreeMap<String, Value> {
    value.as_map().cloned().unwrap_or_default()
}

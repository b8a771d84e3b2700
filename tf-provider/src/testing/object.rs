//! One resource address: what Terraform keeps about it, and what can happen to it.

use tonic::Request;

use super::{Terraform, proposed::proposed, rules, wire};
use crate::{
    Diagnostics, Path, Schema, Type, Value, has_errors,
    wire::tfplugin6::{self as pb, provider_server::Provider as Rpcs},
};

/// What a plan is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Make the object.
    Create,
    /// Change it in place.
    Update,
    /// Destroy it and make it anew.
    Replace,
    /// Destroy it.
    Delete,
}

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is going to do.
    pub action: Action,
    /// The state that it starts from; null for a new object.
    pub prior: Value,
    /// The state that it promises.
    pub planned: Value,
    /// What forces a replacement.
    pub requires_replace: Vec<Path>,
    /// Warnings.
    pub diagnostics: Diagnostics,
    config: Value,
    private: Vec<u8>,
    identity: Option<pb::ResourceIdentityData>,
}

/// A resource address with its object, if there is one.
pub struct Object<'t> {
    terraform: &'t Terraform,
    type_name: String,
    schema: Schema,
    ty: Type,
    identity_type: Option<Type>,
    state: Value,
    private: Vec<u8>,
    identity: Option<pb::ResourceIdentityData>,
    tainted: bool,
}

impl<'t> Object<'t> {
    pub(super) fn new(terraform: &'t Terraform, type_name: String, schema: Schema, identity_type: Option<Type>) -> Self {
        let ty = schema.ty();
        let (private, identity) = (Vec::new(), None);
        Self { terraform, type_name, schema, ty, identity_type, state: Value::Null, private, identity, tainted: false }
    }

    /// What Terraform's state holds; null: nothing.
    #[must_use]
    pub fn state(&self) -> &Value {
        &self.state
    }

    /// The private state.
    #[must_use]
    pub fn private(&self) -> &[u8] {
        &self.private
    }

    /// The identity; null where there is none.
    #[must_use]
    pub fn identity(&self) -> Value {
        let data = self.identity.as_ref().and_then(|identity| identity.identity_data.as_ref());
        self.identity_type.as_ref().map_or(Value::Null, |ty| wire::decode(data, ty))
    }

    /// Whether the object's create failed: the next plan replaces it.
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        self.tainted
    }

    /// `terraform untaint`.
    pub fn untaint(&mut self) {
        self.tainted = false;
    }

    /// Makes this the state, as if an earlier run had left it.
    pub fn set_state(&mut self, state: &Value) {
        self.state = wire::complete(state, &self.ty);
    }

    /// All that is said about a configuration.
    pub async fn validate(&self, config: &Value) -> Diagnostics {
        let request = pb::validate_resource_config::Request {
            type_name: self.type_name.clone(),
            config: Some(wire::encode(config, &self.ty)),
            client_capabilities: Some(wire::capabilities(self.terraform.capabilities)),
        };
        wire::diagnostics(wire::reply(self.terraform.server.validate_resource_config(Request::new(request)).await).diagnostics)
    }

    /// I1: a valid configuration stays valid with any one of its attributes unknown.
    ///
    /// # Panics
    /// It doesn't.
    pub async fn check_unknowns(&self, config: &Value) {
        let config = wire::complete(config, &self.ty);
        for attribute in self.schema.attributes.iter().filter(|attribute| !config.get(&attribute.name).is_null()) {
            let Value::Map(mut items) = config.clone() else { return };
            items.insert(attribute.name.clone(), Value::Unknown);
            let said = self.validate(&Value::Map(items)).await;
            assert!(!has_errors(&said), "rule I1: an unknown {} is an error: {said:#?}", attribute.name);
        }
    }

    /// What `terraform plan` says: validates, reads, plans; twice, as Terraform does for a replacement.
    ///
    /// # Errors
    /// The first step's that fails.
    pub async fn plan(&mut self, config: &Value) -> Result<Plan, Diagnostics> {
        wire::errors_first(self.validate(config).await)?;
        self.read().await?;
        self.plan_only(config).await
    }

    async fn plan_only(&self, config: &Value) -> Result<Plan, Diagnostics> {
        let config = wire::complete(config, &self.ty);
        if self.tainted {
            let plan = self.ask_plan(Value::Null, &config).await?;
            return Ok(Plan { action: Action::Replace, prior: self.state.clone(), ..plan });
        }
        let plan = self.ask_plan(self.state.clone(), &config).await?;
        if self.state.is_null() || plan.requires_replace.is_empty() {
            return Ok(plan);
        }
        let anew = self.ask_plan(Value::Null, &config).await?;
        Ok(Plan { action: Action::Replace, prior: self.state.clone(), requires_replace: plan.requires_replace, ..anew })
    }

    async fn ask_plan(&self, prior: Value, config: &Value) -> Result<Plan, Diagnostics> {
        let ty = &self.ty;
        let replacing = prior.is_null();
        let request = pb::plan_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(wire::encode(&prior, ty)),
            proposed_new_state: Some(wire::encode(&proposed(&self.schema.attributes, &prior, config), ty)),
            config: Some(wire::encode(config, ty)),
            prior_private: if replacing { Vec::new() } else { self.private.clone() },
            provider_meta: None,
            client_capabilities: Some(wire::capabilities(self.terraform.capabilities)),
            prior_identity: self.identity.clone().filter(|_| !replacing),
        };
        let reply = wire::reply(self.terraform.server.plan_resource_change(Request::new(request)).await);
        let diagnostics = wire::errors_first(wire::diagnostics(reply.diagnostics))?;
        assert!(!reply.legacy_type_system, "rule I22: legacy_type_system is set");
        let planned = wire::decode(reply.planned_state.as_ref(), ty);
        let action = match (prior.is_null(), planned.is_null()) {
            (true, false) => Action::Create,
            (false, true) => Action::Delete,
            _ if prior == planned => Action::NoOp,
            _ => Action::Update,
        };
        let requires_replace = reply.requires_replace.into_iter().map(wire::path).collect();
        let (config, private, identity) = (config.clone(), reply.planned_private, reply.planned_identity);
        Ok(Plan { action, prior, planned, requires_replace, diagnostics, config, private, identity })
    }

    /// Plans, and applies the plan.
    ///
    /// # Errors
    /// What the provider says, if an error is among it. [`Object::state`] then holds what the provider returned beside it.
    ///
    /// # Panics
    /// A broken rule: I8, I10, I26.
    pub async fn apply(&mut self, config: &Value) -> Result<Diagnostics, Diagnostics> {
        let plan = self.plan(config).await?;
        self.apply_plan(plan, config).await
    }

    /// Applies a plan, with the configuration as it is known by now. Plans once more, as Terraform does.
    ///
    /// # Errors
    /// As [`Object::apply`].
    ///
    /// # Panics
    /// As [`Object::apply`].
    pub async fn apply_plan(&mut self, plan: Plan, config: &Value) -> Result<Diagnostics, Diagnostics> {
        let mut said = plan.diagnostics.clone();
        if plan.action == Action::NoOp {
            return Ok(said);
        }
        if plan.action == Action::Replace {
            said.extend(self.destroy_replaced().await?);
        }
        let second = self.plan_only(config).await?;
        let first = if plan.action == Action::Replace { Plan { action: Action::Create, ..plan } } else { plan };
        rules::second_plan_keeps(&first, &second, &self.ty);
        said.extend(self.ask_apply(second).await?);
        rules::nothing_to_do("I10", &self.plan_only(config).await?, &self.ty);
        self.read().await?;
        rules::nothing_to_do("I26", &self.plan_only(config).await?, &self.ty);
        Ok(said)
    }

    async fn ask_apply(&mut self, plan: Plan) -> Result<Diagnostics, Diagnostics> {
        let ty = &self.ty;
        let request = pb::apply_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(wire::encode(&plan.prior, ty)),
            planned_state: Some(wire::encode(&plan.planned, ty)),
            config: Some(wire::encode(&plan.config, ty)),
            planned_private: plan.private,
            provider_meta: None,
            planned_identity: plan.identity,
        };
        let reply = wire::reply(self.terraform.server.apply_resource_change(Request::new(request)).await);
        let said = wire::diagnostics(reply.diagnostics);
        let state = wire::decode(reply.new_state.as_ref(), ty);
        assert!(state.is_wholly_known(), "rule I15: the new state holds unknowns");
        self.tainted = plan.prior.is_null() && has_errors(&said) && !state.is_null();
        self.state = state;
        self.private = reply.private;
        self.identity = reply.new_identity;
        wire::errors_first(said)
    }

    /// `terraform refresh`.
    ///
    /// # Errors
    /// What the provider says, if an error is among it; the state then stays.
    pub async fn read(&mut self) -> Result<Diagnostics, Diagnostics> {
        if self.state.is_null() {
            return Ok(Diagnostics::new());
        }
        let request = pb::read_resource::Request {
            type_name: self.type_name.clone(),
            current_state: Some(wire::encode(&self.state, &self.ty)),
            private: self.private.clone(),
            provider_meta: None,
            client_capabilities: Some(wire::capabilities(self.terraform.capabilities)),
            current_identity: self.identity.clone(),
        };
        let reply = wire::reply(self.terraform.server.read_resource(Request::new(request)).await);
        let said = wire::errors_first(wire::diagnostics(reply.diagnostics))?;
        self.state = wire::decode(reply.new_state.as_ref(), &self.ty);
        self.private = reply.private;
        self.identity = reply.new_identity;
        Ok(said)
    }

    /// Plans a destroy and carries it out.
    ///
    /// # Errors
    /// What either says, if an error is among it; the state then holds what remains.
    pub async fn destroy(&mut self) -> Result<Diagnostics, Diagnostics> {
        if self.state.is_null() {
            return Ok(Diagnostics::new());
        }
        let plan = self.ask_plan(self.state.clone(), &Value::Null).await?;
        let mut said = plan.diagnostics.clone();
        said.extend(self.ask_apply(plan).await?);
        Ok(said)
    }

    /// The first half of a replacement. Terraform asks for no plan of it, so guards must also stand in apply.
    async fn destroy_replaced(&mut self) -> Result<Diagnostics, Diagnostics> {
        let (action, prior, planned, config) = (Action::Delete, self.state.clone(), Value::Null, Value::Null);
        let (private, identity) = (self.private.clone(), self.identity.clone());
        let (requires_replace, diagnostics) = (Vec::new(), Diagnostics::new());
        self.ask_apply(Plan { action, prior, planned, requires_replace, diagnostics, config, private, identity }).await
    }

    /// `terraform import ADDRESS ID`, with the read that follows.
    ///
    /// # Errors
    /// What either says, if an error is among it.
    ///
    /// # Panics
    /// I28: what was imported can't be read.
    pub async fn import(&mut self, id: &str) -> Result<Diagnostics, Diagnostics> {
        self.ask_import(id.to_owned(), None).await
    }

    /// An `import` block with an identity.
    ///
    /// # Errors
    /// As [`Object::import`].
    ///
    /// # Panics
    /// As [`Object::import`]; or the resource has no identity.
    pub async fn import_identity(&mut self, identity: &Value) -> Result<Diagnostics, Diagnostics> {
        let Some(ty) = &self.identity_type else { panic!("{} has no identity", self.type_name) };
        let data = pb::ResourceIdentityData { identity_data: Some(wire::encode(identity, ty)) };
        self.ask_import(String::new(), Some(data)).await
    }

    async fn ask_import(&mut self, id: String, identity: Option<pb::ResourceIdentityData>) -> Result<Diagnostics, Diagnostics> {
        let request = pb::import_resource_state::Request {
            type_name: self.type_name.clone(),
            id,
            client_capabilities: Some(wire::capabilities(self.terraform.capabilities)),
            identity,
        };
        let reply = wire::reply(self.terraform.server.import_resource_state(Request::new(request)).await);
        let mut said = wire::errors_first(wire::diagnostics(reply.diagnostics))?;
        let [imported] =
            <[_; 1]>::try_from(reply.imported_resources).unwrap_or_else(|all| panic!("rule I28: {} objects imported", all.len()));
        self.state = wire::decode(imported.state.as_ref(), &self.ty);
        self.private = imported.private;
        self.identity = imported.identity;
        said.extend(self.read().await?);
        assert!(!self.state.is_null(), "rule I28: what was imported can't be read, and there is no error");
        Ok(said)
    }

    /// Brings a stored state, as JSON, to the current schema: `terraform plan` with a state of an older release.
    ///
    /// # Errors
    /// What the provider says, if an error is among it.
    pub async fn upgrade(&mut self, version: i64, json: &str) -> Result<Diagnostics, Diagnostics> {
        let raw_state = Some(pb::RawState { json: json.as_bytes().to_vec(), flatmap: std::collections::HashMap::new() });
        let request = pb::upgrade_resource_state::Request { type_name: self.type_name.clone(), version, raw_state };
        let reply = wire::reply(self.terraform.server.upgrade_resource_state(Request::new(request)).await);
        let said = wire::errors_first(wire::diagnostics(reply.diagnostics))?;
        self.state = wire::decode(reply.upgraded_state.as_ref(), &self.ty);
        Ok(said)
    }

    /// A `moved` block from another resource type.
    ///
    /// # Errors
    /// What the provider says, if an error is among it.
    pub async fn move_from(&mut self, provider: &str, type_name: &str, version: i64, json: &str) -> Result<Diagnostics, Diagnostics> {
        let request = pb::move_resource_state::Request {
            source_provider_address: provider.to_owned(),
            source_type_name: type_name.to_owned(),
            source_schema_version: version,
            source_state: Some(pb::RawState { json: json.as_bytes().to_vec(), flatmap: std::collections::HashMap::new() }),
            target_type_name: self.type_name.clone(),
            ..pb::move_resource_state::Request::default()
        };
        let reply = wire::reply(self.terraform.server.move_resource_state(Request::new(request)).await);
        let said = wire::errors_first(wire::diagnostics(reply.diagnostics))?;
        self.state = wire::decode(reply.target_state.as_ref(), &self.ty);
        Ok(said)
    }
}

//! What a provider is made of. Implement [`Provider`] and [`Resource`]; [`crate::serve`] does the rest.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Diagnostics, EphemeralResource, Path, Schema, Type, Value, stop::Stop};

/// What Terraform told about itself in a request; newer features are gated on these, never on version numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The client can postpone a resource (`Deferred`).
    pub deferral_allowed: bool,
    /// The client knows write-only attributes.
    pub write_only_attributes_allowed: bool,
}

/// A provider: its block in a configuration, and what it offers.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The prefix of every type name, e.g. `deeploy`.
    fn name(&self) -> &'static str;
    /// The provider block.
    fn schema(&self) -> Schema;
    /// Managed resources.
    fn resources(&self) -> Vec<Arc<dyn Resource>>;
    /// Data sources.
    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }
    /// Ephemeral resources.
    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        Vec::new()
    }
    /// Functions.
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        Vec::new()
    }
    /// Checks beyond the schema's own. `config` may hold unknowns.
    async fn validate(&self, _config: &Value) -> Diagnostics {
        Vec::new()
    }
    /// Takes the configuration; contacts nothing. It may hold unknowns at plan.
    async fn configure(&self, request: ConfigureRequest) -> Diagnostics;
}

/// The provider block with what the client can do.
#[derive(Clone, Debug)]
pub struct ConfigureRequest {
    /// The provider block.
    pub config: Value,
    /// E.g. `1.11.4`; for logs and user agents only.
    pub terraform_version: String,
    /// What the client can do.
    pub capabilities: Capabilities,
}

/// A managed resource.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// E.g. `deeploy_kms_key`.
    fn type_name(&self) -> &'static str;
    /// Its attributes.
    fn schema(&self) -> Schema;
    /// The attributes that identify an object of this type (Terraform 1.12), if it has them.
    fn identity(&self) -> Option<IdentitySchema> {
        None
    }
    /// Checks beyond the schema's validators. Unknowns anywhere are fine (I1).
    async fn validate(&self, _config: &Value, _capabilities: Capabilities) -> Diagnostics {
        Vec::new()
    }
    /// What apply will do. Never called for a destroy of a tainted object.
    async fn plan(&self, request: PlanRequest) -> PlanResponse;
    /// Creates (prior null), updates or deletes (planned null).
    async fn apply(&self, request: ApplyRequest) -> ApplyResponse;
    /// The state as it is now.
    async fn read(&self, request: ReadRequest) -> ReadResponse;
    /// A state for an existing object; `read` follows.
    async fn import(&self, request: ImportRequest) -> ImportResponse;
    /// Moves a state of an older schema version to the current one; pure. `state` is the state's JSON.
    ///
    /// # Errors
    /// Says why the state can't be read.
    fn upgrade(&self, _version: i64, state: serde_json::Value) -> Result<serde_json::Value, Diagnostics> {
        Ok(state)
    }
    /// Takes over a state of another resource type (`moved` blocks); `None`: not from there.
    fn move_state(&self, _source: &MoveSource) -> Option<Result<Value, Diagnostics>> {
        None
    }
}

/// Where a `moved` block comes from.
#[derive(Clone, Debug)]
pub struct MoveSource {
    /// E.g. `registry.terraform.io/hashicorp/aws`.
    pub provider_address: String,
    /// E.g. `aws_kms_key`.
    pub type_name: String,
    /// Schema version of that state.
    pub schema_version: i64,
    /// That state.
    pub state: serde_json::Value,
}

/// The attributes of a resource's identity, all strings.
#[derive(Clone, Debug)]
pub struct IdentitySchema {
    /// Version of the identity's shape.
    pub version: i64,
    /// Name, description, whether an import must give it.
    pub attributes: Vec<IdentityAttribute>,
}

/// One attribute of an identity.
#[derive(Clone, Debug)]
pub struct IdentityAttribute {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Whether an import by identity must give it.
    pub required_for_import: bool,
}

/// A plan's inputs. `prior` null: create; `config` null: destroy.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// As the user wrote it.
    pub config: Value,
    /// The state before.
    pub prior: Value,
    /// Core's merge of the two, with the schema's defaults where the configuration says nothing and null for what is write-only.
    pub proposed: Value,
    /// What the last apply or read kept.
    pub private: Vec<u8>,
    /// What the client can do.
    pub capabilities: Capabilities,
    /// The identity in state, if any.
    pub identity: Option<Value>,
    /// Set when Terraform is interrupted.
    pub stop: Stop,
}

/// A plan.
#[derive(Clone, Debug, Default)]
pub struct PlanResponse {
    /// Null for a destroy.
    pub planned: Value,
    /// Attributes whose change replaces the resource. (Those marked `replace` in the schema are added by this crate.)
    pub requires_replace: Vec<Path>,
    /// Handed to apply; empty: stays as it was.
    pub private: Vec<u8>,
    /// The identity, as far as it is known.
    pub identity: Option<Value>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// An apply's inputs.
#[derive(Clone, Debug)]
pub struct ApplyRequest {
    /// As the user wrote it; holds the write-only values.
    pub config: Value,
    /// The state before; null: create.
    pub prior: Value,
    /// The plan; null: delete.
    pub planned: Value,
    /// From the plan.
    pub private: Vec<u8>,
    /// From the plan.
    pub identity: Option<Value>,
    /// Set when Terraform is interrupted: finish the call in flight, start none.
    pub stop: Stop,
}

/// What is true after an apply, also after a failed one (I18).
#[derive(Clone, Debug, Default)]
pub struct ApplyResponse {
    /// Every object that exists.
    pub state: Value,
    /// Kept beside the state; empty: stays as it was planned.
    pub private: Vec<u8>,
    /// The object's identity; none: as it was planned.
    pub identity: Option<Value>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// A read's inputs.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The state before.
    pub state: Value,
    /// Kept beside it.
    pub private: Vec<u8>,
    /// The identity in state, if any.
    pub identity: Option<Value>,
    /// What the client can do.
    pub capabilities: Capabilities,
    /// Set when Terraform is interrupted.
    pub stop: Stop,
}

/// What a read found; `state` null: proven absent (I25).
#[derive(Clone, Debug, Default)]
pub struct ReadResponse {
    /// The state now.
    pub state: Value,
    /// Kept beside it.
    pub private: Vec<u8>,
    /// The object's identity.
    pub identity: Option<Value>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// An import by id or by identity.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// What the user gave; empty when `identity` is given.
    pub id: String,
    /// The identity from an `import` block.
    pub identity: Option<Value>,
    /// Set when Terraform is interrupted.
    pub stop: Stop,
}

/// The state that an import starts from.
#[derive(Clone, Debug, Default)]
pub struct ImportResponse {
    /// Enough for `read` to find the object.
    pub state: Value,
    /// Kept beside it.
    pub private: Vec<u8>,
    /// The object's identity.
    pub identity: Option<Value>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// A data source.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// E.g. `deeploy_deployer_policy`.
    fn type_name(&self) -> &'static str;
    /// Its attributes.
    fn schema(&self) -> Schema;
    /// Reads it; the configuration is wholly known.
    async fn read(&self, config: Value, stop: Stop) -> (Value, Diagnostics);
}

/// A provider function: pure.
pub trait Function: Send + Sync + 'static {
    /// Its name, without the provider's.
    fn name(&self) -> &'static str;
    /// What it takes and gives.
    fn signature(&self) -> Signature;
    /// Calls it. Arguments match the signature and are known.
    ///
    /// # Errors
    /// A text, and the position of the argument it is about.
    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError>;
}

/// What a function takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// In order: name, type, description, whether null is accepted.
    pub parameters: Vec<Parameter>,
    /// The rest, if any.
    pub variadic: Option<Parameter>,
    /// The result's type.
    pub returns: Type,
}

/// A function's parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// What it is.
    pub description: String,
    /// Whether null is accepted.
    pub allow_null: bool,
}

/// Why a function can't answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// For the user.
    pub text: String,
    /// Which argument, from 0.
    pub argument: Option<usize>,
}

/// How long the provider process outlives a Terraform that was killed, at most: a call in flight is finished, none is started.
pub const ORPHANED_APPLY_MAX: Duration = Duration::from_secs(60);

//! The RPCs of tfplugin6, a file each group. Each decodes, asks the provider, checks the answer (`lifecycle`), encodes; none
//! panics, none returns a gRPC status (I20).

mod absent;
mod apply;
mod catalog;
mod configure;
mod convert;
mod data_source;
mod ephemeral;
mod functions;
mod guard;
mod identity;
mod import;
mod move_state;
mod plan;
mod read;
mod schema;
mod upgrade;
mod validate;

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
};

use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    Provider,
    operations::Operations,
    wire::tfplugin6::{self as pb, provider_server},
};
use catalog::Catalog;

type Answer<T> = Result<Response<T>, Status>;
type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Serves one provider.
pub(crate) struct Server {
    provider: Arc<dyn Provider>,
    operations: Arc<Operations>,
    /// Made by the first request, not at start: Terraform waits for the handshake.
    catalog: OnceLock<Arc<Catalog>>,
    schema: OnceLock<pb::get_provider_schema::Response>,
}

impl Server {
    pub(crate) fn new(provider: Arc<dyn Provider>, operations: Arc<Operations>) -> Self {
        Self { provider, operations, catalog: OnceLock::new(), schema: OnceLock::new() }
    }

    fn catalog(&self) -> &Arc<Catalog> {
        self.catalog.get_or_init(|| Arc::new(Catalog::new(self.provider.clone())))
    }
}

/// Every reply can carry diagnostics instead of what was asked for.
pub(crate) trait Reply {
    /// A reply that says only this.
    fn refusal(diagnostics: Vec<pb::Diagnostic>) -> Self;
}

macro_rules! replies_with_diagnostics {
    ($($message:ident),* $(,)?) => {$(
        #[allow(clippy::field_reassign_with_default, reason = "some replies have no other field")]
        impl Reply for pb::$message::Response {
            fn refusal(diagnostics: Vec<pb::Diagnostic>) -> Self {
                let mut reply = Self::default();
                reply.diagnostics = diagnostics;
                reply
            }
        }
    )*};
}

replies_with_diagnostics!(
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    validate_provider_config,
    configure_provider,
    validate_resource_config,
    upgrade_resource_state,
    upgrade_resource_identity,
    read_resource,
    plan_resource_change,
    apply_resource_change,
    import_resource_state,
    move_resource_state,
    generate_resource_config,
    validate_data_resource_config,
    read_data_source,
    validate_ephemeral_resource_config,
    open_ephemeral_resource,
    renew_ephemeral_resource,
    close_ephemeral_resource,
    validate_list_resource_config,
    get_functions,
    validate_action_config,
    plan_action,
    validate_state_store,
    configure_state_store,
    read_state_bytes,
    write_state_bytes,
    lock_state,
    unlock_state,
    get_states,
    delete_state,
);

impl Reply for pb::call_function::Response {
    fn refusal(diagnostics: Vec<pb::Diagnostic>) -> Self {
        let text = diagnostics.into_iter().map(|diagnostic| format!("{}: {}", diagnostic.summary, diagnostic.detail)).collect::<Vec<_>>();
        Self { error: Some(pb::FunctionError { text: text.join("\n"), function_argument: None }), result: None }
    }
}

impl Reply for pb::stop_provider::Response {
    fn refusal(diagnostics: Vec<pb::Diagnostic>) -> Self {
        Self { error: diagnostics.into_iter().map(|diagnostic| diagnostic.detail).collect() }
    }
}

/// Answers an RPC; a panic is answered with what was known before, and an error.
async fn answer<T: Reply>(rpc: &str, work: impl Future<Output = T>) -> Answer<T> {
    let reply = guard::guarded(rpc, work).await;
    Ok(Response::new(reply.unwrap_or_else(|panic| T::refusal(vec![convert::diagnostic(&panic)]))))
}

/// The RPCs, each named with the function that answers it.
macro_rules! rpcs {
    ($( $method:ident($message:ident) = $name:literal => $call:expr; )*) => {$(
        fn $method<'s, 'a>(&'s self, request: Request<pb::$message::Request>)
            -> Pin<Box<dyn Future<Output = Answer<pb::$message::Response>> + Send + 'a>>
        where
            's: 'a,
            Self: 'a,
        {
            let call = $call;
            Box::pin(answer($name, async move { call(self, request.into_inner()).await }))
        }
    )*};
}

#[tonic::async_trait]
impl provider_server::Provider for Server {
    type ListResourceStream = Replies<pb::list_resource::Event>;
    type ReadStateBytesStream = Replies<pb::read_state_bytes::Response>;
    type InvokeActionStream = Replies<pb::invoke_action::Event>;

    rpcs! {
        get_metadata(get_metadata) = "GetMetadata" => schema::metadata;
        get_provider_schema(get_provider_schema) = "GetProviderSchema" => schema::provider_schema;
        get_resource_identity_schemas(get_resource_identity_schemas) = "GetResourceIdentitySchemas" => identity::schemas;
        validate_provider_config(validate_provider_config) = "ValidateProviderConfig" => configure::validate;
        configure_provider(configure_provider) = "ConfigureProvider" => configure::configure;
        stop_provider(stop_provider) = "StopProvider" => configure::stop;
        validate_resource_config(validate_resource_config) = "ValidateResourceConfig" => validate::resource;
        upgrade_resource_state(upgrade_resource_state) = "UpgradeResourceState" => upgrade::state;
        upgrade_resource_identity(upgrade_resource_identity) = "UpgradeResourceIdentity" => identity::upgrade;
        read_resource(read_resource) = "ReadResource" => read::resource;
        plan_resource_change(plan_resource_change) = "PlanResourceChange" => plan::resource;
        apply_resource_change(apply_resource_change) = "ApplyResourceChange" => apply::resource;
        import_resource_state(import_resource_state) = "ImportResourceState" => import::resource;
        move_resource_state(move_resource_state) = "MoveResourceState" => move_state::resource;
        generate_resource_config(generate_resource_config) = "GenerateResourceConfig" => absent::generate_resource_config;
        validate_data_resource_config(validate_data_resource_config) = "ValidateDataResourceConfig" => validate::data_source;
        read_data_source(read_data_source) = "ReadDataSource" => data_source::read;
        get_functions(get_functions) = "GetFunctions" => functions::list;
        call_function(call_function) = "CallFunction" => functions::call;
        validate_ephemeral_resource_config(validate_ephemeral_resource_config) = "ValidateEphemeralResourceConfig" => ephemeral::validate;
        open_ephemeral_resource(open_ephemeral_resource) = "OpenEphemeralResource" => ephemeral::open;
        renew_ephemeral_resource(renew_ephemeral_resource) = "RenewEphemeralResource" => ephemeral::renew;
        close_ephemeral_resource(close_ephemeral_resource) = "CloseEphemeralResource" => ephemeral::close;
        validate_list_resource_config(validate_list_resource_config) = "ValidateListResourceConfig" => absent::validate_list;
        validate_action_config(validate_action_config) = "ValidateActionConfig" => absent::validate_action;
        plan_action(plan_action) = "PlanAction" => absent::plan_action;
        validate_state_store_config(validate_state_store) = "ValidateStateStoreConfig" => absent::validate_state_store;
        configure_state_store(configure_state_store) = "ConfigureStateStore" => absent::configure_state_store;
        lock_state(lock_state) = "LockState" => absent::lock_state;
        unlock_state(unlock_state) = "UnlockState" => absent::unlock_state;
        get_states(get_states) = "GetStates" => absent::get_states;
        delete_state(delete_state) = "DeleteState" => absent::delete_state;
    }

    async fn list_resource(&self, request: Request<pb::list_resource::Request>) -> Answer<Self::ListResourceStream> {
        Ok(Response::new(absent::list_resource(self, &request.into_inner())))
    }

    async fn invoke_action(&self, request: Request<pb::invoke_action::Request>) -> Answer<Self::InvokeActionStream> {
        Ok(Response::new(absent::invoke_action(self, &request.into_inner())))
    }

    async fn read_state_bytes(&self, request: Request<pb::read_state_bytes::Request>) -> Answer<Self::ReadStateBytesStream> {
        Ok(Response::new(absent::read_state_bytes(self, &request.into_inner())))
    }

    async fn write_state_bytes(
        &self,
        request: Request<Streaming<pb::write_state_bytes::RequestChunk>>,
    ) -> Answer<pb::write_state_bytes::Response> {
        answer("WriteStateBytes", absent::write_state_bytes(self, request.into_inner())).await
    }
}

#[cfg(test)]
mod tests;

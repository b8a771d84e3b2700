#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::needless_update)]

use async_trait::async_trait;
use futures_util::StreamExt as _;

use super::{provider_server::Provider as Rpcs, *};
use crate::{ConfigureRequest, Diagnostics, Resource, Schema};

struct Empty;

#[async_trait]
impl Provider for Empty {
    fn name(&self) -> &'static str {
        "empty"
    }
    fn schema(&self) -> Schema {
        Schema::default()
    }
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        Vec::new()
    }
    async fn configure(&self, _: ConfigureRequest) -> Diagnostics {
        Vec::new()
    }
}

fn server() -> Server {
    Server::new(Arc::new(Empty), Arc::default())
}

/// Calls an RPC with a type that there isn't; the one diagnostic that comes back.
macro_rules! refused {
    ($server:expr, $method:ident, $message:ident { $($field:ident),* }) => {{
        let request = pb::$message::Request { $($field: "nothing".into(),)* ..Default::default() };
        let reply = $server.$method(Request::new(request)).await.unwrap().into_inner();
        assert_eq!(reply.diagnostics.len(), 1, stringify!($method));
        let said = &reply.diagnostics[0];
        assert_eq!(said.severity(), pb::diagnostic::Severity::Error, stringify!($method));
        assert!(!said.summary.is_empty() && said.detail.contains("\"nothing\""), "{}: {said:?}", stringify!($method));
    }};
}

#[tokio::test]
async fn unknown_names_are_refused_with_a_sentence() {
    let server = server();
    refused!(server, validate_resource_config, validate_resource_config { type_name });
    refused!(server, upgrade_resource_state, upgrade_resource_state { type_name });
    refused!(server, upgrade_resource_identity, upgrade_resource_identity { type_name });
    refused!(server, read_resource, read_resource { type_name });
    refused!(server, plan_resource_change, plan_resource_change { type_name });
    refused!(server, apply_resource_change, apply_resource_change { type_name });
    refused!(server, import_resource_state, import_resource_state { type_name });
    refused!(server, move_resource_state, move_resource_state { target_type_name });
    refused!(server, generate_resource_config, generate_resource_config { type_name });
    refused!(server, validate_data_resource_config, validate_data_resource_config { type_name });
    refused!(server, read_data_source, read_data_source { type_name });
    refused!(server, validate_ephemeral_resource_config, validate_ephemeral_resource_config { type_name });
    refused!(server, open_ephemeral_resource, open_ephemeral_resource { type_name });
    refused!(server, renew_ephemeral_resource, renew_ephemeral_resource { type_name });
    refused!(server, close_ephemeral_resource, close_ephemeral_resource { type_name });
    refused!(server, validate_list_resource_config, validate_list_resource_config { type_name });
    refused!(server, validate_action_config, validate_action_config { type_name });
    refused!(server, plan_action, plan_action { action_type });
    refused!(server, validate_state_store_config, validate_state_store { type_name });
    refused!(server, configure_state_store, configure_state_store { type_name });
    refused!(server, lock_state, lock_state { type_name });
    refused!(server, unlock_state, unlock_state { type_name });
    refused!(server, get_states, get_states { type_name });
    refused!(server, delete_state, delete_state { type_name });
    let request = pb::call_function::Request { name: "nothing".into(), arguments: vec![] };
    let reply = server.call_function(Request::new(request)).await.unwrap().into_inner();
    assert!(reply.error.unwrap().text.contains("nothing"));
}

#[tokio::test]
async fn streams_of_absent_kinds_say_so_and_end() {
    let server = server();
    let request = pb::list_resource::Request { type_name: "nothing".into(), ..Default::default() };
    let events: Vec<_> = server.list_resource(Request::new(request)).await.unwrap().into_inner().collect().await;
    assert_eq!((events.len(), events[0].as_ref().unwrap().diagnostic.len()), (1, 1));
    let request = pb::invoke_action::Request { action_type: "nothing".into(), ..Default::default() };
    let events: Vec<_> = server.invoke_action(Request::new(request)).await.unwrap().into_inner().collect().await;
    let Some(pb::invoke_action::event::Type::Completed(completed)) = &events[0].as_ref().unwrap().r#type else {
        unreachable!("the action must complete")
    };
    assert_eq!((events.len(), completed.diagnostics.len()), (1, 1));
    let request = pb::read_state_bytes::Request { type_name: "nothing".into(), ..Default::default() };
    let chunks: Vec<_> = server.read_state_bytes(Request::new(request)).await.unwrap().into_inner().collect().await;
    assert_eq!((chunks.len(), chunks[0].as_ref().unwrap().diagnostics.len()), (1, 1));
}

#[tokio::test]
async fn what_there_is_is_listed_with_capabilities() {
    let server = server();
    let metadata = server.get_metadata(Request::new(pb::get_metadata::Request {})).await.unwrap().into_inner();
    let schema = server.get_provider_schema(Request::new(pb::get_provider_schema::Request {})).await.unwrap().into_inner();
    for capabilities in [metadata.server_capabilities.unwrap(), schema.server_capabilities.unwrap()] {
        assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional && capabilities.move_resource_state);
        assert!(!capabilities.generate_resource_config);
    }
    // Declared, provider_meta would have to be decoded; left out, it is null.
    assert!(schema.provider_meta.is_none() && schema.diagnostics.is_empty() && metadata.diagnostics.is_empty());
    let identities = server.get_resource_identity_schemas(Request::new(pb::get_resource_identity_schemas::Request {})).await;
    assert!(identities.unwrap().into_inner().identity_schemas.is_empty());
    let functions = server.get_functions(Request::new(pb::get_functions::Request {})).await;
    assert!(functions.unwrap().into_inner().functions.is_empty());
}

#[tokio::test]
async fn stop_sets_the_token_and_answers() {
    let server = server();
    let token = server.operations.token();
    server.stop_provider(Request::new(pb::stop_provider::Request {})).await.unwrap();
    assert!(token.is_set());
}

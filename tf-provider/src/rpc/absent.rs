//! Kinds of things that the protocol knows and this crate doesn't offer yet: each is refused with a sentence, never with
//! `Unimplemented`, which a user would read as a crash.

use futures_util::StreamExt as _;
use tonic::Streaming;

use super::{Replies, Reply, Server, convert};
use crate::{Diagnostic, Path, wire::tfplugin6 as pb};

fn refused(server: &Server, kind: &str, type_name: &str) -> Vec<pb::Diagnostic> {
    convert::diagnostics(&server.catalog().unknown(kind, type_name))
}

/// One refusal a unary RPC, by the field that holds the type's name.
macro_rules! refusals {
    ($( $function:ident($message:ident.$field:ident): $kind:literal; )*) => {$(
        #[allow(clippy::unused_async, reason = "the RPC is async")]
        pub(super) async fn $function(server: &Server, request: pb::$message::Request) -> pb::$message::Response {
            Reply::refusal(refused(server, $kind, &request.$field))
        }
    )*};
}

refusals! {
    validate_list(validate_list_resource_config.type_name): "list resource type";
    validate_action(validate_action_config.type_name): "action";
    plan_action(plan_action.action_type): "action";
    validate_state_store(validate_state_store.type_name): "state store";
    configure_state_store(configure_state_store.type_name): "state store";
    lock_state(lock_state.type_name): "state store";
    unlock_state(unlock_state.type_name): "state store";
    get_states(get_states.type_name): "state store";
    delete_state(delete_state.type_name): "state store";
}

/// Never asked for: the capability `generate_resource_config` is not set, so Terraform generates by itself.
#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn generate_resource_config(
    _server: &Server,
    request: pb::generate_resource_config::Request,
) -> pb::generate_resource_config::Response {
    let detail = format!("This provider leaves it to Terraform to generate a configuration for {:?}.", request.type_name);
    let refusal = Diagnostic::error(Path::root(), "The provider doesn't generate configurations", detail);
    Reply::refusal(vec![convert::diagnostic(&refusal)])
}

fn once<T: Send + 'static>(event: T) -> Replies<T> {
    Box::pin(tokio_stream::once(Ok(event)))
}

pub(super) fn list_resource(server: &Server, request: &pb::list_resource::Request) -> Replies<pb::list_resource::Event> {
    let diagnostic = refused(server, "list resource type", &request.type_name);
    once(pb::list_resource::Event { diagnostic, ..pb::list_resource::Event::default() })
}

pub(super) fn invoke_action(server: &Server, request: &pb::invoke_action::Request) -> Replies<pb::invoke_action::Event> {
    use pb::invoke_action::event::{Completed, Type};
    let diagnostics = refused(server, "action", &request.action_type);
    once(pb::invoke_action::Event { r#type: Some(Type::Completed(Completed { diagnostics })) })
}

pub(super) fn read_state_bytes(server: &Server, request: &pb::read_state_bytes::Request) -> Replies<pb::read_state_bytes::Response> {
    once(Reply::refusal(refused(server, "state store", &request.type_name)))
}

/// Reads no more than the first chunk, which names the store.
pub(super) async fn write_state_bytes(
    server: &Server,
    mut chunks: Streaming<pb::write_state_bytes::RequestChunk>,
) -> pb::write_state_bytes::Response {
    let first = chunks.next().await.and_then(Result::ok).and_then(|chunk| chunk.meta);
    Reply::refusal(refused(server, "state store", &first.map(|meta| meta.type_name).unwrap_or_default()))
}

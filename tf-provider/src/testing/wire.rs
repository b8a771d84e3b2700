//! Between the tests' values and the wire's messages, from the client's side.

use tonic::{Response, Status};

use crate::{
    Capabilities, Diagnostic, Diagnostics, IdentitySchema, Path, Severity, Step, Type, Value, codec::msgpack, has_errors,
    wire::tfplugin6 as pb,
};

/// The reply; I20: a status instead of one is a broken rule.
pub(super) fn reply<T>(answer: Result<Response<T>, Status>) -> T {
    match answer {
        Ok(reply) => reply.into_inner(),
        Err(status) => panic!("rule I20: the provider answered with a gRPC status: {status}"),
    }
}

/// A value for the provider. Attributes that an object lacks are null.
pub(super) fn encode(value: &Value, ty: &Type) -> pb::DynamicValue {
    match msgpack::encode(value, ty) {
        Ok(msgpack) => pb::DynamicValue { msgpack, json: Vec::new() },
        Err(error) => panic!("the test's value doesn't fit the schema: {error}"),
    }
}

/// A value from the provider.
pub(super) fn decode(wire: Option<&pb::DynamicValue>, ty: &Type) -> Value {
    let Some(wire) = wire else { return Value::Null };
    match msgpack::decode(&wire.msgpack, ty) {
        Ok(value) => value,
        Err(error) => panic!("the provider sent what Terraform can't read: {error}"),
    }
}

/// The value with every attribute there and sets in order, as Terraform holds it.
pub(super) fn complete(value: &Value, ty: &Type) -> Value {
    decode(Some(&encode(value, ty)), ty)
}

pub(super) fn capabilities(capabilities: Capabilities) -> pb::ClientCapabilities {
    pb::ClientCapabilities {
        deferral_allowed: capabilities.deferral_allowed,
        write_only_attributes_allowed: capabilities.write_only_attributes_allowed,
    }
}

pub(super) fn identity_type(identity: &IdentitySchema) -> Type {
    Type::object(identity.attributes.iter().map(|attribute| (attribute.name, Type::String)))
}

pub(super) fn path(wire: pb::AttributePath) -> Path {
    use pb::attribute_path::step::Selector;
    let steps = wire.steps.into_iter().filter_map(|step| step.selector).map(|selector| match selector {
        Selector::AttributeName(name) => Step::Attribute(name),
        Selector::ElementKeyString(key) => Step::Key(key),
        Selector::ElementKeyInt(index) => Step::Index(usize::try_from(index).unwrap_or_default()),
    });
    Path(steps.collect())
}

pub(super) fn diagnostics(wire: Vec<pb::Diagnostic>) -> Diagnostics {
    let said = wire.into_iter().map(|diagnostic| Diagnostic {
        severity: if diagnostic.severity() == pb::diagnostic::Severity::Warning { Severity::Warning } else { Severity::Error },
        path: diagnostic.attribute.map(path).unwrap_or_default(),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
    });
    said.collect()
}

/// `Err` if there is an error among them.
pub(super) fn errors_first(said: Diagnostics) -> Result<Diagnostics, Diagnostics> {
    if has_errors(&said) { Err(said) } else { Ok(said) }
}

//! Between the wire's messages and this crate's types.

use crate::{
    Capabilities, Diagnostic, Diagnostics, Path, Severity, Step, Type, Value,
    codec::{CodecError, json, msgpack},
    log,
    wire::tfplugin6 as pb,
};

impl From<CodecError> for Diagnostics {
    fn from(error: CodecError) -> Self {
        vec![error.into()]
    }
}

/// A value as Terraform sent it. One that is missing is null, as in Terraform's own client.
pub(crate) fn value(wire: Option<&pb::DynamicValue>, ty: &Type) -> Result<Value, Diagnostics> {
    let Some(wire) = wire else { return Ok(Value::Null) };
    let decoded = if !wire.msgpack.is_empty() {
        msgpack::decode(&wire.msgpack, ty)
    } else if !wire.json.is_empty() {
        json::decode(&wire.json, ty, json::Surplus::Refuse)
    } else {
        Ok(Value::Null)
    };
    Ok(decoded?)
}

/// A value for Terraform; always msgpack.
pub(crate) fn dynamic(value: &Value, ty: &Type) -> Result<pb::DynamicValue, CodecError> {
    Ok(pb::DynamicValue { msgpack: msgpack::encode(value, ty)?, json: Vec::new() })
}

/// Null of any type.
pub(crate) fn null() -> pb::DynamicValue {
    const NIL: u8 = 0xc0;
    pb::DynamicValue { msgpack: vec![NIL], json: Vec::new() }
}

/// What the client can do; a client that says nothing can do nothing.
pub(crate) fn capabilities(wire: Option<pb::ClientCapabilities>) -> Capabilities {
    wire.map_or_else(Capabilities::default, |wire| Capabilities {
        deferral_allowed: wire.deferral_allowed,
        write_only_attributes_allowed: wire.write_only_attributes_allowed,
    })
}

/// Messages for the user, without any registered secret.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic]) -> Vec<pb::Diagnostic> {
    diagnostics.iter().map(diagnostic).collect()
}

/// The part of a path that Terraform finds in a configuration: it looks up the last attribute's name among the top-level ones, so that
/// for an attribute within another it shows a wrong line or none.
fn shown(at: &Path) -> Path {
    let inner = at.0.iter().skip(1).position(|step| matches!(step, Step::Attribute(_)));
    Path(at.0.iter().take(inner.map_or(usize::MAX, |position| position.saturating_add(1))).cloned().collect())
}

/// One message for the user, without any registered secret.
pub(crate) fn diagnostic(diagnostic: &Diagnostic) -> pb::Diagnostic {
    let at = shown(&diagnostic.path);
    let (whole, summary) = (diagnostic.path.to_string(), &diagnostic.summary);
    let summary = if at == diagnostic.path || summary.contains(&whole) { summary.clone() } else { format!("{summary}: {whole}") };
    let severity = match diagnostic.severity {
        Severity::Error => pb::diagnostic::Severity::Error,
        Severity::Warning => pb::diagnostic::Severity::Warning,
    };
    pb::Diagnostic {
        severity: severity.into(),
        summary: log::masked(&summary),
        detail: log::masked(&diagnostic.detail),
        attribute: (!at.0.is_empty()).then(|| path(&at)),
    }
}

/// The place of a value.
pub(crate) fn path(path: &Path) -> pb::AttributePath {
    use pb::attribute_path::step::Selector;
    let steps = path.0.iter().map(|step| match step {
        Step::Attribute(name) => Selector::AttributeName(name.clone()),
        Step::Key(key) => Selector::ElementKeyString(key.clone()),
        Step::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
    });
    pb::AttributePath { steps: steps.map(|selector| pb::attribute_path::Step { selector: Some(selector) }).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_is_masked_and_keeps_its_place() {
        log::mask("diagnostic-canary");
        let wire = diagnostic(&Diagnostic::error(Path::of("a").key("k").index(2), "diagnostic-canary!", "no diagnostic-canary"));
        assert!(!format!("{wire:?}").contains("canary"));
        assert_eq!(wire.attribute.map(|path| path.steps.len()), Some(3));
        assert!(diagnostic(&Diagnostic::warning(Path::root(), "", "")).attribute.is_none());
    }

    #[test]
    fn an_absent_value_is_null_and_null_reads_back() {
        assert_eq!(value(None, &Type::String), Ok(Value::Null));
        assert_eq!(value(Some(&pb::DynamicValue::default()), &Type::String), Ok(Value::Null));
        assert_eq!(value(Some(&null()), &Type::String), Ok(Value::Null));
    }

    #[test]
    fn a_value_of_another_type_is_an_error_at_its_place() {
        let wire = pb::DynamicValue { json: br#"{"a":[1,"x"]}"#.to_vec(), msgpack: Vec::new() };
        let errors = value(Some(&wire), &Type::object([("a", Type::list(Type::Number))])).err().unwrap_or_default();
        assert_eq!(errors.first().map(|error| error.path.to_string()).as_deref(), Some("a[1]"));
    }
}

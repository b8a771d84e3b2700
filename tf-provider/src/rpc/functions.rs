//! Provider functions.

use std::collections::HashMap;

use super::{Reply, Server, catalog::Catalog, convert};
use crate::{FunctionError, Parameter, Value, wire::tfplugin6 as pb};

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn list(server: &Server, _: pb::get_functions::Request) -> pb::get_functions::Response {
    pb::get_functions::Response { functions: all(server.catalog()), diagnostics: Vec::new() }
}

pub(super) fn all(catalog: &Catalog) -> HashMap<String, pb::Function> {
    let described = catalog.functions.iter().map(|(name, entry)| {
        let signature = &entry.signature;
        let function = pb::Function {
            parameters: signature.parameters.iter().map(parameter).collect(),
            variadic_parameter: signature.variadic.as_ref().map(parameter),
            r#return: Some(pb::function::Return { r#type: signature.returns.to_bytes() }),
            summary: signature.summary.clone(),
            description: signature.description.clone(),
            description_kind: pb::StringKind::Markdown.into(),
            deprecation_message: String::new(),
        };
        ((*name).to_owned(), function)
    });
    described.collect()
}

fn parameter(parameter: &Parameter) -> pb::function::Parameter {
    pb::function::Parameter {
        name: parameter.name.clone(),
        r#type: parameter.ty.to_bytes(),
        allow_null_value: parameter.allow_null,
        // Terraform then answers "unknown" by itself.
        allow_unknown_values: false,
        description: parameter.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
    }
}

#[allow(clippy::unused_async, reason = "the RPC is async")]
pub(super) async fn call(server: &Server, request: pb::call_function::Request) -> pb::call_function::Response {
    let Some(entry) = server.catalog().functions.get(request.name.as_str()) else {
        return Reply::refusal(convert::diagnostics(&server.catalog().unknown("function", &request.name)));
    };
    let signature = &entry.signature;
    let outcome = arguments(&request.arguments, &signature.parameters, signature.variadic.as_ref())
        .and_then(|arguments| entry.function.call(arguments))
        .and_then(|result| convert::dynamic(&result, &signature.returns).map_err(|error| failure(error.to_string(), None)));
    match outcome {
        Ok(result) => pb::call_function::Response { result: Some(result), error: None },
        Err(error) => pb::call_function::Response { result: None, error: Some(wire(&error)) },
    }
}

fn wire(error: &FunctionError) -> pb::FunctionError {
    let function_argument = error.argument.and_then(|position| i64::try_from(position).ok());
    pb::FunctionError { text: crate::log::masked(&error.text), function_argument }
}

fn failure(text: String, argument: Option<usize>) -> FunctionError {
    FunctionError { text, argument }
}

fn arguments(values: &[pb::DynamicValue], parameters: &[Parameter], variadic: Option<&Parameter>) -> Result<Vec<Value>, FunctionError> {
    if values.len() < parameters.len() || (values.len() > parameters.len() && variadic.is_none()) {
        return Err(failure(format!("{} arguments are given, {} are expected", values.len(), parameters.len()), None));
    }
    let mut decoded = Vec::with_capacity(values.len());
    for (position, value) in values.iter().enumerate() {
        let Some(parameter) = parameters.get(position).or(variadic) else { break };
        let value = convert::value(Some(value), &parameter.ty).map_err(|errors| {
            let texts: Vec<_> = errors.into_iter().map(|error| format!("{}: {}", error.summary, error.detail)).collect();
            failure(texts.join("\n"), Some(position))
        })?;
        if value.is_null() && !parameter.allow_null {
            return Err(failure(format!("{} must not be null", parameter.name), Some(position)));
        }
        if !value.is_wholly_known() {
            return Err(failure(format!("{} must be known", parameter.name), Some(position)));
        }
        decoded.push(value);
    }
    Ok(decoded)
}

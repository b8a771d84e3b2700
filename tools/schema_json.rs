//! Prints what the provider offers as JSON, with the facts that the protocol doesn't carry: `cargo xtask docs` makes pages of it.

use serde_json::{Map, Value, json};
use terraform_provider_deeploy::{
    presets::{Preset, table},
    provider::Deeploy,
};
use tf_provider::{Attribute, AttributeType, Mode, Nesting, Parameter, Provider, Schema, Signature};

fn main() {
    let provider = Deeploy::default();
    let resources = provider.resources().into_iter().map(|resource| {
        let mut object = schema(&resource.schema());
        object.insert(
            "identity".to_owned(),
            resource.identity().map_or(Value::Null, |identity| {
                identity
                    .attributes
                    .iter()
                    .map(|each| json!({"name": each.name, "description": each.description, "required": each.required_for_import}))
                    .collect()
            }),
        );
        (resource.type_name().to_owned(), Value::Object(object))
    });
    let data_sources =
        provider.data_sources().into_iter().map(|source| (source.type_name().to_owned(), Value::Object(schema(&source.schema()))));
    let ephemeral = provider.ephemeral_resources().into_iter();
    let ephemeral = ephemeral.map(|each| (each.type_name().to_owned(), Value::Object(schema(&each.schema()))));
    let functions = provider.functions().into_iter().map(|function| (function.name().to_owned(), signature(&function.signature())));
    let presets = Preset::ALL.into_iter().map(|preset| (preset.name().to_owned(), defaults(preset)));
    let all = json!({
        "provider": schema(&provider.schema()),
        "resources": resources.collect::<Map<_, _>>(),
        "data_sources": data_sources.collect::<Map<_, _>>(),
        "ephemeral_resources": ephemeral.collect::<Map<_, _>>(),
        "functions": functions.collect::<Map<_, _>>(),
        "presets": presets.collect::<Map<_, _>>(),
    });
    #[allow(clippy::print_stdout)] // its purpose
    {
        println!("{all}");
    }
}

fn schema(schema: &Schema) -> Map<String, Value> {
    let attributes: Vec<Value> = schema.attributes.iter().map(attribute).collect();
    Map::from_iter([("description".to_owned(), json!(schema.description)), ("attributes".to_owned(), json!(attributes))])
}

fn attribute(attribute: &Attribute) -> Value {
    let mut told = json!({
        "name": attribute.name,
        "mode": match attribute.mode {
            Mode::Required => "required",
            Mode::Optional => "optional",
            Mode::OptionalComputed => "optional_computed",
            Mode::Computed => "computed",
        },
        "description": attribute.description,
        "sensitive": attribute.sensitive,
        "write_only": attribute.write_only,
        "replace": attribute.replace,
        "default": attribute.default.as_ref().map(literal),
        "deprecated": attribute.deprecated,
        "notes": attribute.notes,
    });
    let shape = match &attribute.ty {
        AttributeType::Plain(ty) => json!({"type": ty.to_string()}),
        AttributeType::Nested(nesting, below) => {
            let nesting = match nesting {
                Nesting::Single => "single",
                Nesting::List => "list",
                Nesting::Set => "set",
                Nesting::Map => "map",
            };
            json!({"nesting": nesting, "attributes": below.iter().map(self::attribute).collect::<Vec<_>>()})
        }
    };
    if let (Value::Object(told), Value::Object(shape)) = (&mut told, shape) {
        told.extend(shape);
    }
    told
}

/// A default as a user would write it.
fn literal(value: &tf_provider::Value) -> String {
    use tf_provider::Value as Tf;
    let list = |items: &[Tf]| format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", "));
    match value {
        Tf::Null => "null".to_owned(),
        Tf::Bool(flag) => flag.to_string(),
        Tf::Number(number) => number.to_string(),
        Tf::String(text) => format!("{text:?}"),
        Tf::List(items) => list(items),
        Tf::Map(fields) if fields.is_empty() => "{}".to_owned(),
        Tf::Map(fields) => {
            format!("{{ {} }}", fields.iter().map(|(name, field)| format!("{name} = {}", literal(field))).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn signature(signature: &Signature) -> Value {
    json!({
        "summary": signature.summary,
        "description": signature.description,
        "parameters": signature.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "variadic": signature.variadic.as_ref().map(parameter),
        "returns": signature.returns.to_string(),
    })
}

fn parameter(parameter: &Parameter) -> Value {
    json!({"name": parameter.name, "type": parameter.ty.to_string(), "description": parameter.description, "allow_null": parameter.allow_null})
}

fn defaults(preset: Preset) -> Value {
    let told = table(preset).iter().map(|(name, default)| {
        let kind = format!("{:?}", default.kind).to_lowercase();
        (name.clone(), json!({"value": default.value, "kind": kind, "reason": default.reason, "source": default.source}))
    });
    Value::Object(told.collect())
}

//! The code that the derive writes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Error, Expr, ExprLit, ExprUnary, Fields, Lit, Result, UnOp, spanned::Spanned};

use crate::field::{ModelField, doc_comment};

pub(crate) fn model(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new(input.generics.span(), "a model has no generics"));
    }
    let Data::Struct(data) = &input.data else { return Err(Error::new(input.ident.span(), "a model is a struct")) };
    let Fields::Named(named) = &data.fields else { return Err(Error::new(input.ident.span(), "a model is a struct with named fields")) };
    let description = doc_comment(&input.attrs)
        .ok_or_else(|| Error::new(input.ident.span(), "write a doc comment: it is the description in the reference docs"))?;
    let fields = parse_all(named)?;
    let attributes = fields.iter().map(attribute).collect::<Result<Vec<_>>>()?;
    let model = &input.ident;
    let reads = fields.iter().map(|field| {
        let (ident, name, inner) = (&field.ident, &field.name, &field.inner);
        if field.is_flattened() {
            return quote_spanned! { inner.span() => let #ident = reader.flattened::<#inner>(); };
        }
        quote_spanned! { inner.span() => let #ident = reader.attribute::<#inner>(#name); }
    });
    // One that could not be read has told why: the reader's errors are returned before it is missed.
    let takes = fields.iter().map(|field| {
        let ident = &field.ident;
        if field.is_flattened() {
            return quote!(#ident: #ident.ok_or_else(::tf_provider::Diagnostics::new)?);
        }
        quote!(#ident)
    });
    let flattened: Vec<_> = fields.iter().filter(|field| field.is_flattened()).map(|field| &field.ident).collect();
    let own: Vec<_> = fields.iter().filter(|field| !field.is_flattened()).map(|field| &field.ident).collect();
    let names: Vec<_> = fields.iter().filter(|field| !field.is_flattened()).map(|field| &field.name).collect();
    Ok(quote! {
        #[automatically_derived]
        impl ::tf_provider::Model for #model {
            fn description() -> &'static str {
                #description
            }

            fn attributes() -> ::std::vec::Vec<::tf_provider::Attribute> {
                let mut all: ::std::vec::Vec<::tf_provider::Attribute> = ::std::vec::Vec::new();
                #(#attributes)*
                all
            }

            fn from_value(
                value: &::tf_provider::Value,
                at: &::tf_provider::Path,
            ) -> ::core::result::Result<Self, ::tf_provider::Diagnostics> {
                let mut reader = ::tf_provider::ObjectReader::new(value, at);
                #(#reads)*
                reader.finish()?;
                ::core::result::Result::Ok(Self { #(#takes),* })
            }

            fn to_value(&self) -> ::tf_provider::Value {
                let own = [#((#names, self.#own.to_value())),*];
                let flattened: &[::tf_provider::Value] = &[#(::tf_provider::Model::to_value(&self.#flattened)),*];
                ::tf_provider::Value::joined(own, flattened)
            }
        }
    })
}

/// Every field, or every field's error at once.
fn parse_all(named: &syn::FieldsNamed) -> Result<Vec<ModelField>> {
    let mut fields: Vec<ModelField> = Vec::new();
    let mut errors: Option<Error> = None;
    for field in &named.named {
        let parsed = ModelField::parse(field).and_then(|parsed| match fields.iter().any(|other| other.name == parsed.name) {
            true => Err(Error::new(parsed.ident.span(), format!("there is an attribute `{}` already", parsed.name))),
            false => Ok(parsed),
        });
        match (parsed, &mut errors) {
            (Ok(parsed), _) => fields.push(parsed),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), none) => *none = Some(error),
        }
    }
    errors.map_or(Ok(fields), Err)
}

fn attribute(field: &ModelField) -> Result<TokenStream> {
    let ModelField { inner, name, description, options, .. } = field;
    if field.is_flattened() {
        return Ok(quote_spanned!(inner.span() => all.extend(<#inner as ::tf_provider::Model>::attributes());));
    }
    let mode = match (options.has("required"), options.has("optional"), options.has("computed")) {
        (true, ..) => quote!(Required),
        (_, true, true) => quote!(OptionalComputed),
        (_, true, false) => quote!(Optional),
        _ => quote!(Computed),
    };
    let (sensitive, write_only, replace) = (options.has("sensitive"), options.has("write_only"), options.has("replace"));
    let default = match &options.default {
        Some(default) => {
            let value = default_value(default)?;
            quote!(::core::option::Option::Some(#value))
        }
        None => quote!(::core::option::Option::None),
    };
    let deprecated = match &options.deprecated {
        Some(text) => quote!(::core::option::Option::Some(::std::string::String::from(#text))),
        None => quote!(::core::option::Option::None),
    };
    let validators = options.validators.iter().map(validator);
    let notes = options.notes.iter().map(|(key, text)| quote!((::std::string::String::from(#key), ::std::string::String::from(#text))));
    let ty = quote_spanned!(inner.span() => <#inner as ::tf_provider::TfType>::attribute_type());
    Ok(quote! {
        all.push(::tf_provider::Attribute {
            name: ::std::string::String::from(#name),
            ty: #ty,
            mode: ::tf_provider::Mode::#mode,
            description: ::std::string::String::from(#description),
            sensitive: #sensitive,
            write_only: #write_only,
            replace: #replace,
            default: #default,
            deprecated: #deprecated,
            validators: ::std::vec![#(#validators),*],
            notes: ::std::collections::BTreeMap::from([#(#notes),*]),
        });
    })
}

/// A literal, or the call of a `fn() -> Value`.
fn default_value(default: &Expr) -> Result<TokenStream> {
    match default {
        Expr::Path(function) => Ok(quote_spanned!(function.span() => #function())),
        Expr::Lit(ExprLit { lit: literal @ (Lit::Str(_) | Lit::Bool(_)), .. }) => Ok(quote!(::tf_provider::Value::from(#literal))),
        Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => Ok(integer(default)),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) if matches!(&**expr, Expr::Lit(ExprLit { lit: Lit::Int(_), .. })) => {
            Ok(integer(default))
        }
        other => Err(Error::new(other.span(), "a default is a string, a bool, a whole number, or the path of a `fn() -> Value`")),
    }
}

fn integer(literal: &Expr) -> TokenStream {
    quote!({
        let number: ::core::primitive::i64 = #literal;
        ::tf_provider::Value::from(number)
    })
}

/// A path names a function of the validators' signature; every other expression makes a `Validator`.
fn validator(expression: &Expr) -> TokenStream {
    match expression {
        Expr::Path(function) => quote_spanned! { function.span() =>
            { let validator: ::tf_provider::Validator = ::std::sync::Arc::new(#function); validator }
        },
        other => quote_spanned! { other.span() => { let validator: ::tf_provider::Validator = #other; validator } },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn errors(code: &str) -> Vec<String> {
        let input = syn::parse_str(code).unwrap();
        model(&input).err().map(|error| error.into_iter().map(|one| one.to_string()).collect()).unwrap_or_default()
    }

    fn field_error(field: &str) -> String {
        errors(&format!("/// A model.\nstruct M {{ {field} }}")).join("\n")
    }

    #[test]
    fn good_fields_pass() {
        for field in [
            "/// X.\n#[tf(required, replace, sensitive)] x: Attr<String>",
            "/// X.\n#[tf(optional, computed, default = -3, deprecated = \"no\", validate(a::b, c(1)), note(k = \"v\"))] x: tf_provider::Attr<i64>",
            "#[doc = \" X.\"] #[tf(optional)] #[tf(write_only)] r#type: Attr<String>",
            "#[tf(flatten)] x: M",
        ] {
            assert_eq!(field_error(field), "", "{field}");
        }
    }

    #[test]
    fn each_mistake_is_told() {
        for (field, want) in [
            ("#[tf(required)] x: Attr<String>", "write a doc comment"),
            ("/// \n#[tf(required)] x: Attr<String>", "write a doc comment"),
            ("/// X.\n x: Attr<String>", "say who sets it"),
            ("/// X.\n#[tf(sensitive)] x: Attr<String>", "say who sets it"),
            ("/// X.\n#[tf(required)] x: String", "is an `Attr<T>`"),
            ("/// X.\n#[tf(required)] x: Option<String>", "is an `Attr<T>`"),
            ("/// X.\n#[tf(required)] x: Attr", "is an `Attr<T>`"),
            ("/// X.\n#[tf(required)] x: (Attr<String>,)", "is an `Attr<T>`"),
            ("/// X.\n#[tf(required, optional)] x: Attr<String>", "either `required` or `optional`"),
            ("/// X.\n#[tf(required, computed)] x: Attr<String>", "never computed"),
            ("/// X.\n#[tf(optional, computed, write_only)] x: Attr<String>", "comes from the user alone"),
            ("/// X.\n#[tf(optional, write_only, replace)] x: Attr<String>", "no prior value"),
            ("/// X.\n#[tf(optional, default = 1)] x: Attr<i64>", "only an attribute that is `optional, computed`"),
            ("/// X.\n#[tf(optional, computed, default = 1.5)] x: Attr<i64>", "a default is a string"),
            ("/// X.\n#[tf(optional, computed, default = f())] x: Attr<i64>", "a default is a string"),
            ("/// X.\n#[tf(optional, computed, default = 1, default = 2)] x: Attr<i64>", "said twice"),
            ("/// X.\n#[tf(computed, validate(f))] x: Attr<i64>", "only what a user sets"),
            ("/// X.\n#[tf(required, required)] x: Attr<i64>", "said twice"),
            ("/// X.\n#[tf(required, forcenew)] x: Attr<i64>", "this is none of"),
            ("/// X.\n#[tf(required, nested)] x: Attr<M>", "not needed"),
            ("#[tf(flatten, optional)] x: M", "stands alone"),
            ("#[tf(flatten)] x: Attr<M>", "stands alone"),
            ("/// X.\n#[tf(required, name = \"X\")] x: Attr<i64>", "lower-case letters"),
            ("/// X.\n#[tf(required)] _x: Attr<i64>", "lower-case letters"),
            ("/// X.\n#[tf(required, note(k = \"v\", k = \"w\"))] x: Attr<i64>", "there twice"),
            ("/// X.\n#[tf(required, deprecated)] x: Attr<i64>", "expected"),
            (
                "/// X.\n#[tf(required)] x: Attr<i64>, /// Y.\n#[tf(required, name = \"x\")] y: Attr<i64>",
                "there is an attribute `x` already",
            ),
        ] {
            let found = field_error(field);
            assert!(found.contains(want), "{field}: {found}");
        }
    }

    #[test]
    fn every_fields_mistake_is_told_at_once() {
        assert_eq!(errors("/// M.\nstruct M { a: Attr<String>, /// B.\n b: Attr<String> }").len(), 2);
    }

    #[test]
    fn other_things_than_structs_with_names_are_refused() {
        for (code, want) in [
            ("struct M {}", "write a doc comment"),
            ("/// M.\nstruct M(Attr<String>);", "named fields"),
            ("/// M.\nstruct M;", "named fields"),
            ("/// M.\nenum M {}", "is a struct"),
            ("/// M.\nstruct M<T> { x: Attr<T> }", "no generics"),
        ] {
            assert!(errors(code).join("\n").contains(want), "{code}");
        }
    }
}

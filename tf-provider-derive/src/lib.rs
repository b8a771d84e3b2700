//! `#[derive(Model)]` for tf-provider; the attributes that it takes are described there.

mod expand;
mod field;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a schema, its descriptions, and the conversions from and to values out of one documented struct.
///
/// The struct's doc comment is the description, each field's the attribute's. Every field is an `Attr<T>` and says who sets it:
///
/// | in `#[tf(…)]` | meaning |
/// |---|---|
/// | `required`, `optional`, `computed`, `optional, computed` | who sets it |
/// | `default = VALUE` | what null becomes, known at plan; with `optional, computed` only. A literal, or the path of a `fn() -> Value` |
/// | `sensitive` | hidden in plans and outputs |
/// | `write_only` | never in plan or state |
/// | `replace` | a change of it replaces the resource |
/// | `validate(V, …)` | the path of a `fn(&Value, &Path) -> Vec<Diagnostic>`, or any other expression that makes a `Validator` |
/// | `deprecated = "TEXT"` | said to users who still set it |
/// | `name = "NAME"` | where the attribute's name is not the field's |
/// | `note(KEY = "TEXT", …)` | facts for the provider and the docs, kept in `Attribute::notes` |
/// | `flatten` | alone, on a field whose type is a `Model`: its attributes are this model's |
///
/// A field whose type is another `Model` (or a `Vec`, `Set` or `BTreeMap` of one) is a nested attribute.
#[proc_macro_derive(Model, attributes(tf))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::model(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

//! One field of a model: what its type, doc comment and `#[tf(…)]` say.

use std::collections::BTreeMap;

use proc_macro2::Span;
use syn::{
    Attribute, Error, Expr, Field, GenericArgument, Ident, Lit, LitStr, Meta, PathArguments, Result, Token, Type, ext::IdentExt,
    meta::ParseNestedMeta, punctuated::Punctuated, spanned::Spanned,
};

/// A field, checked.
pub(crate) struct ModelField {
    pub(crate) ident: Ident,
    /// The `T` of its `Attr<T>`.
    pub(crate) inner: Type,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) options: Options,
}

/// What `#[tf(…)]` says.
#[derive(Default)]
pub(crate) struct Options {
    flags: BTreeMap<&'static str, Span>,
    pub(crate) default: Option<Expr>,
    pub(crate) validators: Vec<Expr>,
    pub(crate) deprecated: Option<LitStr>,
    name: Option<LitStr>,
    pub(crate) notes: Vec<(String, LitStr)>,
}

const FLAGS: [&str; 7] = ["required", "optional", "computed", "sensitive", "write_only", "replace", "flatten"];

impl ModelField {
    pub(crate) fn parse(field: &Field) -> Result<Self> {
        let ident = field.ident.clone().ok_or_else(|| Error::new(field.span(), "a model's fields have names"))?;
        let mut options = Options::default();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("tf")) {
            attribute.parse_nested_meta(|meta| options.read(&meta))?;
        }
        if let Some(span) = options.flags.get("flatten").copied() {
            return Self::flattened(field, ident, options, span);
        }
        options.check(ident.span())?;
        let description = doc_comment(&field.attrs)
            .ok_or_else(|| Error::new(ident.span(), "write a doc comment: it is the attribute's description in the reference docs"))?;
        let name = options.name.as_ref().map_or_else(|| ident.unraw().to_string(), LitStr::value);
        if !is_attribute_name(&name) {
            let span = options.name.as_ref().map_or(ident.span(), LitStr::span);
            return Err(Error::new(
                span,
                "an attribute's name is made of lower-case letters, digits and underscores, and starts with a letter",
            ));
        }
        Ok(Self { inner: attr_argument(&field.ty)?, ident, name, description, options })
    }

    /// A model whose attributes are its holder's: it has no name, mode or description of its own.
    fn flattened(field: &Field, ident: Ident, options: Options, span: Span) -> Result<Self> {
        let alone = options.flags.len() == 1
            && options.default.is_none()
            && options.validators.is_empty()
            && options.deprecated.is_none()
            && options.name.is_none()
            && options.notes.is_empty();
        if !alone || attr_argument(&field.ty).is_ok() {
            return Err(Error::new(span, "`flatten` stands alone, on a field whose type is a model: its attributes say the rest"));
        }
        let name = format!("(flatten) {ident}");
        Ok(Self { inner: field.ty.clone(), ident, name, description: String::new(), options })
    }

    pub(crate) fn is_flattened(&self) -> bool {
        self.options.has("flatten")
    }
}

impl Options {
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let name = meta.path.require_ident()?.to_string();
        if let Some(flag) = FLAGS.iter().find(|flag| **flag == name) {
            if self.flags.insert(flag, meta.path.span()).is_some() {
                return Err(meta.error(format!("`{name}` is said twice")));
            }
            return Ok(());
        }
        match name.as_str() {
            "default" => once(&mut self.default, meta, meta.value()?.parse()?),
            "deprecated" => once(&mut self.deprecated, meta, meta.value()?.parse()?),
            "name" => once(&mut self.name, meta, meta.value()?.parse()?),
            "validate" => {
                let content;
                syn::parenthesized!(content in meta.input);
                self.validators.extend(Punctuated::<Expr, Token![,]>::parse_terminated(&content)?);
                Ok(())
            }
            "note" => meta.parse_nested_meta(|note| {
                let key = note.path.require_ident()?.to_string();
                if self.notes.iter().any(|(known, _)| *known == key) {
                    return Err(note.error(format!("note `{key}` is there twice")));
                }
                self.notes.push((key, note.value()?.parse()?));
                Ok(())
            }),
            "nested" => Err(meta.error("not needed: a field whose type is a model is a nested attribute")),
            _ => Err(meta.error(
                "this is none of `required`, `optional`, `computed`, `default = …`, `sensitive`, `write_only`, `replace`, `flatten`, `validate(…)`, \
                 `deprecated = \"…\"`, `name = \"…\"`, `note(…)`",
            )),
        }
    }

    /// Terraform's rules for one attribute, as early as they can be told.
    fn check(&self, field: Span) -> Result<()> {
        let forbidden = [
            ("required", "optional", "an attribute is either `required` or `optional`"),
            ("required", "computed", "what is `required` is never computed"),
            ("write_only", "computed", "a `write_only` value comes from the user alone: it is never computed"),
            (
                "write_only",
                "replace",
                "a `write_only` value has no prior value to differ from: put `replace` on a version attribute beside it",
            ),
        ];
        for (first, second, why) in forbidden {
            if let (Some(_), Some(span)) = (self.flags.get(first), self.flags.get(second)) {
                return Err(Error::new(*span, why));
            }
        }
        if !["required", "optional", "computed"].into_iter().any(|mode| self.has(mode)) {
            return Err(Error::new(
                field,
                "say who sets it: `#[tf(required)]`, `#[tf(optional)]`, `#[tf(computed)]` or `#[tf(optional, computed)]`",
            ));
        }
        if let (Some(default), false) = (&self.default, self.has("optional") && self.has("computed")) {
            return Err(Error::new(
                default.span(),
                "only an attribute that is `optional, computed` can have a default: Terraform lets nothing else be filled in",
            ));
        }
        if let (Some(validator), false) = (self.validators.first(), self.has("required") || self.has("optional")) {
            return Err(Error::new(validator.span(), "only what a user sets can be validated: this is `computed` alone"));
        }
        Ok(())
    }
}

fn once<T>(slot: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: T) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(meta.error("this is said twice"));
    }
    Ok(())
}

fn is_attribute_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
}

/// A doc comment as Markdown; `None` where there is none or an empty one.
pub(crate) fn doc_comment(attributes: &[Attribute]) -> Option<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        if let Meta::NameValue(pair) = &attribute.meta
            && let Expr::Lit(text) = &pair.value
            && let Lit::Str(text) = &text.lit
        {
            let text = text.value();
            lines.extend(text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()));
            if text.is_empty() {
                lines.push(String::new());
            }
        }
    }
    let text = lines.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The `T` of `Attr<T>`.
fn attr_argument(ty: &Type) -> Result<Type> {
    let wrong = || Error::new(ty.span(), "a model's field is an `Attr<T>`: Terraform may hand any attribute over as null or unknown");
    let Type::Path(path) = ty else { return Err(wrong()) };
    let last = path.path.segments.last().filter(|last| last.ident == "Attr").ok_or_else(wrong)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Err(wrong()) };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(inner)), 1) => Ok(inner.clone()),
        _ => Err(wrong()),
    }
}

//! The attribute reference of a page.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::page::text;

/// `## Schema` with every attribute, nested ones in sections of their own.
pub(crate) fn reference(object: &Value, presets: &Map<String, Value>) -> String {
    let mut page = String::from("## Schema\n\n");
    let all = attributes(object);
    if mentions_change(&all) {
        page.push_str(LEGEND);
    }
    let mut nested = Vec::new();
    page.push_str(&lists(&all, "", presets, &mut nested));
    // Nested sections are appended while they are read: a nested attribute may hold others.
    let mut at = 0;
    while let Some((path, attribute)) = nested.get(at).cloned() {
        let _ = writeln!(page, "<a id=\"{}\"></a>\n### Nested Schema for `{path}`\n", anchor(&path));
        page.push_str(&lists(&attributes(&attribute), &path, presets, &mut nested));
        at += 1;
    }
    page
}

const LEGEND: &str = "What a change does: *live* settings are changed in place; *replace* replaces the part that is named, never unseen; \
    *fixed* settings can't be changed, the plan says what to do instead. \
    *Enforced* defaults follow the preset and the release; *initial* ones are chosen when the object is made, and kept.\n\n";

fn mentions_change(attributes: &[Value]) -> bool {
    attributes.iter().any(|each| each.pointer("/notes/change").is_some() || each.pointer("/notes/preset").is_some())
}

fn attributes(object: &Value) -> Vec<Value> {
    object.get("attributes").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn lists(all: &[Value], path: &str, presets: &Map<String, Value>, nested: &mut Vec<(String, Value)>) -> String {
    let mut section = String::new();
    let heading = if path.is_empty() { "###" } else { "####" };
    for (title, modes) in [("Required", &["required"][..]), ("Optional", &["optional", "optional_computed"]), ("Read-Only", &["computed"])]
    {
        let mut chosen: Vec<&Value> = all.iter().filter(|each| modes.contains(&text(each, "mode").as_str())).collect();
        if chosen.is_empty() {
            continue;
        }
        chosen.sort_by_key(|each| text(each, "name"));
        let _ = writeln!(section, "{heading} {title}\n");
        for attribute in chosen {
            section.push_str(&line(attribute, path, presets));
            if !attributes(attribute).is_empty() {
                nested.push((join(path, &text(attribute, "name")), attribute.clone()));
            }
        }
        section.push('\n');
    }
    section
}

fn line(attribute: &Value, path: &str, presets: &Map<String, Value>) -> String {
    let name = text(attribute, "name");
    let flag = |key: &str| attribute.get(key) == Some(&Value::Bool(true));
    let mut kind = type_name(attribute);
    for (key, word) in [
        ("sensitive", ", Sensitive"),
        ("write_only", ", [Write-only](https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments)"),
    ] {
        if flag(key) {
            kind.push_str(word);
        }
    }
    let mut line = format!("- `{name}` ({kind}) {}", one_line(&text(attribute, "description")));
    if let Some(deprecated) = attribute.get("deprecated").and_then(Value::as_str) {
        let _ = write!(line, " **Deprecated:** {deprecated}");
    }
    for fact in facts(attribute, presets) {
        let _ = write!(line, " {fact}");
    }
    if !attributes(attribute).is_empty() {
        let _ = write!(line, " (see [below for nested schema](#{}))", anchor(&join(path, &name)));
    }
    line.push('\n');
    line
}

/// Default, change, controls and what else the notes say.
fn facts(attribute: &Value, presets: &Map<String, Value>) -> Vec<String> {
    let mut facts = Vec::new();
    let note = |key: &str| attribute.pointer("/notes").and_then(|notes| notes.get(key)).and_then(Value::as_str);
    if let Some(default) = attribute.get("default").and_then(Value::as_str) {
        facts.push(format!("Default: `{default}`."));
    }
    facts.extend(note("preset").and_then(|name| preset_default(name, presets)));
    if attribute.get("replace") == Some(&Value::Bool(true)) {
        facts.push("A change replaces the resource.".to_owned());
    } else if let Some(change) = note("change") {
        facts.push(format!("Change: *{change}*."));
    }
    if let Some(controls) = note("controls") {
        facts.push(format!("Controls: {controls}."));
    }
    let others = attribute.get("notes").and_then(Value::as_object).into_iter().flatten();
    for (key, value) in others.filter(|(key, _)| !matches!(key.as_str(), "preset" | "change" | "controls")) {
        facts.push(format!("{}: {}.", capitalised(key), value.as_str().unwrap_or_default().trim_end_matches('.')));
    }
    facts
}

/// What the presets set, how strongly, and why.
fn preset_default(name: &str, presets: &Map<String, Value>) -> Option<String> {
    let of = |preset: &str| presets.get(preset).and_then(|table| table.get(name));
    let (production, development) = (of("production")?, of("development")?);
    let shown = |default: &Value| format!("`{}`", default.get("value").unwrap_or(&Value::Null));
    let kind = text(production, "kind");
    if production.get("value") == development.get("value") {
        return Some(format!("Default: {} ({kind}). {}", shown(production), reason(production)));
    }
    Some(format!(
        "Default in production: {} ({kind}). {} In development: {}. {}",
        shown(production),
        reason(production),
        shown(development),
        reason(development)
    ))
}

fn reason(default: &Value) -> String {
    format!("{} ({})", text(default, "reason"), text(default, "source"))
}

/// As the Registry's own generator names types.
fn type_name(attribute: &Value) -> String {
    match attribute.get("nesting").and_then(Value::as_str) {
        Some("single") => "Attributes".to_owned(),
        Some(nesting) => format!("Attributes {}", capitalised(nesting)),
        None => plain_type(&text(attribute, "type")),
    }
}

fn plain_type(name: &str) -> String {
    match name {
        "bool" => "Boolean".to_owned(),
        other => other
            .split(' ')
            .map(|word| if word == "of" { word.to_owned() } else { capitalised(if word == "bool" { "boolean" } else { word }) })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn anchor(path: &str) -> String {
    format!("nestedatt--{}", path.replace('.', "--"))
}

/// A list item's text: Markdown without line breaks.
pub(crate) fn one_line(markdown: &str) -> String {
    markdown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn presets() -> Map<String, Value> {
        let table = |days: u64| json!({"k.days": {"value": days, "kind": "enforced", "reason": "Time.", "source": "KMS.9"}});
        Map::from_iter([("production".to_owned(), table(30)), ("development".to_owned(), table(7))])
    }

    #[test]
    fn an_attribute_says_its_type_default_change_and_controls() {
        let attribute = json!({"name": "days", "type": "number", "mode": "optional_computed", "description": "Days\nto wait.",
            "notes": {"preset": "k.days", "change": "live", "controls": "KMS.9", "unit": "days"}});
        let shown = line(&attribute, "", &presets());
        assert_eq!(
            shown,
            "- `days` (Number) Days to wait. Default in production: `30` (enforced). Time. (KMS.9) In development: `7`. Time. (KMS.9) \
             Change: *live*. Controls: KMS.9. Unit: days.\n"
        );
    }

    #[test]
    fn nested_attributes_get_a_section_each_and_links_to_it() {
        let leaf = json!({"name": "issuer", "type": "set of string", "mode": "required", "description": "Who."});
        let irsa = json!({"name": "irsa", "nesting": "single", "mode": "optional", "description": "I.", "attributes": [leaf]});
        let trust =
            json!({"name": "trust", "nesting": "list", "mode": "required", "description": "T.", "attributes": [irsa], "replace": true});
        let page = reference(&json!({"attributes": [trust]}), &Map::new());
        let expected = [
            "- `trust` (Attributes List) T. A change replaces the resource. (see [below for nested schema](#nestedatt--trust))",
            "### Nested Schema for `trust`",
            "<a id=\"nestedatt--trust--irsa\"></a>\n### Nested Schema for `trust.irsa`",
            "- `issuer` (Set of String) Who.",
        ];
        let mut from = 0;
        for part in expected {
            let found = page.get(from..).and_then(|rest| rest.find(part));
            assert!(found.is_some(), "{part} is missing or out of order in:\n{page}");
            from += found.unwrap_or_default();
        }
    }

    #[test]
    fn secrets_and_deprecations_are_marked() {
        let attribute =
            json!({"name": "token", "type": "bool", "mode": "optional", "description": "T.", "sensitive": true, "deprecated": "Use x."});
        assert_eq!(line(&attribute, "", &Map::new()), "- `token` (Boolean, Sensitive) T. **Deprecated:** Use x.\n");
    }
}

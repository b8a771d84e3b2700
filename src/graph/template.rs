//! Values with other components' outputs inside: a policy that names a key which isn't made yet, a list of subnets.

use serde_json::{Map, Value as Json};

use super::{ComponentId, resolve::Objects};

/// Where a link begins, its two parts end, and it ends: private-use characters, which no name, ARN or policy holds.
const MARKS: [char; 3] = ['\u{e000}', '\u{e001}', '\u{e002}'];

/// A text that stands for another component's output until that is known: as a whole text for the output itself, of whatever kind,
/// and within a longer text or an object's key for its spelling.
#[must_use]
pub fn link(component: &str, output: &str) -> String {
    let [open, middle, close] = MARKS;
    format!("{open}{component}{middle}{output}{close}")
}

/// A piece of a text.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Link(&'a str, &'a str),
}

/// A text's pieces; an unfinished link is text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let [open, middle, close] = MARKS;
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once(open) {
        let linked = after.split_once(close).and_then(|(inner, after)| inner.split_once(middle).map(|parts| (parts, after)));
        let Some(((component, output), after)) = linked else { break };
        if !before.is_empty() {
            found.push(Piece::Text(before));
        }
        found.push(Piece::Link(component, output));
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

/// Every component that a value links to, with the output.
pub(crate) fn links(template: &Json) -> Vec<(ComponentId, String)> {
    let of_text = |text: &str| -> Vec<(ComponentId, String)> {
        let link = |piece| match piece {
            Piece::Link(component, output) => Some((ComponentId::from(component), output.to_owned())),
            Piece::Text(_) => None,
        };
        pieces(text).into_iter().filter_map(link).collect()
    };
    match template {
        Json::String(text) => of_text(text),
        Json::Array(items) => items.iter().flat_map(links).collect(),
        Json::Object(fields) => fields.iter().flat_map(|(name, field)| of_text(name).into_iter().chain(links(field))).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}

/// The value with every link replaced; `None` while one of the outputs isn't known.
pub(crate) fn filled(template: &Json, objects: &Objects) -> Option<Json> {
    Some(match template {
        Json::String(text) => match pieces(text).as_slice() {
            [Piece::Link(component, output)] => output_of(objects, component, output)?.clone(),
            pieces => Json::String(spelled(pieces, objects)?),
        },
        Json::Array(items) => Json::Array(items.iter().map(|item| filled(item, objects)).collect::<Option<_>>()?),
        Json::Object(fields) => {
            let mut all = Map::new();
            for (name, field) in fields {
                all.insert(spelled(&pieces(name), objects)?, filled(field, objects)?);
            }
            Json::Object(all)
        }
        plain => plain.clone(),
    })
}

fn output_of<'a>(objects: &'a Objects, component: &str, output: &str) -> Option<&'a Json> {
    objects.get(&ComponentId::from(component))?.outputs.get(output).filter(|output| !output.is_null())
}

fn spelled(pieces: &[Piece<'_>], objects: &Objects) -> Option<String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Link(component, output) => match output_of(objects, component, output)? {
                Json::String(output) => text.push_str(output),
                other => text.push_str(&other.to_string()),
            },
        }
    }
    Some(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::Found;

    fn objects() -> Objects {
        let outputs = [("arn".to_owned(), json!("arn:x")), ("ids".to_owned(), json!(["a", "b"])), ("none".to_owned(), Json::Null)];
        Objects::from([("key".into(), Found { outputs: outputs.into(), ..Found::default() })])
    }

    #[test]
    fn links_are_found_and_filled_wherever_they_stand() {
        let template =
            json!({ "Resource": [link("key", "arn"), "b"], format!("{}:aud", link("key", "arn")): 1, "all": link("key", "ids") });
        let wanted = json!({ "Resource": ["arn:x", "b"], "arn:x:aud": 1, "all": ["a", "b"] });
        assert_eq!(filled(&template, &objects()), Some(wanted));
        let mut found = links(&template);
        found.sort();
        assert_eq!(found, [("key".into(), "arn".into()), ("key".into(), "arn".into()), ("key".into(), "ids".into())]);
        assert_eq!(filled(&json!(format!("{}/*", link("key", "arn"))), &objects()), Some(json!("arn:x/*")));
    }

    #[test]
    fn what_is_not_known_leaves_the_whole_unknown() {
        for (component, output) in [("other", "arn"), ("key", "id"), ("key", "none")] {
            assert_eq!(filled(&json!(["a", link(component, output)]), &objects()), None, "{component}.{output}");
        }
    }

    #[test]
    fn half_a_link_is_text() {
        let text = format!("x{}key", MARKS[0]);
        assert_eq!((links(&json!(text)), filled(&json!(text), &objects())), (Vec::new(), Some(json!(text))));
    }
}

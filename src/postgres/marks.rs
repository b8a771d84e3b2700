//! Tags for what has none: they stand in brackets at the end of an object's COMMENT, behind whatever somebody wrote there.

use std::collections::BTreeMap;

const BEGIN: &str = "[deeploy ";
const END: char = ']';

/// A COMMENT, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comment {
    /// What others wrote.
    pub(crate) text: String,
    /// Our marks.
    pub(crate) marks: BTreeMap<String, String>,
}

impl Comment {
    /// Reads a comment; one without our brackets has no marks.
    pub(crate) fn parse(comment: Option<&str>) -> Self {
        let comment = comment.unwrap_or_default();
        let Some((text, marks)) = comment.rsplit_once(BEGIN).and_then(|(text, rest)| Some((text, rest.strip_suffix(END)?))) else {
            return Self { text: comment.to_owned(), marks: BTreeMap::new() };
        };
        let pairs = marks.split(' ').filter_map(|pair| pair.split_once('='));
        let marks = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
        Self { text: text.trim_end().to_owned(), marks }
    }

    /// The comment as PostgreSQL keeps it; empty where there is nothing to say.
    pub(crate) fn print(&self) -> String {
        if self.marks.is_empty() {
            return self.text.clone();
        }
        let marks: Vec<String> = self.marks.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let space = if self.text.is_empty() { "" } else { " " };
        format!("{}{space}{BEGIN}{}{END}", self.text, marks.join(" "))
    }

    /// The same with other marks: those of `set` are there, those of `remove` are not.
    pub(crate) fn marked(mut self, set: &BTreeMap<String, String>, remove: &[String]) -> Self {
        self.marks.retain(|name, _| !remove.contains(name));
        self.marks.extend(set.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }
}

fn encoded(text: &str) -> String {
    const KEPT: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b':').remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'@').remove(b'+');
    percent_encoding::utf8_percent_encode(text, &KEPT).to_string()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn marks_survive_and_leave_what_others_wrote() {
        let all = marks(&[("deeploy:owner", "deeploy_rds_user/a b]=ü"), ("deeploy:phase", "ready")]);
        for text in ["", "the team's user", "odd [deeploy x"] {
            let comment = Comment { text: text.to_owned(), marks: all.clone() };
            assert_eq!(Comment::parse(Some(&comment.print())), comment, "{text}");
            let bare = comment.marked(&BTreeMap::new(), &["deeploy:owner".to_owned(), "deeploy:phase".to_owned()]);
            assert_eq!(bare.print(), text);
        }
    }

    #[test]
    fn a_comment_of_others_has_no_marks() {
        for comment in [None, Some(""), Some("hello"), Some("x [deeploy a=b] y")] {
            assert!(Comment::parse(comment).marks.is_empty(), "{comment:?}");
        }
    }
}

//! Names and texts inside statements: utility statements take no parameters.

use postgres_protocol::escape;

/// A name, quoted: `a"b` becomes `"a""b"`. It holds no NUL, which the schema's checks make sure of.
pub(crate) fn identifier(name: &str) -> String {
    escape::escape_identifier(name)
}

/// A text, quoted whatever `standard_conforming_strings` says. (A backslash makes it ` E'…'`.)
pub(crate) fn literal(text: &str) -> String {
    escape::escape_literal(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_end_nothing() {
        assert_eq!(identifier(r#"a"b\c'd"#), r#""a""b\c'd""#);
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\b'c").trim(), r"E'a\\b''c'");
    }
}

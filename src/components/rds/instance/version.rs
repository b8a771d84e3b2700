//! PostgreSQL's versions: `17` names every minor version of the major 17, `17.4` this one and the later ones, since AWS raises minor
//! versions by itself.

/// The major version of `17`, `17.4` or `17.4-R1`.
pub(super) fn major(version: &str) -> Option<u32> {
    number(version.split('.').next()?)
}

fn minor(version: &str) -> Option<u32> {
    number(version.split('.').nth(1)?)
}

fn number(text: &str) -> Option<u32> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.get(..digits)?.parse().ok()
}

/// Whether an engine of the version `actual` is what `wanted` asks for.
pub(super) fn satisfies(wanted: &str, actual: &str) -> bool {
    major(wanted).is_some()
        && major(wanted) == major(actual)
        && minor(wanted).is_none_or(|wanted| minor(actual).is_some_and(|actual| actual >= wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_and_what_aws_raised_are_satisfied() {
        for (wanted, actual, expected) in [
            ("17", "17.4", true),
            ("17.4", "17.4", true),
            ("17.4", "17.6", true),
            ("17.4", "17.10", true),
            ("17.4", "17.4-R1", true),
            ("17.6", "17.4", false),
            ("18", "17.6", false),
            ("16.1", "17.6", false),
            ("", "17.6", false),
        ] {
            assert_eq!(satisfies(wanted, actual), expected, "{wanted} {actual}");
        }
    }
}

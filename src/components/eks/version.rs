//! Kubernetes versions, and those of add-ons.

/// Major and minor of `1.33`, `v1.20.1-eksbuild.3`.
#[must_use]
pub(crate) fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-']).map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    }
}

/// The numbers of an add-on's version, for comparison: `v1.20.1-eksbuild.3` → 1, 20, 1, 3.
#[must_use]
pub(super) fn numbers(version: &str) -> Vec<u32> {
    version.split(|character: char| !character.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// What to ask a cluster for that is at `found` and shall be at `wanted`: EKS goes one minor at a time. `None`: it is there, or beyond.
#[must_use]
pub(super) fn step(found: &str, wanted: &str) -> Option<String> {
    match (minor(found)?, minor(wanted)?) {
        (found, wanted) if found >= wanted => None,
        ((major, now), (wanted, _)) if major == wanted => Some(format!("{major}.{}", now + 1)),
        _ => Some(wanted.to_owned()),
    }
}

/// What to report as a version: the wanted one where the live one is the same or later. AWS raises versions by itself when their support
/// ends, and that is no difference.
#[must_use]
pub(super) fn reported<'a>(wanted: Option<&'a str>, live: &'a str) -> &'a str {
    match wanted {
        Some(wanted) if minor(wanted).zip(minor(live)).is_some_and(|(wanted, live)| live >= wanted) => wanted,
        _ => live,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_one_minor_at_a_time_and_never_back() {
        let cases = [
            ("1.30", "1.33", Some("1.31")),
            ("1.32", "1.33", Some("1.33")),
            ("1.33", "1.33", None),
            ("1.34", "1.33", None),
            ("1.9", "1.10", Some("1.10")),
            ("1.33", "2.0", Some("2.0")),
            ("?", "1.33", None),
        ];
        for (found, wanted, expected) in cases {
            assert_eq!(step(found, wanted).as_deref(), expected, "{found} {wanted}");
        }
    }

    #[test]
    fn a_version_that_aws_raised_is_no_difference() {
        assert_eq!(reported(Some("1.31"), "1.32"), "1.31");
        assert_eq!(reported(Some("1.32"), "1.31"), "1.31");
        assert_eq!(reported(None, "1.31"), "1.31");
    }

    #[test]
    fn versions_of_add_ons() {
        assert_eq!(minor("v1.20.1-eksbuild.3"), Some((1, 20)));
        assert_eq!(numbers("v1.20.1-eksbuild.3"), [1, 20, 1, 3]);
        assert!(numbers("v1.20.10-eksbuild.1") > numbers("v1.20.9-eksbuild.3"));
    }
}

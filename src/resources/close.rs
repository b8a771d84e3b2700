//! Names that somebody may have meant.

/// How many are named at most.
const NAMED_MAX: usize = 3;

/// Those of `names` that `wrong` is near to, the nearest first: a few letters other, or one the beginning of the other.
pub(crate) fn close<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let far = (wrong.chars().count() / 3).max(2);
    let begins = |name: &str| wrong.chars().count() > 2 && (name.starts_with(wrong) || wrong.starts_with(name));
    let mut near: Vec<(usize, &str)> =
        names.into_iter().map(|name| (distance(wrong, name), name)).filter(|(distance, name)| *distance <= far || begins(name)).collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(NAMED_MAX).map(|(_, name)| name).collect()
}

/// "Did you mean `a` or `b`?", with a space before; nothing where nothing is near.
pub(crate) fn meant<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let near: Vec<String> = close(wrong, names).iter().map(|name| format!("`{name}`")).collect();
    if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(" or ")) }
}

/// Letters to put in, leave out or exchange (Levenshtein), row by row.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut next = vec![at + 1];
        for ((above, left_above), with) in row.iter().skip(1).zip(&row).zip(&other) {
            let left = next.last().copied().unwrap_or_default();
            next.push((left_above + usize::from(letter != *with)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_near() {
        assert_eq!((distance("", "abc"), distance("abc", ""), distance("kitten", "sitting"), distance("ab", "ab")), (3, 3, 3, 0));
        let names = ["bucket", "database", "data_key", "log_bucket", "cluster", "database_subnet_group"];
        let cases = [
            ("databse", vec!["database"]),
            ("bukcet", vec!["bucket"]),
            ("data", vec!["data_key", "database", "database_subnet_group"]),
            ("vpc", vec![]),
        ];
        for (wrong, near) in cases {
            assert_eq!(close(wrong, names), near, "{wrong}");
        }
        assert_eq!(meant("databse", names), " Did you mean `database`?");
        assert_eq!(meant("vpc", names), "");
    }
}

//! Takes secrets out of what AWS and the SDK say, before anybody sees it.

/// Longest message kept, characters; an explicit deny with its policy fits, a page of HTML doesn't.
const MESSAGE_CHARS_MAX: usize = 1500;

/// Length of a secret access key, characters.
const SECRET_KEY_CHARS: usize = 40;

/// Length of an access key id, characters (AWS says 16 to 128; every one issued has 20).
const ACCESS_KEY_ID_CHARS: usize = 20;

/// From these on, AWS quotes the signed request: its headers hold the session token.
const QUOTED_REQUESTS: [&str; 3] = ["The Canonical String for this request", "The String-to-Sign should have been", "x-amz-security-token"];

/// The message without access keys, session tokens and quoted requests, on one line.
#[must_use]
pub fn redact(message: &str) -> String {
    let lower = message.to_ascii_lowercase();
    let end = QUOTED_REQUESTS.iter().filter_map(|quote| lower.find(&quote.to_ascii_lowercase())).min().unwrap_or(message.len());
    let head = message.get(..end).unwrap_or_default();
    let mut out = String::with_capacity(head.len());
    let mut word = String::new();
    for c in head.chars() {
        if is_key_char(c) {
            word.push(c);
            continue;
        }
        flush(&mut out, &mut word);
        out.push(if c.is_control() { ' ' } else { c });
    }
    flush(&mut out, &mut word);
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    match out.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", out.get(..cut).unwrap_or_default()),
        None => out,
    }
}

/// Characters of which keys and tokens consist (base64).
fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Moves the word to `out`, masked if it is a key.
fn flush(out: &mut String, word: &mut String) {
    // `key=SECRET` is one run of base64's characters: the part after the sign counts.
    let (name, value) = word.split_once('=').filter(|(_, value)| !value.trim_end_matches('=').is_empty()).unwrap_or(("", word));
    if is_secret(value) {
        out.push_str(name);
        out.push_str(if name.is_empty() { "" } else { "=" });
        out.push_str("(redacted)");
    } else {
        out.push_str(word);
    }
    word.clear();
}

/// Whether the word looks like an access key id, a secret access key or a session token.
fn is_secret(word: &str) -> bool {
    let mixed = word.bytes().any(|b| b.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().any(|b| b.is_ascii_digit());
    let key_id = word.len() == ACCESS_KEY_ID_CHARS
        && ["AKIA", "ASIA"].iter().any(|prefix| word.starts_with(prefix))
        && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    // Session tokens are base64 of hundreds of bytes; nothing else of that shape stands in an error.
    let token = word.len() > 3 * SECRET_KEY_CHARS && mixed;
    key_id || token || (word.len() == SECRET_KEY_CHARS && mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_tokens_go() {
        let token = "IQoJb3JpZ2luX2VjEJr".repeat(10);
        for (text, expected) in [
            ("The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.", "The Access Key with id (redacted) cannot be found."),
            ("key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY no", "key (redacted) no"),
            ("secret=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!", "secret=(redacted)!"),
            ("\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"", "\"(redacted)\""),
            (&format!("token {token}"), "token (redacted)"),
            (
                "The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'GET …",
                "The request signature we calculated does not match.",
            ),
            ("bad X-Amz-Security-Token:abc", "bad"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn what_people_need_stays() {
        for text in [
            "User: arn:aws:iam::123456789012:user/deeploy/x is not authorized to perform: kms:CreateKey because no identity-based policy allows the kms:CreateKey action",
            "The key arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab is pending deletion.",
            "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
            "commit 356a192b7913b04c54574d18c28d46e6395428ab",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let cut = redact(&"é ".repeat(MESSAGE_CHARS_MAX));
        assert_eq!(cut.chars().count(), MESSAGE_CHARS_MAX + 1);
        assert!(cut.ends_with('…'));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_and_bounded(text in ".{0,3000}") {
            proptest::prop_assert!(redact(&text).chars().count() <= MESSAGE_CHARS_MAX + 1);
        }
    }
}

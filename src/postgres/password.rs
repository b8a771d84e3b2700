//! Passwords, and the verifiers that a server keeps instead: the plain text never reaches it, nor its log.

use zeroize::Zeroizing;

/// 190 bits; the verifier may stand in a log, where only length helps against guessing.
const LENGTH: usize = 32;
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A new password: 32 letters and digits, a letter first. Deeploy's chart writes it into YAML unquoted, and nothing of this shape is a number, a
/// boolean or null there.
///
/// # Errors
/// When the operating system has no randomness.
pub(crate) fn generate() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut password = Zeroizing::new(String::with_capacity(LENGTH));
    while password.len() < LENGTH {
        let mut bytes = Zeroizing::new([0_u8; 64]);
        getrandom::fill(bytes.as_mut())?;
        for byte in bytes.iter() {
            let alphabet = if password.is_empty() { LETTERS } else { ALPHANUMERIC };
            // Six bits, and those beyond the alphabet thrown away: each character is as likely as any other.
            if let Some(character) = alphabet.get(usize::from(byte & 0x3f)).filter(|_| password.len() < LENGTH) {
                password.push(char::from(*character));
            }
        }
    }
    Ok(password)
}

/// `SCRAM-SHA-256$4096:SALT$STORED:SERVER` (RFC 5803, the form of PostgreSQL's `pg_authid`) with a salt of its own; by SASLprep, as clients do.
pub(crate) fn verifier(password: &str) -> Zeroizing<String> {
    Zeroizing::new(postgres_protocol::password::scram_sha_256(password.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn passwords_have_their_shape_and_differ() {
        let all: std::collections::BTreeSet<String> = (0..500).map(|_| generate().unwrap().to_string()).collect();
        assert_eq!(all.len(), 500);
        for password in all {
            assert_eq!(password.len(), LENGTH);
            assert!(
                password.starts_with(|first: char| first.is_ascii_alphabetic())
                    && password.bytes().all(|byte| byte.is_ascii_alphanumeric())
            );
        }
    }

    #[test]
    fn verifiers_are_scram_and_salted() {
        let (one, other) = (verifier("pass"), verifier("pass"));
        assert!(one.starts_with("SCRAM-SHA-256$4096:") && one != other, "{}", *one);
        assert!(!one.contains("pass"));
    }
}

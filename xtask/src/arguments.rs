//! What follows a command's name.

use acceptance_tests::Failure;

/// The words not yet taken.
#[derive(Debug)]
pub(crate) struct Arguments {
    command: &'static str,
    words: Vec<String>,
}

impl Arguments {
    pub(crate) fn new(command: &'static str, words: Vec<String>) -> Self {
        Self { command, words }
    }

    /// Takes `--name`.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// Takes `--name VALUE` or `--name=VALUE`.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let with_equals = format!("{name}=");
        let Some(at) = self.words.iter().position(|word| word == name || word.starts_with(&with_equals)) else { return Ok(None) };
        let word = self.words.remove(at);
        if let Some(value) = word.strip_prefix(&with_equals) {
            return Ok(Some(value.to_owned()));
        }
        if at < self.words.len() { Ok(Some(self.words.remove(at))) } else { Err(self.wrong(&format!("{name} needs a value"))) }
    }

    /// Takes `--name NUMBER`.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.value(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.wrong(&format!("{name} needs a number, not {text:?}")))
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(self.wrong(&format!("it does not know {word:?}"))),
        }
    }

    fn wrong(&self, why: &str) -> Failure {
        Failure::new(format!("cargo xtask {}: {why}", self.command)).remedy("`cargo xtask` lists every command and its options")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn given(words: &[&str]) -> Arguments {
        Arguments::new("test", words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn flags_and_values_are_taken_in_any_order() {
        let mut arguments = given(&["--seeds", "7", "--check", "--only=docs"]);
        assert!(arguments.flag("--check"));
        assert!(!arguments.flag("--check"));
        assert_eq!(arguments.value("--only").unwrap(), Some("docs".to_owned()));
        assert_eq!(arguments.number("--seeds").unwrap(), Some(7));
        arguments.end().unwrap();
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(given(&["--seeds"]).number("--seeds").unwrap_err().to_string().contains("needs a value"));
        assert!(given(&["--seeds", "x"]).number("--seeds").unwrap_err().to_string().contains("\"x\""));
        assert!(given(&["--fast"]).end().unwrap_err().to_string().contains("\"--fast\""));
    }
}

//! Patterns over names.

use serde::{Deserialize, Serialize};

/// A pattern: `*` stands for any text, an empty one too, `?` for one character. All else stands for
/// itself, in its own letter case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(type = "string"))]
pub struct Glob(String);

impl Glob {
    /// A pattern; any text is one.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether all of `text` fits. Takes at most the product of both lengths, whatever the pattern.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (mut pattern, mut text) = (self.0.chars(), text.chars());
        // Where to go on if what follows the last `*` does not fit: one character later.
        let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
        loop {
            let (before_pattern, before_text) = (pattern.clone(), text.clone());
            match (pattern.next(), text.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    retry = Some((pattern.clone(), before_text.clone()));
                    text = before_text;
                }
                (Some('?'), Some(_)) => {}
                (Some(p), Some(t)) if p == t => {}
                _ => {
                    drop(before_pattern);
                    let Some((after_star, mut from)) = retry.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    (pattern, text) = (after_star.clone(), from.clone());
                    retry = Some((after_star, from));
                }
            }
        }
    }
}

impl From<&str> for Glob {
    fn from(pattern: &str) -> Self {
        Self::new(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "a"),
            ("a*c", "abbc"),
            ("a*c", "ac"),
            ("?", "é"),
            ("*b*b", "abab"),
            ("", ""),
            ("a**", "a"),
        ] {
            assert!(Glob::from(pattern).matches(text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("?", ""), ("a*c", "abcd"), ("a", "A"), ("", "a"), ("*b*b", "aba"), ("??", "a")]
        {
            assert!(!Glob::from(pattern).matches(text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!Glob::new("*a".repeat(50)).matches(&format!("{}b", "a".repeat(2000))));
    }
}

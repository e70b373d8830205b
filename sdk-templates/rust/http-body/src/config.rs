use serde::Deserialize;

use crate::json;

/// What the filter is told; `config.schema.json` describes it for its users.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The text to find in the bodies of responses.
    pub find: String,
    /// What to put in its place.
    pub replace: String,
}

impl Config {
    /// Reads a configuration; the error says which member is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        let config: Config = json::read(text)?;
        if config.find.is_empty() {
            return Err("find: there must be a text to find".into());
        }
        Ok(config)
    }

    /// A body with the text replaced wherever it stands; nothing if it does not.
    ///
    /// Works on bytes: a body need not be text.
    pub fn replaced(&self, body: &[u8]) -> Option<Vec<u8>> {
        let find = self.find.as_bytes();
        let mut result = None::<Vec<u8>>;
        let mut rest = body;
        while let Some(place) = rest.windows(find.len()).position(|window| window == find) {
            let result = result.get_or_insert_with(|| Vec::with_capacity(body.len()));
            result.extend_from_slice(&rest[..place]);
            result.extend_from_slice(self.replace.as_bytes());
            rest = &rest[place + find.len()..];
        }
        if let Some(result) = &mut result {
            result.extend_from_slice(rest);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(find: &str, replace: &str, body: &[u8]) -> Option<Vec<u8>> {
        let config = Config {
            find: find.into(),
            replace: replace.into(),
        };
        config.replaced(body)
    }

    #[test]
    fn replaces_a_text_wherever_it_stands() {
        for (find, replace, body, expected) in [
            ("cat", "horse", "cat, catalogue", "horse, horsealogue"),
            ("--", "", "a--b----", "ab"),
            ("a", "aa", "banana", "baanaanaa"),
            ("aa", "b", "aaa", "ba"),
        ] {
            let result = replaced(find, replace, body.as_bytes());
            assert_eq!(result.as_deref(), Some(expected.as_bytes()), "{body}");
        }
    }

    #[test]
    fn leaves_other_bodies_alone() {
        assert_eq!(replaced("cat", "horse", b""), None);
        assert_eq!(replaced("cat", "horse", b"ca"), None);
        assert_eq!(replaced("cat", "horse", b"\xff\x00dog"), None);
    }

    #[test]
    fn works_on_bytes_that_are_no_text() {
        let result = replaced("cat", "horse", b"\xffcat\xfe");
        assert_eq!(result.as_deref(), Some(&b"\xffhorse\xfe"[..]));
    }

    #[test]
    fn refuses_a_bad_configuration() {
        for (text, reason) in [
            ("", "find: "),
            ("{}", "find: "),
            (r#"{"find": "", "replace": "x"}"#, "find: "),
            (r#"{"find": 7}"#, "find: "),
            (r#"{"find": "cat", "replaces": "horse"}"#, "replaces"),
            (r#"{"find":"#, "JSON"),
        ] {
            let error = Config::from_json(text.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}

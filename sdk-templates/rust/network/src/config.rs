use serde::Deserialize;

use crate::json;

/// What the filter is told; `config.schema.json` describes it for its users.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What a client has to begin with.
    pub prefix: String,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    Accept,
    Refuse,
    /// There are too few bytes yet.
    Wait,
}

impl Config {
    /// Reads a configuration; the error says which member is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        let config: Config = json::read(text)?;
        if config.prefix.is_empty() {
            return Err("prefix: an empty one would let everybody in".into());
        }
        Ok(config)
    }

    /// Judges a connection by all bytes of the client so far.
    pub fn judge(&self, bytes: &[u8], is_end: bool) -> Verdict {
        let prefix = self.prefix.as_bytes();
        if bytes.starts_with(prefix) {
            Verdict::Accept
        } else if prefix.starts_with(bytes) && !is_end {
            Verdict::Wait
        } else {
            Verdict::Refuse
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_by_the_first_bytes() {
        let config = Config::from_json(br#"{"prefix": "HELLO "}"#).unwrap();
        for (bytes, is_end, verdict) in [
            ("HELLO there", false, Verdict::Accept),
            ("HELLO ", true, Verdict::Accept),
            ("HEL", false, Verdict::Wait),
            ("", false, Verdict::Wait),
            ("HEL", true, Verdict::Refuse),
            ("HELP me", false, Verdict::Refuse),
            ("hello there", false, Verdict::Refuse),
        ] {
            assert_eq!(config.judge(bytes.as_bytes(), is_end), verdict, "{bytes}");
        }
    }

    #[test]
    fn refuses_a_bad_configuration() {
        for (text, reason) in [
            ("", "prefix: "),
            ("{}", "prefix: "),
            (r#"{"prefix": ""}"#, "prefix: "),
            (r#"{"prefix": ["HELLO"]}"#, "prefix: "),
            (r#"{"prefixes": "HELLO"}"#, "prefixes"),
            (r#"{"prefix":"#, "JSON"),
        ] {
            let error = Config::from_json(text.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}

use serde::Deserialize;

use crate::json;

/// What the filter is told; `config.schema.json` describes it for its users.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The name of the response header to set.
    pub header: String,
    pub value: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            header: "hello".into(),
            value: "world".into(),
        }
    }
}

impl Config {
    /// Reads a configuration; the error says which member is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        let config: Config = json::read(text)?;
        if !is_header_name(&config.header) {
            return Err(format!(
                "header: {:?} is not the name of a header",
                config.header
            ));
        }
        if config.value.contains(['\0', '\r', '\n']) {
            return Err(format!(
                "value: {:?} has a character that ends a header",
                config.value
            ));
        }
        Ok(config)
    }
}

/// Whether a text is a token of RFC 9110, section 5.6.2.
fn is_header_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_defaults() {
        let usual = Config {
            header: "hello".into(),
            value: "world".into(),
        };
        assert_eq!(Config::from_json(b""), Ok(usual.clone()));
        assert_eq!(Config::from_json(b"{}"), Ok(usual));
    }

    #[test]
    fn takes_what_it_is_told() {
        let config = Config::from_json(br#"{"header": "x-filtered", "value": ""}"#).unwrap();
        assert_eq!(config.header, "x-filtered");
        assert_eq!(config.value, "");
    }

    #[test]
    fn refuses_a_bad_configuration() {
        for (text, reason) in [
            (r#"{"header": "two words"}"#, "header: "),
            (r#"{"header": ""}"#, "header: "),
            (r#"{"value": "one\r\nset-cookie: two"}"#, "value: "),
            (r#"{"value": 7}"#, "value: "),
            (r#"{"heeder": "x-filtered"}"#, "heeder"),
            (r#"{"header":"#, "JSON"),
            (r#"{} {}"#, "JSON"),
        ] {
            let error = Config::from_json(text.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}

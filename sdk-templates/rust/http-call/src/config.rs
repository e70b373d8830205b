use std::time::Duration;

use serde::Deserialize;

use crate::json;

/// What the filter is told; `config.schema.json` describes it for its users.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// The cluster of the service to ask.
    pub cluster: String,
    /// The path to ask.
    pub path: String,
    timeout_milliseconds: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            cluster: String::new(),
            path: "/".into(),
            timeout_milliseconds: 1000,
        }
    }
}

impl Config {
    /// Reads a configuration; the error says which member is wrong.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        let config: Config = json::read(text)?;
        if config.cluster.is_empty() {
            return Err("cluster: there must be a service to ask".into());
        }
        let is_path =
            config.path.starts_with('/') && config.path.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_path {
            return Err(format!("path: {:?} is not a path", config.path));
        }
        if !(1..=60_000).contains(&config.timeout_milliseconds) {
            return Err(format!(
                "timeoutMilliseconds: {} is not between 1 and 60000",
                config.timeout_milliseconds
            ));
        }
        Ok(config)
    }

    /// How long to wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_milliseconds.into())
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    Pass,
    Deny,
    /// The service said nothing that helps.
    Unknown,
}

impl Verdict {
    /// Judges by the status of the service's answer; none if there was no answer.
    pub fn of(status: Option<&[u8]>) -> Self {
        match status {
            Some(b"200") => Verdict::Pass,
            Some([b'4', ..]) => Verdict::Deny,
            _ => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_defaults() {
        let config = Config::from_json(br#"{"cluster": "users"}"#).unwrap();
        assert_eq!(config.cluster, "users");
        assert_eq!(config.path, "/");
        assert_eq!(config.timeout(), Duration::from_secs(1));
    }

    #[test]
    fn judges_by_the_status() {
        for (status, verdict) in [
            (Some("200"), Verdict::Pass),
            (Some("401"), Verdict::Deny),
            (Some("403"), Verdict::Deny),
            (Some("500"), Verdict::Unknown),
            (Some("302"), Verdict::Unknown),
            (None, Verdict::Unknown),
        ] {
            assert_eq!(
                Verdict::of(status.map(str::as_bytes)),
                verdict,
                "{status:?}"
            );
        }
    }

    #[test]
    fn refuses_a_bad_configuration() {
        for (text, reason) in [
            (r#"{"path": "/check"}"#, "cluster: "),
            (r#"{"cluster": "users", "path": "check"}"#, "path: "),
            (r#"{"cluster": "users", "path": "/a b"}"#, "path: "),
            (
                r#"{"cluster": "users", "timeoutMilliseconds": 0}"#,
                "timeoutMilliseconds: ",
            ),
            (
                r#"{"cluster": "users", "timeoutMilliseconds": "1s"}"#,
                "timeoutMilliseconds: ",
            ),
            (r#"{"cluster": "users", "timeout": 1}"#, "timeout"),
            (r#"{"cluster":"#, "JSON"),
        ] {
            let error = Config::from_json(text.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}

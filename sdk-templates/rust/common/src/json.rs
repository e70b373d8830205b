//! Reads configurations and says which member of one is wrong.

use serde::de::DeserializeOwned;

/// Reads a JSON text; no text at all is an empty object.
///
/// An error about a member begins with its name, as in `value: invalid type: …`.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    let text = if text.is_empty() { b"{}" } else { text };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        if error.inner().is_data() {
            error.to_string()
        } else {
            format!("this is no JSON: {}", error.inner())
        }
    })?;
    reader
        .end()
        .map_err(|error| format!("this is no JSON: {error}"))?;
    Ok(value)
}

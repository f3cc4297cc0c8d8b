//! JSON, which is printed again as a whole: `gen` prints all of it in one form.

use serde_json::Value as Json;

use super::Refused;
use super::tree::Node;
use crate::lit::json::document;

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Node, Refused> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    if write(std::slice::from_ref(&json))? != text {
        return Err("it has a layout of its own".to_owned());
    }
    Ok(Node::of(json))
}

/// Prints a document.
pub(super) fn write(documents: &[Json]) -> Result<String, Refused> {
    match documents {
        [Json::Object(object)] => Ok(document(object)),
        _ => Err("it is not an object".to_owned()),
    }
}

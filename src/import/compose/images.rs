//! What services run, by the repositories of their images.

use crate::spec::tree::{Node, Table, Value};

/// The images of kinds.
const KINDS: [(&str, &str); 7] = [
    ("grafana/alloy", "alloy"),
    ("grafana/grafana", "grafana"),
    ("grafana/grafana-enterprise", "grafana"),
    ("grafana/grafana-oss", "grafana"),
    ("grafana/loki", "loki"),
    ("grafana/mimir", "mimir"),
    ("postgres", "postgres"),
];

/// The repository of a service's image, in Docker's registry or in any other, without a tag.
pub fn repository<'t>(service: &'t Table<'_>) -> Option<&'t str> {
    let Some(Node { value: Value::String(image), .. }) = service.at(&["image"]) else { return None };
    let name = image.split(['@', '$']).next().unwrap_or(image);
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let name = match name[last..].find(':') {
        Some(colon) => &name[..last + colon],
        // Without a tag, what a variable decides is part of the name.
        None if image[name.len()..].starts_with('$') => return None,
        None => name,
    };
    // The part that has a dot or a port is a registry.
    let name = match name.split_once('/') {
        Some((registry, rest)) if registry.contains(['.', ':']) || registry == "localhost" => rest,
        _ => name,
    };
    Some(name.strip_prefix("library/").unwrap_or(name))
}

/// The kind that runs the image of a service.
pub fn kind(service: &Table<'_>) -> Option<&'static str> {
    let repository = repository(service)?;
    KINDS.iter().find(|(known, _)| *known == repository).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::compose::{key, string};

    #[test]
    fn images_of_kinds() {
        for (image, expected) in [
            ("postgres", Some("postgres")),
            ("docker.io/library/postgres:${TAG:-17}", Some("postgres")),
            ("localhost:5000/grafana/loki@sha256:0", Some("loki")),
            ("grafana/grafana-oss:13.2.1", Some("grafana")),
            ("${REGISTRY:-}postgres:1", None),
            ("postgres${SUFFIX}:1", None),
            ("bitnami/postgres:17", None),
            ("", None),
        ] {
            let service = Table { entries: vec![(key("image"), string(image))] };
            assert_eq!(kind(&service), expected, "{image}");
        }
    }
}

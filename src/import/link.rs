//! Links of dashboards and panels.

use serde_json::json;

use super::note::Kind;
use super::object::Object;
use super::toml::Table;

/// Reads a link.
pub(super) fn read(mut link: Object<'_>) -> Option<Table> {
    let mut table = Table::default();
    table.put("title", link.filled("title").unwrap_or_default());
    let kind = link.filled("type").unwrap_or_default();
    let tags = link.texts("tags");
    let url = link.filled("url");
    if kind == "dashboards" {
        // It goes to every dashboard with the tags; an address would have no effect.
        table.put("tags", tags);
    } else if let Some(url) = url {
        table.put("url", url);
        if !tags.is_empty() {
            link.note(Kind::Dropped, "tags", "without effect in a link with an address");
        }
    } else {
        link.note(Kind::Dropped, "", "a link without an address");
        return None;
    }
    table.put_some("tooltip", link.filled("tooltip"));
    table.put_some("icon", link.filled("icon").filter(|icon| icon != "external link"));
    for (flag, key) in [
        ("targetBlank", "new_tab"),
        ("includeVars", "include_variables"),
        ("keepTime", "keep_time"),
        ("asDropdown", "dropdown"),
    ] {
        table.put_some(key, link.flag(flag).filter(|flag| *flag));
    }
    link.forget(&["$$hashKey"]);
    link.forget_if("oneClick", &json!(false));
    // A link has no passthrough of its own.
    let keys: Vec<String> = link.map.keys().cloned().collect();
    for key in keys {
        link.lose(&key, "no key of a link");
    }
    Some(table)
}

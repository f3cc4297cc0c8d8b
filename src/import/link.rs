//! Links of dashboards and panels.

use super::entries;
use super::note::Kind;
use super::object::Object;
use super::toml::Item;
use crate::spec::dashboard::LINK;

/// Reads a link.
pub(super) fn read(link: &mut Object<'_>) -> Option<Item> {
    let kind = link.filled("type").unwrap_or_default();
    if kind == "dashboards" {
        // It leads to every dashboard with the tags; a URL would have no effect.
        link.forget(&["url"]);
    } else if link.map.get("url").and_then(|url| url.as_str()).is_none_or(str::is_empty) {
        link.note(Kind::Dropped, "", "a link without a URL");
        link.map.clear();
        return None;
    } else {
        link.lose("tags", "no effect in a link with a URL");
    }
    let mut keys = entries::read(link, &LINK, "");
    if keys.get("title").is_none() {
        keys.put("title", "");
    }
    if kind == "dashboards" && keys.get("tags").is_none() {
        keys.put("tags", Item::List(Vec::new()));
    }
    link.forget(&["$$hashKey"]);
    keys.arrange(&LINK);
    Some(keys.into())
}

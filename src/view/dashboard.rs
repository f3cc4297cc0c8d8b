//! `grafana/<folder>/<name>.json`: a dashboard in Grafana's classic schema.
//!
//! There is no template: JSON is a tree, and so is a dashboard.

use crate::lit::json::document;
use crate::model::dashboard::Dashboard;

pub(super) fn render(dashboard: &Dashboard) -> String {
    document(&dashboard.json)
}

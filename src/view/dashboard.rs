//! `grafana/<folder>/<name>.json`: a dashboard in Grafana's classic schema.
//!
//! There is no template: JSON is a tree, and so is a dashboard.

use crate::model::dashboard::Dashboard;

pub(super) fn render(dashboard: &Dashboard) -> String {
    dashboard.json.text().to_owned()
}

//! What Grafana assumes where a panel says nothing, and fills in again when it opens the dashboard: values that an
//! export holds although nobody chose them. A value stays where there is any doubt.
//!
//! `defaults.json` has them by type of panel, from Grafana's `public/app/plugins/panel/*/module.tsx`,
//! `timeseries/config.ts`, `panelcfg.gen.ts`, the `commonOptionsBuilder` of `@grafana/ui` and its registry of standard
//! options.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::object::Object;

static DEFAULTS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("defaults.json")).unwrap_or_default());

/// Forgets what is as a panel's plugin has it.
pub(super) fn forget(kind: &str, panel: &mut Object<'_>) {
    let mut fields = panel.object("fieldConfig");
    let mut standard = fields.object("defaults");
    let mut custom = standard.object("custom");
    let mut options = panel.object("options");
    let types = |block: &&Value| block["types"].as_array().is_some_and(|types| types.contains(&kind.into()));
    for block in DEFAULTS.as_array().into_iter().flatten().filter(types) {
        for (part, object) in [("field", &mut standard), ("custom", &mut custom), ("options", &mut options)] {
            for (key, default) in block[part].as_object().into_iter().flatten() {
                object.forget_if(key, default);
            }
        }
    }
    // The base step is written with null, with 0 by some versions, or without a value.
    for base in [
        json!({ "color": "green", "value": null }),
        json!({ "color": "green", "value": 0 }),
        json!({ "color": "green" }),
    ] {
        let steps = json!([base, { "color": "red", "value": 80 }]);
        standard.forget_if("thresholds", &json!({ "mode": "absolute", "steps": steps }));
    }
    standard.put_back("custom", custom);
    fields.put_back("defaults", standard);
    panel.put_back("fieldConfig", fields);
    panel.put_back("options", options);
}

/// Keys of the spec that say what a panel's plugin does anyway.
pub(super) fn short(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "timeseries" | "barchart" | "histogram" | "trend" | "state-timeline" | "status-history" => {
            &[("legend", "list"), ("tooltip", "single")]
        }
        "stat" | "gauge" | "bargauge" | "piechart" => &[("reduce", "lastNotNull")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::dashboards::options::is_core;

    #[test]
    fn the_defaults_are_those_of_grafanas_panels() {
        let blocks = DEFAULTS.as_array().unwrap();
        assert!(blocks.len() > 10);
        for kind in blocks.iter().flat_map(|block| block["types"].as_array().unwrap()) {
            assert!(is_core(kind.as_str().unwrap()), "{kind}");
        }
    }
}

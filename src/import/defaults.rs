//! What Grafana assumes where a panel says nothing, and fills in again when it opens the dashboard: values that an
//! export holds although nobody chose them. A value stays where there is any doubt.
//!
//! From Grafana's `public/app/plugins/panel/*/module.tsx`, `timeseries/config.ts`, `panelcfg.gen.ts`, the
//! `commonOptionsBuilder` of `@grafana/ui` and its registry of standard options.

use serde_json::{Value, json};

use super::object::Object;

/// Panels whose fields take the colours of the palette one after the other.
const PALETTE: &[&str] = &["timeseries", "barchart", "piechart", "histogram", "trend"];

/// Panels whose fields take the colour of their threshold.
const BY_VALUE: &[&str] = &["stat", "gauge", "bargauge", "table"];

/// Panels with the axis, legend and tooltip options that plots have in common.
const PLOTS: &[&str] = &["timeseries", "barchart", "histogram", "trend", "state-timeline", "status-history"];

/// Forgets the standard options that are as Grafana has them.
pub(super) fn forget_field(kind: &str, fields: &mut Object<'_>) {
    if PALETTE.contains(&kind) {
        fields.forget_if("color", &json!({ "mode": "palette-classic" }));
    } else if BY_VALUE.contains(&kind) {
        fields.forget_if("color", &json!({ "mode": "thresholds" }));
    }
    // The base step is written with null, with 0 by some versions, or without a value.
    for base in [
        json!({ "color": "green", "value": null }),
        json!({ "color": "green", "value": 0 }),
        json!({ "color": "green" }),
    ] {
        let steps = json!([base, { "color": "red", "value": 80 }]);
        fields.forget_if("thresholds", &json!({ "mode": "absolute", "steps": steps }));
    }
}

/// Forgets the options of a panel's fields that are as its plugin has them.
pub(super) fn forget_custom(kind: &str, custom: &mut Object<'_>) {
    let hide = json!({ "legend": false, "tooltip": false, "viz": false });
    if PLOTS.contains(&kind) || kind == "piechart" {
        custom.forget_if("hideFrom", &hide);
    }
    if matches!(kind, "timeseries" | "barchart" | "trend") {
        forget(
            custom,
            &[
                ("axisBorderShow", json!(false)),
                ("axisCenteredZero", json!(false)),
                ("axisColorMode", json!("text")),
                ("axisLabel", json!("")),
                ("axisPlacement", json!("auto")),
                ("scaleDistribution", json!({ "type": "linear" })),
                ("thresholdsStyle", json!({ "mode": "off" })),
                ("gradientMode", json!("none")),
                ("lineWidth", json!(1)),
            ],
        );
    }
    match kind {
        "timeseries" => forget(
            custom,
            &[
                ("drawStyle", json!("line")),
                ("lineInterpolation", json!("linear")),
                ("fillOpacity", json!(0)),
                ("barAlignment", json!(0)),
                ("barWidthFactor", json!(0.6)),
                ("stacking", json!({ "group": "A", "mode": "none" })),
                ("spanNulls", json!(false)),
                ("insertNulls", json!(false)),
                ("showPoints", json!("auto")),
                ("showValues", json!(false)),
                ("pointSize", json!(5)),
            ],
        ),
        "barchart" => forget(custom, &[("fillOpacity", json!(80))]),
        "state-timeline" => forget(
            custom,
            &[
                ("lineWidth", json!(0)),
                ("fillOpacity", json!(70)),
                ("spanNulls", json!(false)),
                ("insertNulls", json!(false)),
            ],
        ),
        "status-history" => forget(custom, &[("lineWidth", json!(1)), ("fillOpacity", json!(70))]),
        "table" => forget(
            custom,
            &[
                ("align", json!("auto")),
                ("cellOptions", json!({ "type": "auto" })),
                ("inspect", json!(false)),
                ("filterable", json!(false)),
            ],
        ),
        _ => {}
    }
}

/// Forgets the options of a panel that are as its plugin has them.
pub(super) fn forget_options(kind: &str, options: &mut Object<'_>) {
    if matches!(kind, "stat" | "gauge" | "bargauge" | "piechart") {
        forget(options, &[("reduceOptions", json!({ "calcs": ["lastNotNull"], "fields": "", "values": false }))]);
    }
    if matches!(kind, "stat" | "gauge" | "bargauge") {
        forget(options, &[("orientation", json!("auto"))]);
    }
    if PLOTS.contains(&kind) {
        forget(options, &[("tooltip", json!({ "hideZeros": false, "mode": "single", "sort": "none" }))]);
    }
    match kind {
        "stat" => forget(
            options,
            &[
                ("textMode", json!("auto")),
                ("colorMode", json!("value")),
                ("graphMode", json!("area")),
                ("justifyMode", json!("auto")),
                ("wideLayout", json!(true)),
                ("showPercentChange", json!(false)),
                ("percentChangeColorMode", json!("standard")),
            ],
        ),
        "gauge" => forget(
            options,
            &[
                ("showThresholdLabels", json!(false)),
                ("showThresholdMarkers", json!(true)),
                ("minVizHeight", json!(75)),
                ("minVizWidth", json!(75)),
                ("sizing", json!("auto")),
            ],
        ),
        "bargauge" => forget(
            options,
            &[
                ("displayMode", json!("gradient")),
                ("valueMode", json!("color")),
                ("namePlacement", json!("auto")),
                ("showUnfilled", json!(true)),
                ("sizing", json!("auto")),
                ("minVizWidth", json!(8)),
                ("minVizHeight", json!(16)),
                ("maxVizHeight", json!(300)),
                ("legend", json!({ "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": false })),
            ],
        ),
        "table" => forget(
            options,
            &[
                ("showHeader", json!(true)),
                ("cellHeight", json!("sm")),
                ("footer", json!({ "countRows": false, "fields": "", "reducer": ["sum"], "show": false })),
            ],
        ),
        "piechart" => forget(options, &[("pieType", json!("pie")), ("displayLabels", json!([]))]),
        "text" => forget(
            options,
            &[
                ("mode", json!("markdown")),
                ("code", json!({ "language": "plaintext", "showLineNumbers": false, "showMiniMap": false })),
            ],
        ),
        "logs" => forget(
            options,
            &[
                ("showTime", json!(false)),
                ("showLabels", json!(false)),
                ("showCommonLabels", json!(false)),
                ("wrapLogMessage", json!(false)),
                ("prettifyLogMessage", json!(false)),
                ("enableLogDetails", json!(true)),
                ("dedupStrategy", json!("none")),
                ("sortOrder", json!("Descending")),
            ],
        ),
        _ => {}
    }
}

/// Whether a legend in the usual place, as a list and without values is what the plugin has.
pub(super) fn plain_legend(kind: &str) -> bool {
    PLOTS.contains(&kind)
}

/// Whether a panel shows the last value of each field unless told otherwise.
pub(super) fn reduces(kind: &str) -> bool {
    matches!(kind, "stat" | "gauge" | "bargauge" | "piechart")
}

/// Whether a tooltip for one series is what the plugin has.
pub(super) fn plain_tooltip(kind: &str) -> bool {
    PLOTS.contains(&kind)
}

fn forget(object: &mut Object<'_>, defaults: &[(&str, Value)]) {
    for (key, default) in defaults {
        object.forget_if(key, default);
    }
}

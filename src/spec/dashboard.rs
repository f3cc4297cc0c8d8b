//! The tables of `spec/dashboards/<name>.toml`, and where each key is in Grafana's JSON.
//!
//! Keys are in the order of the JSON, from what something is to what it holds. Strings are Grafana's: `$namespace` and
//! `${namespace:regex}` mean variables of the dashboard.

use super::decode::{Context, Decode, Spanned};
use super::grafana::Kind::{
    Calculation, Choice as Word, Color, Count, Datasource, Duration, Either, Fixed, Flag, Inverted, List, Many, Map,
    Name, Number, Object, Order, Plain, Raw, Set, Table as Nested, Text, Time, Values, Variable, Word as Scalar,
};
use super::grafana::Literal::{self, Empty, Int, Null, Same};
use super::grafana::{Choice, Key, Logic, Record, Table, fixed, key};
use super::schema::{Field, Schema, Schemas, Tabular};
use super::tree::Node;

/// A dashboard.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// The folder that Grafana shows it in.
    pub folder: Spanned<String>,
    /// All of its keys.
    pub record: Record,
}

impl Decode for Dashboard {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let record = DASHBOARD.decode(node, cx)?;
        let folder = record.text("folder")?;
        Some(Self { folder: Spanned { value: folder.value.clone(), span: folder.span }, record })
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        DASHBOARD.schema(schemas)
    }
}

impl Tabular for Dashboard {
    fn fields(schemas: &mut Schemas) -> Vec<Field> {
        DASHBOARD.fields(schemas)
    }
}

const PASSED: Key = key("grafana", "Keys of Grafana's JSON that have no key of their own here.", Object);

const NOTHING: Literal = Literal::Text("");
const OFF: Literal = Literal::Flag(false);
const ON: Literal = Literal::Flag(true);
const NONE: Literal = Literal::List(&[]);

/// `Dashboard` of @grafana/schema.
pub static DASHBOARD: Table = Table {
    what: "a dashboard",
    docs: "A dashboard; the name of its file is the name of the output.",
    short: None,
    logic: Logic::Named,
    parts: &[(
        "",
        &[
            key("folder", "The folder that Grafana shows it in: a key of Grafana's `settings.folders`.", Plain)
                .required(),
            key("uid", "The ID in its URL, which links use; the file's name if left out.", Plain).at("uid"),
            key("title", "Its title.", Text).at("title").required(),
            key("description", "What it is for.", Text).at("description"),
            key("tags", "Words to find it by.", List(&Plain)).at("tags").default(NONE),
            key("editable", "Whether it can be edited in Grafana; `true` if left out.", Flag)
                .at("editable")
                .default(ON),
            key("graph_tooltip", "What hovering over one panel shows in the others.", Word(&GRAPH_TOOLTIP))
                .at("graphTooltip")
                .default(Literal::Text("default")),
            key(
                "datasource",
                "What panels query that name no datasource; the stack's default if left out.",
                Datasource,
            ),
            key(
                "refresh",
                "How often it is refreshed, e.g. `30s`; not automatically if left out.",
                Duration(&["auto"]),
            )
            .at("refresh"),
            key("time", "The time range; the last six hours if left out.", Nested(&TIME_RANGE)).at("time"),
            key("timezone", "The time zone; that of the browser if left out.", Plain).at("timezone"),
            key("links", "Links at its top.", List(&Nested(&LINK))).at("links").default(NONE),
            key("variables", "Variables by name, in the order in which they are shown.", Map(&Nested(&VARIABLE)))
                .at("templating"),
            key("annotations", "Annotations by name.", Map(&Nested(&ANNOTATION))).at("annotations"),
            key("panels", "Panels above the first row.", Map(&Nested(&PANEL))).at("panels"),
            key("rows", "Rows by title.", Map(&Nested(&ROW))).at("panels"),
            PASSED,
        ],
    )],
    known: Some(&["fiscalYearStartMonth", "gnetId", "liveNow", "preload", "revision", "timepicker", "weekStart"]),
};

static TIME_RANGE: Table = Table {
    what: "a time range",
    docs: "A time range, relative to now.",
    short: Some("from"),
    logic: Logic::Plain,
    parts: &[(
        "",
        &[
            key("from", "Its start, e.g. `now-1h`.", Time).at("from").required(),
            key("to", "Its end; `now` if left out.", Time).at("to").always(Literal::Text("now")),
        ],
    )],
    known: None,
};

static GRAPH_TOOLTIP: Choice = Choice {
    what: "graph tooltip",
    words: &[
        ("default", "Nothing.", Int(0)),
        ("crosshair", "A line at the same time.", Int(1)),
        ("tooltip", "A line and the values.", Int(2)),
    ],
};

/// `DashboardLink`.
pub static LINK: Table = Table {
    what: "a link",
    docs: "A link to a page, or to every dashboard with certain tags.",
    short: None,
    logic: Logic::Link,
    parts: &[(
        "",
        &[
            fixed("type", NOTHING),
            key("title", "Its text.", Text).at("title").required(),
            key("url", "The page.", Text).at("url"),
            key("icon", "Its icon; `external link` if left out.", Plain)
                .at("icon")
                .always(Literal::Text("external link")),
            key("tooltip", "What hovering over it shows.", Text).at("tooltip").always(NOTHING),
            key(
                "tags",
                "The dashboards with all of these tags, instead of a URL; all dashboards if the list is empty.",
                List(&Plain),
            )
            .at("tags")
            .always(NONE),
            key("dropdown", "Whether the dashboards are listed in a menu.", Flag).at("asDropdown").always(OFF),
            key("include_variables", "Whether the values of variables are passed on.", Flag)
                .at("includeVars")
                .always(OFF),
            key("keep_time", "Whether the time range is passed on.", Flag).at("keepTime").always(OFF),
            key("new_tab", "Whether it opens in a new tab.", Flag).at("targetBlank").always(OFF),
        ],
    )],
    known: None,
};

static VARIABLE_TYPE: Choice = Choice {
    what: "type of variable",
    words: &[
        ("query", "A query.", Same),
        ("datasource", "The datasources of a type.", Same),
        ("custom", "A list.", Same),
        ("textbox", "A text that is typed.", Same),
        ("interval", "A list of durations.", Same),
        ("adhoc", "Filters that are added to every query.", Same),
        ("constant", "A value that can't be changed.", Same),
    ],
};

static SORT: Choice = Choice {
    what: "order",
    words: &[
        ("disabled", "Unsorted.", Int(0)),
        ("alphabetical", "A, B, a.", Int(1)),
        ("alphabetical-desc", "a, B, A.", Int(2)),
        ("numerical", "By number.", Int(3)),
        ("numerical-desc", "By number, descending.", Int(4)),
        ("alphabetical-ignore-case", "A, a, B.", Int(5)),
        ("alphabetical-ignore-case-desc", "B, a, A.", Int(6)),
        ("natural", "`a2` before `a10`.", Int(7)),
        ("natural-desc", "`a10` before `a2`.", Int(8)),
    ],
};

static REFRESH: Choice = Choice {
    what: "time to query",
    words: &[
        ("never", "Not automatically.", Int(0)),
        ("load", "When the dashboard is opened.", Int(1)),
        ("time-range", "When the dashboard is opened and when the time range changes.", Int(2)),
    ],
};

static HIDE: Choice =
    Choice { what: "part to hide", words: &[("label", "Its label.", Int(1)), ("variable", "All of it.", Int(2))] };

/// `VariableModel`, and what the dashboard's editor writes in addition.
pub static VARIABLE: Table = Table {
    what: "a dashboard's variable",
    docs: "A variable of a dashboard.",
    short: None,
    logic: Logic::Named,
    parts: &[(
        "",
        &[
            key("name", "", Name).at("name"),
            key("type", "Where its values come from.", Word(&VARIABLE_TYPE)).at("type").required(),
            key("label", "The label of its field; its name if left out.", Text).at("label"),
            key("description", "What it is for.", Plain).at("description"),
            key("hide", "What of it is hidden.", Word(&HIDE)).at("hide"),
            key("skip_url_sync", "Whether URLs leave it out.", Flag).at("skipUrlSync").default(OFF),
            key("datasource", "The datasource that is queried or filtered.", Datasource)
                .at("datasource")
                .only(&["query", "adhoc"]),
            key("query", "The query, e.g. `label_values(up, job)`; for `datasource` the type of datasource.", Raw)
                .at("query")
                .only(&["query", "datasource"]),
            key("values", "The values of `custom` and `interval`; a table gives text and value.", Values)
                .at("query")
                .only(&["custom", "interval"]),
            fixed("query", NOTHING).only(&["textbox", "constant"]),
            key("refresh", "When they are queried; `load` if left out.", Word(&REFRESH))
                .at("refresh")
                .only(&["query"])
                .always(Literal::Text("load")),
            key("regex", "Which of the values are used, a regular expression.", Text)
                .at("regex")
                .only(&["query", "datasource"]),
            key("sort", "Their order.", Word(&SORT)).at("sort").only(&["query"]),
            key("multi", "Whether several can be selected.", Flag).at("multi").only(SELECTED).default(OFF),
            key("include_all", "Whether all can be selected at once.", Flag)
                .at("includeAll")
                .only(SELECTED)
                .default(OFF),
            key("all_value", "What a query gets for all of them; a list of all if left out.", Plain)
                .at("allValue")
                .only(SELECTED),
            key("allow_custom_value", "Whether other values can be typed; `true` if left out.", Flag)
                .at("allowCustomValue")
                .default(ON),
            key("auto", "For `interval`: whether one of the values follows from the time range.", Flag)
                .at("auto")
                .only(&["interval"])
                .default(OFF),
            key("auto_count", "The number of steps that a time range is divided into; `30` if left out.", Count)
                .at("auto_count")
                .only(&["interval"])
                .always(Int(30)),
            key("auto_min", "The smallest step; `10s` if left out.", Plain)
                .at("auto_min")
                .only(&["interval"])
                .always(Literal::Text("10s")),
            key("current", "What is selected at first; for `textbox` and `constant` the value.", Many(&Plain))
                .at("current"),
            PASSED,
        ],
    )],
    known: Some(&[
        "baseFilters",
        "defaultKeys",
        "definition",
        "enableGroupBy",
        "filters",
        "options",
        "regexApplyTo",
        "staticOptions",
        "staticOptionsOrder",
        "valuesFormat",
    ]),
};

/// Types of variables of which something is selected.
pub const SELECTED: &[&str] = &["query", "datasource", "custom"];

/// `AnnotationQuery`, and what plugins add.
pub static ANNOTATION: Table = Table {
    what: "an annotation",
    docs: "Events that are drawn into the panels.",
    short: None,
    logic: Logic::Named,
    parts: &[(
        "",
        &[
            key("name", "", Name).at("name"),
            key("datasource", "The datasource; the dashboard's if left out.", Datasource).at("datasource"),
            key("enabled", "Whether they are shown at first; `true` if left out.", Flag).at("enable").always(ON),
            key("hidden", "Whether their switch is hidden.", Flag).at("hide").default(OFF),
            key("color", "Their color; `red` if left out.", Color).at("iconColor").always(Literal::Text("red")),
            key("query", "What finds them.", Nested(&QUERY)),
            PASSED,
        ],
    )],
    known: None,
};

/// `RowPanel`.
pub static ROW: Table = Table {
    what: "a row",
    docs: "A row of panels under a title.",
    short: None,
    logic: Logic::Named,
    parts: &[(
        "",
        &[
            key("id", "Its ID; derived from its name if left out.", Count).at("id"),
            fixed("type", Literal::Text("row")),
            key("title", "Its title, if that isn't its name.", Text).at("title"),
            fixed("gridPos", Empty),
            key("collapsed", "Whether it is closed at first.", Flag).at("collapsed").always(OFF),
            key("repeat", "A variable: the row is repeated for each of its values.", Variable).at("repeat"),
            key("panels", "Its panels by title.", Map(&Nested(&PANEL))).at("panels"),
            PASSED,
        ],
    )],
    known: Some(&["datasource", "repeatDirection"]),
};

static REPEAT_DIRECTION: Choice =
    Choice { what: "direction", words: &[("h", "Side by side.", Same), ("v", "One below the other.", Same)] };

/// The keys that panels and overrides share: `FieldConfig`.
pub static FIELD: [Key; 11] = [
    key("display_name", "The name of the values.", Text).at("displayName"),
    key("unit", "The unit, one of Grafana's IDs.", Plain).at("unit"),
    key("decimals", "The number of decimals.", Count).at("decimals"),
    key("min", "The lower end of the axis.", Number).at("min"),
    key("max", "The upper end of the axis.", Number).at("max"),
    key("no_value", "What is shown where there is no value.", Plain).at("noValue"),
    key("color", "How colors are chosen.", Nested(&COLOR)).at("color").open(),
    key("thresholds", "Colors by value.", Nested(&THRESHOLDS)).at("thresholds").open(),
    key("mappings", "Texts and colors for values.", List(&Nested(&MAPPING))).at("mappings").default(NONE).open(),
    key("data_links", "Links of each value.", List(&Nested(&DATA_LINK))).at("links").default(NONE).open(),
    key("custom", "How series are drawn: `fieldConfig.defaults.custom` in Grafana's words.", Object)
        .at("custom")
        .open(),
];

/// `Panel`.
pub static PANEL: Table = Table {
    what: "a panel",
    docs: "A panel.",
    short: None,
    logic: Logic::Named,
    parts: &[
        (
            "",
            &[
                key("id", "Its ID; derived from its name if left out.", Count).at("id"),
                key("type", "How it shows its data: the ID of a panel plugin.", Plain).at("type").required(),
                key("title", "Its title, if that isn't its name.", Text).at("title"),
                key("description", "What it shows; shown when hovering over it.", Text).at("description"),
                key("transparent", "Whether it has no background.", Flag).at("transparent").default(OFF),
                key("width", "Columns, of 24.", Count).at("gridPos"),
                key("height", "Rows of the grid, 30 pixels each.", Count).at("gridPos"),
                key("links", "Links of the panel.", List(&Nested(&LINK))).at("links").default(NONE),
                key("repeat", "A variable: the panel is repeated for each of its values.", Variable).at("repeat"),
                key("repeat_direction", "Where the repeated panels are.", Word(&REPEAT_DIRECTION))
                    .at("repeatDirection"),
                key("max_per_row", "How many repeated panels are side by side.", Count).at("maxPerRow"),
                key("datasource", "The datasource; the dashboard's if left out.", Datasource).at("datasource"),
                key("interval", "The smallest step of its queries.", Duration(&[])).at("interval"),
                key("max_data_points", "The maximum number of points of a series.", Count).at("maxDataPoints"),
                key("time_from", "A time range of its own, e.g. `1h`.", Text).at("timeFrom"),
                key("time_shift", "How far its time range lies back, e.g. `1d`.", Text).at("timeShift"),
                key("hide_time_override", "Whether its own time range is not shown.", Flag)
                    .at("hideTimeOverride")
                    .default(OFF),
                key("queries", "Its queries.", Many(&Nested(&QUERY))).at("targets").default(NONE),
                key(
                    "transformations",
                    "What is done with the data before it is shown.",
                    List(&Nested(&TRANSFORMATION)),
                )
                .at("transformations")
                .default(NONE)
                .open(),
                fixed("fieldConfig", Empty),
            ],
        ),
        ("fieldConfig.defaults", &FIELD),
        (
            "",
            &[
                key("overrides", "What applies to some series only.", List(&Nested(&OVERRIDE)))
                    .at("fieldConfig.overrides")
                    .default(NONE)
                    .open(),
                fixed("options.mode", Literal::Text("markdown")).only(&["text"]),
                key("content", "The text of a text panel.", Text).at("options.content").only(&["text"]),
                key("reduce", "How a series becomes a value.", Nested(&REDUCE)).at("options.reduceOptions"),
                key("legend", "The legend.", Nested(&LEGEND)).at("options.legend"),
                key("tooltip", "What hovering over the panel shows.", Nested(&TOOLTIP)).at("options.tooltip"),
                key("options", "The options of its type in Grafana's words.", Object).at("options").open(),
                PASSED,
            ],
        ),
    ],
    known: Some(&[
        "autoMigrateFrom",
        "cacheTimeout",
        "fieldConfig.defaults.actions",
        "fieldConfig.defaults.description",
        "fieldConfig.defaults.displayNameFromDS",
        "fieldConfig.defaults.fieldMinMax",
        "fieldConfig.defaults.filterable",
        "fieldConfig.defaults.path",
        "fieldConfig.defaults.writeable",
        "libraryPanel",
        "pluginVersion",
        "queryCachingTTL",
        "timeCompare",
    ]),
};

/// Variants of a query: the language of its datasource, and the two forms of CloudWatch's queries.
pub mod variant {
    /// Prometheus, and what is written likewise.
    pub const PROMETHEUS: &str = "Prometheus";
    /// Loki.
    pub const LOKI: &str = "Loki";
    /// A metric of CloudWatch.
    pub const METRIC: &str = "CloudWatch";
    /// An expression over other queries of CloudWatch.
    pub const MATH: &str = "CloudWatch's expressions";
    /// A JSON API.
    pub const JSON: &str = "a JSON API";
}
use variant::{JSON, LOKI, MATH, METRIC, PROMETHEUS};

/// `DataQuery`, which each plugin extends.
pub static QUERY: Table = Table {
    what: "a query",
    docs: "A query; which keys it has depends on the type of its datasource.",
    short: Some("expr"),
    logic: Logic::Query,
    parts: &[(
        "",
        &[
            key("ref", "Its name among the panel's queries; A, B, C, … if left out.", Plain).at("refId"),
            key("datasource", "The datasource; the panel's if left out.", Datasource).at("datasource"),
            key("hide", "Whether it is not shown, because other queries use it.", Flag).at("hide").default(OFF),
            fixed_of(&[(&[METRIC, MATH], "queryMode")], Literal::Text("Metrics")),
            fixed_of(&[(&[METRIC, MATH], "metricQueryType")], Int(0)),
            fixed_of(&[(&[METRIC], "metricEditorMode")], Int(0)),
            fixed_of(&[(&[MATH], "metricEditorMode")], Int(1)),
            fixed_of(&[(&[METRIC, MATH], "id")], NOTHING),
            key("region", "The region; the datasource's if left out.", Text)
                .of(&[(&[METRIC, MATH], "region")])
                .always(Literal::Text("default")),
            key("namespace", "CloudWatch's namespace, e.g. `AWS/AuroraDSQL`.", Text)
                .of(&[(&[METRIC, MATH], "namespace")])
                .always(NOTHING),
            key("expr", "PromQL or LogQL; for CloudWatch an expression over other queries.", Text)
                .of(&[(&[PROMETHEUS, LOKI], "expr"), (&[MATH], "expression")]),
            key("metric", "The metric.", Text).of(&[(&[METRIC], "metricName")]),
            key("statistic", "The statistic, e.g. `Average`.", Text).of(&[(&[METRIC], "statistic")]),
            key("dimensions", "Dimensions by name.", Map(&Either(&Text)))
                .of(&[(&[METRIC], "dimensions")])
                .always(Empty),
            key("search", "Whether metrics with further dimensions match too.", Inverted)
                .of(&[(&[METRIC], "matchExact")])
                .always(OFF),
            key("period", "Seconds between two values; chosen by Grafana if left out.", Text)
                .of(&[(&[METRIC, MATH], "period")]),
            key("account", "The account.", Text).of(&[(&[METRIC], "accountId")]),
            key("legend", "The name of a series.", Text)
                .of(&[(&[PROMETHEUS, LOKI], "legendFormat"), (&[METRIC, MATH], "label")]),
            fixed_of(&[(&[JSON], "type")], Literal::Text("json")),
            fixed_of(&[(&[JSON], "source")], Literal::Text("url")),
            key("parser", "What reads the answer; `backend` if left out.", Word(&PARSER))
                .of(&[(&[JSON], "parser")])
                .always(Literal::Text("backend")),
            key("format", "The shape of the result.", Word(&FORMAT)).of(&[(&[PROMETHEUS, JSON], "format")]),
            key("url", "A path below the datasource's URL.", Text).of(&[(&[JSON], "url")]).always(NOTHING),
            key("method", "The method of the request; `GET` if left out.", Word(&METHOD))
                .of(&[(&[JSON], "url_options.method")])
                .always(Literal::Text("GET")),
            fixed_of(&[(&[JSON], "url_options.data")], NOTHING),
            key("root", "Where in the answer the rows are.", Text).of(&[(&[JSON], "root_selector")]).always(NOTHING),
            key("columns", "Columns by title.", Map(&Nested(&COLUMN))).of(&[(&[JSON], "columns")]).always(NONE),
            fixed_of(&[(&[JSON], "filters")], NONE),
            key("instant", "Whether only the last value is wanted.", Flag)
                .of(&[(&[PROMETHEUS], "instant"), (&[LOKI], "queryType")])
                .default(OFF),
            key("range", "Whether the whole range is wanted; it is if `instant` isn't set.", Flag)
                .of(&[(&[PROMETHEUS, LOKI], "range")])
                .default(OFF),
            key("exemplar", "Whether exemplars are wanted.", Flag).of(&[(&[PROMETHEUS], "exemplar")]).default(OFF),
            key("interval", "The smallest step.", Duration(&[])).of(&[(&[PROMETHEUS], "interval"), (&[LOKI], "step")]),
            key("max_lines", "The maximum number of lines of a log.", Count).of(&[(&[LOKI], "maxLines")]),
            key("direction", "Which lines of a log come first.", Word(&DIRECTION)).of(&[(&[LOKI], "direction")]),
            PASSED,
        ],
    )],
    known: None,
};

const fn fixed_of(places: &'static [(&'static [&'static str], &'static str)], value: Literal) -> Key {
    key("", "", Fixed).of(places).always(value)
}

static FORMAT: Choice = Choice {
    what: "format",
    words: &[
        ("time_series", "A series for each set of labels.", Same),
        ("table", "A row for each series.", Same),
        ("heatmap", "Buckets.", Same),
        ("timeseries", "Infinity: series.", Same),
        ("logs", "Infinity: log lines.", Same),
        ("dataframe", "Infinity: as it is.", Same),
    ],
};

static DIRECTION: Choice =
    Choice { what: "direction", words: &[("backward", "The newest.", Same), ("forward", "The oldest.", Same)] };

static METHOD: Choice = Choice { what: "method", words: &[("GET", "GET.", Same), ("POST", "POST.", Same)] };

static PARSER: Choice = Choice {
    what: "parser",
    words: &[
        ("backend", "`JSONata`, in the server.", Same),
        ("jq-backend", "jq, in the server.", Same),
        ("simple", "The plugin's own, in the browser.", Same),
        ("uql", "UQL, in the browser.", Same),
        ("groq", "GROQ, in the browser.", Same),
    ],
};

static COLUMN: Table = Table {
    what: "a column",
    docs: "A column of a JSON API's answer.",
    short: Some("selector"),
    logic: Logic::Plain,
    parts: &[(
        "",
        &[
            key("selector", "Where in a row its value is.", Text).at("selector").required(),
            key("title", "", Name).at("text"),
            key("type", "Its type; `string` if left out.", Word(&COLUMN_TYPE))
                .at("type")
                .always(Literal::Text("string")),
        ],
    )],
    known: None,
};

static COLUMN_TYPE: Choice = Choice {
    what: "type of column",
    words: &[
        ("string", "A string.", Same),
        ("number", "A number.", Same),
        ("boolean", "A boolean.", Same),
        ("timestamp", "A time as text.", Same),
        ("timestamp_epoch", "A time in milliseconds.", Same),
        ("timestamp_epoch_s", "A time in seconds.", Same),
    ],
};

/// `ThresholdsConfig`.
pub static THRESHOLDS: Table = Table {
    what: "thresholds",
    docs: "Colors by value.",
    short: Some("steps"),
    logic: Logic::Thresholds,
    parts: &[(
        "",
        &[
            key("mode", "Whether the steps are values or percentages; `absolute` if left out.", Word(&THRESHOLDS_MODE))
                .at("mode")
                .always(Literal::Text("absolute")),
            key("steps", "The color below the first step, then each step.", List(&Nested(&STEP))).at("steps"),
        ],
    )],
    known: None,
};

static THRESHOLDS_MODE: Choice = Choice {
    what: "mode of thresholds",
    words: &[("absolute", "Values.", Same), ("percentage", "Percentages of the axis.", Same)],
};

/// `Threshold`.
static STEP: Table = Table {
    what: "a step",
    docs: "A color and where it begins.",
    short: Some("color"),
    logic: Logic::Plain,
    parts: &[(
        "",
        &[
            key("color", "The color.", Color).at("color").required(),
            key("from", "The value from which it applies; the first step has none.", Number).at("value").always(Null),
        ],
    )],
    known: None,
};

/// `ValueMapping`.
pub static MAPPING: Table = Table {
    what: "a mapping",
    docs: "A text or color for a value.",
    short: None,
    logic: Logic::Mapping,
    parts: &[
        (
            "",
            &[
                key("value", "The value.", Scalar),
                key("from", "The lower end of a range.", Number).at("from").only(&["range"]).always(Null),
                key("to", "The upper end of a range.", Number).at("to").only(&["range"]).always(Null),
                key("regexp", "A regular expression that the value matches.", Plain).at("pattern").only(&["regex"]),
                key("special", "A value that is not a number or text.", Word(&SPECIAL)).at("match").only(&["special"]),
            ],
        ),
        ("result", RESULT),
    ],
    known: None,
};

/// `ValueMappingResult`.
pub const RESULT: &[Key] = &[
    key("text", "What is shown.", Plain).at("text"),
    key("color", "Its color.", Color).at("color"),
    key("icon", "Its icon.", Plain).at("icon"),
];

static SPECIAL: Choice = Choice {
    what: "special value",
    words: &[
        ("null", "No value.", Same),
        ("nan", "Not a number.", Same),
        ("null+nan", "Either.", Same),
        ("true", "True.", Same),
        ("false", "False.", Same),
        ("empty", "An empty text.", Same),
    ],
};

/// `FieldColor`.
pub static COLOR: Table = Table {
    what: "a color",
    docs: "How colors are chosen.",
    short: Some("mode"),
    logic: Logic::Color,
    parts: &[(
        "",
        &[
            key("mode", "One of Grafana's color modes.", Plain).at("mode"),
            key("fixed", "The color of the mode `fixed` or `shades`.", Color).at("fixedColor"),
            key("by", "The value of a series that decides.", Word(&COLOR_BY)).at("seriesBy"),
        ],
    )],
    known: None,
};

static COLOR_BY: Choice = Choice {
    what: "value of a series",
    words: &[("last", "The last.", Same), ("min", "The smallest.", Same), ("max", "The greatest.", Same)],
};

static DATA_LINK: Table = Table {
    what: "a data link",
    docs: "A link of each value.",
    short: None,
    logic: Logic::Plain,
    parts: &[(
        "",
        &[
            key("title", "Its text.", Text).at("title").required(),
            key("url", "The page.", Text).at("url").required(),
            key("new_tab", "Whether it opens in a new tab.", Flag).at("targetBlank").default(OFF),
        ],
    )],
    known: None,
};

/// `VizLegendOptions`.
pub static LEGEND: Table = Table {
    what: "a legend",
    docs: "A legend.",
    short: Some("mode"),
    logic: Logic::Legend,
    parts: &[(
        "",
        &[
            fixed("showLegend", ON),
            key("mode", "Its form; `list` if left out.", Word(&LEGEND_MODE))
                .at("displayMode")
                .always(Literal::Text("list")),
            key("placement", "Where it is; `bottom` if left out.", Word(&PLACEMENT))
                .at("placement")
                .always(Literal::Text("bottom")),
            key("calcs", "What it shows of each series.", List(&Calculation)).at("calcs").always(NONE),
            key("sort_by", "What it is sorted by: the title of one of the calculations, or `Name`.", Plain)
                .at("sortBy"),
            key("sort_desc", "Whether the greatest comes first.", Flag).at("sortDesc").only(&["sorted"]).always(OFF),
            key("width", "Its width in pixels, beside the panel.", Count).at("width"),
        ],
    )],
    known: None,
};

static LEGEND_MODE: Choice = Choice {
    what: "form of a legend",
    words: &[
        ("none", "Not shown.", Literal::Text("list")),
        ("list", "Names in lines.", Same),
        ("table", "A table.", Same),
    ],
};

static PLACEMENT: Choice =
    Choice { what: "place of a legend", words: &[("bottom", "Below.", Same), ("right", "On the right.", Same)] };

/// `VizTooltipOptions`.
pub static TOOLTIP: Table = Table {
    what: "a tooltip",
    docs: "What hovering over a panel shows.",
    short: Some("mode"),
    logic: Logic::Tooltip,
    parts: &[(
        "",
        &[
            key("mode", "Which series; `single` if left out.", Word(&TOOLTIP_MODE))
                .at("mode")
                .always(Literal::Text("single")),
            key("sort", "In which order.", Word(&TOOLTIP_SORT))
                .at("sort")
                .only(&["sorted"])
                .always(Literal::Text("none")),
        ],
    )],
    known: None,
};

static TOOLTIP_MODE: Choice = Choice {
    what: "tooltip",
    words: &[("single", "The one under the pointer.", Same), ("multi", "All.", Same), ("none", "None.", Same)],
};

static TOOLTIP_SORT: Choice = Choice {
    what: "order of a tooltip",
    words: &[("none", "As in the legend.", Same), ("asc", "Ascending.", Same), ("desc", "Descending.", Same)],
};

/// `ReduceDataOptions`.
pub static REDUCE: Table = Table {
    what: "a reduction",
    docs: "How a series becomes a value.",
    short: Some("calcs"),
    logic: Logic::Plain,
    parts: &[(
        "",
        &[
            key("calcs", "What is calculated for each series.", Many(&Calculation))
                .at("calcs")
                .always(Literal::List(&["lastNotNull"])),
            key("fields", "Which fields are shown: a name or `/regexp/`; the numbers if left out.", Plain)
                .at("fields")
                .always(NOTHING),
            key("values", "Whether every value is shown instead of a calculation.", Flag).at("values").always(OFF),
            key("limit", "The maximum number of values then.", Count).at("limit"),
        ],
    )],
    known: None,
};

/// `FieldConfigSource.overrides`.
pub static OVERRIDE: Table = Table {
    what: "an override",
    docs: "What applies to some series or columns only.",
    short: None,
    logic: Logic::Override,
    parts: &[
        (
            "",
            &[
                key("name", "Their name.", Plain).at("byName"),
                key("regexp", "A regular expression for their names.", Plain).at("byRegexp"),
            ],
        ),
        ("", &FIELD),
        ("", &[key("grafana", "Further properties by their IDs.", Object)]),
    ],
    known: None,
};

/// `DataTransformerConfig`.
pub static TRANSFORMATION: Table = Table {
    what: "a transformation",
    docs: "A step between the queries and the panel: one of the first five keys, or `id` and `options`.",
    short: None,
    logic: Logic::Transformation,
    parts: &[(
        "",
        &[
            key("organize", "Leaves out, renames and orders fields.", Nested(&ORGANIZE)).at("organize"),
            key("join_by_field", "Joins tables by a field.", Nested(&JOIN)).at("joinByField"),
            key("sort_by", "Sorts rows.", Nested(&SORT_BY)).at("sortBy"),
            key("filter_fields_by_name", "Keeps or leaves out fields by name.", Nested(&FILTER_FIELDS))
                .at("filterFieldsByName"),
            key("merge", "Merges all tables into one.", Flag).at("merge"),
            key("id", "Any other: its ID in Grafana.", Plain),
            key("options", "Its options in Grafana's words.", Raw),
            key("disabled", "Whether it is turned off.", Flag).default(OFF),
        ],
    )],
    known: None,
};

static ORGANIZE: Table = Table {
    what: "`organize`",
    docs: "Leaves out, renames and orders fields.",
    short: None,
    logic: Logic::Plain,
    parts: &[(
        "",
        &[
            key("exclude", "Fields that are left out.", Set).at("excludeByName").always(Empty),
            key("include", "The only fields that are kept.", Set).at("includeByName").always(Empty),
            key("order", "The fields that come first, in order.", Order).at("indexByName").always(Empty),
            key("rename", "New names by the old ones.", Map(&Plain)).at("renameByName").always(Empty),
        ],
    )],
    known: None,
};

static JOIN: Table = Table {
    what: "`join_by_field`",
    docs: "Joins tables by a field.",
    short: None,
    logic: Logic::Plain,
    parts: &[(
        "",
        &[
            key("field", "The field; the time if left out.", Plain).at("byField"),
            key("mode", "Which rows are kept; `outer` if left out.", Word(&JOIN_MODE))
                .at("mode")
                .always(Literal::Text("outer")),
        ],
    )],
    known: None,
};

static JOIN_MODE: Choice = Choice {
    what: "join",
    words: &[
        ("outer", "Those that any table has.", Same),
        ("inner", "Those that every table has.", Same),
        ("outerTabular", "Those that any table has, for tables without a time.", Same),
    ],
};

static SORT_BY: Table = Table {
    what: "`sort_by`",
    docs: "Sorts rows.",
    short: None,
    logic: Logic::Plain,
    parts: &[(
        "sort",
        &[
            key("field", "The field to sort by.", Plain).at("field").required(),
            key("desc", "Whether the greatest comes first.", Flag).at("desc").always(OFF),
        ],
    )],
    known: None,
};

static FILTER_FIELDS: Table = Table {
    what: "`filter_fields_by_name`",
    docs: "Keeps or leaves out fields by name.",
    short: None,
    logic: Logic::Plain,
    parts: &[(
        "",
        &[
            key("include", "Fields that are kept.", List(&Plain)).at("include.names").default(NONE),
            key("include_regexp", "A regular expression for fields that are kept.", Plain).at("include.pattern"),
            key("exclude", "Fields that are left out.", List(&Plain)).at("exclude.names").default(NONE),
            key("exclude_regexp", "A regular expression for fields that are left out.", Plain).at("exclude.pattern"),
        ],
    )],
    known: None,
};

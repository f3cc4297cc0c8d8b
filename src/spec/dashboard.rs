//! The tables of `spec/dashboards/<name>.toml`, and where each key is in Grafana's JSON.
//!
//! Keys are in the order of the JSON, from what something is to what it holds. Strings are Grafana's: `$namespace` and
//! `${namespace:regex}` mean variables of the dashboard, `$$namespace` the text itself.

use super::decode::{Context, Decode, Spanned};
use super::grafana::Kind::{
    Calculation, Choice as Word, Color, Count, Datasource, Duration, Either, Fixed, Flag, Inverted, List, Many, Map,
    Name, Number, Object, Order, Plain, Raw, Set, Table as Nested, Text, Time, Values, Variable, Word as Scalar,
};
use super::grafana::Literal::{self, Empty, Flag as On, Int, List as Strs, Null, Same, Text as Str};
use super::grafana::{Choice, Key, Logic, Record, Table, key};
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

/// Keys: `/// documentation`, the word in TOML, the type, and what [`Key`] has methods for.
macro_rules! keys {
    ($($(#[doc = $docs:literal])* $word:literal: $kind:expr $(, $method:ident($($argument:expr),*))*;)*) => {
        &[$(key($word, concat!($($docs, "\n"),*), $kind)$(.$method($($argument),*))*),*]
    };
}

/// A table: documentation, name, what messages call it, options, keys, and keys that it shares.
macro_rules! table {
    ($(#[doc = $docs:literal])* $visibility:vis static $name:ident: $what:literal $(, $option:ident = $value:expr)*; {
        $($keys:tt)*
    } $(with $shared:ident at $prefix:literal { $($more:tt)* })?) => {
        #[doc = concat!("Keys of ", $what, ".")]
        $visibility static $name: Table = Table {
            $($option: $value,)*
            parts: &[("", keys! { $($keys)* }) $(, ($prefix, &$shared), ("", keys! { $($more)* }))?],
            ..Table::new($what, concat!($($docs, "\n"),*))
        };
    };
}

const NOTHING: Literal = Str("");
const OFF: Literal = On(false);
const ON: Literal = On(true);
const NONE: Literal = Strs(&[]);

// `Dashboard` of @grafana/schema.
table! {
    /// A dashboard; the name of its file is the name of the output. In its texts, `$name` is the value of a variable, and
    /// `$$name` is the text `$name`.
    pub static DASHBOARD: "a dashboard", logic = Logic::Named, known = Some(&[
        "fiscalYearStartMonth", "gnetId", "liveNow", "preload", "revision", "timepicker", "weekStart",
    ]); {
        /// The folder that Grafana shows it in: a key of Grafana's `settings.folders`.
        "folder": Plain, required();
        /// The ID in its URL, which links use; the file's name if left out.
        "uid": Plain, at("uid");
        /// Its title.
        "title": Text, at("title"), required();
        /// What it is for.
        "description": Text, at("description");
        /// Words to find it by.
        "tags": List(&Plain), at("tags"), default(NONE);
        /// Whether it can be edited in Grafana.
        "editable": Flag, at("editable"), default(ON);
        /// What hovering over one panel shows in the others.
        "graph_tooltip": Word(&GRAPH_TOOLTIP), at("graphTooltip"), default(Str("default"));
        /// The default datasource of its panels; the stack's default if left out.
        "datasource": Datasource;
        /// How often it is refreshed, e.g. `30s`; not automatically if left out.
        "refresh": Duration(&["auto"]), at("refresh");
        /// The time range; the last six hours if left out.
        "time": Nested(&TIME_RANGE), at("time");
        /// The time zone; that of the browser if left out.
        "timezone": Plain, at("timezone");
        /// Links at its top.
        "links": List(&Nested(&LINK)), at("links"), default(NONE);
        /// Variables by name, in the order in which they are shown.
        "variables": Map(&Nested(&VARIABLE)), at("templating");
        /// Annotations by name.
        "annotations": Map(&Nested(&ANNOTATION)), at("annotations");
        /// Panels above the first row.
        "panels": Map(&Nested(&PANEL)), at("panels");
        /// Rows by title.
        "rows": Map(&Nested(&ROW)), at("panels");
        /// Keys of Grafana's JSON that have no key of their own here.
        "grafana": Object;
    }
}

table! {
    /// A time range, relative to now.
    static TIME_RANGE: "a time range", short = Some("from"); {
        /// Its start, e.g. `now-1h`.
        "from": Time, at("from"), required();
        /// Its end.
        "to": Time, at("to"), always(Str("now"));
    }
}

static GRAPH_TOOLTIP: Choice = Choice {
    what: "graph tooltip",
    words: &[
        ("default", "Nothing.", Int(0)),
        ("crosshair", "A line at the same time.", Int(1)),
        ("tooltip", "A line and the values.", Int(2)),
    ],
};

// `DashboardLink`.
table! {
    /// A link to a page, or to every dashboard with certain tags.
    pub static LINK: "a link", logic = Logic::Link; {
        "": Fixed, at("type"), always(NOTHING);
        /// Its text.
        "title": Text, at("title"), required();
        /// The page.
        "url": Text, at("url");
        /// Its icon.
        "icon": Plain, at("icon"), always(Str("external link"));
        /// What hovering over it shows.
        "tooltip": Text, at("tooltip"), always(NOTHING);
        /// The dashboards with all of these tags, instead of a URL; all dashboards if the list is empty.
        "tags": List(&Plain), at("tags"), always(NONE);
        /// Whether the dashboards are listed in a menu.
        "dropdown": Flag, at("asDropdown"), always(OFF);
        /// Whether the values of variables are passed on.
        "include_variables": Flag, at("includeVars"), always(OFF);
        /// Whether the time range is passed on.
        "keep_time": Flag, at("keepTime"), always(OFF);
        /// Whether it opens in a new tab.
        "new_tab": Flag, at("targetBlank"), always(OFF);
    }
}

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

// `VariableModel`, and what the dashboard's editor writes in addition.
table! {
    /// A variable of a dashboard.
    pub static VARIABLE: "a dashboard's variable", logic = Logic::Named, known = Some(&[
        "baseFilters", "defaultKeys", "definition", "enableGroupBy", "filters", "options", "regexApplyTo",
        "staticOptions", "staticOptionsOrder", "valuesFormat",
    ]); {
        "name": Name, at("name");
        /// Where its values come from.
        "type": Word(&VARIABLE_TYPE), at("type"), required();
        /// The label of its field; its name if left out.
        "label": Text, at("label");
        /// What it is for.
        "description": Plain, at("description");
        /// What of it is hidden.
        "hide": Word(&HIDE), at("hide");
        /// Whether URLs leave it out.
        "skip_url_sync": Flag, at("skipUrlSync"), default(OFF);
        /// The datasource that is queried or filtered.
        "datasource": Datasource, at("datasource"), only(&["query", "adhoc"]);
        /// The query, e.g. `label_values(up, job)`; for `datasource` the type of datasource.
        "query": Raw, at("query"), only(&["query", "datasource"]);
        /// The values of `custom` and `interval`; a table gives text and value.
        "values": Values, at("query"), only(&["custom", "interval"]);
        "": Fixed, at("query"), always(NOTHING), only(&["textbox", "constant"]);
        /// When they are queried.
        "refresh": Word(&REFRESH), at("refresh"), only(&["query"]), always(Str("load"));
        /// Which of the values are used, a regular expression.
        "regex": Text, at("regex"), only(&["query", "datasource"]);
        /// Their order.
        "sort": Word(&SORT), at("sort"), only(&["query"]);
        /// Whether several can be selected.
        "multi": Flag, at("multi"), only(SELECTED), default(OFF);
        /// Whether all can be selected at once.
        "include_all": Flag, at("includeAll"), only(SELECTED), default(OFF);
        /// What a query gets for all of them; a list of all if left out.
        "all_value": Plain, at("allValue"), only(SELECTED);
        /// Whether other values can be typed.
        "allow_custom_value": Flag, at("allowCustomValue"), default(ON);
        /// For `interval`: whether one of the values follows from the time range.
        "auto": Flag, at("auto"), only(&["interval"]), default(OFF);
        /// The number of steps that a time range is divided into.
        "auto_count": Count, at("auto_count"), only(&["interval"]), always(Int(30));
        /// The smallest step.
        "auto_min": Plain, at("auto_min"), only(&["interval"]), always(Str("10s"));
        /// What is selected at first; for `textbox` and `constant` the value.
        "current": Many(&Plain), at("current");
        /// Keys of Grafana's JSON that have no key of their own here.
        "grafana": Object;
    }
}

/// Types of variables of which something is selected.
pub const SELECTED: &[&str] = &["query", "datasource", "custom"];

// `AnnotationQuery`, and what plugins add.
table! {
    /// Events that are drawn into the panels.
    pub static ANNOTATION: "an annotation", logic = Logic::Named; {
        "name": Name, at("name");
        /// The datasource; the dashboard's if left out.
        "datasource": Datasource, at("datasource");
        /// Whether they are shown at first.
        "enabled": Flag, at("enable"), always(ON);
        /// Whether their switch is hidden.
        "hidden": Flag, at("hide"), default(OFF);
        /// Their color.
        "color": Color, at("iconColor"), always(Str("red"));
        /// What finds them.
        "query": Nested(&QUERY);
        /// Keys of Grafana's JSON that have no key of their own here.
        "grafana": Object;
    }
}

// `RowPanel`.
table! {
    /// A row of panels under a title.
    pub static ROW: "a row", logic = Logic::Named, known = Some(&["datasource", "repeatDirection"]); {
        /// Its ID; derived from its name if left out.
        "id": Count, at("id");
        "": Fixed, at("type"), always(Str("row"));
        /// Its title, if that isn't its name.
        "title": Text, at("title");
        "": Fixed, at("gridPos"), always(Empty);
        /// Whether it is closed at first.
        "collapsed": Flag, at("collapsed"), always(OFF);
        /// A variable: the row is repeated for each of its values.
        "repeat": Variable, at("repeat");
        /// Its panels by title.
        "panels": Map(&Nested(&PANEL)), at("panels");
        /// Keys of Grafana's JSON that have no key of their own here.
        "grafana": Object;
    }
}

static REPEAT_DIRECTION: Choice =
    Choice { what: "direction", words: &[("h", "Side by side.", Same), ("v", "One below the other.", Same)] };

/// The keys that panels and overrides share: `FieldConfig`.
pub static FIELD: [Key; 11] = *keys! {
    /// The name of the values.
    "display_name": Text, at("displayName");
    /// The unit, one of Grafana's IDs.
    "unit": Plain, at("unit");
    /// The number of decimals.
    "decimals": Count, at("decimals");
    /// The lower end of the axis.
    "min": Number, at("min");
    /// The upper end of the axis.
    "max": Number, at("max");
    /// What is shown where there is no value.
    "no_value": Plain, at("noValue");
    /// How colors are chosen.
    "color": Nested(&COLOR), at("color"), open();
    /// Colors by value.
    "thresholds": Nested(&THRESHOLDS), at("thresholds"), open();
    /// Texts and colors for values.
    "mappings": List(&Nested(&MAPPING)), at("mappings"), default(NONE), open();
    /// Links of each value.
    "data_links": List(&Nested(&DATA_LINK)), at("links"), default(NONE), open();
    /// How series are drawn: `fieldConfig.defaults.custom` in Grafana's words.
    "custom": Object, at("custom"), open();
};

// `Panel`.
table! {
    /// A panel.
    pub static PANEL: "a panel", logic = Logic::Named, known = Some(&[
        "autoMigrateFrom", "fieldConfig.defaults.actions", "fieldConfig.defaults.description",
        "fieldConfig.defaults.displayNameFromDS", "fieldConfig.defaults.fieldMinMax",
        "fieldConfig.defaults.filterable", "fieldConfig.defaults.path", "fieldConfig.defaults.writeable",
        "libraryPanel", "pluginVersion", "timeCompare",
    ]); {
        /// Its ID; derived from its name if left out.
        "id": Count, at("id");
        /// How it shows its data: the ID of a panel plugin.
        "type": Plain, at("type"), required();
        /// Its title, if that isn't its name.
        "title": Text, at("title");
        /// What it shows; shown when hovering over it.
        "description": Text, at("description");
        /// Whether it has no background.
        "transparent": Flag, at("transparent"), default(OFF);
        /// Columns, of 24.
        "width": Count, at("gridPos");
        /// Rows of the grid, 30 pixels each.
        "height": Count, at("gridPos");
        /// Links of the panel.
        "links": List(&Nested(&LINK)), at("links"), default(NONE);
        /// A variable: the panel is repeated for each of its values.
        "repeat": Variable, at("repeat");
        /// Where the repeated panels are.
        "repeat_direction": Word(&REPEAT_DIRECTION), at("repeatDirection");
        /// How many repeated panels are side by side.
        "max_per_row": Count, at("maxPerRow");
        /// The datasource; the dashboard's if left out.
        "datasource": Datasource, at("datasource");
        /// The smallest step of its queries.
        "interval": Duration(&[]), at("interval");
        /// The maximum number of points of a series.
        "max_data_points": Count, at("maxDataPoints");
        /// Seconds for which its results are cached, where the datasource has its own cache.
        "cache_timeout": Plain, at("cacheTimeout");
        /// Milliseconds for which Grafana caches its results; those of the datasource if left out.
        "query_caching_ttl": Count, at("queryCachingTTL");
        /// Its own time range, e.g. `1h`.
        "time_from": Text, at("timeFrom");
        /// How far its time range lies back, e.g. `1d`.
        "time_shift": Text, at("timeShift");
        /// Whether its own time range is not shown.
        "hide_time_override": Flag, at("hideTimeOverride"), default(OFF);
        /// Its queries.
        "queries": Many(&Nested(&QUERY)), at("targets"), default(NONE);
        /// What is done with the data before it is shown.
        "transformations": List(&Nested(&TRANSFORMATION)), at("transformations"), default(NONE), open();
        "": Fixed, at("fieldConfig"), always(Empty);
    } with FIELD at "fieldConfig.defaults" {
        /// What applies to some series only.
        "overrides": List(&Nested(&OVERRIDE)), at("fieldConfig.overrides"), default(NONE), open();
        "": Fixed, at("options.mode"), always(Str("markdown")), only(&["text"]);
        /// The text of a text panel.
        "content": Text, at("options.content"), only(&["text"]);
        /// How a series becomes a value.
        "reduce": Nested(&REDUCE), at("options.reduceOptions");
        /// The legend.
        "legend": Nested(&LEGEND), at("options.legend");
        /// What hovering over the panel shows.
        "tooltip": Nested(&TOOLTIP), at("options.tooltip");
        /// The options of its type in Grafana's words.
        "options": Object, at("options"), open();
        /// Keys of Grafana's JSON that have no key of their own here.
        "grafana": Object;
    }
}

/// Variants of a query: the language of its datasource, and the two forms of CloudWatch's queries.
pub mod variant {
    /// Prometheus, and plugins with the same keys.
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

// `DataQuery`, which each plugin extends.
table! {
    /// A query; which keys it has depends on the type of its datasource.
    pub static QUERY: "a query", short = Some("expr"), logic = Logic::Query; {
        /// Its name among the panel's queries; A, B, C, … if left out.
        "ref": Plain, at("refId");
        /// The datasource; the panel's if left out.
        "datasource": Datasource, at("datasource");
        /// Whether it is not shown, because other queries use it.
        "hide": Flag, at("hide"), default(OFF);
        "": Fixed, of(&[(&[METRIC, MATH], "queryMode")]), always(Str("Metrics"));
        "": Fixed, of(&[(&[METRIC, MATH], "metricQueryType")]), always(Int(0));
        "": Fixed, of(&[(&[METRIC], "metricEditorMode")]), always(Int(0));
        "": Fixed, of(&[(&[MATH], "metricEditorMode")]), always(Int(1));
        "": Fixed, of(&[(&[METRIC, MATH], "id")]), always(NOTHING);
        /// The region; the datasource's if left out.
        "region": Text, of(&[(&[METRIC, MATH], "region")]), always(Str("default"));
        /// CloudWatch's namespace, e.g. `AWS/AuroraDSQL`.
        "namespace": Text, of(&[(&[METRIC, MATH], "namespace")]), always(NOTHING);
        /// PromQL or LogQL; for CloudWatch an expression over other queries.
        "expr": Text, of(&[(&[PROMETHEUS, LOKI], "expr"), (&[MATH], "expression")]);
        /// The metric.
        "metric": Text, of(&[(&[METRIC], "metricName")]);
        /// The statistic, e.g. `Average`.
        "statistic": Text, of(&[(&[METRIC], "statistic")]);
        /// Dimensions by name.
        "dimensions": Map(&Either(&Text)), of(&[(&[METRIC], "dimensions")]), always(Empty);
        /// Whether metrics with further dimensions match too.
        "search": Inverted, of(&[(&[METRIC], "matchExact")]), always(OFF);
        /// Seconds between two values; chosen by Grafana if left out.
        "period": Text, of(&[(&[METRIC, MATH], "period")]);
        /// The account.
        "account": Text, of(&[(&[METRIC], "accountId")]);
        /// The name of a series.
        "legend": Text, of(&[(&[PROMETHEUS, LOKI], "legendFormat"), (&[METRIC, MATH], "label")]);
        "": Fixed, of(&[(&[JSON], "type")]), always(Str("json"));
        "": Fixed, of(&[(&[JSON], "source")]), always(Str("url"));
        /// What reads the answer.
        "parser": Word(&PARSER), of(&[(&[JSON], "parser")]), always(Str("backend"));
        /// The shape of the result.
        "format": Word(&FORMAT), of(&[(&[PROMETHEUS, JSON], "format")]);
        /// A path below the datasource's URL.
        "url": Text, of(&[(&[JSON], "url")]), always(NOTHING);
        /// The method of the request.
        "method": Word(&METHOD), of(&[(&[JSON], "url_options.method")]), always(Str("GET"));
        "": Fixed, of(&[(&[JSON], "url_options.data")]), always(NOTHING);
        /// Where in the answer the rows are.
        "root": Text, of(&[(&[JSON], "root_selector")]), always(NOTHING);
        /// Columns by title.
        "columns": Map(&Nested(&COLUMN)), of(&[(&[JSON], "columns")]), always(NONE);
        "": Fixed, of(&[(&[JSON], "filters")]), always(NONE);
        /// Whether only the last value is wanted.
        "instant": Flag, of(&[(&[PROMETHEUS], "instant"), (&[LOKI], "queryType")]), default(OFF);
        /// Whether the whole range is wanted; it is if `instant` isn't set.
        "range": Flag, of(&[(&[PROMETHEUS, LOKI], "range")]), default(OFF);
        /// Whether exemplars are wanted.
        "exemplar": Flag, of(&[(&[PROMETHEUS], "exemplar")]), default(OFF);
        /// The smallest step.
        "interval": Duration(&[]), of(&[(&[PROMETHEUS], "interval"), (&[LOKI], "step")]);
        /// The maximum number of lines of a log.
        "max_lines": Count, of(&[(&[LOKI], "maxLines")]);
        /// Which lines of a log come first.
        "direction": Word(&DIRECTION), of(&[(&[LOKI], "direction")]);
        /// Keys of Grafana's JSON that have no key of their own here.
        "grafana": Object;
    }
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

table! {
    /// A column of a JSON API's answer.
    pub static COLUMN: "a column", short = Some("selector"); {
        /// Where in a row its value is.
        "selector": Text, at("selector"), required();
        "title": Name, at("text");
        /// Its type.
        "type": Word(&COLUMN_TYPE), at("type"), always(Str("string"));
    }
}

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

// `ThresholdsConfig`.
table! {
    /// Colors by value.
    pub static THRESHOLDS: "thresholds", short = Some("steps"), logic = Logic::Thresholds; {
        /// Whether the steps are values or percentages.
        "mode": Word(&THRESHOLDS_MODE), at("mode"), always(Str("absolute"));
        /// The color below the first step, then each step.
        "steps": List(&Nested(&STEP)), at("steps");
    }
}

static THRESHOLDS_MODE: Choice = Choice {
    what: "mode of thresholds",
    words: &[("absolute", "Values.", Same), ("percentage", "Percentages of the axis.", Same)],
};

// `Threshold`.
table! {
    /// A color and where it begins.
    static STEP: "a step", short = Some("color"); {
        /// The color.
        "color": Color, at("color"), required();
        /// The value from which it applies; the first step has none.
        "from": Number, at("value"), always(Null);
    }
}

// `ValueMapping`.
table! {
    /// A text or color for a value.
    pub static MAPPING: "a mapping", logic = Logic::Mapping; {
        /// The value.
        "value": Scalar;
        /// The lower end of a range.
        "from": Number, at("from"), only(&["range"]), always(Null);
        /// The upper end of a range.
        "to": Number, at("to"), only(&["range"]), always(Null);
        /// A regular expression that the value matches.
        "regexp": Plain, at("pattern"), only(&["regex"]);
        /// A value that is not a number or text.
        "special": Word(&SPECIAL), at("match"), only(&["special"]);
        /// What is shown.
        "text": Plain, at("result.text");
        /// Its color.
        "color": Color, at("result.color");
        /// Its icon.
        "icon": Plain, at("result.icon");
    }
}

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

// `FieldColor`.
table! {
    /// How colors are chosen.
    pub static COLOR: "a color", short = Some("mode"), logic = Logic::Color; {
        /// One of Grafana's color modes.
        "mode": Plain, at("mode");
        /// The color of the mode `fixed` or `shades`.
        "fixed": Color, at("fixedColor");
        /// The value of a series that decides.
        "by": Word(&COLOR_BY), at("seriesBy");
    }
}

static COLOR_BY: Choice = Choice {
    what: "value of a series",
    words: &[("last", "The last.", Same), ("min", "The smallest.", Same), ("max", "The greatest.", Same)],
};

table! {
    /// A link of each value.
    static DATA_LINK: "a data link"; {
        /// Its text.
        "title": Text, at("title"), required();
        /// The page.
        "url": Text, at("url"), required();
        /// Whether it opens in a new tab.
        "new_tab": Flag, at("targetBlank"), default(OFF);
    }
}

// `VizLegendOptions`.
table! {
    /// A legend.
    pub static LEGEND: "a legend", short = Some("mode"), logic = Logic::Legend; {
        "": Fixed, at("showLegend"), always(ON);
        /// Its form.
        "mode": Word(&LEGEND_MODE), at("displayMode"), always(Str("list"));
        /// Where it is.
        "placement": Word(&PLACEMENT), at("placement"), always(Str("bottom"));
        /// What it shows of each series.
        "calcs": List(&Calculation), at("calcs"), always(NONE);
        /// What it is sorted by: the title of one of the calculations, or `Name`.
        "sort_by": Plain, at("sortBy");
        /// Whether the greatest comes first.
        "sort_desc": Flag, at("sortDesc"), only(&["sorted"]), always(OFF);
        /// Its width in pixels, beside the panel.
        "width": Count, at("width");
    }
}

static LEGEND_MODE: Choice = Choice {
    what: "form of a legend",
    words: &[("none", "Not shown.", Str("list")), ("list", "Names in lines.", Same), ("table", "A table.", Same)],
};

static PLACEMENT: Choice =
    Choice { what: "place of a legend", words: &[("bottom", "Below.", Same), ("right", "On the right.", Same)] };

// `VizTooltipOptions`.
table! {
    /// What hovering over a panel shows.
    pub static TOOLTIP: "a tooltip", short = Some("mode"), logic = Logic::Tooltip; {
        /// Which series.
        "mode": Word(&TOOLTIP_MODE), at("mode"), always(Str("single"));
        /// In which order.
        "sort": Word(&TOOLTIP_SORT), at("sort"), only(&["sorted"]), always(Str("none"));
    }
}

static TOOLTIP_MODE: Choice = Choice {
    what: "tooltip",
    words: &[("single", "The one under the pointer.", Same), ("multi", "All.", Same), ("none", "None.", Same)],
};

static TOOLTIP_SORT: Choice = Choice {
    what: "order of a tooltip",
    words: &[("none", "As in the legend.", Same), ("asc", "Ascending.", Same), ("desc", "Descending.", Same)],
};

// `ReduceDataOptions`.
table! {
    /// How a series becomes a value.
    pub static REDUCE: "a reduction", short = Some("calcs"); {
        /// What is calculated for each series.
        "calcs": Many(&Calculation), at("calcs"), always(Strs(&["lastNotNull"]));
        /// Which fields are shown: a name or `/regexp/`; the numbers if left out.
        "fields": Plain, at("fields"), always(NOTHING);
        /// Whether every value is shown instead of a calculation.
        "values": Flag, at("values"), always(OFF);
        /// The maximum number of values then.
        "limit": Count, at("limit");
    }
}

// `FieldConfigSource.overrides`.
table! {
    /// What applies to some series or columns only.
    pub static OVERRIDE: "an override", logic = Logic::Override; {
        /// Their name.
        "name": Plain, at("byName");
        /// A regular expression for their names.
        "regexp": Plain, at("byRegexp");
    } with FIELD at "" {
        /// Further properties by their IDs.
        "grafana": Object;
    }
}

// `DataTransformerConfig`.
table! {
    /// A step between the queries and the panel: one of the first five keys, or `id` and `options`.
    pub static TRANSFORMATION: "a transformation", logic = Logic::Transformation; {
        /// Leaves out, renames and orders fields.
        "organize": Nested(&ORGANIZE), at("organize");
        /// Joins tables by a field.
        "join_by_field": Nested(&JOIN), at("joinByField");
        /// Sorts rows.
        "sort_by": Nested(&SORT_BY), at("sortBy");
        /// Keeps or leaves out fields by name.
        "filter_fields_by_name": Nested(&FILTER_FIELDS), at("filterFieldsByName");
        /// Merges all tables into one.
        "merge": Flag, at("merge");
        /// Any other: its ID in Grafana.
        "id": Plain;
        /// Its options in Grafana's words.
        "options": Raw;
        /// Whether it is turned off.
        "disabled": Flag, default(OFF);
    }
}

table! {
    /// Leaves out, renames and orders fields.
    static ORGANIZE: "`organize`"; {
        /// Fields that are left out.
        "exclude": Set, at("excludeByName"), always(Empty);
        /// The only fields that are kept.
        "include": Set, at("includeByName"), always(Empty);
        /// The fields that come first, in order.
        "order": Order, at("indexByName"), always(Empty);
        /// New names by the old ones.
        "rename": Map(&Plain), at("renameByName"), always(Empty);
    }
}

table! {
    /// Joins tables by a field.
    static JOIN: "`join_by_field`"; {
        /// The field; the time if left out.
        "field": Plain, at("byField");
        /// Which rows are kept.
        "mode": Word(&JOIN_MODE), at("mode"), always(Str("outer"));
    }
}

static JOIN_MODE: Choice = Choice {
    what: "join",
    words: &[
        ("outer", "Those that any table has.", Same),
        ("inner", "Those that every table has.", Same),
        ("outerTabular", "Those that any table has, for tables without a time.", Same),
    ],
};

table! {
    /// Sorts rows.
    static SORT_BY: "`sort_by`"; {
        /// The field to sort by.
        "field": Plain, at("sort.field"), required();
        /// Whether the greatest comes first.
        "desc": Flag, at("sort.desc"), always(OFF);
    }
}

table! {
    /// Keeps or leaves out fields by name.
    static FILTER_FIELDS: "`filter_fields_by_name`"; {
        /// Fields that are kept.
        "include": List(&Plain), at("include.names"), default(NONE);
        /// A regular expression for fields that are kept.
        "include_regexp": Plain, at("include.pattern");
        /// Fields that are left out.
        "exclude": List(&Plain), at("exclude.names"), default(NONE);
        /// A regular expression for fields that are left out.
        "exclude_regexp": Plain, at("exclude.pattern");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::spec::grafana::Kind;

    /// Every table that can be reached from one.
    fn tables(table: &'static Table, found: &mut Vec<&'static Table>) {
        if found.iter().any(|known| std::ptr::eq(*known, table)) {
            return;
        }
        found.push(table);
        for (_, key) in table.keys() {
            let mut kind = key.kind;
            while let Kind::List(inner) | Kind::Many(inner) | Kind::Either(inner) | Kind::Map(inner) = kind {
                kind = *inner;
            }
            if let Kind::Table(inner) = kind {
                tables(inner, found);
            }
        }
    }

    #[test]
    fn entries_are_sound() {
        let mut found = Vec::new();
        tables(&DASHBOARD, &mut found);
        assert!(found.len() > 15);
        for table in found {
            let mut words = HashSet::new();
            for (_, key) in table.keys().filter(|(_, key)| key.is_written()) {
                let name = format!("`{}` of {}", key.word, table.what);
                assert!(words.insert(key.word), "{name} is declared twice");
                assert!(!key.docs.contains("` if left out"), "{name}: the default is a value of the entry");
                if let (Kind::Choice(choice), Some(Str(word))) = (key.kind, key.default) {
                    assert!(choice.words.iter().any(|(known, ..)| *known == word), "{name}: `{word}`");
                }
            }
            assert!(table.short.is_none_or(|word| table.key(word).is_some()), "{}", table.what);
        }
    }
}

//! Dashboards: what each shows, laid out, with everything found that it refers to.

use serde_json::{Map, Value};

use crate::spec::dashboard::{
    ColorBy, ColumnType, Direction, GraphTooltip, Hide, JoinMode, LegendMode, Method, Parser, Placement, QueryFormat,
    Refresh, RepeatDirection, Sort, Special, ThresholdsMode, TooltipMode, TooltipSort,
};
use crate::spec::stack::DatasourceType;

/// A part of Grafana's JSON that is passed on as it is.
pub type Passthrough = Map<String, Value>;

/// A dashboard.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// The directory of its folder.
    pub folder: String,
    /// The name of its file, without its extension.
    pub name: String,
    /// What links refer to.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// How often it is refreshed.
    pub refresh: Option<String>,
    /// The start and the end of the time that it shows.
    pub time: Option<(String, String)>,
    /// The time zone.
    pub timezone: Option<String>,
    /// What pointing at one panel shows in the others.
    pub graph_tooltip: GraphTooltip,
    /// Whether Grafana lets people edit it.
    pub editable: bool,
    /// Links at its top.
    pub links: Vec<Link>,
    /// Variables.
    pub variables: Vec<Variable>,
    /// Annotations.
    pub annotations: Vec<Annotation>,
    /// Panels above the first row.
    pub panels: Vec<Panel>,
    /// Rows.
    pub rows: Vec<Row>,
    /// The rest.
    pub grafana: Passthrough,
}

/// What a query goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datasource {
    /// The id of its plugin.
    pub plugin: String,
    /// Its UID, or a reference to a variable.
    pub uid: String,
}

impl Datasource {
    /// Of a panel whose queries go to several (`MIXED_DATASOURCE_NAME` of Grafana's runtime).
    #[must_use]
    pub fn mixed() -> Self {
        Self { plugin: "datasource".to_owned(), uid: "-- Mixed --".to_owned() }
    }
}

/// The language of a query, which goes by its datasource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Prometheus.
    PromQl,
    /// Loki.
    LogQl,
    /// Amazon's metrics.
    CloudWatch,
    /// The Infinity plugin.
    Infinity,
    /// Another plugin's.
    Other,
}

/// The id of the plugin that queries a type of datasource.
#[must_use]
pub fn plugin(kind: DatasourceType) -> &'static str {
    match kind {
        DatasourceType::Prometheus => "prometheus",
        DatasourceType::Loki => "loki",
        DatasourceType::CloudWatch => "cloudwatch",
        DatasourceType::Json => "yesoreyeram-infinity-datasource",
    }
}

impl Language {
    /// The language that a plugin's queries are written in.
    #[must_use]
    pub fn of(id: &str) -> Self {
        let is = |kind| plugin(kind) == id;
        match id {
            _ if is(DatasourceType::Prometheus) => Self::PromQl,
            _ if is(DatasourceType::Loki) => Self::LogQl,
            _ if is(DatasourceType::CloudWatch) => Self::CloudWatch,
            _ if is(DatasourceType::Json) => Self::Infinity,
            _ => Self::Other,
        }
    }
}

/// A link.
#[derive(Debug, Clone)]
pub struct Link {
    /// What it says.
    pub title: String,
    /// Where it leads.
    pub target: LinkTarget,
    /// What pointing at it says.
    pub tooltip: String,
    /// Its icon.
    pub icon: String,
    /// Whether a tab opens.
    pub new_tab: bool,
    /// Whether the page gets the variables' values.
    pub include_variables: bool,
    /// Whether the page shows the same time.
    pub keep_time: bool,
}

/// Where a link leads.
#[derive(Debug, Clone)]
pub enum LinkTarget {
    /// A page.
    Url(String),
    /// The dashboards with all of these tags, in a menu or side by side.
    Dashboards {
        /// The tags.
        tags: Vec<String>,
        /// Whether they stand in a menu.
        dropdown: bool,
    },
}

/// A variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What stands before its field.
    pub label: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What is hidden of it.
    pub hide: Option<Hide>,
    /// Whether URLs leave it out.
    pub skip_url_sync: bool,
    /// Where its values come from.
    pub values: VariableValues,
    /// What is chosen at first: texts and values.
    pub current: Option<Current>,
    /// The rest.
    pub grafana: Passthrough,
}

/// What of a variable is chosen at first.
#[derive(Debug, Clone)]
pub enum Current {
    /// One value.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// Where the values of a variable come from.
#[derive(Debug, Clone)]
pub enum VariableValues {
    /// A query.
    Query {
        /// What is queried.
        datasource: Datasource,
        /// The query.
        query: Value,
        /// When.
        refresh: Refresh,
        /// What can be chosen.
        choice: Choice,
    },
    /// The datasources of a type.
    Datasource {
        /// The plugin's id.
        plugin: String,
        /// What can be chosen.
        choice: Choice,
    },
    /// A list of texts and values.
    Custom {
        /// The list; a text is there only if it differs from the value.
        values: Vec<(Option<String>, String)>,
        /// What can be chosen.
        choice: Choice,
    },
    /// What the reader types.
    Textbox(String),
    /// A list of durations.
    Interval {
        /// The durations.
        values: Vec<String>,
        /// Steps of the time range and the least step, if one is chosen by the time range.
        auto: Option<(u32, String)>,
    },
    /// Filters that the reader adds.
    Adhoc(Datasource),
    /// A value that nobody changes.
    Constant(String),
}

/// What can be chosen of a variable's values.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Which values are used.
    pub regex: Option<String>,
    /// Their order.
    pub sort: Option<Sort>,
    /// Whether several can be chosen.
    pub multi: bool,
    /// Whether all can be chosen at once.
    pub include_all: bool,
    /// What stands for all.
    pub all_value: Option<String>,
    /// Whether others can be typed.
    pub allow_custom_value: bool,
}

/// Events that are drawn into the panels.
#[derive(Debug, Clone)]
pub struct Annotation {
    /// Its name.
    pub name: String,
    /// The datasource.
    pub datasource: Datasource,
    /// What finds them.
    pub query: Option<Query>,
    /// Their colour.
    pub color: String,
    /// Whether they are shown at first.
    pub enabled: bool,
    /// Whether the switch for them is hidden.
    pub hidden: bool,
    /// The rest.
    pub grafana: Passthrough,
}

/// A row of panels.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: u32,
    /// Its title.
    pub title: String,
    /// Whether it is closed at first.
    pub collapsed: bool,
    /// A variable: one row for each of its values.
    pub repeat: Option<String>,
    /// Its place.
    pub grid: Grid,
    /// Its panels.
    pub panels: Vec<Panel>,
    /// The rest.
    pub grafana: Passthrough,
}

/// A place on the grid of 24 columns, in columns and rows of 30 pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grid {
    /// The first column.
    pub x: u32,
    /// The first row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A panel.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Its id, unique in the dashboard.
    pub id: u32,
    /// Its title.
    pub title: String,
    /// The id of its plugin.
    pub kind: String,
    /// What it shows.
    pub description: Option<String>,
    /// Its place.
    pub grid: Grid,
    /// Where its queries go; `None` without queries.
    pub datasource: Option<Datasource>,
    /// Its queries.
    pub queries: Vec<Query>,
    /// How its values are shown.
    pub field: Vec<Property>,
    /// How some of them are shown.
    pub overrides: Vec<Override>,
    /// The text of a text panel.
    pub content: Option<String>,
    /// The legend.
    pub legend: Option<Legend>,
    /// What pointing at it shows.
    pub tooltip: Option<Tooltip>,
    /// How a series becomes a value.
    pub reduce: Option<Reduce>,
    /// Options of its type.
    pub options: Passthrough,
    /// What is done with the data before.
    pub transformations: Vec<Transformation>,
    /// Links.
    pub links: Vec<Link>,
    /// A variable and the direction: one panel for each of its values.
    pub repeat: Option<(String, Option<RepeatDirection>, Option<u32>)>,
    /// The least step of its queries.
    pub interval: Option<String>,
    /// The most points of a series.
    pub max_data_points: Option<u32>,
    /// A time range of its own.
    pub time_from: Option<String>,
    /// How far its time lies back.
    pub time_shift: Option<String>,
    /// Whether its own time is not shown.
    pub hide_time_override: bool,
    /// Whether it has no background.
    pub transparent: bool,
    /// The rest.
    pub grafana: Passthrough,
}

/// A query.
#[derive(Debug, Clone)]
pub struct Query {
    /// Its name among the panel's queries.
    pub reference: String,
    /// Its datasource, if that isn't the panel's.
    pub datasource: Option<Datasource>,
    /// Whether it is not shown.
    pub hide: bool,
    /// What it asks.
    pub ask: Ask,
    /// The rest.
    pub grafana: Passthrough,
}

/// What a query asks.
#[derive(Debug, Clone)]
pub enum Ask {
    /// `PromQL`, or a language that is written likewise.
    Prometheus(PromQuery),
    /// `LogQL`.
    Loki(LokiQuery),
    /// A metric of CloudWatch.
    Metric(Box<MetricQuery>),
    /// An expression over other queries of CloudWatch.
    Math {
        /// The expression.
        expression: String,
        /// What the series is called.
        label: Option<String>,
        /// The region; the datasource's if empty.
        region: String,
        /// Seconds between two values.
        period: Option<String>,
    },
    /// A JSON API.
    Json(JsonQuery),
    /// Something that only the passthrough says.
    Other,
}

/// A query of Prometheus.
#[derive(Debug, Clone)]
pub struct PromQuery {
    /// `PromQL`.
    pub expr: String,
    /// What a series is called.
    pub legend: Option<String>,
    /// The shape of the result, if not series.
    pub format: Option<QueryFormat>,
    /// Whether the last value is wanted.
    pub instant: bool,
    /// Whether the range is wanted.
    pub range: bool,
    /// Whether exemplars are wanted.
    pub exemplar: bool,
    /// The least step.
    pub interval: Option<String>,
}

/// A query of Loki.
#[derive(Debug, Clone)]
pub struct LokiQuery {
    /// `LogQL`.
    pub expr: String,
    /// What a series is called.
    pub legend: Option<String>,
    /// Whether only the last value is wanted.
    pub instant: bool,
    /// The least step.
    pub step: Option<String>,
    /// The most lines.
    pub max_lines: Option<u32>,
    /// Which lines come first.
    pub direction: Option<Direction>,
}

/// A query for a metric of CloudWatch.
#[derive(Debug, Clone)]
pub struct MetricQuery {
    /// The namespace.
    pub namespace: String,
    /// The metric.
    pub metric: String,
    /// The statistic.
    pub statistic: String,
    /// Dimensions and their values.
    pub dimensions: Vec<(String, Vec<String>)>,
    /// What the series is called.
    pub label: Option<String>,
    /// The region; the datasource's if `None`.
    pub region: Option<String>,
    /// Seconds between two values.
    pub period: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// Whether the dimensions are all of the metric's.
    pub exact: bool,
}

/// A query of a JSON API.
#[derive(Debug, Clone)]
pub struct JsonQuery {
    /// A path below the datasource's URL.
    pub url: String,
    /// Where in the answer the rows are.
    pub root: String,
    /// The shape of the result.
    pub format: QueryFormat,
    /// The method.
    pub method: Method,
    /// What reads the answer.
    pub parser: Parser,
    /// Columns: title, selector and type.
    pub columns: Vec<(String, String, ColumnType)>,
}

/// How a value is shown.
#[derive(Debug, Clone)]
pub enum Property {
    /// What it is called.
    DisplayName(String),
    /// Its unit.
    Unit(String),
    /// Digits after the point.
    Decimals(u32),
    /// The least value of the axis.
    Min(f64),
    /// The greatest value of the axis.
    Max(f64),
    /// What is shown where there is no value.
    NoValue(String),
    /// How colours are chosen.
    Color(Color),
    /// Colours by value.
    Thresholds(Thresholds),
    /// Texts and colours for values.
    Mappings(Vec<Mapping>),
    /// Links: title, URL and whether a tab opens.
    Links(Vec<(String, String, bool)>),
    /// How it is drawn: an option of the panel's type and its value.
    Custom(String, Value),
    /// Another property.
    Other(String, Value),
}

/// How colours are chosen.
#[derive(Debug, Clone)]
pub struct Color {
    /// Grafana's mode.
    pub mode: String,
    /// The colour.
    pub fixed: Option<String>,
    /// Which value of a series decides.
    pub by: Option<ColorBy>,
}

/// Colours by value.
#[derive(Debug, Clone)]
pub struct Thresholds {
    /// What the steps are.
    pub mode: ThresholdsMode,
    /// The values from which on colours hold; the first has none.
    pub steps: Vec<(Option<f64>, String)>,
}

/// A text or colour for a value.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Which values.
    pub matches: Matches,
    /// What is shown.
    pub text: Option<String>,
    /// Its colour.
    pub color: Option<String>,
    /// Its icon.
    pub icon: Option<String>,
}

/// Which values a mapping is for.
#[derive(Debug, Clone)]
pub enum Matches {
    /// One.
    Value(String),
    /// A range, open where there is no number.
    Range(Option<f64>, Option<f64>),
    /// Those that match.
    Regexp(String),
    /// What is no ordinary value.
    Special(Special),
}

/// How some values are shown.
#[derive(Debug, Clone)]
pub struct Override {
    /// Which.
    pub matcher: Matcher,
    /// How.
    pub field: Vec<Property>,
}

/// Which values an override is for.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Those of a field.
    Name(String),
    /// Those of the fields whose names match.
    Regexp(String),
}

/// A legend.
#[derive(Debug, Clone)]
pub struct Legend {
    /// Its form.
    pub mode: LegendMode,
    /// Where it stands.
    pub placement: Placement,
    /// What it says of each series.
    pub calcs: Vec<String>,
    /// What it is sorted by, and whether the greatest comes first.
    pub sort: Option<(String, bool)>,
    /// Its width in pixels.
    pub width: Option<u32>,
}

/// What pointing at a panel shows.
#[derive(Debug, Clone)]
pub struct Tooltip {
    /// Of which series.
    pub mode: TooltipMode,
    /// In which order, if its type has one.
    pub sort: Option<TooltipSort>,
}

/// How a series becomes a value.
#[derive(Debug, Clone)]
pub struct Reduce {
    /// What is calculated.
    pub calcs: Vec<String>,
    /// Which fields are shown; numbers if empty.
    pub fields: String,
    /// Whether every value is shown.
    pub values: bool,
    /// The most values.
    pub limit: Option<u32>,
}

/// A step between the queries and the panel.
#[derive(Debug, Clone)]
pub struct Transformation {
    /// What it does.
    pub step: TransformationStep,
    /// Whether it is switched off.
    pub disabled: bool,
}

/// What a transformation does.
#[derive(Debug, Clone)]
pub enum TransformationStep {
    /// Leaves out, renames and orders fields.
    Organize {
        /// Fields that are left out.
        exclude: Vec<String>,
        /// The only fields that are kept.
        include: Vec<String>,
        /// Old names and new ones.
        rename: Vec<(String, String)>,
        /// The fields that come first.
        order: Vec<String>,
    },
    /// Joins tables by a field.
    JoinByField(Option<String>, JoinMode),
    /// Sorts rows by a field; whether the greatest comes first.
    SortBy(String, bool),
    /// Keeps or leaves out fields.
    FilterFieldsByName {
        /// Names and a pattern of those that are kept.
        include: (Vec<String>, Option<String>),
        /// Names and a pattern of those that are left out.
        exclude: (Vec<String>, Option<String>),
    },
    /// Makes one table of all.
    Merge,
    /// Any other: its id and options.
    Other(String, Value),
}

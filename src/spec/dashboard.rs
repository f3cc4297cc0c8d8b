//! The tables of `spec/dashboards/<name>.toml`.
//!
//! Strings are Grafana's: `$namespace` and `${namespace:regex}` mean variables of the dashboard.

use serde_json::json;

use super::decode::{Context, Decode, Many, Map, Short, Shorthand, Spanned, choice, table};
use super::quoted::Quoted;
use super::raw::{Number, Raw};
use super::schema::{self, Schema, Schemas};
use super::tree::{Node, Value};

table! {
    /// A dashboard; the name of its file is the name of the output.
    pub struct Dashboard as "a dashboard" {
        /// The folder that Grafana shows it in: a key of Grafana's `settings.folders`.
        folder: Spanned<String>,
        /// Its title.
        title: Quoted,
        /// What links refer to; the file's name if left out.
        uid: Option<Spanned<String>>,
        /// What it is for.
        description: Option<Quoted>,
        /// Words to find it by.
        tags: Vec<String>,
        /// What panels query that name no datasource; the stack's default if left out.
        datasource: Option<Quoted>,
        /// How often it is refreshed, e.g. `30s`; not by itself if left out.
        refresh: Option<Quoted>,
        /// The time that it shows; the last six hours if left out.
        time: Option<Short<TimeRange>>,
        /// The time zone; that of the browser if left out.
        timezone: Option<String>,
        /// What pointing at one panel shows in the others.
        graph_tooltip: Option<GraphTooltip>,
        /// Whether Grafana lets people edit it; `true` if left out.
        editable: Option<bool>,
        /// Links at its top.
        links: Vec<Link>,
        /// Variables by name, in the order in which they are shown.
        variables: Map<Variable>,
        /// Annotations by name.
        annotations: Map<Annotation>,
        /// Panels above the first row.
        panels: Map<Panel>,
        /// Rows by title.
        rows: Map<Row>,
        /// Keys of Grafana's JSON that have none here.
        grafana: Map<Raw>,
    }
}

table! {
    /// A span of time, relative to now.
    pub struct TimeRange as "a time range" {
        /// Its start, e.g. `now-1h`.
        from: Quoted,
        /// Its end; `now` if left out.
        to: Option<Quoted>,
    }
}

impl Shorthand for TimeRange {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        Some(Self { span, sound: true, from: Quoted::decode(node, cx)?, to: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        Quoted::schema(schemas)
    }
}

choice! {
    /// What pointing at one panel shows in the others.
    pub enum GraphTooltip as "graph tooltip" {
        /// Nothing.
        Default = "default",
        /// A line at the same time.
        Crosshair = "crosshair",
        /// A line and the values.
        Tooltip = "tooltip",
    }
}

table! {
    /// A link to a page, or to every dashboard with certain tags.
    pub struct Link as "a link" {
        /// What it says.
        title: Quoted,
        /// Where it leads.
        url: Option<Quoted>,
        /// The dashboards with all of these tags, instead of a URL; without any tag all dashboards.
        tags: Option<Vec<String>>,
        /// What pointing at it says.
        tooltip: Option<Quoted>,
        /// Its icon.
        icon: Option<String>,
        /// Whether a tab opens.
        new_tab: Option<bool>,
        /// Whether the page gets the variables' values.
        include_variables: Option<bool>,
        /// Whether the page shows the same time.
        keep_time: Option<bool>,
        /// Whether the dashboards stand in a menu.
        dropdown: Option<bool>,
    }
}

choice! {
    /// Where the values of a variable come from.
    pub enum VariableType as "type of variable" {
        /// A query.
        Query = "query",
        /// The datasources of a type.
        Datasource = "datasource",
        /// A list.
        Custom = "custom",
        /// The reader.
        Textbox = "textbox",
        /// A list of durations.
        Interval = "interval",
        /// Filters that the reader adds to every query.
        Adhoc = "adhoc",
        /// A value that nobody changes.
        Constant = "constant",
    }
}

choice! {
    /// How the values of a variable are ordered.
    pub enum Sort as "order" {
        /// As they come.
        Disabled = "disabled",
        /// A before B before a.
        Alphabetical = "alphabetical",
        /// The other way round.
        AlphabeticalDesc = "alphabetical-desc",
        /// As numbers.
        Numerical = "numerical",
        /// The other way round.
        NumericalDesc = "numerical-desc",
        /// A and a before B.
        AlphabeticalIgnoreCase = "alphabetical-ignore-case",
        /// The other way round.
        AlphabeticalIgnoreCaseDesc = "alphabetical-ignore-case-desc",
        /// `a2` before `a10`.
        Natural = "natural",
        /// The other way round.
        NaturalDesc = "natural-desc",
    }
}

choice! {
    /// When the values of a variable are queried.
    pub enum Refresh as "time to query" {
        /// Not by itself.
        Never = "never",
        /// When the dashboard is opened.
        Load = "load",
        /// When the time range changes, too.
        TimeRange = "time-range",
    }
}

choice! {
    /// What of a variable is hidden.
    pub enum Hide as "part to hide" {
        /// Its label.
        Label = "label",
        /// All of it.
        Variable = "variable",
    }
}

table! {
    /// A variable of a dashboard.
    pub struct Variable as "a dashboard's variable" {
        /// Where its values come from.
        kind as "type": Spanned<VariableType>,
        /// What stands before its field; its name if left out.
        label: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// What is hidden of it.
        hide: Option<Hide>,
        /// The datasource that is queried or filtered.
        datasource: Option<Quoted>,
        /// The query, e.g. `label_values(up, job)`; for `datasource` the type of datasource.
        query: Option<Raw>,
        /// The values of `custom` and `interval`; a table gives text and value.
        values: Option<Spanned<Values>>,
        /// Which of the values are used, a regular expression.
        regex: Option<Quoted>,
        /// Their order.
        sort: Option<Spanned<Sort>>,
        /// When they are queried; when the dashboard is opened if left out.
        refresh: Option<Spanned<Refresh>>,
        /// Whether several can be chosen.
        multi: Option<Spanned<bool>>,
        /// Whether all can be chosen at once.
        include_all: Option<Spanned<bool>>,
        /// What stands for all in a query; a list of all if left out.
        all_value: Option<Spanned<String>>,
        /// What is chosen at first; for `textbox` and `constant` the value.
        current: Option<Many<String>>,
        /// Whether URLs leave it out.
        skip_url_sync: Option<bool>,
        /// Whether a value that is not in the list can be typed; `true` if left out.
        allow_custom_value: Option<bool>,
        /// For `interval`: whether one of the values is chosen by the time range.
        auto: Option<Spanned<bool>>,
        /// How many steps a time range has then.
        auto_count: Option<Spanned<u32>>,
        /// The least step.
        auto_min: Option<Spanned<String>>,
        /// Keys of Grafana's JSON that have none here.
        grafana: Map<Raw>,
    }
}

/// The values of a variable: a list, or a table of text and value.
#[derive(Debug, Clone)]
pub struct Values(pub Vec<(Option<String>, String)>);

impl Decode for Values {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Table(_) = node.value {
            let map: Map<String> = Map::decode(node, cx)?;
            return Some(Self(map.entries.into_iter().map(|(text, value)| (Some(text.value), value)).collect()));
        }
        let list: Vec<String> = Vec::decode(node, cx)?;
        Some(Self(list.into_iter().map(|value| (None, value)).collect()))
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([schema::list::<String>(schemas), schema::map::<String>(schemas)])
    }
}

table! {
    /// Events that are drawn into the panels.
    pub struct Annotation as "an annotation" {
        /// What finds them.
        query: Option<Short<Query>>,
        /// The datasource; the dashboard's if left out.
        datasource: Option<Quoted>,
        /// Their colour.
        color: Option<Spanned<String>>,
        /// Whether they are shown at first; `true` if left out.
        enabled: Option<bool>,
        /// Whether the switch for them is hidden.
        hidden: Option<bool>,
        /// Keys of Grafana's JSON that have none here.
        grafana: Map<Raw>,
    }
}

table! {
    /// A row of panels under a title.
    pub struct Row as "a row" {
        /// Its title, if that isn't its name.
        title: Option<Quoted>,
        /// Whether it is closed at first.
        collapsed: Option<bool>,
        /// A variable: there is one row for each of its values.
        repeat: Option<Quoted>,
        /// Its id; derived from its name if left out.
        id: Option<Spanned<u32>>,
        /// Its panels by title.
        panels: Map<Panel>,
        /// Keys of Grafana's JSON that have none here.
        grafana: Map<Raw>,
    }
}

table! {
    /// A panel.
    pub struct Panel as "a panel" {
        /// Its title, if that isn't its name.
        title: Option<Quoted>,
        /// How it shows its data: the id of a panel plugin.
        kind as "type": Spanned<String>,
        /// What it shows, for who points at it.
        description: Option<Quoted>,
        /// The text of a text panel.
        content: Option<Quoted>,
        /// The datasource; the dashboard's if left out.
        datasource: Option<Quoted>,
        /// Its queries.
        queries: Many<Short<Query>>,
        /// The unit, one of Grafana's ids.
        unit: Option<String>,
        /// Digits after the point.
        decimals: Option<Spanned<u32>>,
        /// The least value of the axis.
        min: Option<Spanned<Number>>,
        /// The greatest value of the axis.
        max: Option<Spanned<Number>>,
        /// What is shown where there is no value.
        no_value: Option<String>,
        /// What a value is called.
        display_name: Option<Quoted>,
        /// Colours by value.
        thresholds: Option<Short<Thresholds>>,
        /// Texts and colours for values.
        mappings: Vec<Mapping>,
        /// How colours are chosen.
        color: Option<Short<Color>>,
        /// Links of each value.
        data_links: Vec<DataLink>,
        /// How series are drawn: `fieldConfig.defaults.custom` in Grafana's words.
        custom: Map<Raw>,
        /// The options of its type in Grafana's words.
        options: Map<Raw>,
        /// The legend.
        legend: Option<Short<Legend>>,
        /// What pointing at it shows.
        tooltip: Option<Short<Tooltip>>,
        /// How a series becomes a value.
        reduce: Option<Short<Reduce>>,
        /// What holds for some series only.
        overrides: Vec<Override>,
        /// What is done with the data before it is shown.
        transformations: Vec<Transformation>,
        /// Links of the panel.
        links: Vec<Link>,
        /// Columns, of 24.
        width: Option<Spanned<u32>>,
        /// Rows of the grid, 30 pixels each.
        height: Option<Spanned<u32>>,
        /// Its id; derived from its name if left out.
        id: Option<Spanned<u32>>,
        /// A variable: there is one panel for each of its values.
        repeat: Option<Quoted>,
        /// Where the repeated panels stand.
        repeat_direction: Option<RepeatDirection>,
        /// How many repeated panels stand side by side.
        max_per_row: Option<u32>,
        /// The least step of its queries.
        interval: Option<Quoted>,
        /// The most points of a series.
        max_data_points: Option<u32>,
        /// A time range of its own, e.g. `1h`.
        time_from: Option<Quoted>,
        /// How far its time lies back, e.g. `1d`.
        time_shift: Option<Quoted>,
        /// Whether its own time is not shown.
        hide_time_override: Option<bool>,
        /// Whether it has no background.
        transparent: Option<bool>,
        /// Keys of Grafana's JSON that have none here.
        grafana: Map<Raw>,
    }
}

choice! {
    /// Where repeated panels stand.
    pub enum RepeatDirection as "direction" {
        /// Side by side.
        Horizontal = "h",
        /// One below the other.
        Vertical = "v",
    }
}

table! {
    /// A query; which keys fit depends on the type of its datasource.
    pub struct Query as "a query" {
        /// PromQL or LogQL; for CloudWatch an expression over other queries.
        expr: Option<Quoted>,
        /// What a series is called.
        legend: Option<Quoted>,
        /// The shape of the result.
        format: Option<Spanned<QueryFormat>>,
        /// Whether only the last value is wanted.
        instant: Option<Spanned<bool>>,
        /// Whether the whole range is wanted; if `instant` is not, it is.
        range: Option<Spanned<bool>>,
        /// Whether exemplars are wanted.
        exemplar: Option<Spanned<bool>>,
        /// The least step.
        interval: Option<Quoted>,
        /// The most lines of a log.
        max_lines: Option<Spanned<u32>>,
        /// Which lines of a log come first.
        direction: Option<Spanned<Direction>>,
        /// CloudWatch's namespace, e.g. `AWS/AuroraDSQL`.
        namespace: Option<Quoted>,
        /// The metric.
        metric: Option<Quoted>,
        /// The statistic, e.g. `Average`.
        statistic: Option<Quoted>,
        /// Dimensions by name.
        dimensions: Option<Spanned<Map<Many<Quoted>>>>,
        /// The region; the datasource's if left out.
        region: Option<Quoted>,
        /// Seconds between two values; chosen by Grafana if left out.
        period: Option<Quoted>,
        /// The account.
        account: Option<Quoted>,
        /// Whether metrics with further dimensions match as well.
        search: Option<Spanned<bool>>,
        /// A path below the datasource's URL.
        url: Option<Quoted>,
        /// Where in the answer the rows are.
        root: Option<Quoted>,
        /// Columns by title.
        columns: Option<Spanned<Map<Short<Column>>>>,
        /// The method of the request; `GET` if left out.
        method: Option<Spanned<Method>>,
        /// What reads the answer; `backend` if left out.
        parser: Option<Spanned<Parser>>,
        /// Whether it is not shown, but of use to another query.
        hide: Option<bool>,
        /// The datasource; the panel's if left out.
        datasource: Option<Quoted>,
        /// Its name among the panel's queries; A, B, C, … if left out.
        reference as "ref": Option<Spanned<String>>,
        /// Keys of Grafana's JSON that have none here.
        grafana: Map<Raw>,
    }
}

impl Shorthand for Query {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let expr = Quoted::decode(node, cx)?;
        Some(Self {
            span,
            sound: true,
            expr: Some(expr),
            legend: None,
            format: None,
            instant: None,
            range: None,
            exemplar: None,
            interval: None,
            max_lines: None,
            direction: None,
            namespace: None,
            metric: None,
            statistic: None,
            dimensions: None,
            region: None,
            period: None,
            account: None,
            search: None,
            url: None,
            root: None,
            columns: None,
            method: None,
            parser: None,
            hide: None,
            datasource: None,
            reference: None,
            grafana: Map::default(),
        })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        Quoted::schema(schemas)
    }
}

choice! {
    /// The shape of a query's result.
    pub enum QueryFormat as "format" {
        /// A series for each set of labels.
        TimeSeries = "time_series",
        /// A row for each series.
        Table = "table",
        /// Buckets.
        Heatmap = "heatmap",
        /// Infinity: series.
        Timeseries = "timeseries",
        /// Infinity: log lines.
        Logs = "logs",
        /// Infinity: as it comes.
        Dataframe = "dataframe",
    }
}

choice! {
    /// Which lines of a log come first.
    pub enum Direction as "direction" {
        /// The newest.
        Backward = "backward",
        /// The oldest.
        Forward = "forward",
    }
}

choice! {
    /// The method of a request.
    pub enum Method as "method" {
        /// Ask.
        Get = "GET",
        /// Send.
        Post = "POST",
    }
}

choice! {
    /// What reads the answer of a JSON API.
    pub enum Parser as "parser" {
        /// `JSONata`, in the server.
        Backend = "backend",
        /// jq, in the server.
        JqBackend = "jq-backend",
        /// The plugin's own, in the browser.
        Simple = "simple",
        /// UQL, in the browser.
        Uql = "uql",
        /// GROQ, in the browser.
        Groq = "groq",
    }
}

table! {
    /// A column of a JSON API's answer.
    pub struct Column as "a column" {
        /// Where in a row its value is.
        selector: Quoted,
        /// Its type; a string if left out.
        kind as "type": Option<ColumnType>,
    }
}

impl Shorthand for Column {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        Some(Self { span, sound: true, selector: Quoted::decode(node, cx)?, kind: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        Quoted::schema(schemas)
    }
}

choice! {
    /// The type of a column.
    pub enum ColumnType as "type of column" {
        /// A string.
        String = "string",
        /// A number.
        Number = "number",
        /// A boolean.
        Boolean = "boolean",
        /// A time as text.
        Timestamp = "timestamp",
        /// A time in milliseconds.
        TimestampEpoch = "timestamp_epoch",
        /// A time in seconds.
        TimestampEpochSeconds = "timestamp_epoch_s",
    }
}

table! {
    /// Colours by value.
    pub struct Thresholds as "thresholds" {
        /// Whether the steps are values or percentages.
        mode: Option<ThresholdsMode>,
        /// The colour below the first step, then each step.
        steps: Vec<Short<Step>>,
    }
}

impl Shorthand for Thresholds {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        Some(Self { span, sound: true, mode: None, steps: Vec::decode(node, cx)? })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        schema::list::<Short<Step>>(schemas)
    }
}

choice! {
    /// What the steps of thresholds are.
    pub enum ThresholdsMode as "mode of thresholds" {
        /// Values.
        Absolute = "absolute",
        /// Percentages of the axis.
        Percentage = "percentage",
    }
}

table! {
    /// A colour and where it begins.
    pub struct Step as "a step" {
        /// The value from which on it holds; the first step has none.
        from: Option<Spanned<Number>>,
        /// The colour.
        color: Spanned<String>,
    }
}

impl Shorthand for Step {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        Some(Self { span, sound: true, from: None, color: Spanned::decode(node, cx)? })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        String::schema(schemas)
    }
}

table! {
    /// A text or colour for a value.
    pub struct Mapping as "a mapping" {
        /// The value.
        value: Option<Spanned<Word>>,
        /// The least value of a range.
        from: Option<Spanned<Number>>,
        /// The greatest value of a range.
        to: Option<Spanned<Number>>,
        /// A regular expression that the value matches.
        regexp: Option<Spanned<String>>,
        /// What is no number or text.
        special: Option<Spanned<Special>>,
        /// What is shown.
        text: Option<String>,
        /// Its colour.
        color: Option<Spanned<String>>,
        /// Its icon.
        icon: Option<String>,
    }
}

/// A string, or a number or boolean that is written as one.
#[derive(Debug, Clone)]
pub struct Word(pub String);

impl Decode for Word {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.value {
            Value::Integer(number) => Some(Self(number.to_string())),
            Value::Float(number) if number.is_finite() => Some(Self(number.to_string())),
            Value::Boolean(boolean) => Some(Self(boolean.to_string())),
            _ => String::decode(node, cx).map(Self),
        }
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

choice! {
    /// What is no ordinary value.
    pub enum Special as "special value" {
        /// No value.
        Null = "null",
        /// No number.
        Nan = "nan",
        /// Either.
        NullOrNan = "null+nan",
        /// True.
        True = "true",
        /// False.
        False = "false",
        /// An empty text.
        Empty = "empty",
    }
}

table! {
    /// How colours are chosen.
    pub struct Color as "a colour" {
        /// One of Grafana's colour modes.
        mode: Option<Spanned<String>>,
        /// The colour of the mode `fixed` or `shades`.
        fixed: Option<Spanned<String>>,
        /// Which value of a series decides.
        by: Option<ColorBy>,
    }
}

impl Shorthand for Color {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        // A mode, or else a colour: resolving knows the modes.
        Some(Self { span, sound: true, mode: Some(Spanned::decode(node, cx)?), fixed: None, by: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        String::schema(schemas)
    }
}

choice! {
    /// Which value of a series decides on its colour.
    pub enum ColorBy as "value of a series" {
        /// The last.
        Last = "last",
        /// The least.
        Min = "min",
        /// The greatest.
        Max = "max",
    }
}

table! {
    /// A link of each value.
    pub struct DataLink as "a data link" {
        /// What it says.
        title: Quoted,
        /// Where it leads.
        url: Quoted,
        /// Whether a tab opens.
        new_tab: Option<bool>,
    }
}

table! {
    /// A legend.
    pub struct Legend as "a legend" {
        /// Its form.
        mode: Option<LegendMode>,
        /// Where it stands; below if left out.
        placement: Option<Placement>,
        /// What it says of each series.
        calcs: Vec<Spanned<String>>,
        /// What it is sorted by: one of the calculations' titles, or `Name`.
        sort_by: Option<String>,
        /// Whether the greatest comes first.
        sort_desc: Option<bool>,
        /// Its width in pixels, beside the panel.
        width: Option<u32>,
    }
}

impl Shorthand for Legend {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let mode = Some(LegendMode::decode(node, cx)?);
        let calcs = Vec::new();
        Some(Self { span, sound: true, mode, placement: None, calcs, sort_by: None, sort_desc: None, width: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        LegendMode::schema(schemas)
    }
}

choice! {
    /// The form of a legend.
    pub enum LegendMode as "form of a legend" {
        /// None at all.
        None = "none",
        /// Names in lines.
        List = "list",
        /// A table.
        Table = "table",
    }
}

choice! {
    /// Where a legend stands.
    pub enum Placement as "place of a legend" {
        /// Below.
        Bottom = "bottom",
        /// Beside.
        Right = "right",
    }
}

table! {
    /// What pointing at a panel shows.
    pub struct Tooltip as "a tooltip" {
        /// Of which series.
        mode: Option<TooltipMode>,
        /// In which order.
        sort: Option<TooltipSort>,
    }
}

impl Shorthand for Tooltip {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        Some(Self { span, sound: true, mode: Some(TooltipMode::decode(node, cx)?), sort: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        TooltipMode::schema(schemas)
    }
}

choice! {
    /// Which series a tooltip shows.
    pub enum TooltipMode as "tooltip" {
        /// The one that is pointed at.
        Single = "single",
        /// All.
        Multi = "multi",
        /// None.
        None = "none",
    }
}

choice! {
    /// The order of a tooltip.
    pub enum TooltipSort as "order of a tooltip" {
        /// As in the legend.
        None = "none",
        /// The least first.
        Asc = "asc",
        /// The greatest first.
        Desc = "desc",
    }
}

table! {
    /// How a series becomes a value.
    pub struct Reduce as "a reduction" {
        /// What is calculated of each series.
        calcs: Vec<Spanned<String>>,
        /// Which fields are shown: a name or `/regexp/`; the numbers if left out.
        fields: Option<String>,
        /// Whether every value is shown instead of a calculation.
        values: Option<bool>,
        /// The most values then.
        limit: Option<u32>,
    }
}

impl Shorthand for Reduce {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let calcs = vec![Spanned::decode(node, cx)?];
        Some(Self { span, sound: true, calcs, fields: None, values: None, limit: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        String::schema(schemas)
    }
}

table! {
    /// What holds for some series or columns only.
    pub struct Override as "an override" {
        /// Their name.
        name: Option<Spanned<String>>,
        /// What their names match.
        regexp: Option<Spanned<String>>,
        /// The unit.
        unit: Option<String>,
        /// Digits after the point.
        decimals: Option<Spanned<u32>>,
        /// The least value of the axis.
        min: Option<Spanned<Number>>,
        /// The greatest value of the axis.
        max: Option<Spanned<Number>>,
        /// What is shown where there is no value.
        no_value: Option<String>,
        /// What a value is called.
        display_name: Option<Quoted>,
        /// Colours by value.
        thresholds: Option<Short<Thresholds>>,
        /// Texts and colours for values.
        mappings: Vec<Mapping>,
        /// How colours are chosen.
        color: Option<Short<Color>>,
        /// Links of each value.
        data_links: Vec<DataLink>,
        /// How they are drawn, in Grafana's words.
        custom: Map<Raw>,
        /// Further properties by their ids.
        grafana: Map<Raw>,
    }
}

table! {
    /// A step between the queries and the panel: one of the first five, or `id` and `options`.
    pub struct Transformation as "a transformation" {
        /// Leaves out, renames and orders fields.
        organize: Option<Spanned<Organize>>,
        /// Joins tables by a field.
        join_by_field: Option<Spanned<Join>>,
        /// Sorts rows.
        sort_by: Option<Spanned<SortBy>>,
        /// Keeps or leaves out fields by name.
        filter_fields_by_name: Option<Spanned<FilterFields>>,
        /// Makes one table of all.
        merge: Option<Spanned<bool>>,
        /// Any other: its id in Grafana.
        id: Option<Spanned<String>>,
        /// Its options in Grafana's words.
        options: Option<Raw>,
        /// Whether it is switched off.
        disabled: Option<bool>,
    }
}

table! {
    /// Leaves out, renames and orders fields.
    pub struct Organize as "`organize`" {
        /// Fields that are left out.
        exclude: Vec<String>,
        /// The only fields that are kept.
        include: Vec<String>,
        /// New names by the old ones.
        rename: Map<String>,
        /// The fields that come first, in order.
        order: Vec<String>,
    }
}

table! {
    /// Joins tables by a field.
    pub struct Join as "`join_by_field`" {
        /// The field; the time if left out.
        field: Option<String>,
        /// Which rows are kept.
        mode: Option<JoinMode>,
    }
}

choice! {
    /// Which rows a join keeps.
    pub enum JoinMode as "join" {
        /// Those that any table has.
        Outer = "outer",
        /// Those that every table has.
        Inner = "inner",
        /// Those that any table has, for tables without a time.
        OuterTabular = "outerTabular",
    }
}

table! {
    /// Sorts rows.
    pub struct SortBy as "`sort_by`" {
        /// By which field.
        field: String,
        /// Whether the greatest comes first.
        desc: Option<bool>,
    }
}

table! {
    /// Keeps or leaves out fields by name.
    pub struct FilterFields as "`filter_fields_by_name`" {
        /// Fields that are kept.
        include: Vec<String>,
        /// A regular expression for fields that are kept.
        include_regexp: Option<String>,
        /// Fields that are left out.
        exclude: Vec<String>,
        /// A regular expression for fields that are left out.
        exclude_regexp: Option<String>,
    }
}

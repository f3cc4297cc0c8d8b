// What a dashboard's JSON may say, stricter than @grafana/schema's `Dashboard`: there, `options`, `custom`, `targets`,
// overrides and transformations are records of `unknown`. check.mjs looks the type of each piece up in the tables here
// by the piece's own `type`, `id` or datasource; options.mjs writes `PanelTypes` down for `gen`.
//
// What @grafana/schema doesn't hold is written here from Grafana's other public sources, named at each place.
import type * as schema from '@grafana/schema';
import type * as annolist from '@grafana/schema/dist/esm/raw/composable/annotationslist/panelcfg/x/AnnotationsListPanelCfg_types.gen';
import type * as barchart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as candlestick from '@grafana/schema/dist/esm/raw/composable/candlestick/panelcfg/x/CandlestickPanelCfg_types.gen';
import type * as canvas from '@grafana/schema/dist/esm/raw/composable/canvas/panelcfg/x/CanvasPanelCfg_types.gen';
import type * as cloudwatch from '@grafana/schema/dist/esm/raw/composable/cloudwatch/dataquery/x/CloudWatchDataQuery_types.gen';
import type * as dashlist from '@grafana/schema/dist/esm/raw/composable/dashboardlist/panelcfg/x/DashboardListPanelCfg_types.gen';
import type * as debug from '@grafana/schema/dist/esm/raw/composable/debug/panelcfg/x/DebugPanelCfg_types.gen';
import type * as gauge from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as geomap from '@grafana/schema/dist/esm/raw/composable/geomap/panelcfg/x/GeomapPanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as histogram from '@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen';
import type * as logs from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import type * as logstable from '@grafana/schema/dist/esm/raw/composable/logstable/panelcfg/x/LogsTablePanelCfg_types.gen';
import type * as news from '@grafana/schema/dist/esm/raw/composable/news/panelcfg/x/NewsPanelCfg_types.gen';
import type * as nodegraph from '@grafana/schema/dist/esm/raw/composable/nodegraph/panelcfg/x/NodeGraphPanelCfg_types.gen';
import type * as piechart from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as statetimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as statushistory from '@grafana/schema/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type * as trend from '@grafana/schema/dist/esm/raw/composable/trend/panelcfg/x/TrendPanelCfg_types.gen';
import type * as xychart from '@grafana/schema/dist/esm/raw/composable/xychart/panelcfg/x/XYChartPanelCfg_types.gen';

// --- JSON -------------------------------------------------------------------------------------------------------

/**
 * T as it is written in JSON, where a member of an enum is its plain value. Lists of calculations are any strings in
 * @grafana/schema, since the names stand in another package.
 */
export type Json<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number
      ? // Not `number extends T`: any number may be given where an enum of numbers is wanted.
        `${number}` extends `${T}`
        ? number
        : `${T}` extends `${infer N extends number}`
          ? N
          : never
      : T extends boolean | null | undefined
        ? T
        : T extends readonly (infer I)[]
          ? Json<I>[]
          : { [K in keyof T]: K extends 'calcs' | 'reducers' ? Reducer[] : Json<T[K]> };

declare const checked: unique symbol;
/** A piece that check.mjs has wrapped in `is`, so that it was held against its own type. */
export interface Checked {
  [checked]: true;
}
export declare function is<T>(value: T): Checked;

/** No key at all. (`{}` would take any.) */
type None = Record<string, never>;
/** Grafana's source has the type, but @grafana/schema hasn't. */
type Unknown = Record<string, unknown>;

/**
 * The keys of `options` or `custom`: Grafana fills in whichever is missing, so all are optional. Those of type
 * `unknown` are callbacks that a panel's code hands to another, which JSON cannot hold.
 */
type Settings<T> = string extends keyof T
  ? T
  : { [K in keyof T as unknown extends T[K] ? never : K]?: Json<T[K]> };

// --- Panels -----------------------------------------------------------------------------------------------------

/** Options and field config of the panel plugins that Grafana 13 brings along, by their ids. */
export interface PanelTypes {
  alertlist: [Unknown, None];
  annolist: [annolist.Options, None];
  barchart: [barchart.Options, barchart.FieldConfig];
  bargauge: [bargauge.Options, None];
  candlestick: [candlestick.Options, candlestick.FieldConfig];
  canvas: [canvas.Options, None];
  dashlist: [dashlist.Options, None];
  datagrid: [Unknown, Unknown];
  debug: [debug.Options, Unknown];
  flamegraph: [Unknown, None];
  gauge: [gauge.Options, None];
  // Its hideFrom: public/app/plugins/panel/geomap/module.tsx.
  geomap: [geomap.Options, schema.HideableFieldConfig];
  gettingstarted: [Unknown, None];
  heatmap: [heatmap.Options, heatmap.FieldConfig];
  histogram: [histogram.Options, histogram.FieldConfig];
  live: [Unknown, None];
  logs: [logs.Options, None];
  logstable: [logstable.Options, Unknown];
  news: [news.Options, None];
  nodeGraph: [nodegraph.Options, None];
  piechart: [piechart.Options, piechart.FieldConfig];
  stat: [stat.Options, None];
  'state-timeline': [statetimeline.Options, statetimeline.FieldConfig];
  'status-history': [statushistory.Options, statushistory.FieldConfig];
  table: [table.Options, table.FieldConfig];
  text: [text.Options, None];
  timeseries: [timeseries.Options, timeseries.FieldConfig];
  traces: [Unknown, None];
  trend: [trend.Options, trend.FieldConfig];
  welcome: [Unknown, None];
  xychart: [xychart.Options, xychart.FieldConfig];
}

interface Panel<Type, Options, Custom>
  extends Omit<Json<schema.Panel>, 'type' | 'options' | 'fieldConfig' | 'targets' | 'transformations'> {
  type: Type;
  options?: Settings<Options>;
  fieldConfig?: {
    defaults: FieldConfig<Settings<Custom>>;
    overrides: { matcher: Checked; properties: Checked[] }[];
  };
  targets?: Checked[];
  transformations?: Checked[];
}

interface Row extends Omit<Json<schema.RowPanel>, 'panels'> {
  panels: Checked[];
}

/** The panels of a row. */
export type RowPanels = { [P in keyof PanelTypes]: Panel<P, PanelTypes[P][0], PanelTypes[P][1]> };
/** The panels of a dashboard. */
export type Panels = RowPanels & { row: Row };

// --- Fields -----------------------------------------------------------------------------------------------------

/** packages/grafana-data/src/types/dataLink.ts, without what only code can give. */
interface DataLink {
  title: string;
  url: string;
  targetBlank?: boolean;
  oneClick?: boolean;
  internal?: { query: Unknown; datasourceUid: string; datasourceName: string };
}

interface FieldConfig<Custom> extends Omit<Json<schema.FieldConfig>, 'custom' | 'links' | 'mappings'> {
  custom?: Custom;
  links?: DataLink[];
  mappings?: Checked[];
  /** Not in the classic schema, though in that of version 2 (apis/dashboard.grafana.app/v2). */
  fieldMinMax?: boolean;
}

/** Value mappings, by type. */
export type Mappings = { [M in Json<schema.ValueMapping> as M['type']]: M };

/** FieldConfigProperty of packages/grafana-data/src/types/fieldOverrides.ts. */
type StandardProperty =
  | 'unit'
  | 'min'
  | 'max'
  | 'fieldMinMax'
  | 'decimals'
  | 'displayName'
  | 'noValue'
  | 'thresholds'
  | 'mappings'
  | 'links'
  | 'actions'
  | 'color'
  | 'filterable';

/** Properties that Grafana's editors set below a key of `custom`, from `path` in each panel's module.tsx. */
interface NestedProperties {
  table: 'footer.reducers' | 'hideFrom.viz' | 'tooltip.field' | 'tooltip.placement';
  xychart: 'pointSize.fixed' | 'pointSize.min' | 'pointSize.max';
}

interface Property<Id, Value> {
  id: Id;
  value: NonNullable<Value>;
}
type Inside<T, Path> = Path extends `${infer A}.${infer B}` ? Inside<NonNullable<T[A & keyof T]>, B> : T[Path & keyof T];
type Properties<Custom, Nested extends string> = {
  [K in StandardProperty]: Property<K, FieldConfig<Custom>[K]>;
} & {
  [K in keyof Custom & string as `custom.${K}`]: Property<`custom.${K}`, Custom[K]>;
} & {
  [K in Nested as `custom.${K}`]: Property<`custom.${K}`, Inside<Custom, K>>;
};
/** The properties of a field override: of a panel, by id. */
export type Overrides = {
  [P in keyof PanelTypes]: Properties<
    Settings<PanelTypes[P][1]>,
    P extends keyof NestedProperties ? NestedProperties[P] : never
  >;
};

interface Matcher<Id, Options> {
  id: Id;
  options: Options;
  scope?: Json<schema.MatcherConfig['scope'] & string>;
}
interface PlainMatcher<Id> {
  id: Id;
  scope?: Json<schema.MatcherConfig['scope'] & string>;
}
type FieldType = 'time' | 'number' | 'string' | 'boolean' | 'trace' | 'geo' | 'enum' | 'frame' | 'nestedFrames' | 'other';
/** packages/grafana-data/src/transformations/matchers: ids.ts and the options of each. */
export interface Matchers {
  numeric: PlainMatcher<'numeric'>;
  time: PlainMatcher<'time'>;
  first: PlainMatcher<'first'>;
  firstTimeField: PlainMatcher<'firstTimeField'>;
  byType: Matcher<'byType', FieldType>;
  byTypes: Matcher<'byTypes', FieldType[]>;
  byName: Matcher<'byName', string>;
  byNames: Matcher<'byNames', { mode?: 'include' | 'exclude'; names?: string[]; readOnly?: boolean; prefix?: string }>;
  byRegexp: Matcher<'byRegexp', string>;
  byRegexpOrNames: Matcher<'byRegexpOrNames', RegexpOrNames>;
  byFrameRefID: Matcher<'byFrameRefID', string>;
  byValue: Matcher<'byValue', { reducer: Reducer; op: `${schema.ComparisonOperation}`; value: number }>;
}
interface RegexpOrNames {
  pattern?: string;
  names?: string[];
  variable?: string;
}

/** `mode` of a field's colour. */
export type ColorMode = Json<schema.FieldColorModeId>;

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
/** ReducerID of packages/grafana-data/src/transformations/fieldReducer.ts. */
export type Reducer =
  | 'lastNotNull'
  | 'last'
  | 'firstNotNull'
  | 'first'
  | 'min'
  | 'max'
  | 'mean'
  | 'median'
  | 'variance'
  | 'stdDev'
  | 'sum'
  | 'count'
  | 'countAll'
  | 'range'
  | 'delta'
  | 'step'
  | 'diff'
  | 'logmin'
  | 'allIsZero'
  | 'allIsNull'
  | 'changeCount'
  | 'distinctCount'
  | 'diffperc'
  | 'allValues'
  | 'uniqueValues'
  | `p${Exclude<Digit, 0>}`
  | `p${Exclude<Digit, 0>}${Digit}`;

// --- Transformations --------------------------------------------------------------------------------------------

interface Transformation<Id, Options> extends Pick<Json<schema.DataTransformerConfig>, 'disabled' | 'topic'> {
  id: Id;
  options: Options;
  filter?: Checked;
}
interface Aggregation {
  aggregations: Reducer[];
  operation: 'aggregate' | 'groupby' | null;
}
type MatcherConfig = Json<schema.MatcherConfig<unknown>>;
/**
 * packages/grafana-data/src/transformations/transformers, DataTransformerID of ids.ts. The types call some options
 * required that the code does without (`renameByName` of organize); those are optional here.
 */
interface TransformationOptions {
  calculateField: {
    mode: 'reduceRow' | 'cumulativeFunctions' | 'windowFunctions' | 'binary' | 'unary' | 'index';
    timeSeries?: boolean;
    reduce?: { include?: string[]; reducer: Reducer; nullValueMode?: 'null' | 'connected' | 'null as zero' };
    cumulative?: { field?: string; reducer: Reducer };
    window?: {
      field?: string;
      reducer: Reducer;
      windowSize?: number;
      windowSizeMode?: 'percentage' | 'fixed';
      windowAlignment?: 'trailing' | 'centered';
    };
    binary?: { left: BinaryValue; operator: '+' | '-' | '*' | '/' | '**' | '%' | '^'; right: BinaryValue };
    unary?: { operator: 'abs' | 'exp' | 'ln' | 'floor' | 'ceil' | 'round' | 'sqrt' | 'percent'; fieldName: string };
    index?: { asPercentile: boolean };
    replaceFields?: boolean;
    alias?: string;
  };
  concatenate: { frameNameMode?: 'drop' | 'field' | 'label'; frameNameLabel?: string };
  convertFieldType: {
    conversions: {
      targetField?: string;
      destinationType?: FieldType;
      dateFormat?: string;
      joinWith?: string;
      timezone?: string;
      enumConfig?: { text?: string[]; color?: string[]; icon?: string[]; description?: string[] };
    }[];
  };
  filterByRefId: { include?: string; exclude?: string };
  filterByValue: {
    filters: { fieldName: string; config: MatcherConfig }[];
    type: 'include' | 'exclude';
    match: 'all' | 'any';
  };
  filterFieldsByName: { include?: RegexpOrNames; exclude?: RegexpOrNames; byVariable?: boolean };
  formatTime: { timeField: string; outputFormat: string; timezone: string };
  groupBy: { fields: Record<string, Aggregation> };
  groupingToMatrix: {
    columnField?: string;
    rowField?: string;
    valueField?: string;
    emptyValue?: 'true' | 'false' | 'null' | 'empty' | 'zero';
  };
  groupToNestedTable: { showSubframeHeaders?: boolean; expandAllRows?: boolean; fields: Record<string, Aggregation> };
  joinByField: { byField?: string; mode?: 'outer' | 'inner' | 'outerTabular' };
  labelsToFields: { mode?: 'columns' | 'rows'; keepLabels?: string[]; valueLabel?: string };
  limit: { limitField?: number | string };
  merge: None;
  organize: {
    excludeByName?: Record<string, boolean>;
    includeByName?: Record<string, boolean>;
    renameByName?: Record<string, string>;
    indexByName?: Record<string, number>;
    orderByMode?: 'manual' | 'auto';
    orderBy?: { type: 'name' | 'label'; name?: string; desc?: boolean }[];
  };
  reduce: {
    reducers: Reducer[];
    fields?: MatcherConfig;
    mode?: 'seriesToRows' | 'reduceFields';
    includeTimeField?: boolean;
    labelsToFields?: boolean;
  };
  renameByRegex: { regex: string; renamePattern: string };
  seriesToRows: None;
  sortBy: { sort: { field: string; desc?: boolean; index?: number }[] };
  // Known by id only.
  append: Unknown;
  configFromData: Unknown;
  convertFrameType: Unknown;
  ensureColumns: Unknown;
  extractFields: Unknown;
  fieldLookup: Unknown;
  formatString: Unknown;
  heatmap: Unknown;
  histogram: Unknown;
  joinByLabels: Unknown;
  partitionByValues: Unknown;
  prepareTimeSeries: Unknown;
  regression: Unknown;
  rowsToFields: Unknown;
  smoothing: Unknown;
  spatial: Unknown;
  timeSeriesTable: Unknown;
  transpose: Unknown;
}
interface BinaryValue {
  fixed?: string;
  matcher?: { id?: keyof Matchers; options?: string };
}
/** A panel's transformations, by id. */
export type Transformations = { [K in keyof TransformationOptions]: Transformation<K, TransformationOptions[K]> };

// --- Queries ----------------------------------------------------------------------------------------------------

interface Query extends Omit<Json<schema.DataQuery>, 'datasource' | 'key' | 'queryType'> {
  datasource?: Json<schema.DataSourceRef>;
}

/** packages/grafana-prometheus/src: dataquery.ts, types.ts, without what Explore alone sets. */
interface PrometheusQuery extends Query {
  expr: string;
  editorMode?: 'builder' | 'code';
  exemplar?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  interval?: string;
  intervalFactor?: number;
  legendFormat?: string;
  range?: boolean;
}

/** public/app/plugins/datasource/loki: dataquery.gen.ts, types.ts. */
interface LokiQuery extends Query {
  expr: string;
  direction?: 'backward' | 'forward' | 'scan';
  editorMode?: 'builder' | 'code';
  legendFormat?: string;
  maxLines?: number;
  queryType?: 'instant' | 'range' | 'stream';
  step?: string;
}

type OfCloudWatch<T> = Omit<Json<T>, keyof schema.DataQuery | 'queryMode'>;
interface CloudWatchMetricsQuery extends Query, OfCloudWatch<cloudwatch.CloudWatchMetricsQuery> {
  queryMode?: 'Metrics';
}
interface CloudWatchLogsQuery extends Query, OfCloudWatch<cloudwatch.CloudWatchLogsQuery> {
  queryMode: 'Logs';
}
interface CloudWatchAnnotationQuery extends Query, OfCloudWatch<cloudwatch.CloudWatchAnnotationQuery> {
  queryMode: 'Annotations';
}

/** src/types/query.types.ts of github.com/grafana/grafana-infinity-datasource; its kinds of query that have a URL. */
interface InfinityQuery extends Query {
  queryType?: string;
  type: 'json' | 'csv' | 'tsv' | 'xml' | 'graphql' | 'html' | 'uql' | 'groq';
  source: 'url' | 'inline' | 'azure-blob' | 'reference';
  format: 'table' | 'timeseries' | 'logs' | 'trace' | 'node-graph-nodes' | 'node-graph-edges' | 'dataframe' | 'as-is';
  parser?: 'simple' | 'backend' | 'jq-backend' | 'uql' | 'groq';
  url?: string;
  url_options?: {
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    params?: KeyValue[];
    headers?: KeyValue[];
    data?: string;
    body_type?: 'none' | 'form-data' | 'x-www-form-urlencoded' | 'raw' | 'graphql';
    body_content_type?: 'text/plain' | 'application/json' | 'application/xml' | 'text/html' | 'application/javascript';
    body_form?: KeyValue[];
    body_graphql_query?: string;
    body_graphql_variables?: string;
  };
  data?: string;
  referenceName?: string;
  azContainerName?: string;
  azBlobName?: string;
  root_selector: string;
  columns: InfinityColumn[];
  computed_columns?: InfinityColumn[];
  filters?: { field: string; operator: string; value: string[] }[];
  filterExpression?: string;
  summarizeExpression?: string;
  summarizeBy?: string;
  summarizeAlias?: string;
  uql?: string;
  groq?: string;
  json_options?: { root_is_not_array?: boolean; columnar?: boolean };
  csv_options?: {
    delimiter?: string;
    skip_empty_lines?: boolean;
    skip_lines_with_error?: boolean;
    relax_column_count?: boolean;
    columns?: string;
    comment?: string;
  };
  pagination_mode?: 'none' | 'offset' | 'page' | 'cursor' | 'list';
  pagination_max_pages?: number;
}
interface InfinityColumn {
  selector: string;
  text: string;
  type: 'string' | 'number' | 'boolean' | 'timestamp' | 'timestamp_epoch' | 'timestamp_epoch_s';
  timestampFormat?: string;
}
interface KeyValue {
  key: string;
  value: string;
}

/** A panel's targets, by the type of their datasource and, unless it is `Metrics`, their `queryMode`. */
export interface Targets {
  prometheus: PrometheusQuery;
  loki: LokiQuery;
  cloudwatch: CloudWatchMetricsQuery;
  'cloudwatch Logs': CloudWatchLogsQuery;
  'yesoreyeram-infinity-datasource': InfinityQuery;
  /** Of `-- Dashboard --`: public/app/plugins/datasource/dashboard/types.ts. */
  datasource: Query & { panelId?: number; withTransforms?: boolean; topic?: `${schema.DataTopic}` };
}

// --- Annotations ------------------------------------------------------------------------------------------------

interface Annotation<Target> extends Omit<Json<schema.AnnotationQuery>, 'target'> {
  target?: Target;
}
/** packages/grafana-prometheus/src/annotations.ts and Loki's of the same name read these beside the target. */
interface LabelAnnotation<Target> extends Annotation<Target> {
  expr?: string;
  step?: string;
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean | 'on';
}
/** A dashboard's annotation queries, by the type of their datasource. */
export interface Annotations {
  prometheus: LabelAnnotation<PrometheusQuery>;
  loki: LabelAnnotation<LokiQuery>;
  cloudwatch: Annotation<CloudWatchAnnotationQuery>;
  'yesoreyeram-infinity-datasource': Annotation<InfinityQuery>;
  /** Grafana's own: AnnotationTarget of @grafana/schema's raw dashboard. */
  grafana: Annotation<{ limit: number; matchAny: boolean; tags: string[]; type: 'dashboard' | 'tags'; refId?: string }>;
}

// --- Variables --------------------------------------------------------------------------------------------------

type Model = Json<schema.VariableModel>;
type Choice = 'current' | 'options';
type Multi = Choice | 'multi' | 'includeAll' | 'allValue' | 'allowCustomValue';
/** A variable has the keys that Grafana reads for its type: packages/grafana-data/src/types/templateVars.ts. */
interface Variable<Type> extends Pick<Model, 'name' | 'label' | 'description' | 'hide' | 'skipUrlSync'> {
  type: Type;
}
interface QueryVariable
  extends Variable<'query'>,
    Pick<Model, Multi | 'datasource' | 'refresh' | 'regex' | 'regexApplyTo' | 'sort'>,
    Pick<Model, 'staticOptions' | 'staticOptionsOrder'> {
  query: string | Checked;
  definition?: string;
}
interface DatasourceVariable extends Variable<'datasource'>, Pick<Model, Multi | 'refresh' | 'regex'> {
  query: string;
}
interface CustomVariable extends Variable<'custom'>, Pick<Model, Multi | 'valuesFormat'> {
  query: string;
}
interface TextboxVariable extends Variable<'textbox'>, Pick<Model, Choice> {
  query?: string;
  originalQuery?: string;
}
interface ConstantVariable extends Variable<'constant'>, Pick<Model, Choice> {
  query: string;
}
interface IntervalVariable extends Variable<'interval'>, Pick<Model, Choice | 'refresh'> {
  query: string;
  auto?: boolean;
  auto_count?: number;
  auto_min?: string;
}
interface AdhocVariable
  extends Variable<'adhoc'>,
    Pick<Model, 'datasource' | 'allowCustomValue' | 'enableGroupBy'> {
  filters?: Filter[];
  baseFilters?: Filter[];
  defaultKeys?: { text: string; value?: string | number; group?: string; expandable?: boolean }[];
}
interface Filter {
  key: string;
  operator: string;
  value: string;
  values?: string[];
  origin?: string;
  condition?: string;
}
/** The members of `templating.list`, by type. */
export interface Variables {
  query: QueryVariable;
  datasource: DatasourceVariable;
  custom: CustomVariable;
  textbox: TextboxVariable;
  constant: ConstantVariable;
  interval: IntervalVariable;
  adhoc: AdhocVariable;
}

/** `query` of a query variable, where it is a table, by the type of its datasource. */
export interface VariableQueries {
  /** PromVariableQuery of packages/grafana-prometheus/src/types.ts. */
  prometheus: {
    refId: string;
    query?: string;
    expr?: string;
    qryType?: 0 | 1 | 2 | 3 | 4 | 5;
    label?: string;
    metric?: string;
    varQuery?: string;
    seriesQuery?: string;
    labelFilters?: { label: string; op: string; value: string }[];
    match?: string;
    classicQuery?: string;
  };
  /** LokiVariableQuery of public/app/plugins/datasource/loki/types.ts: names or values of labels. */
  loki: { refId: string; type: 0 | 1; label?: string; stream?: string };
  /** VariableQuery of public/app/plugins/datasource/cloudwatch/types.ts. */
  cloudwatch: {
    refId: string;
    queryType:
      | 'regions'
      | 'namespaces'
      | 'metrics'
      | 'dimensionKeys'
      | 'dimensionValues'
      | 'ebsVolumeIDs'
      | 'ec2InstanceAttributes'
      | 'resourceARNs'
      | 'statistics'
      | 'logGroups'
      | 'accounts';
    region: string;
    namespace?: string;
    metricName?: string;
    dimensionKey?: string;
    dimensionFilters?: Record<string, string | string[]>;
    ec2Filters?: Record<string, string[]>;
    instanceID?: string;
    attributeName?: string;
    resourceType?: string;
    tags?: Record<string, string[]>;
    logGroupPrefix?: string;
    accountId?: string;
  };
  /** src/types/variables.types.ts of the plugin. */
  'yesoreyeram-infinity-datasource': {
    refId: string;
    queryType: 'infinity' | 'legacy' | 'random';
    query?: string;
    infinityQuery?: Omit<InfinityQuery, 'refId'> & { refId?: string };
    values?: string[];
  };
}

// --- Dashboard --------------------------------------------------------------------------------------------------

export interface Dashboard extends Omit<Json<schema.Dashboard>, 'panels' | 'annotations' | 'templating'> {
  panels?: Checked[];
  annotations?: { list?: Checked[] };
  templating?: { list?: Checked[] };
}

// --- Provisioning -----------------------------------------------------------------------------------------------
//
// The files that Grafana reads when it starts: https://grafana.com/docs/grafana/latest/administration/provisioning/
// and the documentation of each datasource, as of Grafana 13. A variable of the environment stands for any string.

/** A file below `provisioning/datasources`. */
export interface DatasourceFile {
  apiVersion: 1;
  prune?: boolean;
  deleteDatasources?: { name: string; orgId?: number }[];
  datasources?: Checked[];
}

interface DatasourceOf<Type extends string, Data> {
  name: string;
  uid?: string;
  type: Type;
  access?: 'proxy' | 'direct';
  orgId?: number;
  url?: string;
  user?: string;
  database?: string;
  basicAuth?: boolean;
  basicAuthUser?: string;
  withCredentials?: boolean;
  isDefault?: boolean;
  editable?: boolean;
  version?: number;
  jsonData?: schema.DataSourceJsonData & Data;
  secureJsonData?: Record<string, string>;
}

export interface Datasources {
  prometheus: DatasourceOf<
    'prometheus',
    {
      httpMethod?: 'GET' | 'POST';
      prometheusType?: 'Cortex' | 'Mimir' | 'Prometheus' | 'Thanos';
      prometheusVersion?: string;
      timeInterval?: string;
      queryTimeout?: string;
      cacheLevel?: 'Low' | 'Medium' | 'High' | 'None';
      defaultEditor?: 'builder' | 'code';
      disableMetricsLookup?: boolean;
      incrementalQuerying?: boolean;
      incrementalQueryOverlapWindow?: string;
      customQueryParameters?: string;
      seriesLimit?: number;
      exemplarTraceIdDestinations?: { name: string; url?: string; urlDisplayLabel?: string; datasourceUid?: string }[];
    }
  >;
  loki: DatasourceOf<
    'loki',
    {
      maxLines?: number;
      timeout?: number;
      derivedFields?: {
        name: string;
        matcherRegex: string;
        matcherType?: 'label' | 'regex';
        url?: string;
        urlDisplayLabel?: string;
        datasourceUid?: string;
      }[];
      predefinedOperations?: string;
    }
  >;
  cloudwatch: DatasourceOf<
    'cloudwatch',
    {
      authType?: 'default' | 'keys' | 'credentials' | 'ec2_iam_role' | 'grafana_assume_role';
      assumeRoleArn?: string;
      externalId?: string;
      endpoint?: string;
      customMetricsNamespaces?: string;
      logsTimeout?: string;
      tracingDatasourceUid?: string;
    }
  >;
  'yesoreyeram-infinity-datasource': DatasourceOf<
    'yesoreyeram-infinity-datasource',
    {
      auth_method?: 'none' | 'basicAuth' | 'apiKey' | 'bearerToken' | 'oauth2' | 'aws' | 'azureBlob' | 'digestAuth';
      allowedHosts?: string[];
      timeoutInSeconds?: number;
      tlsSkipVerify?: boolean;
      customHealthCheckEnabled?: boolean;
      customHealthCheckUrl?: string;
    }
  >;
}

/** A file below `provisioning/dashboards`. */
export interface ProviderFile {
  apiVersion: 1;
  providers: {
    name: string;
    orgId?: number;
    folder?: string;
    folderUid?: string;
    type?: 'file';
    disableDeletion?: boolean;
    updateIntervalSeconds?: number;
    allowUiUpdates?: boolean;
    editable?: boolean;
    options: { path: string; foldersFromFilesStructure?: boolean };
  }[];
}

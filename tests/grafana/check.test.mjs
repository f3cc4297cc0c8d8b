// Breaks the good dashboard in one place at a time, and wants each break to be found at its line.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { check } from './check.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const good = readFileSync(path('fixtures/good.json'), 'utf8');

// [what is broken, after which text, what, into what, what is said, where]: it is to be found at `¦`, or else at the
// nearest `where` before the break.
const breaks = [
  ['misspelt key of the dashboard', '', '"refresh"', '¦"refersh"', /'refersh' does not exist in type 'Dashboard'/],
  ['key of another schema', '', '"version": 1', '"version": 1, ¦"layout": {}', /'layout' does not exist/],
  ['missing schemaVersion', '', '"schemaVersion": 42,', '', /'schemaVersion' is missing/, '{'],
  ['uid with a space', '', '"good"', '¦"go od"', /uid/],
  ['word for a number', '', '"graphTooltip": 1', '¦"graphTooltip": "crosshair"', /not assignable to type '0 \| 1 \| 2/],
  ['number outside an enum', '', '"graphTooltip": 1', '¦"graphTooltip": 3', /'3' is not assignable/],
  ['half a time range', '"time": {', '"from": "now-1h",', '', /'from' is missing/, '"time": {'],
  ['link without a key', '"links"', '"keepTime": true,', '', /'keepTime' is missing/, '{'],
  ['unknown link type', '"links"', '"type": "link"', '¦"type": "url"', /'"url"' is not assignable/],
  ['annotation without enable', '"Deploys"', '"enable": true,', '', /'enable' is missing/, '{\n        "name": "Deploys"'],
  ['annotation with an unknown key', '"Deploys"', '"tagKeys"', '¦"tags"', /'tags' does not exist/],
  ['annotation query with an unknown key', '"Deploys"', '"refId": "Anno"', '¦"ref": "Anno"', /'ref' does not exist|'refId' is missing/],
  ['variable of unknown type', '"name": "tenant"', '"constant"', '¦"const"', /'const' does not exist on type 'Variables'/],
  ['variable key of another type', '"name": "step"', '"auto_min"', '¦"includeAll"', /'includeAll' does not exist/],
  ['misspelt variable key', '"name": "namespace"', '"includeAll"', '¦"include_all"', /'include_all' does not exist/],
  ['sort beyond the enum', '"name": "namespace"', '"sort": 1', '¦"sort": 9', /'9' is not assignable/],
  ['adhoc filter with an unknown key', '"name": "labels"', '"operator"', '¦"op"', /'op' does not exist/],
  ['unknown key in a query table of a variable', '"name": "job"', '"stream"', '¦"selector"', /'selector' does not exist/],
  ['two variables of one name', '', '"name": "step"', '"name": ¦"job"', /two variables job/],
  ['repeat by a variable that is not there', '"title": "Latency"', '"repeat": "quantile"', '"repeat": ¦"percentile"', /no variable percentile/],
  ['misspelt panel key', '"title": "Error rate"', '"description"', '¦"descripton"', /'descripton' does not exist/],
  ['unknown panel type', '"id": 3,', '"gauge"', '¦"guage"', /'guage' does not exist on type 'Panels'/],
  ['number for a string', '"title": "Error rate"', '"interval": "30s"', '¦"interval": 30', /'number' is not assignable to type 'string'/],
  ['string for a number', '"title": "Error rate"', '"decimals": 2', '¦"decimals": "2"', /'string' is not assignable to type 'number'/],
  ['misspelt option', '"title": "Error rate"', '"colorMode"', '¦"colourMode"', /'colourMode' does not exist/],
  ['option of another panel', '"title": "Retry budget"', '"shape"', '¦"graphMode"', /'graphMode' does not exist/],
  ['bad word of an enum', '"title": "Error rate"', '"background"', '¦"backgroud"', /'"backgroud"' is not assignable/],
  ['unknown reducer', '"title": "Error rate"', '"lastNotNull"', '¦"latest"', /'"latest"' is not assignable/],
  ['missing legend.calcs', '"title": "Latency"', /"calcs": \[[^\]]*\],/, '', /'calcs' is missing/, '"legend": {'],
  ['unknown key of the legend', '"title": "Latency"', '"sortDesc"', '¦"sort_desc"', /'sort_desc' does not exist/],
  ['missing tooltip.sort', '"title": "Health"', /,\s+"sort": "none"/, '', /'sort' is missing/, '"tooltip": {'],
  ['callback among the options', '"title": "Errors"', '"showTime"', '¦"onClickFilterLabel"', /'onClickFilterLabel' does not exist/],
  ['missing heatmap colour key', '"title": "Latency distribution"', '"steps": 64,', '', /'steps' is missing/, '"color": {'],
  ['unknown key of fieldConfig.defaults', '"title": "Error rate"', '"noValue"', '¦"no_value"', /'no_value' does not exist/],
  ['unknown custom key', '"title": "Latency"', '"fillOpacity"', '¦"fillOpactiy"', /'fillOpactiy' does not exist/],
  ['custom key of a panel that has none', '"title": "Error rate"', '"unit": "percentunit"', '"unit": "percentunit", ¦"custom": { "lineWidth": 1 }', /not assignable to type 'never'/],
  ['custom enum', '"title": "Latency"', '"drawStyle": "line"', '¦"drawStyle": "lines"', /'"lines"' is not assignable/],
  ['custom enum of numbers', '"title": "Latency"', '"barAlignment": -1', '¦"barAlignment": 2', /'2' is not assignable/],
  ['nested custom key', '"title": "Latency"', '"group": "A"', '¦"groups": "A"', /'groups' does not exist/],
  ['cell option of another cell type', '"title": "Incidents"', '"applyToRow"', '¦"hideValue"', /'hideValue' does not exist/],
  ['threshold without a value', '"title": "Retry budget"', /,\s+"value": 50/, '', /'value' is missing/, '{'],
  ['unknown colour mode', '"title": "Slowest operations"', '"continuous-GrYlRd"', '¦"continuous-GrYlRe"', /is not assignable/],
  ['mapping of an unknown kind', '"title": "Health"', '"type": "range"', '"type": ¦"between"', /'between' does not exist/],
  ['mapping with another kind\'s key', '"title": "Health"', '"pattern"', '¦"match"', /'match' does not exist/],
  ['special value', '"title": "Health"', '"null+nan"', '¦"nan+null"', /is not assignable/],
  ['data link with an unknown key', '"title": "Error rate"', '"targetBlank"', '¦"newTab"', /'newTab' does not exist/],
  ['unknown override id', '"title": "Latency"', '"id": "custom.lineWidth"', '"id": ¦"custom.linewidth"', /'custom.linewidth' does not exist/],
  ['override id that is no property', '"title": "Latency"', '"id": "unit"', '"id": ¦"units"', /'units' does not exist/],
  ['override value of the wrong type', '"title": "Latency"', '"value": 3', '¦"value": "3"', /'string' is not assignable to type 'number'/],
  ['override value with an unknown key', '"title": "Latency"', '"fixedColor"', '¦"fixed"', /'fixed' does not exist/],
  ['nested override', '"title": "Incidents"', '"id": "custom.footer.reducers"', '"id": ¦"custom.footer.reducer"', /'custom.footer.reducer' does not exist/],
  ['unknown matcher', '"title": "Latency"', '"byRegexp"', '¦"byRegex"', /'byRegex' does not exist on type 'Matchers'/],
  ['matcher options of the wrong type', '"title": "Incidents"', '"options": "number"', '¦"options": "digits"', /'"digits"' is not assignable/],
  ['override without a matcher', '"title": "Latency"', '"matcher"', '¦"match"', /'match' does not exist/],
  ['unknown transformation', '"title": "Incidents"', '"joinByField"', '¦"joinByFields"', /'joinByFields' does not exist/],
  ['unknown option of a transformation', '"title": "Incidents"', '"excludeByName"', '¦"exclude"', /'exclude' does not exist/],
  ['unknown mode of a transformation', '"title": "Incidents"', '"outer"', '¦"left"', /'"left"' is not assignable/],
  ['unknown Prometheus key', '"title": "Latency"', '"legendFormat"', '¦"legend"', /'legend' does not exist in type 'PrometheusQuery'/],
  ['wrong type in a Prometheus query', '"title": "Error rate"', '"instant": true', '¦"instant": "true"', /not assignable to type 'boolean'/],
  ['query without an expression', '"title": "Health"', '"expr": "up",', '', /'expr' is missing/, '{'],
  ['Loki query with a key of Prometheus', '"title": "Errors"', '"maxLines"', '¦"instant"', /'instant' does not exist in type 'LokiQuery'/],
  ['Loki query type', '"title": "Errors"', '"queryType": "range"', '¦"queryType": "stats"', /'"stats"' is not assignable/],
  ['unknown CloudWatch key', '"title": "Aurora DSQL beside the server"', '"metricName"', '¦"metric"', /'metric' does not exist/],
  ['CloudWatch query without a region', '"title": "Aurora DSQL beside the server"', '"region": "default",', '', /'region' is missing/, '{\n          "refId"'],
  ['CloudWatch period as a number', '"title": "Aurora DSQL beside the server"', '"period": "60"', '¦"period": 60', /'number' is not assignable to type 'string'/],
  ['Infinity column type', '"title": "Incidents"', '"type": "timestamp"', '¦"type": "time"', /'"time"' is not assignable/],
  ['Infinity method', '"title": "Incidents"', '"method": "GET"', '¦"method": "get"', /'"get"' is not assignable/],
  ['unknown Infinity key', '"title": "Incidents"', '"root_selector"', '¦"root"', /'root' does not exist/],
  ['target of a mixed panel without a datasource', '"title": "Aurora DSQL beside the server"', /"datasource": \{\s+"type": "loki",\s+"uid": "loki"\s+\},\s+"expr"/, '¦"expr"', /'expr' does not exist/],
  ['datasource type without a type here', '"id": 4,', '"type": "prometheus"', '"type": ¦"promtheus"', /'promtheus' does not exist on type 'Targets'/],
  ['unknown key of a datasource', '"id": 4,', '"uid": "mimir"', '¦"id": "mimir"', /'id' does not exist/],
  ['two queries of one name', '"title": "Latency"', '"refId": "B"', '"refId": ¦"A"', /two queries A/],
  ['target that is no table', '"title": "Errors"', '"targets": [', '"targets": [ ¦"up",', /'string' is not assignable/],
  ['duplicate panel id', '', '"id": 12,', '"id": ¦11,', /also that of "Latency"/],
  ['duplicate panel id in a row', '', '"id": 22,', '"id": ¦2,', /also that of "Error rate"/],
  ['panel without an id', '', '"id": 12,', '', /without an id/, '{'],
  ['panels that overlap', '"title": "Latency distribution"', '"x": 12', '"x": 11', /overlaps "Latency"/, '"gridPos": {'],
  ['panels of a row that overlap', '"title": "Lines"', '"x": 16', '"x": 15', /overlaps "Errors"/, '"gridPos": {'],
  ['panel outside of 24 columns', '"title": "Health"', '"w": 8', '"w": 9', /column 25 of 24/, '"gridPos": {'],
  ['part of a column', '"title": "Health"', '"w": 8', '"w": 7.5', /whole numbers/, '"gridPos": {'],
  ['panel without gridPos', '"title": "Lines"', /"gridPos": \{[^}]*\},/, '', /without gridPos/, '{\n          "id"'],
  ['gridPos without h', '"title": "Lines"', /,\s+"h": 10/, '', /'h' is missing/, '"gridPos": {'],
  ['row without collapsed', '"title": "Requests"', '"collapsed": false,', '', /'collapsed' is missing/, '{'],
  ['row with a key of a panel', '"title": "Requests"', '"collapsed": false,', '"collapsed": false, ¦"options": {},', /'options' does not exist in type 'Row'/],
  ['row in a row', '', '"type": "logs"', '"type": ¦"row"', /'row' does not exist on type 'RowPanels'/],
  ['open row that holds panels', '"title": "Logs"', /"collapsed": true,\s+"gridPos": \{[^}]*\},\s+"panels"/, '"collapsed": false, "gridPos": { "x": 0, "y": 26, "w": 24, "h": 1 },\n¦"panels"', /only a collapsed row/],
  ['key twice', '"title": "Health"', '"mergeValues": true,', '"mergeValues": true, ¦"mergeValues": true,', /multiple properties with the same name/],
  ['null', '"title": "Error rate"', '"noValue": "–"', '¦"noValue": null', /'null' is not assignable/],
  ['comma at an end', '"title": "Error rate"', '"showPercentChange": true,', '"showPercentChange": true,¦,', /./],
  ['word that JSON does not have', '"title": "Error rate"', '"values": false', '"values": ¦no', /not valid JSON|Unexpected/],
  ['comment', '"title": "Error rate"', '"values"', '¦// none\n"values"', /JSON/],
];

const folder = mkdtempSync(join(tmpdir(), 'grafana-check-'));
after(() => rmSync(folder, { recursive: true }));

const escape = (plain) => plain.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The broken text, and the line at which the break is to be found. */
function broken([name, anchor, from, to, , where]) {
  const start = good.indexOf(anchor);
  const at = start + good.slice(start).search(typeof from === 'string' ? escape(from) : from);
  assert.ok(start >= 0 && at >= start, `${name}: nothing to break`);
  const json = good.slice(0, at) + good.slice(at).replace(from, () => to);
  const marker = where === undefined ? json.indexOf('¦') : json.lastIndexOf(where, at);
  assert.ok(marker >= 0, `${name}: no place`);
  return { json: json.replace('¦', ''), line: json.slice(0, marker).split('\n').length };
}

let found;
const files = breaks.map((item, i) => ({ file: join(folder, `${i}.json`), ...broken(item) }));
before(() => {
  for (const { file, json } of files) writeFileSync(file, json);
  // One program for all: most of the time goes into reading TypeScript's and Grafana's own declarations.
  found = check(files.map(({ file }) => file));
});

test('the good dashboard', () => assert.deepEqual(check([path('fixtures/good.json')]), []));

breaks.forEach(([name, , , , said], i) => {
  test(name, () => {
    const { file, line } = files[i];
    const here = found.filter((finding) => finding.file === file);
    assert.ok(
      here.some((finding) => finding.line === line && said.test(finding.message)),
      `line ${line} ${said}:\n${here.map((f) => `${f.line}:${f.column} ${f.message}`).join('\n')}`,
    );
  });
});

// [what is broken, the broken file, what is said, in which line]
const provisioning = [
  ['misspelt key of a datasource', 'datasources:\n  - name: A\n    type: loki\n    isDefalt: true\n', /'isDefalt' does not exist/, 4],
  ['misspelt option', 'datasources:\n  - name: A\n    type: prometheus\n    jsonData:\n      httpMethd: POST\n', /'httpMethd' does not exist/, 5],
  ['option of another datasource', 'datasources:\n  - name: A\n    type: loki\n    jsonData:\n      prometheusType: Mimir\n', /'prometheusType' does not exist/, 5],
  ['unknown type', 'datasources:\n  - name: A\n    type: lokki\n', /'lokki' does not exist/, 3],
  ['string for a boolean', 'datasources:\n  - name: A\n    type: loki\n    editable: "no"\n', /not assignable to type 'boolean'/, 4],
  ['provider without a path', 'providers:\n  - name: A\n    type: file\n    options: {}\n', /'path' is missing/, 4],
  ['misspelt key of a provider', 'providers:\n  - name: A\n    allowUIUpdates: true\n    options:\n      path: /d\n', /'allowUIUpdates' does not exist/, 3],
  ['key twice', 'providers:\n  - name: A\n    name: B\n    options:\n      path: /d\n', /unique/, 3],
  ['no file of Grafana', 'groups: []\n', /neither datasources nor providers/, 1],
];

provisioning.forEach(([name, text, said, line], i) => {
  test(name, () => {
    const file = join(folder, `${i}.yaml`);
    writeFileSync(file, `apiVersion: 1\n${text}`);
    const found = check([file]);
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.match(found[0].message, said);
    assert.equal(found[0].line, text.startsWith('groups') ? 1 : line + 1);
  });
});

test('a good provisioning file', () => {
  const file = join(folder, 'good.yaml');
  writeFileSync(file, 'apiVersion: 1\nprune: true\ndatasources:\n  - name: A\n    type: loki\n    url: $LOKI\n');
  assert.deepEqual(check([file]), []);
});

const node = (...args) => spawnSync(process.execPath, args, { encoding: 'utf8' });

test('the command line', () => {
  const run = (...args) => node(path('check.mjs'), ...args);
  assert.equal(run().status, 2);
  assert.match(run('--version').stdout, /@grafana\/schema \d+\.\d+\.\d+/);
  assert.equal(run('--help').status, 2);
  assert.equal(run(join(folder, 'nowhere.json')).status, 2);
  assert.equal(run(path('fixtures/good.json')).status, 0);
  const bad = run(files[0].file);
  assert.equal(bad.status, 1);
  assert.match(bad.stdout, /0\.json:\d+:\d+ .*'refersh'/);
});

test('a drawing has every panel', () => {
  const drawn = join(folder, 'good.html');
  assert.equal(node(path('draw.mjs'), path('fixtures/good.json'), drawn).status, 0);
  const html = readFileSync(drawn, 'utf8');
  const { panels } = JSON.parse(good);
  for (const { title } of panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])) assert.ok(html.includes(title), title);
});

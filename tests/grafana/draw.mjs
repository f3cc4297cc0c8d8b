// Draws a dashboard's grid as a page, to look at its layout where no Grafana can be run:
// `node draw.mjs FILE.json OUT.html`. There is no data in it; a panel shows what it asks and how it would colour it.
// A picture of it: `chromium --headless --no-sandbox --disable-gpu --screenshot=out.png --window-size=1600,2400 OUT.html`
import { readFileSync, writeFileSync } from 'node:fs';

const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const WIDTH = 1600;

// Grafana's palette on its dark theme: packages/grafana-data/src/themes/createVisualizationColors.ts.
const HUES = {
  red: ['#FFA6B0', '#FF7383', '#F2495C', '#E02F44', '#C4162A'],
  orange: ['#FFCB7D', '#FFB357', '#FF9830', '#FF780A', '#FA6400'],
  yellow: ['#FFF899', '#FFEE52', '#FADE2A', '#F2CC0C', '#E0B400'],
  green: ['#C8F2C2', '#96D98D', '#73BF69', '#56A64B', '#37872D'],
  blue: ['#C0D8FF', '#8AB8FF', '#5794F2', '#3274D9', '#1F60C4'],
  purple: ['#DEB6F2', '#CA95E5', '#B877D9', '#A352CC', '#8F3BB8'],
};
const SHADES = ['super-light-', 'light-', '', 'semi-dark-', 'dark-'];
const PALETTE = { text: '#ccccdc', 'panel-bg': '#181b1f' };
for (const [hue, shades] of Object.entries(HUES)) shades.forEach((color, i) => (PALETTE[SHADES[i] + hue] = color));

const escape = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const list = (value) => (Array.isArray(value) ? value : []);
const chip = (color, text) =>
  `<span class="chip"><i style="background:${escape(PALETTE[color] ?? color ?? '#555')}"></i>${escape(text)}</span>`;

// --- Markdown: what texts between panels use --------------------------------------------------------------------

function inline(text) {
  return escape(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*(.+?)\*\*/g, '<b>$1</b>')
    .replace(/(^|\W)[*_]([^*_]+)[*_](?=\W|$)/g, '$1<em>$2</em>')
    .replace(/\[([^\]]+)\]\(([^)]*)\)/g, '<a title="$2">$1</a>');
}

function markdown(source) {
  const out = [];
  const lines = source.split('\n');
  const take = (pattern) => {
    const taken = [];
    while (lines.length > 0 && pattern.test(lines[0])) taken.push(lines.shift());
    return taken;
  };
  const cells = (line, tag) =>
    `<tr>${line.replace(/^\s*\||\|\s*$/g, '').split(/(?<!\\)\|/).map((cell) => `<${tag}>${inline(cell.trim())}</${tag}>`).join('')}</tr>`;
  while (lines.length > 0) {
    const line = lines[0];
    const heading = /^(#{1,6})\s+(.*)/.exec(line);
    if (/^\s*$/.test(line)) lines.shift();
    else if (heading) {
      out.push(`<h${heading[1].length}>${inline(heading[2])}</h${heading[1].length}>`);
      lines.shift();
    } else if (/^```/.test(line)) {
      lines.shift();
      out.push(`<pre>${escape(take(/^(?!```)/).join('\n'))}</pre>`);
      lines.shift();
    } else if (/^\s*\|/.test(line)) {
      const [head, rule, ...body] = take(/^\s*\|/);
      if (rule !== undefined && !/^[\s|:-]+$/.test(rule)) body.unshift(rule);
      out.push(`<table>${cells(head, 'th')}${body.map((row) => cells(row, 'td')).join('')}</table>`);
    } else if (/^\s*[-*]\s/.test(line)) {
      out.push(`<ul>${take(/^\s*[-*]\s/).map((item) => `<li>${inline(item.replace(/^\s*[-*]\s+/, ''))}</li>`).join('')}</ul>`);
    } else if (/^\s*\d+\.\s/.test(line)) {
      out.push(`<ol>${take(/^\s*\d+\.\s/).map((item) => `<li>${inline(item.replace(/^\s*\d+\.\s+/, ''))}</li>`).join('')}</ol>`);
    } else out.push(`<p>${inline([lines.shift(), ...take(/^(?!\s*$|#|```|\s*\||\s*[-*]\s|\s*\d+\.\s)/)].join(' '))}</p>`);
  }
  return out.join('');
}

// --- One panel --------------------------------------------------------------------------------------------------

function query(target, panel) {
  const source = target.datasource?.uid ?? panel.datasource?.uid ?? '';
  let says = target.expr ?? target.expression;
  if (!says && target.metricName) {
    const dimensions = Object.entries(target.dimensions ?? {}).map(([key, value]) => `${key}=${value}`).join(', ');
    says = `${target.namespace} ${target.metricName} ${target.statistic ?? ''} {${dimensions}}`;
  }
  if (!says && target.url !== undefined) {
    const columns = list(target.columns).map(({ text, selector }) => text || selector).join(', ');
    says = `${target.url_options?.method ?? 'GET'} ${target.url} ${target.root_selector ?? ''} [${columns}]`;
  }
  const legend = target.legendFormat ?? target.label;
  const how = [target.instant && 'instant', target.format, target.queryType, target.hide && 'hidden'].filter(Boolean);
  return `<div class="query${target.hide ? ' hidden' : ''}"><b>${escape(target.refId ?? '?')}</b>&nbsp;${
    source && source !== panel.datasource?.uid ? `<u>${escape(source)}</u> ` : ''
  }${escape(says ?? JSON.stringify(target))}${legend ? ` <span class="legend">${escape(legend)}</span>` : ''}${
    how.length > 0 ? ` <span class="how">${escape(how.join(' '))}</span>` : ''
  }</div>`;
}

/** What comes out of the value mappings, in short. */
function mapped(mapping) {
  const { options, type } = mapping;
  if (type === 'value') return Object.entries(options).map(([key, { text, color }]) => chip(color, `${key} → ${text ?? ''}`));
  const what = type === 'range' ? `${options.from ?? '−∞'}…${options.to ?? '∞'}` : (options.pattern ?? options.match);
  return [chip(options.result?.color, `${what} → ${options.result?.text ?? ''}`)];
}

const matched = ({ id, options } = {}) => (typeof options === 'string' ? options : `${id} ${list(options?.names).join(' ')}`);

function settings(panel) {
  const { defaults = {}, overrides } = panel.fieldConfig ?? {};
  const { options = {} } = panel;
  const { legend } = options;
  const said = [
    defaults.unit && `unit ${defaults.unit}`,
    defaults.color && `colour ${defaults.color.fixedColor ?? defaults.color.mode}`,
    defaults.decimals !== undefined && `${defaults.decimals} decimals`,
    (defaults.min !== undefined || defaults.max !== undefined) && `${defaults.min ?? 'auto'}…${defaults.max ?? 'auto'}`,
    defaults.custom?.drawStyle,
    defaults.custom?.stacking?.mode && defaults.custom.stacking.mode !== 'none' && `stacked ${defaults.custom.stacking.mode}`,
    options.reduceOptions?.calcs && list(options.reduceOptions.calcs).join(', '),
    legend && (legend.showLegend === false ? 'no legend' : legend.showLegend && `legend ${legend.displayMode} ${legend.placement}${
      list(legend.calcs).length > 0 ? `: ${legend.calcs.join(', ')}` : ''}`),
    list(overrides).length > 0 && `overrides: ${overrides.map(({ matcher }) => matched(matcher)).join(', ')}`,
    list(panel.transformations).length > 0 && `then ${panel.transformations.map(({ id }) => id).join(', ')}`,
  ];
  return said.filter(Boolean).map((text) => `<span>${escape(text)}</span>`).join('');
}

function thresholds(panel) {
  const { defaults = {}, overrides } = panel.fieldConfig ?? {};
  const { mode, steps } = defaults.thresholds ?? {};
  const share = mode === 'percentage' ? '%' : '';
  return [
    ...list(steps).map(({ color, value }) => chip(color, value === null ? 'base' : `≥ ${value}${share}`)),
    ...list(defaults.mappings).flatMap(mapped),
    ...list(overrides).flatMap(({ properties }) => list(properties)).filter(({ id }) => id === 'mappings').flatMap(({ value }) => list(value).flatMap(mapped)),
  ].join('');
}

function body(panel) {
  if (panel.type === 'text') {
    const { content = '', mode } = panel.options ?? {};
    return `<div class="text">${mode === 'code' ? `<pre>${escape(content)}</pre>` : markdown(content)}</div>`;
  }
  const colors = thresholds(panel);
  return `<div class="settings">${settings(panel)}</div>${colors && `<div class="chips">${colors}</div>`}${list(panel.targets)
    .map((target) => query(target, panel))
    .join('')}`;
}

function box(panel) {
  const { x, y, w, h } = panel.gridPos ?? { x: 0, y: 0, w: 1, h: 1 };
  const column = (WIDTH - GAP) / COLUMNS;
  const place = `left:${GAP + x * column}px;top:${y * (ROW + GAP)}px;width:${w * column - GAP}px;height:${h * (ROW + GAP) - GAP}px`;
  const title = escape(panel.title ?? '');
  const repeat = panel.repeat ? `<span class="how">for each $${escape(panel.repeat)}</span>` : '';
  if (panel.type === 'row') {
    const count = list(panel.panels).length;
    return `<div class="row" style="${place}">${panel.collapsed ? '›' : '⌄'} ${title} ${repeat}${
      panel.collapsed ? `<span class="how">(${count} panels, collapsed; drawn open)</span>` : ''
    }</div>`;
  }
  // As in Grafana: without a title there is no header, and a description is behind the mark.
  const about = panel.description ? ` <span class="about" title="${escape(panel.description)}">i</span>` : '';
  const header = title || about ? `<header><b>${title}</b>${about} ${repeat}</header>` : '';
  const type = [panel.type, panel.datasource?.uid, `${w}×${h}`].filter(Boolean).join(' · ');
  return `<div class="panel${panel.transparent ? ' transparent' : ''}" style="${place}">${header}${body(panel)}<span class="type">${escape(type)}</span></div>`;
}

// --- The page ---------------------------------------------------------------------------------------------------

const [input, output, ...more] = process.argv.slice(2);
if (!output || more.length > 0) {
  console.error('usage: node draw.mjs FILE.json OUT.html');
  process.exit(2);
}
const dashboard = JSON.parse(readFileSync(input, 'utf8'));

// A collapsed row's panels have their places below it, but so have the rows that follow; drawn open, they need room.
const panels = [];
let pushed = 0;
for (const panel of [...list(dashboard.panels)].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x)) {
  const down = (item, by) => ({ ...item, gridPos: { ...item.gridPos, y: item.gridPos.y + by } });
  panels.push(down(panel, pushed));
  const inner = list(panel.panels);
  if (panel.type !== 'row' || !panel.collapsed || inner.length === 0) continue;
  const top = Math.min(...inner.map(({ gridPos }) => gridPos.y));
  const bottom = Math.max(...inner.map(({ gridPos }) => gridPos.y + gridPos.h));
  panels.push(...inner.map((item) => down(item, panel.gridPos.y + 1 - top + pushed)));
  pushed += bottom - top;
}
const height = Math.max(0, ...panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * (ROW + GAP);

const variables = list(dashboard.templating?.list)
  .filter(({ hide }) => hide !== 2)
  .map(({ label, name, current, query, type, hide }) => {
    const value = [current?.text ?? (typeof query === 'string' ? query : '')].flat().join(' + ');
    return `<span class="variable">${hide === 1 ? '' : `<b>${escape(label || name)}</b>`}<i>${escape(value || type)}</i></span>`;
  });
const switches = list(dashboard.annotations?.list)
  .filter(({ hide }) => !hide)
  .map(({ name, iconColor, enable }) => `<span class="variable">${chip(iconColor, `${name}${enable ? '' : ' (off)'}`)}</span>`);
const links = list(dashboard.links).map(({ title, type, tags }) => `<span class="variable link">${escape(title || list(tags).join(', '))}${type === 'dashboards' ? ' ▾' : ' ↗'}</span>`);
const { from = 'now-6h', to = 'now' } = dashboard.time ?? {};

writeFileSync(
  output,
  `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escape(dashboard.title)}</title>
<style>
* { box-sizing: border-box; }
body { margin: 0; width: ${WIDTH}px; background: #111217; color: #ccccdc; font: 13px/1.45 Inter, "Helvetica Neue", Arial, sans-serif; }
body > header { display: flex; align-items: baseline; gap: 12px; padding: 12px 16px 8px; }
h1 { margin: 0; font-size: 18px; font-weight: 500; }
body > header span { color: #8e8e99; }
body > header .time { margin-left: auto; padding: 3px 10px; border: 1px solid #34363f; border-radius: 2px; color: #ccccdc; white-space: nowrap; }
nav { display: flex; flex-wrap: wrap; gap: 8px; padding: 0 8px 10px; }
.variable { display: inline-flex; align-items: center; background: #181b1f; border: 1px solid #34363f; border-radius: 2px; font-size: 12px; max-width: 420px; }
.variable b { font-weight: 500; padding: 4px 8px; background: #22252b; white-space: nowrap; }
.variable i { font-style: normal; padding: 4px 8px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.variable .chip { padding: 4px 8px; }
.link { padding: 4px 8px; color: #6e9fff; }
main { position: relative; height: ${height}px; margin-bottom: 16px; }
.row, .panel { position: absolute; overflow: hidden; }
.row { display: flex; align-items: center; gap: 8px; font-size: 15px; font-weight: 500; border-bottom: 1px solid #34363f; }
.panel { background: #181b1f; border: 1px solid rgba(204, 204, 220, .12); border-radius: 2px; padding: 0 8px 6px; }
.panel.transparent { background: none; border-color: transparent; }
.panel > header { display: flex; align-items: center; gap: 6px; height: 30px; white-space: nowrap; }
.panel > header b { font-weight: 500; font-size: 14px; overflow: hidden; text-overflow: ellipsis; }
.type { position: absolute; right: 1px; bottom: 1px; padding: 0 6px; background: #22252b; color: #9fa0ab; font-size: 10px; }
.about { flex: none; width: 14px; height: 14px; border: 1px solid #8e8e99; border-radius: 50%; color: #8e8e99; font: italic 700 10px/12px Georgia, serif; text-align: center; }
.how { color: #7b7c87; font-size: 11px; font-weight: 400; }
.settings, .chips { display: flex; flex-wrap: wrap; gap: 2px 10px; font-size: 11px; color: #9fa0ab; margin-bottom: 3px; }
.chip { display: inline-flex; align-items: center; gap: 4px; color: #ccccdc; }
.chip i { width: 10px; height: 10px; padding: 0; border-radius: 2px; border: 1px solid rgba(255, 255, 255, .2); flex: none; }
.query { font: 11px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; color: #a9d5a0; overflow-wrap: anywhere; white-space: pre-wrap; margin-top: 3px; }
.query b { color: #6e9fff; }
.query u { color: #d8b45f; text-decoration: none; }
.query.hidden { opacity: .55; }
.legend { color: #111217; background: #8e8e99; border-radius: 2px; padding: 0 4px; }
.text h1, .text h2, .text h3, .text h4 { margin: 4px 0; font-weight: 500; line-height: 1.25; }
.text h1 { font-size: 24px; } .text h2 { font-size: 20px; } .text h3 { font-size: 17px; } .text h4 { font-size: 15px; }
.text p, .text ul, .text ol, .text table, .text pre { margin: 4px 0 8px; }
.text a { color: #6e9fff; }
.text table { border-collapse: collapse; } .text th, .text td { border: 1px solid #34363f; padding: 2px 8px; text-align: left; }
code, pre { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; background: #22252b; border-radius: 2px; padding: 1px 4px; }
pre { padding: 6px 8px; white-space: pre-wrap; }
</style>
<header><h1>${escape(dashboard.title)}</h1><span>${escape(dashboard.description ?? '')}</span><span class="time">${escape(from)} – ${escape(to)}${
    dashboard.refresh ? ` · ${escape(dashboard.refresh)}` : ''
  }</span></header>
<nav>${[...variables, ...switches, ...links].join('')}</nav>
<main>${panels.map(box).join('\n')}</main>
</html>
`,
);
console.log(`${output}: ${panels.length} panels, ${WIDTH}×${height + 120} px`);

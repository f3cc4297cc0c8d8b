// Writes what `gen` knows of the panels' settings, from @grafana/schema: `node options.mjs`. With `--check` it writes
// nothing and exits 1 if the file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { program } from './check.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, '../../src/resolve/dashboards/panel_options.tsv');
const { version } = JSON.parse(readFileSync(join(here, 'node_modules/@grafana/schema/package.json'), 'utf8'));

// Deeper than any panel's own settings; deeper still are the query builder's expressions and the like.
const DEEPEST = 7;

const built = program();
const checker = built.getTypeChecker();
const own = checker.getExportsOfModule(checker.getSymbolAtLocation(built.getSourceFile(join(here, 'types.ts'))));
const declared = (name) => checker.getDeclaredTypeOfSymbol(own.find((symbol) => symbol.name === name));

// --- A type as gen needs it -------------------------------------------------------------------------------------

/**
 * Takes the types of a union apart. Objects of a union become one that has the keys of all: which of them belong
 * together is for check.mjs to say.
 */
function shape(types, above = []) {
  const result = { words: new Set(), scalars: new Set(), items: [], values: [], members: undefined };
  for (const type of types.flatMap((type) => (type.isUnion() ? type.types : [type]))) {
    if (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)) continue;
    else if (type.isStringLiteral() || type.isNumberLiteral()) result.words.add(type.value);
    else if (type.flags & ts.TypeFlags.BooleanLike) result.scalars.add('bool');
    else if (type.flags & ts.TypeFlags.Number) result.scalars.add('number');
    else if (type.flags & ts.TypeFlags.String) result.scalars.add('string');
    else if (!(type.flags & ts.TypeFlags.Object) || above.includes(type) || above.length > DEEPEST) result.scalars.add('any');
    else if (checker.isArrayType(type)) result.items.push(...checker.getTypeArguments(type));
    else if (type.getStringIndexType()) result.values.push(type.getStringIndexType());
    else {
      result.members ??= new Map();
      for (const member of type.getProperties()) {
        const into = result.members.get(member.name) ?? [];
        result.members.set(member.name, [...into, { type: checker.getTypeOfSymbol(member), above: [...above, type] }]);
      }
    }
  }
  return result;
}

function describe(types, above) {
  const { words, scalars, items, values, members } = shape(types, above);
  if (scalars.has('any')) return 'any';
  const options = [...scalars].sort();
  // A string may be anything, so that the words beside it say nothing.
  const rest = [...words].filter((word) => !scalars.has(typeof word));
  if (rest.length > 0) options.push(rest.sort((a, b) => (a < b ? -1 : 1)).join('|'));
  if (items.length > 0) options.push(`list ${describe(items, above)}`);
  if (values.length > 0) options.push(`map ${describe(values, above)}`);
  if (members) options.push('object');
  return options.join(' or ') || 'object';
}

/** The lines of a value at `path`: its own, those of its members and of what a list or map of it holds. */
function* lines(types, path, above = []) {
  const { items, values, members, scalars } = shape(types, above);
  yield [path, describe(types, above)];
  if (scalars.has('any')) return;
  for (const inner of [items, values]) if (inner.length > 0) yield* [...lines(inner, `${path}.*`, above)].slice(1);
  for (const [name, found] of members ?? []) {
    yield* lines(found.map(({ type }) => type), path === '.' ? name : `${path}.${name}`, found[0].above);
  }
}

/** One of the two tables of a panel: `Record<string, unknown>` is a table of anything, `Record<string, never>` of nothing. */
function* table(type) {
  const values = type.getStringIndexType();
  if (values) return yield ['.', values.flags & ts.TypeFlags.Never ? 'object' : 'any'];
  const callbacks = type.getProperties().filter((key) => checker.getTypeOfSymbol(key).flags & ts.TypeFlags.Unknown);
  const left = new Set(callbacks.map(({ name }) => name));
  for (const [path, text] of lines([type], '.')) if (!left.has(path)) yield [path, text];
}

// --- The file ---------------------------------------------------------------------------------------------------

const rows = [];
for (const panel of declared('PanelTypes').getProperties()) {
  const [options, custom] = checker.getTypeArguments(checker.getTypeOfSymbol(panel));
  for (const [path, text] of table(options)) rows.push([panel.name, 'options', path, text]);
  for (const [path, text] of table(custom)) rows.push([panel.name, 'custom', path, text]);
}

// Words without a place in a panel's tables.
rows.push(['-', 'color-mode', '.', describe([declared('ColorMode')])]);
rows.push(['-', 'reducer', '.', describe([declared('Reducer')])]);
// packages/grafana-data/src/themes/createVisualizationColors.ts. (Colours may also be CSS: a name, `#rrggbb`, `rgb(…)`.)
const shades = ['super-light-', 'light-', '', 'semi-dark-', 'dark-'];
const hues = ['red', 'orange', 'yellow', 'green', 'blue', 'purple'];
const colors = [...hues.flatMap((hue) => shades.map((shade) => shade + hue)), 'transparent', 'text', 'panel-bg'];
rows.push(['-', 'color', '.', colors.sort().join('|')]);

const head = `\
# The settings of Grafana's panels, from @grafana/schema ${version}. Written by \`node tests/grafana/options.mjs\`; don't edit.
#
# Columns: the panel's id, which of its tables (options, or custom = fieldConfig.defaults.custom), the path of a key in
# it, the key's type. The path of a table itself is \`.\`; \`*\` in a path is any member of a list or map. Types:
#
#   bool, number, string
#   a|b|c        one of these words, or of these numbers
#   object       a table of the keys that follow with its path, and no others
#   list T       a list of T; the keys of its tables follow as \`path.*.key\`
#   map T        a table of T by any name; keys as for a list
#   any          anything: Grafana's schema doesn't say more
#   T or T       one of several; of tables, one that has the keys of all
#
# \`-\` for a panel are words that are not of one panel: color-mode (fieldConfig.defaults.color.mode), reducer (names of
# calculations: reduceOptions.calcs, legend.calcs, table footers), color (Grafana's palette; CSS colours are good too).
`;
const order = (a, b) => (a.join('\t') < b.join('\t') ? -1 : 1);
const text = head + rows.sort(order).map((row) => `${row.join('\t')}\n`).join('');

const args = process.argv.slice(2);
if (args.some((arg) => arg !== '--check')) {
  console.error('usage: node options.mjs [--check]');
  process.exit(2);
}
if (args.length === 0) writeFileSync(output, text);
else {
  let old = '';
  try {
    old = readFileSync(output, 'utf8');
  } catch {
    // No file is an old file too.
  }
  if (old !== text) {
    const before = new Set(old.split('\n'));
    const after = new Set(text.split('\n'));
    for (const line of before) if (!after.has(line)) console.log(`-${line}`);
    for (const line of after) if (!before.has(line)) console.log(`+${line}`);
    console.error('panel_options.tsv is not what @grafana/schema says: run `node tests/grafana/options.mjs`');
    process.exit(1);
  }
}

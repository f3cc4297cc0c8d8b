#!/usr/bin/env node
// Checks dashboards and provisioning files against Grafana's types: `node check.mjs FILE.json… FILE.yaml…`; installed,
// `grafana-check`. Exits 0 if all is well, 1 with findings as `file:line:column message`, 2 if it was called wrongly.
//
// Each file becomes a TypeScript module of one expression, the JSON text as it is. Around every piece whose type
// depends on a word inside it (a panel's `type`, a target's datasource, an override's `id`) goes `is<…>(…)` with that
// type from types.ts: TypeScript would choose it from a union only by a word of the piece's own top level, and then
// speak of the union instead of the mistake. The wrapping adds no line, and columns are counted back.
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { Provisioning } from './provisioning.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** @typedef {{ file: string, line: number, column: number, message: string }} Finding */

/**
 * @param {string[]} paths
 * @returns {Finding[]} in the order of the files and their lines
 */
export function check(paths) {
  const sources = paths.map((path) => new (/\.ya?ml$/.test(path) ? Provisioning : Source)(path, readFileSync(path, 'utf8')));
  const readable = sources.filter((source) => source.findings.length === 0);
  for (const source of readable) source.dashboard?.();
  typeCheck(readable);
  return sources.flatMap((source) => source.sorted());
}

// --- The JSON as a tree with positions --------------------------------------------------------------------------

/** The value of a key, if the node is an object that has it. */
function get(node, ...keys) {
  for (const key of keys) {
    if (!node || !ts.isObjectLiteralExpression(node)) return undefined;
    node = node.properties.find((property) => property.name?.text === key)?.initializer;
  }
  return node;
}

function items(node) {
  return node && ts.isArrayLiteralExpression(node) ? [...node.elements] : [];
}

function text(node) {
  return node && ts.isStringLiteral(node) ? node.text : undefined;
}

function number(node) {
  if (node && ts.isPrefixUnaryExpression(node)) return -Number(node.operand.getText());
  return node && ts.isNumericLiteral(node) ? Number(node.text) : undefined;
}

/** The first node that JSON doesn't have, such as a bare word. */
function foreign(node) {
  if (!node || ts.isStringLiteral(node) || ts.isNumericLiteral(node)) return undefined;
  if ([ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword, ts.SyntaxKind.NullKeyword].includes(node.kind)) return undefined;
  if (ts.isPrefixUnaryExpression(node)) return undefined;
  if (ts.isPropertyAssignment(node)) return foreign(node.initializer);
  const inner = node.elements ?? node.properties;
  return inner ? inner.map(foreign).find(Boolean) : node;
}

const isObject = (node) => node !== undefined && ts.isObjectLiteralExpression(node);

// --- One file ---------------------------------------------------------------------------------------------------

class Source {
  /** Text to put into the JSON: where, what, and which node a message about it is about. */
  insertions = [];
  findings = [];
  #ids = new Map();
  #variables = new Set();

  constructor(path, json) {
    this.path = path;
    this.json = json;
    this.tree = ts.parseJsonText(path, json);
    this.root = this.tree.statements[0]?.expression;
    for (const { start, messageText } of this.tree.parseDiagnostics) {
      this.#report(start, ts.flattenDiagnosticMessageText(messageText, ' '));
    }
    // TypeScript's reader of JSON is lenient about trailing commas and comments; Grafana's isn't.
    if (this.findings.length === 0) {
      try {
        JSON.parse(json);
      } catch (error) {
        const position = /position (\d+)/.exec(error.message)?.[1];
        this.#report(position ? Number(position) : (foreign(this.root) ?? 0), error.message.replace(/\s+/g, ' '));
      }
    }
  }

  sorted() {
    const key = ({ line, column, message }) => `${line}:${column}:${message}`;
    const seen = new Map(this.findings.map((finding) => [key(finding), finding]));
    return [...seen.values()].sort((a, b) => a.line - b.line || a.column - b.column);
  }

  #report(at, message) {
    const offset = typeof at === 'number' ? at : at.getStart(this.tree);
    const { line, character } = this.tree.getLineAndCharacterOfPosition(offset);
    this.findings.push({ file: this.path, line: line + 1, column: character + 1, message });
  }

  /** Has the node checked as `type`; messages about the type itself are about the node `at`. */
  #is(node, type, at = node) {
    const about = at.getStart(this.tree);
    this.insertions.push({ offset: node.getStart(this.tree), text: `is<${type}>(`, about });
    this.insertions.push({ offset: node.end, text: ')', about });
  }

  /** The type in the table `name` of types.ts that the word at `key` names. */
  #isOne(node, name, key, suffix = '') {
    if (!isObject(node)) return;
    if (key === undefined || text(key) === undefined) this.#report(key ?? node, `${name}: a word is missing to tell which`);
    else this.#is(node, `t.${name}[${JSON.stringify(text(key) + suffix)}]`, key);
  }

  dashboard() {
    const { root } = this;
    if (!isObject(root)) return this.#report(0, 'a dashboard is an object');
    this.#is(root, 't.Dashboard');
    const uid = get(root, 'uid');
    if (text(uid) !== undefined && !/^[\w-]{1,40}$/.test(text(uid))) {
      this.#report(uid, 'a uid has at most 40 characters of A-Z, a-z, 0-9, - and _');
    }
    for (const variable of items(get(root, 'templating', 'list'))) this.#variable(variable);
    for (const annotation of items(get(root, 'annotations', 'list'))) {
      this.#isOne(annotation, 'Annotations', get(annotation, 'datasource', 'type'));
    }
    const panels = items(get(root, 'panels'));
    for (const panel of panels) {
      if (text(get(panel, 'type')) === 'row') this.#row(panel);
      else this.#panel(panel, 'Panels');
    }
    this.#grid(panels);
  }

  #variable(variable) {
    this.#isOne(variable, 'Variables', get(variable, 'type'));
    const query = get(variable, 'query');
    if (isObject(query)) this.#isOne(query, 'VariableQueries', get(variable, 'datasource', 'type'));
    const name = get(variable, 'name');
    if (this.#variables.has(text(name))) this.#report(name, `there are two variables ${text(name)}`);
    this.#variables.add(text(name));
  }

  #row(row) {
    this.#isOne(row, 'Panels', get(row, 'type'));
    this.#place(row);
    const panels = items(get(row, 'panels'));
    if (panels.length > 0 && get(row, 'collapsed')?.kind !== ts.SyntaxKind.TrueKeyword) {
      this.#report(get(row, 'panels'), 'only a collapsed row holds its panels; those of an open one follow it');
    }
    for (const panel of panels) this.#panel(panel, 'RowPanels');
    this.#grid(panels);
  }

  #panel(panel, table) {
    const type = get(panel, 'type');
    this.#isOne(panel, table, type);
    this.#place(panel);

    const refs = new Set();
    const ofPanel = get(panel, 'datasource', 'type');
    for (const target of items(get(panel, 'targets'))) {
      const mode = text(get(target, 'queryMode')) ?? 'Metrics';
      this.#isOne(target, 'Targets', get(target, 'datasource', 'type') ?? ofPanel, mode === 'Metrics' ? '' : ` ${mode}`);
      const ref = get(target, 'refId');
      if (refs.has(text(ref))) this.#report(ref, `there are two queries ${text(ref)} in this panel`);
      refs.add(text(ref));
    }
    for (const transformation of items(get(panel, 'transformations'))) {
      this.#isOne(transformation, 'Transformations', get(transformation, 'id'));
      this.#matcher(get(transformation, 'filter'));
    }
    this.#mappings(get(panel, 'fieldConfig', 'defaults', 'mappings'));
    for (const override of items(get(panel, 'fieldConfig', 'overrides'))) {
      this.#matcher(get(override, 'matcher'));
      for (const property of items(get(override, 'properties'))) {
        this.#isOne(property, `Overrides[${JSON.stringify(text(type) ?? '')}]`, get(property, 'id'));
        if (text(get(property, 'id')) === 'mappings') this.#mappings(get(property, 'value'));
      }
    }
  }

  #mappings(mappings) {
    for (const mapping of items(mappings)) this.#isOne(mapping, 'Mappings', get(mapping, 'type'));
  }

  #matcher(matcher) {
    if (matcher) this.#isOne(matcher, 'Matchers', get(matcher, 'id'));
  }

  /** What types can't say of one panel or row. */
  #place(panel) {
    if (!isObject(panel)) return;
    const id = get(panel, 'id');
    if (number(id) === undefined) this.#report(panel, 'a panel without an id of its own');
    else if (this.#ids.has(number(id))) this.#report(id, `the id ${number(id)} is also that of ${this.#ids.get(number(id))}`);
    else this.#ids.set(number(id), JSON.stringify(text(get(panel, 'title')) ?? ''));

    const repeat = get(panel, 'repeat');
    if (text(repeat) !== undefined && !this.#variables.has(text(repeat))) {
      this.#report(repeat, `there is no variable ${text(repeat)}`);
    }
    const grid = get(panel, 'gridPos');
    if (!grid) return this.#report(panel, 'a panel without gridPos');
    const { x, y, w, h } = rectangle(panel);
    if ([x, y, w, h].some((value) => value !== undefined && (!Number.isInteger(value) || value < 0))) {
      this.#report(grid, 'gridPos has whole numbers from 0');
    } else if (w === 0 || h === 0) this.#report(grid, 'a panel without an area');
    else if (x + w > 24) this.#report(grid, `the panel ends in column ${x + w} of 24`);
  }

  #grid(panels) {
    const placed = panels.map((panel) => ({ panel, ...rectangle(panel) }));
    placed.forEach((a, i) => {
      const b = placed.slice(0, i).find((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h);
      if (b) this.#report(get(a.panel, 'gridPos'), `overlaps ${JSON.stringify(text(get(b.panel, 'title')) ?? '')}`);
    });
  }

  // --- As TypeScript ---

  typescript() {
    // What is put before the same offset stands in the order in which it was asked for: outer pieces first. At an
    // end that would be wrong, but there all are the same.
    this.insertions = this.insertions.map((item, i) => ({ ...item, i })).sort((a, b) => a.offset - b.offset || a.i - b.i);
    const head = `import type * as t from './types';import { is } from './types';`;
    let out = head;
    let from = 0;
    for (const insertion of this.insertions) {
      out += this.json.slice(from, insertion.offset);
      insertion.start = out.length;
      out += insertion.text;
      from = insertion.offset;
    }
    this.head = head.length;
    return out + this.json.slice(from);
  }

  /** Reports what TypeScript says about a place of `typescript()`. */
  diagnostic(start, message) {
    let shift = this.head;
    for (const insertion of this.insertions) {
      if (insertion.start > start) break;
      if (start < insertion.start + insertion.text.length) return this.#report(insertion.about, message);
      shift += insertion.text.length;
    }
    this.#report(start - shift, message);
  }
}

function rectangle(panel) {
  const [x, y, w, h] = ['x', 'y', 'w', 'h'].map((key) => number(get(panel, 'gridPos', key)));
  return { x, y, w, h };
}

// --- TypeScript -------------------------------------------------------------------------------------------------

/** types.ts and modules beside it that are only in memory. */
export function program(modules = new Map()) {
  const config = ts.readConfigFile(join(here, 'tsconfig.json'), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, here);
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => modules.has(name) || fileExists(name);
  host.readFile = (name) => modules.get(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) =>
    modules.has(name) ? ts.createSourceFile(name, modules.get(name), version) : getSourceFile(name, version, ...rest);
  return ts.createProgram([join(here, 'types.ts'), ...modules.keys()], options, host);
}

function typeCheck(sources) {
  const named = new Map(sources.map((source, i) => [join(here, `dashboard-${i}.ts`), source]));
  const modules = new Map([...named].map(([name, source]) => [name, source.typescript()]));
  const built = program(modules);
  const own = built.getSourceFile(join(here, 'types.ts'));
  for (const { messageText } of [...built.getGlobalDiagnostics(), ...built.getSemanticDiagnostics(own)]) {
    throw new Error(`types.ts: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
  }
  for (const [name, source] of named) {
    const file = built.getSourceFile(name);
    for (const { start, messageText } of [...built.getSyntacticDiagnostics(file), ...built.getSemanticDiagnostics(file)]) {
      source.diagnostic(start, plain(messageText));
    }
  }
}

/** What TypeScript says, without what it says of our wrapping and of the whole object around a mistake. */
function plain(message) {
  if (typeof message !== 'string' && message.code === 2345 && message.next?.length === 1) message = message.next[0];
  return ts
    .flattenDiagnosticMessageText(message, '\n')
    .replace('Object literal may only specify known properties, and ', '')
    .replace(/'"([^"]*)"' does not exist/, "'$1' does not exist")
    .replace(/ in type '\{.*\}' but required in/, ', but required in')
    .replace(/\bt\.(?=[A-Z])/g, '');
}

// --- Command line -----------------------------------------------------------------------------------------------

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const paths = process.argv.slice(2);
  if (paths[0] === '--version') {
    const installed = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
    console.log(`grafana-check with @grafana/schema ${installed.dependencies['@grafana/schema']}`);
    process.exit();
  }
  if (paths.length === 0 || paths.some((path) => path.startsWith('-'))) {
    console.error('usage: grafana-check FILE.json… FILE.yaml…');
    process.exit(2);
  }
  let findings;
  try {
    findings = check(paths);
  } catch (error) {
    console.error(error.code ? error.message : error);
    process.exit(2);
  }
  for (const { file, line, column, message } of findings) {
    console.log(`${relative('', file)}:${line}:${column} ${message}`);
  }
  const files = paths.length === 1 ? 'file' : 'files';
  console.log(`${paths.length} ${files} checked, ${findings.length} findings`);
  process.exit(findings.length === 0 ? 0 : 1);
}

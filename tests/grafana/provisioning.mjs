// A provisioning file as TypeScript: its YAML becomes one expression, and every piece of that remembers where in the
// file it came from.
import { LineCounter, isMap, isScalar, isSeq, parseDocument } from 'yaml';

/** The type of the file in types.ts, by the key that only it has. */
const FILES = { datasources: 'DatasourceFile', deleteDatasources: 'DatasourceFile', providers: 'ProviderFile' };

export class Provisioning {
  findings = [];
  /** Offsets of the expression and of the file, ascending. */
  #places = [];
  #lines = new LineCounter();

  constructor(path, text) {
    this.path = path;
    this.document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true });
    for (const { pos, message } of this.document.errors) this.#report(pos[0], message.split('\n')[0].replace(/ at line.*/, ''));
    if (this.findings.length > 0) return;
    const root = this.document.contents;
    this.type = isMap(root) && root.items.map(({ key }) => FILES[key.value]).find(Boolean);
    if (!this.type) this.#report(root?.range?.[0] ?? 0, 'neither datasources nor providers of dashboards');
  }

  sorted() {
    return this.findings.sort((a, b) => a.line - b.line || a.column - b.column);
  }

  #report(offset, message) {
    const { line, col } = this.#lines.linePos(offset);
    this.findings.push({ file: this.path, line, column: col, message });
  }

  typescript() {
    this.out = `import type * as t from './types';import { is } from './types';is<t.${this.type}>(`;
    this.#write(this.document.contents, []);
    this.out += ')';
    return this.out;
  }

  #put(text, offset) {
    this.#places.push({ start: this.out.length, offset });
    this.out += text;
  }

  #write(node, path) {
    const start = node?.range?.[0] ?? 0;
    if (isMap(node)) {
      // Which keys a datasource has goes by its type.
      const isDatasource = path.length === 2 && path[0] === 'datasources';
      const type = isDatasource ? node.items.find(({ key }) => key.value === 'type') : undefined;
      if (isDatasource) this.#put(`is<t.Datasources[${JSON.stringify(type?.value?.value ?? '')}]>(`, type?.value?.range[0] ?? start);
      this.#put('{', start);
      for (const { key, value } of node.items) {
        this.#put(`${JSON.stringify(String(key.value))}:`, key.range[0]);
        this.#write(value, [...path, key.value]);
        this.out += ',';
      }
      this.out += isDatasource ? '})' : '}';
    } else if (isSeq(node)) {
      this.#put('[', start);
      node.items.forEach((item, i) => {
        this.#write(item, [...path, i]);
        this.out += ',';
      });
      this.out += ']';
    } else {
      this.#put(JSON.stringify((isScalar(node) ? node.value : null) ?? null), start);
    }
  }

  /** Reports what TypeScript says about a place of `typescript()`. */
  diagnostic(start, message) {
    const place = this.#places.findLast((place) => place.start <= start);
    this.#report(place?.offset ?? 0, message);
  }
}

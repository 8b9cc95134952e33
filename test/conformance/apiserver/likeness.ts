// Compares what two API servers answered to one case, after masking what no two servers share.
import { isObject } from '../../../src/util/json.ts';
import type { CaseAnswer } from './case-runner.ts';

/** One place where two answers differ. */
export interface Difference {
  /** Which request of the case, from 0. */
  readonly request: number;
  /** `status`, `header content-type`, `.metadata.labels.app`; indexes are written as numbers. */
  readonly path: string;
  /** JSON of the embedded server's value; `nothing` where it has none. */
  readonly embedded: string;
  readonly real: string;
}

/** Headers that a client may act on; all others differ by the server's inner workings. */
const HEADERS = ['content-type', 'warning', 'retry-after', 'location', 'allow'];

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** What differs between the answers to one case, in the order of requests. */
export function compareAnswers(embedded: readonly CaseAnswer[], real: readonly CaseAnswer[]): Difference[] {
  const masks = [createMask(), createMask()] as const;
  const found: Difference[] = [];
  for (let request = 0; request < Math.max(embedded.length, real.length); request += 1) {
    const [left, right] = [embedded[request], real[request]];
    const add = (path: string, a: unknown, b: unknown): void => {
      found.push({ request, path, embedded: textOf(a), real: textOf(b) });
    };
    if (left === undefined || right === undefined) {
      add('status', left?.status, right?.status);
      continue;
    }
    if (left.status !== right.status) add('status', left.status, right.status);
    for (const name of HEADERS) {
      const [a, b] = [left.headers[name], right.headers[name]];
      if (a !== b) add(`header ${name}`, a, b);
    }
    differ(masks[0](left.body), masks[1](right.body), '', add);
  }
  return found;
}

const textOf = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

function differ(a: unknown, b: unknown, path: string, add: (path: string, a: unknown, b: unknown) => void): void {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return add(path, a, b);
    a.forEach((item, index) => differ(item, b[index], `${path}.${index}`, add));
    return;
  }
  if (isObject(a) && isObject(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) differ(a[key], b[key], `${path}.${key}`, add);
    return;
  }
  if (a !== b) add(path, a, b);
}

type Mask = (body: unknown) => unknown;

/** What a server tells of how it was built. */
const BUILD = ['gitCommit', 'gitTreeState', 'buildDate', 'goVersion', 'platform'];

/**
 * Masks the bodies of one server through one case. Uids and versions of objects become numbers in the order in which they
 * are first seen, so that equal ones stay equal and different ones stay different; versions of lists count what others
 * write too and say nothing here; times and ages are those of two clocks; tokens of pages are opaque. Chosen at random, and
 * so masked: cluster addresses and node ports that nobody asked for, and the end of names made by generateName. The address
 * of a server is its own.
 */
function createMask(): Mask {
  const uids = createNumbers('uid');
  const versions = createNumbers('version');
  const maskText = (text: string): string =>
    text
      .replaceAll(QUOTED_OBJECT, (whole) => quotedObject(whole))
      .replaceAll(TIME, '<time>')
      .replaceAll(UID, uids)
      .replaceAll(VERSION_TEXT, '$1<version>')
      .replaceAll(CLUSTER_ADDRESS, '<cluster address>');
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return maskText(value);
    if (Array.isArray(value)) return value.map(walk);
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, maskMember(name, item, value)]));
  };
  const maskMember = (name: string, item: unknown, owner: Readonly<Record<string, unknown>>): unknown => {
    if (name === 'resourceVersion' && typeof item === 'string') {
      return owner['name'] === undefined ? '<version of a list>' : versions(item);
    }
    if (name === 'continue' && typeof item === 'string') return item === '' ? '' : '<continue>';
    if (name === 'nodePort' && typeof item === 'number') return '<node port>';
    if (name === 'serverAddress') return '<address>';
    if (name === 'cells' && Array.isArray(item)) return item.map((cell) => (isAge(cell) ? '<age>' : walk(cell)));
    if (BUILD.includes(name) && 'gitVersion' in owner) return '<build>';
    if (name === 'managedFields' && Array.isArray(item)) return walk(item.toSorted(byOwner));
    const base = owner['generateName'];
    if (name === 'name' && typeof base === 'string' && typeof item === 'string' && item.startsWith(base)) {
      return `${base}<random>`;
    }
    return walk(item);
  };
  return walk;
}

const CLUSTER_ADDRESS = /\b10\.96\.\d+\.\d+\b/g;
/** Versions in messages. */
const VERSION_TEXT = /(in record \(|current: |version: \d+ \(|\\"resourceVersion\\":\\")\d+/g;
/** An object in JSON within a message, as a JSON string. */
const QUOTED_OBJECT = /"\{\\"apiVersion(?:[^"\\]|\\.)*"/g;

/** Owners stand in the order of their times first: whether two of them fall into one second is chance. */
function byOwner(a: unknown, b: unknown): number {
  const [left, right] = [ownerText(a), ownerText(b)];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

const ownerText = (entry: unknown): string =>
  isObject(entry) ? JSON.stringify([entry['operation'], entry['manager'], entry['subresource']]) : '';

const isAge = (cell: unknown): boolean => typeof cell === 'string' && /^\d+[smhd]$/.test(cell);

/** The quoted object with its members in order of names: in which order a server writes them says nothing. */
function quotedObject(text: string): string {
  const object = JSON.parse(JSON.parse(text) as string) as unknown;
  return JSON.stringify(JSON.stringify(inOrder(object)));
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, inOrder(item)]),
  );
}

function createNumbers(word: string): (text: string) => string {
  const seen = new Map<string, string>();
  return (text) => {
    const known = seen.get(text) ?? `<${word} ${seen.size + 1}>`;
    seen.set(text, known);
    return known;
  };
}

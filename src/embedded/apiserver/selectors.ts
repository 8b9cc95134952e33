// Label and field selectors: parsed once, tested against each object.
import type { KubeObject } from '../../kube/contract.ts';
import type { StatusFailure } from './status.ts';
import { badRequest } from './status.ts';
import type { ServedKind } from './types.ts';
import { valueAt } from './json.ts';

/** Tells whether an object is selected. */
export type ObjectTest = (object: KubeObject) => boolean;

/** The test of both selectors; null when everything is selected. */
export function readSelectors(kind: ServedKind, query: URLSearchParams): ObjectTest | null {
  const labels = query.get('labelSelector') ?? '';
  const fields = query.get('fieldSelector') ?? '';
  const tests: ObjectTest[] = [];
  if (labels.trim() !== '') {
    const matches = parseLabelSelector(labels);
    tests.push((object) => matches(object.metadata.labels ?? {}));
  }
  if (fields.trim() !== '') tests.push(parseFieldSelector(kind, fields));
  if (tests.length === 0) return null;
  return (object) => tests.every((test) => test(object));
}

function unreadable(term: string): StatusFailure {
  return badRequest(`unable to parse requirement: cannot read '${term.trim()}'`);
}

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

const TERM =
  /^\s*(!?)\s*([A-Za-z0-9][A-Za-z0-9./_-]*)\s*(?:(==|=|!=|>|<)\s*([A-Za-z0-9._-]*)|(in|notin)\s*\(([^()]*)\))?\s*$/;

/** The test of a label selector such as `app=web,tier in (a,b),!old`. Throws StatusFailure 400. */
export function parseLabelSelector(text: string): LabelTest {
  const tests = splitTerms(text).map((term) => labelTest(term));
  return (labels) => tests.every((test) => test(labels));
}

/** Commas inside brackets do not separate terms. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) {
      terms.push(current);
      current = '';
    } else current += character;
  }
  terms.push(current);
  return terms;
}

function labelTest(term: string): LabelTest {
  const match = TERM.exec(term);
  if (match === null) throw unreadable(term);
  const [, not, key = '', operator, value = '', set, members = ''] = match;
  if (not === '!' && (operator !== undefined || set !== undefined)) {
    throw unreadable(term);
  }
  if (not === '!') return (labels) => labels[key] === undefined;
  if (set !== undefined) {
    const values = new Set(members.split(',').map((item) => item.trim()));
    if (set === 'in') return (labels) => labels[key] !== undefined && values.has(labels[key]);
    return (labels) => labels[key] === undefined || !values.has(labels[key]);
  }
  if (operator === undefined) return (labels) => labels[key] !== undefined;
  return comparison(key, operator, value);
}

function comparison(key: string, operator: string, value: string): LabelTest {
  if (operator === '!=') return (labels) => labels[key] !== value;
  if (operator === '>') return (labels) => labels[key] !== undefined && Number(labels[key]) > Number(value);
  if (operator === '<') return (labels) => labels[key] !== undefined && Number(labels[key]) < Number(value);
  return (labels) => labels[key] === value;
}

const COMMON_FIELDS: readonly string[] = ['.metadata.name', '.metadata.namespace'];

function parseFieldSelector(kind: ServedKind, text: string): ObjectTest {
  const known = new Set([...COMMON_FIELDS, ...kind.selectableFields]);
  const tests = text
    .split(',')
    .filter((term) => term.trim() !== '')
    .map((term) => fieldTest(kind, known, term.trim()));
  return (object) => tests.every((test) => test(object));
}

function fieldTest(kind: ServedKind, known: ReadonlySet<string>, term: string): ObjectTest {
  const match = /^([^=!]+)(==|!=|=)(.*)$/.exec(term);
  if (match === null) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
  const [, field = '', operator, value = ''] = match;
  if (!known.has(`.${field}`)) throw unknownField(kind, field);
  const path = fieldPath(kind, field);
  const isWanted = operator !== '!=';
  return (object) => (textOf(valueAt(object, path)) === value) === isWanted;
}

function unknownField(kind: ServedKind, field: string): StatusFailure {
  if (kind.isCustom || kind.selectableFields.length > 0) return badRequest(`field label not supported: ${field}`);
  return badRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
}

/** Where a field lies in the stored form: events are stored in the form of the core group. */
function fieldPath(kind: ServedKind, field: string): readonly string[] {
  if (kind.storageId !== '/Event') return field.split('.');
  if (field === 'source') return ['source', 'component'];
  return field
    .replace(/^regarding\./, 'involvedObject.')
    .replace(/^reportingController$/, 'reportingComponent')
    .split('.');
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

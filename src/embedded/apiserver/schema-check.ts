// Says what is wrong with a custom object by its schema, in the words of the real server.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { checkRules } from './cel.ts';
import { isSame, type Members } from './json.ts';
import { checkCombinations } from './schema-combine.ts';
import { checkScalar, type Place, typeProblem } from './schema-scalar.ts';
import type { JsonSchema, ObjectSchema } from './schema-types.ts';
import { duplicate, type FieldProblem, required } from './status.ts';

/** Problems after which rules in CEL are not run. */
const BLOCKING = new Set([
  'FieldValueRequired',
  'FieldValueTypeInvalid',
  'FieldValueNotSupported',
  'FieldValueTooLong',
  'FieldValueTooMany',
]);

/** What the schema and its rules say against an object; parts identical to `old` are taken as good. */
export function checkObject(
  schema: ObjectSchema,
  next: KubeObject,
  old: KubeObject | null,
  isStatusOnly: boolean,
): FieldProblem[] {
  const source = schema.root.source ?? {};
  const problems = isStatusOnly
    ? checkStatus(source, next, old)
    : checkValue(source, next, old ?? undefined, { path: '', body: '' });
  if (!schema.hasRules) return problems;
  if (problems.some((problem) => BLOCKING.has(problem.reason))) {
    const message =
      'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return [...problems, { reason: 'FieldValueInvalid', field: '<nil>', message }];
  }
  return [...problems, ...checkAllRules(source, next, old ?? undefined, '')];
}

function checkStatus(source: JsonSchema, next: KubeObject, old: KubeObject | null): FieldProblem[] {
  const status = source.properties?.['status'];
  if (status === undefined || next['status'] === undefined) return [];
  return checkValue(status, next['status'], old?.['status'], { path: 'status', body: '' });
}

/** What a schema says against a value, its rules apart. */
function checkValue(schema: JsonSchema, value: unknown, old: unknown, place: Place): FieldProblem[] {
  if (old !== undefined && value === old) return [];
  if (value === null && schema.nullable === true) return [];
  const wrong = typeProblem(schema, value, place);
  if (wrong !== null) return [wrong];
  const problems = Array.isArray(value)
    ? checkList(schema, value, old, place)
    : isObject(value)
      ? checkMembers(schema, value, old, place)
      : checkScalar(schema, value, place);
  const run = (part: JsonSchema): FieldProblem[] => checkValue(part, value, undefined, place);
  return [...problems, ...checkCombinations(schema, place, run)];
}

function checkMembers(schema: JsonSchema, value: Members, old: unknown, place: Place): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const before: Members = isObject(old) ? old : {};
  const count = Object.keys(value).length;
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    problems.push(tooMany(place.path, count, schema.maxProperties));
  }
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    const message = `Invalid value: ${count}: ${place.body} in body should have at least ${schema.minProperties} properties`;
    problems.push({ reason: 'FieldValueInvalid', field: place.path, message });
  }
  for (const name of schema.required ?? []) {
    if (value[name] === undefined) problems.push(required(join(place.path, name)));
  }
  const { additionalProperties } = schema;
  const rest = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  for (const [name, part] of Object.entries(value)) {
    const member = schema.properties?.[name] ?? rest;
    if (member === undefined || part === undefined) continue;
    const inside = { path: join(place.path, name), body: join(place.body, name) };
    problems.push(...checkValue(member, part, before[name], inside));
  }
  return problems;
}

function checkList(schema: JsonSchema, list: readonly unknown[], old: unknown, place: Place): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (schema.maxItems !== undefined && list.length > schema.maxItems) {
    problems.push(tooMany(place.path, list.length, schema.maxItems));
  }
  if (schema.minItems !== undefined && list.length < schema.minItems) {
    const message = `Invalid value: ${list.length}: ${place.body} in body should have at least ${schema.minItems} items`;
    problems.push({ reason: 'FieldValueInvalid', field: place.path, message });
  }
  const before: readonly unknown[] = Array.isArray(old) ? old : [];
  if (schema.items !== undefined) {
    for (const [index, item] of list.entries()) {
      const inside = { path: `${place.path}[${index}]`, body: `${place.body}[${index}]` };
      problems.push(...checkValue(schema.items, item, before[index], inside));
    }
  }
  return [...problems, ...checkDuplicates(schema, list, place)];
}

function checkDuplicates(schema: JsonSchema, list: readonly unknown[], place: Place): FieldProblem[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map' && schema.uniqueItems !== true) return [];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const names = listType === 'map' ? list.map((item) => keysOf(item, keys)) : list;
  const problems: FieldProblem[] = [];
  for (const [index, name] of names.entries()) {
    const isTwice = names.slice(0, index).some((other) => isSame(other, name));
    if (isTwice) problems.push(duplicate(`${place.path}[${index}]`, name));
  }
  return problems;
}

function keysOf(item: unknown, keys: readonly string[]): Members {
  const members = isObject(item) ? item : {};
  return Object.fromEntries(keys.filter((key) => members[key] !== undefined).map((key) => [key, members[key]]));
}

function tooMany(field: string, count: number, most: number): FieldProblem {
  const message = `Too many: ${count}: must have at most ${most} items`;
  return { reason: 'FieldValueTooMany', field, message };
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** Runs the rules of a value and of everything in it that changed. */
function checkAllRules(schema: JsonSchema, value: unknown, old: unknown, path: string): FieldProblem[] {
  if (old !== undefined && value === old) return [];
  if (value === null || value === undefined) return [];
  const problems = checkRules(schema, value, old, path);
  if (Array.isArray(value)) {
    if (schema.items === undefined) return problems;
    const find = correlate(schema, old);
    for (const [index, item] of value.entries()) {
      problems.push(...checkAllRules(schema.items, item, find(item), `${path}[${index}]`));
    }
    return problems;
  }
  if (!isObject(value)) return problems;
  const before: Members = isObject(old) ? old : {};
  const rest = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  for (const [name, part] of Object.entries(value)) {
    const member = schema.properties?.[name] ?? rest;
    if (member !== undefined) problems.push(...checkAllRules(member, part, before[name], join(path, name)));
  }
  return problems;
}

/** Items of a keyed list have an old self by their keys; those of other lists have none. */
function correlate(schema: JsonSchema, old: unknown): (item: unknown) => unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return (item) => old.find((other: unknown) => isSame(keysOf(other, keys), keysOf(item, keys))) as unknown;
}

// Rules in CEL (x-kubernetes-validations): compiled once, evaluated on values as CEL sees them.
import { Environment } from '@marcbachmann/cel-js';
import { messageOf } from '../../errors.ts';
import { isObject } from '../../util/json.ts';
import { isSame, type Members, setMember } from './json.ts';
import { type FieldProblem, showValue } from './status.ts';
import type { CelRule, JsonSchema } from './schema-types.ts';

type Evaluate = (context: Members) => unknown;

/** A rule that is ready to run. */
interface Compiled {
  readonly evaluate: Evaluate;
  readonly message: Evaluate | null;
  readonly isTransition: boolean;
}

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
});
registerLibrary();

const compiled = new WeakMap<CelRule, Compiled>();

/** Compiles a rule. Throws what the parser throws when it cannot be read. */
export function compileRule(rule: CelRule): void {
  compile(rule);
}

function compile(rule: CelRule): Compiled {
  const held = compiled.get(rule);
  if (held !== undefined) return held;
  const parse = (text: string): Evaluate => {
    const run = environment.parse(text);
    return (context) => run(context) as unknown;
  };
  const made: Compiled = {
    evaluate: parse(rule.rule),
    message: rule.messageExpression === undefined ? null : parse(rule.messageExpression),
    isTransition: /\boldSelf\b/.test(rule.rule),
  };
  compiled.set(rule, made);
  return made;
}

/** What the rules of one node say against a value. `old` is undefined when there is nothing to compare with. */
export function checkRules(schema: JsonSchema, value: unknown, old: unknown, path: string): FieldProblem[] {
  const rules = schema['x-kubernetes-validations'];
  if (rules === undefined || rules.length === 0) return [];
  const problems: FieldProblem[] = [];
  const self = toCel(schema, value);
  let oldSelf: unknown;
  for (const rule of rules) {
    const { isTransition } = compile(rule);
    if (isTransition && old === undefined && rule.optionalOldSelf !== true) continue;
    if (isTransition) oldSelf ??= toCel(schema, old);
    const problem = checkRule(rule, { self, oldSelf: oldSelf ?? null }, value, path);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}

function checkRule(rule: CelRule, context: Members, value: unknown, path: string): FieldProblem | null {
  const { evaluate, message } = compile(rule);
  const fixed = rule.message ?? `failed rule: ${rule.rule}`;
  const field = `${path}${rule.fieldPath ?? ''}`.replace(/^\./, '');
  try {
    if (evaluate(context) === true) return null;
  } catch (error) {
    const why = messageOf(error).split(' >')[0] ?? '';
    // A function that this library lacks proves nothing against the object.
    if (why.includes('found no matching overload')) return null;
    const shown = `Invalid value: ${showRuleValue(value)}${why} evaluating rule: ${rule.message ?? rule.rule}`;
    return { reason: 'FieldValueInvalid', field: path, message: shown };
  }
  return problemOf(rule, field, value, messageText(message, context) ?? fixed);
}

function messageText(message: Evaluate | null, context: Members): string | null {
  if (message === null) return null;
  try {
    const text = message(context);
    return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text : null;
  } catch {
    return null;
  }
}

function problemOf(rule: CelRule, field: string, value: unknown, text: string): FieldProblem {
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return { reason: rule.reason, field, message: `Forbidden: ${text}` };
    case 'FieldValueRequired':
      return { reason: rule.reason, field, message: `Required value: ${text}` };
    case 'FieldValueDuplicate':
      return { reason: rule.reason, field, message: `Duplicate value: ${showValue(value)}` };
    default:
      return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${showRuleValue(value)}${text}` };
  }
}

/** `value: ` for single values; objects and lists are not shown. */
function showRuleValue(value: unknown): string {
  return typeof value === 'object' && value !== null ? '' : `${showValue(value)}: `;
}

/** A JSON value as CEL sees it: integers are of type int where the schema says so, or does not say. */
function toCel(schema: JsonSchema | undefined, value: unknown): unknown {
  if (typeof value === 'number') {
    return schema?.type !== 'number' && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (Array.isArray(value)) return value.map((item) => toCel(schema?.items, item));
  if (!isObject(value)) return value;
  const result: Members = {};
  for (const [key, member] of Object.entries(value)) {
    const additional = schema?.additionalProperties;
    const part = schema?.properties?.[key] ?? (typeof additional === 'object' ? additional : undefined);
    setMember(result, escapeName(key, schema), toCel(part, member));
  }
  return result;
}

const RESERVED = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);

/** Names that CEL cannot spell are escaped, as the real server does; keys of maps are not. */
function escapeName(key: string, schema: JsonSchema | undefined): string {
  if (schema?.properties?.[key] === undefined) return key;
  if (RESERVED.has(key)) return `__${key}__`;
  return key
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

function compareCel(a: unknown, b: unknown): number {
  const [left, right] = [a as number, b as number];
  if (left < right) return -1;
  return left > right ? 1 : 0;
}

/** The functions that Kubernetes adds to CEL, as far as CRDs use them. */
function registerLibrary(): void {
  const extreme = (list: readonly unknown[], sign: number): unknown =>
    list.reduce((best, item) => (compareCel(item, best) * sign > 0 ? item : best));
  environment
    .registerFunction('list.isSorted(): bool', (list: unknown[]) =>
      list.every((item, index) => index === 0 || compareCel(list[index - 1], item) <= 0),
    )
    .registerFunction('list.sum(): dyn', (list: unknown[]) =>
      list.reduce((sum: unknown, item) =>
        typeof sum === 'bigint' && typeof item === 'bigint' ? sum + item : Number(sum) + Number(item),
      ),
    )
    .registerFunction('list.min(): dyn', (list: unknown[]) => extreme(list, -1))
    .registerFunction('list.max(): dyn', (list: unknown[]) => extreme(list, 1))
    .registerFunction('list.indexOf(dyn): int', (list: unknown[], wanted: unknown) =>
      BigInt(list.findIndex((item) => isSame(item, wanted))),
    )
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      text.replaceAll(from, to),
    )
    .registerFunction(
      'string.find(string): string',
      (text: string, pattern: string) => new RegExp(pattern, 'u').exec(text)?.[0] ?? '',
    )
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text) || text.startsWith('/'))
    .registerFunction('isIP(string): bool', (text: string) =>
      /^(\d{1,3}\.){3}\d{1,3}$|^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/.test(text),
    );
}

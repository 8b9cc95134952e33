// Checks of types and of single values.
import type { JsonSchema } from './schema-types.ts';
import { type FieldProblem, invalidValue, notSupported, showValue } from './status.ts';
import { isSame } from './json.ts';

/** Where in an object a check is: the path of fields, and the name in the body, which differ for a status. */
export interface Place {
  readonly path: string;
  readonly body: string;
}

/** What JSON calls the type of a value; whole numbers are integers. */
function jsonTypeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** The problem that a value is of another type than its schema says; null when it is not. */
export function typeProblem(schema: JsonSchema, value: unknown, place: Place): FieldProblem | null {
  const found = jsonTypeName(value);
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
  const wanted = isIntOrString ? 'integer,string' : (schema.type ?? '');
  if (wanted === '') return null;
  const fits = isIntOrString
    ? found === 'integer' || found === 'string'
    : found === wanted || (wanted === 'number' && found === 'integer');
  if (fits) return null;
  const name = place.body === '' ? place.path : place.body;
  const message = `Invalid value: "${found}": ${name} in body must be of type ${wanted}: "${found}"`;
  return { reason: 'FieldValueTypeInvalid', field: place.path, message };
}

/** What a schema says against a string, a number or a boolean. */
export function checkScalar(schema: JsonSchema, value: unknown, place: Place): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (typeof value === 'string') problems.push(...checkText(schema, value, place));
  if (typeof value === 'number') problems.push(...checkNumber(schema, value, place));
  if (schema.enum !== undefined && !schema.enum.some((known) => isSame(known, value))) {
    problems.push(
      notSupported(
        place.path,
        value,
        schema.enum.map((known) => (typeof known === 'string' ? known : showValue(known))),
      ),
    );
  }
  return problems;
}

const patterns = new Map<string, RegExp | null>();

/** Patterns are of Go's kind, which is nearly JavaScript's; one that cannot be read here is not checked. */
function patternOf(text: string): RegExp | null {
  const held = patterns.get(text);
  if (held !== undefined) return held;
  let made: RegExp | null = null;
  try {
    made = new RegExp(text.replace(/^\(\?i\)/, ''), text.startsWith('(?i)') ? 'iu' : 'u');
  } catch {
    try {
      made = new RegExp(text);
    } catch {
      made = null;
    }
  }
  patterns.set(text, made);
  return made;
}

/** Characters, not UTF-16 units, as Go counts them. */
function lengthOf(text: string): number {
  let count = 0;
  for (const _character of text) count += 1;
  return count;
}

function checkText(schema: JsonSchema, value: string, place: Place): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const length = schema.maxLength === undefined && schema.minLength === undefined ? 0 : lengthOf(value);
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    const message = `Too long: may not be more than ${schema.maxLength} bytes`;
    problems.push({ reason: 'FieldValueTooLong', field: place.path, message });
  }
  if (schema.minLength !== undefined && length < schema.minLength) {
    problems.push(
      invalidValue(place.path, value, `${place.body} in body should be at least ${schema.minLength} chars long`),
    );
  }
  if (schema.pattern !== undefined && patternOf(schema.pattern)?.test(value) === false) {
    problems.push(invalidValue(place.path, value, `${place.body} in body should match '${schema.pattern}'`));
  }
  return problems;
}

function checkNumber(schema: JsonSchema, value: number, place: Place): FieldProblem[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const say = (text: string): FieldProblem =>
    invalidValue(place.path, value, `${place.body} in body should be ${text}`);
  const problems: FieldProblem[] = [];
  if (multipleOf !== undefined && multipleOf > 0) {
    const parts = value / multipleOf;
    if (Math.abs(parts - Math.round(parts)) > 1e-9) problems.push(say(`a multiple of ${multipleOf}`));
  }
  if (maximum !== undefined && (exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    problems.push(say(exclusiveMaximum === true ? `less than ${maximum}` : `less than or equal to ${maximum}`));
  }
  if (minimum !== undefined && (exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    problems.push(say(exclusiveMinimum === true ? `greater than ${minimum}` : `greater than or equal to ${minimum}`));
  }
  return problems;
}

// allOf, anyOf, oneOf and not.
import type { Place } from './schema-scalar.ts';
import type { JsonSchema } from './schema-types.ts';
import type { FieldProblem } from './status.ts';

/** What the combinations of a schema say against a value; `run` checks it against one part. */
export function checkCombinations(
  schema: JsonSchema,
  place: Place,
  run: (part: JsonSchema) => FieldProblem[],
): FieldProblem[] {
  const { allOf, anyOf, oneOf, not } = schema;
  if (allOf === undefined && anyOf === undefined && oneOf === undefined && not === undefined) return [];
  const problems: FieldProblem[] = [];
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
  if (anyOf !== undefined && !isIntOrString) {
    const results = anyOf.map(run);
    if (!results.some(isEmpty))
      problems.push(say(place, 'must validate at least one schema (anyOf)'), ...(results[0] ?? []));
  }
  if (oneOf !== undefined) problems.push(...checkOneOf(oneOf.map(run), place));
  if (allOf !== undefined) {
    const results = allOf.map(run);
    if (!results.every(isEmpty)) problems.push(say(place, 'must validate all the schemas (allOf)'), ...results.flat());
  }
  if (not !== undefined && isEmpty(run(not))) problems.push(say(place, 'must not validate the schema (not)'));
  return problems;
}

const isEmpty = (problems: readonly FieldProblem[]): boolean => problems.length === 0;

function checkOneOf(results: readonly FieldProblem[][], place: Place): FieldProblem[] {
  const count = results.filter(isEmpty).length;
  if (count === 1) return [];
  const found = count === 0 ? 'none valid' : `${count} valid alternatives`;
  const head = say(place, `must validate one and only one schema (oneOf). Found ${found}`);
  return count === 0 ? [head, ...(results[0] ?? [])] : [head];
}

function say(place: Place, text: string): FieldProblem {
  const name = place.body === '' ? place.path : place.body;
  return { reason: 'FieldValueInvalid', field: '<nil>', message: `Invalid value: "": "${name}" ${text}` };
}

// Problems of a resource: what is wrong, where, and what would be right; all of them, not the first.
import type { z } from 'zod';
import { InvalidSpecError, UnsupportedError, type SerinError } from '../errors.ts';
import { isObject } from '../util/json.ts';

/** `SPEC_…`: the resource must change. `CAPABILITY_…`: it is meaningful, but nothing here can do it. */
export type ProblemCode = `SPEC_${string}` | `CAPABILITY_${string}`;

/** One problem. */
export interface Problem {
  /** Path of the field, such as `spec.analysis.metrics[0].query`. */
  readonly path: string;
  readonly code: ProblemCode;
  /** A whole sentence: what, where, what would be right. */
  readonly message: string;
}

/** What was taken differently than written, to follow Flagger. */
export interface Note extends Problem {
  /** Announcements by which Flagger tells it, where it does; otherwise the message is told. */
  readonly toldAs?: readonly ('MatchUnsupported' | 'WeightsUnsupported' | 'IterationsDefaulted')[];
}

/** Most problems that one resource lists; a broken generator may make thousands. */
const PROBLEMS_MAX = 20;

/** Deeper than any field of ours; what is nested further is a foreign member, and may be nested without end. */
const DEPTH_MAX = 32;

/** Collects problems of one resource, in the order of the checks. */
export class Report {
  readonly problems: Problem[] = [];

  /** Adds one. `what` continues the sentence "Cannot use <path>: …". */
  add(path: string, code: ProblemCode, what: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ path, code, message: `Cannot use ${path}: ${what}` });
  }

  /** Reads `value` by `schema`; null when it does not fit, with what does not. Members that are null count as unset. */
  read<T extends z.ZodType>(schema: T, value: unknown, root: string): z.output<T> | null {
    const clean = dropNulls(value);
    const result = schema.safeParse(clean);
    if (result.success) return result.data;
    for (const issue of result.error.issues)
      this.add(pathText(root, issue.path), ...wordsOf(issue, valueAt(clean, issue.path)));
    return null;
  }
}

/** The error for a list of problems: the first leads, the others follow in the same message. */
export function errorOf(problems: readonly Problem[]): SerinError {
  const [first] = problems;
  if (first === undefined) return new InvalidSpecError('SPEC_VALUE', '', 'Cannot use the resource: it is invalid');
  const message = describeProblems(problems);
  const { code, path } = first;
  return isCapability(code) ? new UnsupportedError(code, message) : new InvalidSpecError(code, path, message);
}

const isCapability = (code: ProblemCode): code is `CAPABILITY_${string}` => code.startsWith('CAPABILITY_');

/** All problems in one line for a condition and an Event, at most 1,000 characters. */
export function describeProblems(problems: readonly Problem[]): string {
  const text = problems.map((problem) => problem.message).join('; ');
  return text.length <= 1000 ? text : `${text.slice(0, 997)}...`;
}

/** True for an absolute http or https URL with a host. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^/\s]/i.test(text) && URL.canParse(text);
}

/** How a value looks in a message: short, and never a whole object. */
function quote(value: unknown): string {
  if (typeof value === 'string') return `"${value.length > 60 ? `${value.slice(0, 57)}...` : value}"`;
  if (Array.isArray(value)) return 'a list';
  return isObject(value) ? 'an object' : String(value);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** A zod issue in our words. */
function wordsOf(issue: z.core.$ZodIssue, value: unknown): [ProblemCode, string] {
  switch (issue.code) {
    case 'invalid_type': {
      const right = TYPE_WORDS[issue.expected] ?? issue.expected;
      return value === undefined
        ? ['SPEC_MISSING', `is missing, must be ${right}`]
        : ['SPEC_TYPE', `is ${quote(value)}, must be ${right}`];
    }
    case 'invalid_value':
      return [
        'SPEC_VALUE',
        `is ${quote(value)}, must be one of ${issue.values.filter((one) => one !== '').join(', ')}`,
      ];
    case 'too_small':
      return ['SPEC_RANGE', `is ${quote(value)}, must be at least ${issue.minimum}`];
    case 'too_big': {
      if (issue.origin === 'string') return ['SPEC_SIZE', `is too long, must have at most ${issue.maximum} characters`];
      if (issue.origin === 'array') return ['SPEC_SIZE', `is too long, must have at most ${issue.maximum} items`];
      return ['SPEC_RANGE', `is ${quote(value)}, must be at most ${issue.maximum}`];
    }
    // The last six do not occur in our schemas; one that gains them still refuses, only less politely.
    case 'custom':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
      break;
  }
  return [
    'SPEC_VALUE',
    issue.code === 'custom' ? issue.message : `is ${quote(value)}, must be of the type that the reference says`,
  ];
}

function pathText(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    root,
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<PropertyKey, unknown>)[part];
  }
  return here;
}

/** A copy without members that are null: the API server stores null for "unset" where a schema has no default. */
function dropNulls(value: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((item) => dropNulls(item, depth + 1));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === null ? [] : [[key, dropNulls(member, depth + 1)]])),
  );
}

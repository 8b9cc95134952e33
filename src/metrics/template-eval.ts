// Evaluates one action of a Go text/template: names, variables, and the few functions that queries use.
import type { MetricSubject } from './contract.ts';
import { templateError, type Token } from './template-lexer.ts';

/** What a template may name. */
export interface TemplateValues {
  readonly subject: Pick<MetricSubject, 'name' | 'namespace' | 'target' | 'service' | 'ingress' | 'route'>;
  /** `interval` of the metric as the user wrote it; empty when unset. */
  readonly interval: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** A text. A foreign one comes from a Canary's variables or interval and must be escaped where it is inserted. */
interface Text {
  readonly text: string;
  readonly isForeign: boolean;
}
type Value = Text | number | boolean | ReadonlyMap<string, string>;

/** Makes a foreign text safe at the end of what has been written of this action so far. */
export type Protect = (written: string, foreign: string) => string;

const NAMES = ['name', 'namespace', 'target', 'service', 'ingress', 'route', 'interval', 'variables'];
const DEPTH_MAX = 32;

type Call = (args: readonly Value[], protect: Protect) => Value;

const FUNCTIONS: Readonly<Record<string, Call>> = {
  and: (args) => args.find((arg) => !isTruthy(arg)) ?? lastOf(args, 'and'),
  or: (args) => args.find(isTruthy) ?? lastOf(args, 'or'),
  not: (args) => !isTruthy(countedArgs('not', args, 1)[0]!),
  eq: ([first, ...rest]) => {
    if (first === undefined || rest.length === 0) throw templateError('eq needs two arguments or more');
    return rest.some((other) => isSame(first, other));
  },
  ne: (args) => !isSame(countedArgs('ne', args, 2)[0]!, args[1]!),
  len: (args) => lengthOf(countedArgs('len', args, 1)[0]!),
  index: (args) => {
    const [map, key] = countedArgs('index', args, 2);
    if (!(map instanceof Map) || !isText(key)) throw templateError('index needs variables and a key in quotes');
    // A key that is absent gives an empty text, as a Go map does: so that `if index variables "x"` can ask for it.
    return { text: (map as ReadonlyMap<string, string>).get(key.text) ?? '', isForeign: true };
  },
  print: (args, protect) => format('%v'.repeat(args.length), args, protect),
  printf: ([template, ...args], protect) => {
    if (template === undefined || !isText(template)) throw templateError('printf needs a format in quotes');
    return format(template.text, args, protect);
  },
};

/** Everything that may stand at the beginning of an action, for messages. */
const KNOWN_WORDS: readonly string[] = [...NAMES, ...Object.keys(FUNCTIONS), 'if', 'else', 'end'];

function isText(value: Value | undefined): value is Text {
  return typeof value === 'object' && !(value instanceof Map);
}

function lastOf(args: readonly Value[], name: string): Value {
  const last = args.at(-1);
  if (last === undefined) throw templateError(`${name} needs an argument`);
  return last;
}

function countedArgs(name: string, args: readonly Value[], count: number): readonly Value[] {
  if (args.length !== count) throw templateError(`${name} has ${args.length} arguments, must have ${count}`);
  return args;
}

function isSame(a: Value, b: Value): boolean {
  if (isText(a) && isText(b)) return a.text === b.text;
  if (typeof a === typeof b && typeof a !== 'object') return a === b;
  throw templateError('values of different types cannot be compared');
}

function lengthOf(value: Value): number {
  if (value instanceof Map) return value.size;
  if (isText(value)) return Buffer.byteLength(value.text);
  throw templateError('len needs a text or variables');
}

/** As Go has it: empty texts and maps, 0 and false do not hold. */
function isTruthy(value: Value): boolean {
  if (value instanceof Map) return value.size > 0;
  return isText(value) ? value.text !== '' : Boolean(value);
}

function format(template: string, args: readonly Value[], protect: Protect): Text {
  let output = '';
  let used = 0;
  for (const [part, verb] of template.matchAll(/%(.?)|[^%]+/gu)) {
    if (verb === undefined) output += part;
    else if (verb === '%') output += '%';
    else {
      const arg = args[used];
      used += 1;
      if (arg === undefined) throw templateError(`printf has more verbs than arguments`);
      output += formatOne(verb, arg, output, protect);
    }
  }
  if (used < args.length) throw templateError('printf has more arguments than verbs');
  return { text: output, isForeign: false };
}

function formatOne(verb: string, arg: Value, written: string, protect: Protect): string {
  if (verb === 'q') return JSON.stringify(textOf(arg));
  if (verb === 'd' && typeof arg !== 'number') throw templateError('%d needs a number');
  if (verb !== 's' && verb !== 'v' && verb !== 'd')
    throw templateError(`the verb %${verb} is not known, must be one of %s %v %q %d %%`);
  return isText(arg) && arg.isForeign ? protect(written, arg.text) : textOf(arg);
}

function textOf(value: Value): string {
  if (value instanceof Map) throw templateError('variables is a map, must be one of its keys, such as variables.foo');
  return isText(value) ? value.text : `${value as number | boolean}`;
}

/** The text that an action inserts, foreign parts protected. */
export function evaluateText(tokens: readonly Token[], values: TemplateValues, protect: Protect): string {
  const value = evaluate(tokens, values, protect);
  return isText(value) && value.isForeign ? protect('', value.text) : textOf(value);
}

/** Whether the condition of an `if` holds. */
export function evaluateCondition(tokens: readonly Token[], values: TemplateValues): boolean {
  return isTruthy(evaluate(tokens, values, (_, foreign) => foreign));
}

function evaluate(tokens: readonly Token[], values: TemplateValues, protect: Protect): Value {
  const cursor: Cursor = { tokens, at: 0, depth: 0, values, protect };
  const value = readPipeline(cursor);
  if (cursor.at < tokens.length) throw templateError('a ) closes nothing');
  return value;
}

interface Cursor {
  readonly tokens: readonly Token[];
  readonly values: TemplateValues;
  readonly protect: Protect;
  at: number;
  depth: number;
}

function readPipeline(cursor: Cursor): Value {
  let value = readCommand(cursor, null);
  while (cursor.tokens[cursor.at]?.kind === '|') {
    cursor.at += 1;
    value = readCommand(cursor, value);
  }
  return value;
}

function readCommand(cursor: Cursor, piped: Value | null): Value {
  const first = cursor.tokens[cursor.at];
  if (first === undefined) throw templateError('an action is empty');
  const call = first.kind === 'word' && Object.hasOwn(FUNCTIONS, first.text) ? FUNCTIONS[first.text] : undefined;
  if (call !== undefined) cursor.at += 1;
  const args: Value[] = [];
  for (
    let next = cursor.tokens[cursor.at];
    next !== undefined && next.kind !== '|' && next.kind !== ')';
    next = cursor.tokens[cursor.at]
  )
    args.push(readOperand(cursor));
  if (piped !== null) args.push(piped);
  if (call !== undefined) return call(args, cursor.protect);
  if (args.length !== 1) throw templateError(args.length === 0 ? 'an action is empty' : 'a value takes no arguments');
  return args[0]!;
}

function readOperand(cursor: Cursor): Value {
  const token = cursor.tokens[cursor.at]!;
  cursor.at += 1;
  if (token.kind === 'string') return { text: token.text, isForeign: false };
  if (token.kind === 'number') return token.value;
  if (token.kind === 'word') return readFields(cursor, readName(token.text, cursor.values));
  if (token.kind !== '(')
    throw templateError(
      token.kind === 'field' ? `"${token.text}" follows a value that has no fields` : `a ${token.kind} is out of place`,
    );
  cursor.depth += 1;
  if (cursor.depth > DEPTH_MAX) throw templateError(`brackets are nested deeper than ${DEPTH_MAX}`);
  const value = readPipeline(cursor);
  if (cursor.tokens[cursor.at]?.kind !== ')') throw templateError('a ( is not closed');
  cursor.at += 1;
  cursor.depth -= 1;
  return readFields(cursor, value);
}

function readName(word: string, { subject, interval, variables }: TemplateValues): Value {
  if (word === 'true' || word === 'false') return word === 'true';
  if (word === 'interval') return { text: interval, isForeign: true };
  if (word === 'variables') return new Map(Object.entries(variables));
  if (Object.hasOwn(subject, word) && NAMES.includes(word))
    return { text: subject[word as keyof typeof subject], isForeign: false };
  throw templateError(`"${word}" is not known, must be one of ${KNOWN_WORDS.join(', ')}`);
}

function readFields(cursor: Cursor, start: Value): Value {
  let value = start;
  for (let next = cursor.tokens[cursor.at]; next?.kind === 'field'; next = cursor.tokens[cursor.at]) {
    cursor.at += 1;
    if (!(value instanceof Map)) throw templateError(`".${next.text}" follows a value that has no fields`);
    const map = value as ReadonlyMap<string, string>;
    const text = map.get(next.text);
    if (text === undefined)
      throw templateError(
        `variable "${next.text}" is not set, must be one of ${[...map.keys()].join(', ') || 'none (templateVariables is empty)'}`,
      );
    value = { text, isForeign: true };
  }
  return value;
}

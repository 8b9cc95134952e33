// Splits a Go text/template into text and tokens: the first half of the engine for MetricTemplate queries.
import { InvalidSpecError } from '../errors.ts';

/** A piece of a template: literal text, or the tokens of one action. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[] };

/** A token inside an action. `field` is `.name` that follows a term without a space. */
export type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'field'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: '(' | ')' | '|' };

/** The error of everything that is wrong with a template. */
export function templateError(what: string): InvalidSpecError {
  return new InvalidSpecError('SPEC_TEMPLATE', 'spec.query', `Cannot render the query: ${what}`);
}

const ACTION = /\{\{(?<open>-(?=\s))?/g;
const TOKEN =
  /(?<space>\s+)|(?<string>"(?:[^"\\\n]|\\.)*")|(?<raw>`[^`]*`)|(?<number>[+-]?\d+(?:\.\d+)?(?![\w.]))|(?<word>[A-Za-z_]\w*)|(?<field>\.[A-Za-z_]\w*)|(?<mark>[()|])/y;

/** Splits a template. Throws InvalidSpecError SPEC_TEMPLATE. */
export function splitTemplate(template: string): Piece[] {
  const pieces: Piece[] = [];
  let shouldTrimNext = false;
  const pushText = (raw: string, shouldTrimEnd: boolean): void => {
    const started = shouldTrimNext ? raw.trimStart() : raw;
    const text = shouldTrimEnd ? started.trimEnd() : started;
    if (text !== '') pieces.push({ kind: 'text', text });
  };
  let at = 0;
  for (;;) {
    ACTION.lastIndex = at;
    const open = ACTION.exec(template);
    if (open === null) break;
    pushText(template.slice(at, open.index), open.groups?.['open'] !== undefined);
    const start = open.index + open[0].length;
    const end = findEnd(template, start);
    const inside = template.slice(start, end);
    shouldTrimNext = /\s-$/.test(inside);
    const action = shouldTrimNext ? inside.slice(0, -1) : inside;
    if (!/^\s*\/\*[^]*\*\/\s*$/.test(action)) pieces.push({ kind: 'action', tokens: splitAction(action) });
    at = end + 2;
  }
  pushText(template.slice(at), false);
  return pieces;
}

/** The place of the `}}` that ends an action; those within strings and comments do not. */
function findEnd(template: string, start: number): number {
  if (/^\s*\/\*/.test(template.slice(start, start + 16))) {
    const end = template.indexOf('*/', start);
    const close = end < 0 ? -1 : template.indexOf('}}', end);
    if (close < 0) throw templateError('a comment is not closed, must end in */}}');
    return close;
  }
  for (let at = start; at < template.length; at += 1) {
    const letter = template[at]!;
    if (letter === '}' && template[at + 1] === '}') return at;
    if (letter === '"' || letter === '`') at = findClosing(template, at, letter);
  }
  throw templateError('an action is not closed, must end in }}');
}

/** The place of the quote that closes the text which begins at `start`. */
function findClosing(template: string, start: number, quote: '"' | '`'): number {
  for (let at = start + 1; at < template.length; at += 1) {
    const letter = template[at]!;
    if (letter === quote) return at;
    if (quote === '`') continue;
    if (letter === '\n') break;
    if (letter === '\\') at += 1;
  }
  throw templateError('a text in quotes is not closed');
}

function splitAction(action: string): Token[] {
  const tokens: Token[] = [];
  let wasSpace = true;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < action.length) {
    const groups = TOKEN.exec(action)?.groups;
    if (groups === undefined) throw templateError(`"${action.trim().slice(0, 60)}" cannot be read as an action`);
    const token = toToken(groups, wasSpace, action);
    if (token !== null) tokens.push(token);
    wasSpace = token === null;
  }
  return tokens;
}

function toToken(
  groups: Readonly<Record<string, string | undefined>>,
  wasSpace: boolean,
  action: string,
): Token | null {
  const { space, string, raw, number, word, field, mark } = groups as Record<
    'space' | 'string' | 'raw' | 'number' | 'word' | 'field' | 'mark',
    string | undefined
  >;
  if (space !== undefined) return null;
  if (string !== undefined) return { kind: 'string', text: unquote(string) };
  if (raw !== undefined) return { kind: 'string', text: raw.slice(1, -1) };
  if (number !== undefined) return { kind: 'number', value: Number(number) };
  if (word !== undefined) return { kind: 'word', text: word };
  if (field !== undefined) {
    if (wasSpace)
      throw templateError(
        `"${action.trim().slice(0, 60)}" reads "${field}" of nothing, must be of variables, such as variables${field}`,
      );
    return { kind: 'field', text: field.slice(1) };
  }
  return { kind: mark as '(' | ')' | '|' };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"' };

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => {
    const plain = ESCAPES[letter];
    if (plain === undefined)
      throw templateError(`the escape \\${letter} is not known, must be one of \\n \\t \\r \\\\ \\"`);
    return plain;
  });
}

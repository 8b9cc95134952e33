// Renders MetricTemplate queries: the part of Go text/template that Flagger's users write, with variables escaped for PromQL.
import { evaluateCondition, evaluateText, type TemplateValues } from './template-eval.ts';
import { splitTemplate, templateError, type Piece, type Token } from './template-lexer.ts';

export type { TemplateValues } from './template-eval.ts';

export interface TemplateOptions {
  /**
   * What a variable may be outside quotes: `token` allows a name, a number or a duration and refuses what would change
   * the query's structure; `any` inserts it as it is, which manifests written for Flagger may rely on.
   */
  readonly outsideQuotes: 'token' | 'any';
}

const LENGTH_MAX = 65_536;
const DEPTH_MAX = 32;

/**
 * Renders a query. Variables and the interval are escaped for the PromQL string they stand in; names come from
 * Kubernetes and need none. The result is trimmed and its white space collapsed, as Flagger does. Throws
 * InvalidSpecError SPEC_TEMPLATE, which names what is known.
 */
export function renderQuery(template: string, values: TemplateValues, options: TemplateOptions): string {
  if (template.length > LENGTH_MAX)
    throw templateError(`it has ${template.length} characters, must have at most ${LENGTH_MAX}`);
  const output = new Renderer(splitTemplate(template), values, options).render();
  return output.replace(/\s+/g, ' ').trim();
}

/** Where in a PromQL text one stands: outside strings, or in one of its three kinds. */
type Quote = '' | '"' | "'" | '`';

/** Walks the pieces once, writing what is active. There are no loops in the language, so the work is linear. */
class Renderer {
  readonly #pieces: readonly Piece[];
  readonly #values: TemplateValues;
  readonly #options: TemplateOptions;
  #at = 0;
  #depth = 0;
  #output = '';
  #quote: Quote = '';

  constructor(pieces: readonly Piece[], values: TemplateValues, options: TemplateOptions) {
    this.#pieces = pieces;
    this.#values = values;
    this.#options = options;
  }

  render(): string {
    const ended = this.#renderUntil(true);
    if (ended !== null) throw templateError(`{{ ${ended} }} stands outside an if`);
    return this.#output;
  }

  /** Renders until `else` or `end`, on which it stays; null at the end of the text. */
  #renderUntil(isActive: boolean): 'else' | 'end' | null {
    for (; this.#at < this.#pieces.length; this.#at += 1) {
      const piece = this.#pieces[this.#at]!;
      if (piece.kind === 'text') {
        if (isActive) this.#write(piece.text);
        continue;
      }
      const keyword = keywordOf(piece.tokens);
      if (keyword === 'else' || keyword === 'end') return keyword;
      if (keyword === 'if') this.#renderIf(piece.tokens.slice(1), isActive);
      else if (isActive)
        this.#write(
          evaluateText(piece.tokens, this.#values, (written, foreign) =>
            protect(quoteAfter(this.#quote, written), foreign, this.#options),
          ),
        );
    }
    return null;
  }

  #renderIf(condition: readonly Token[], isActive: boolean): void {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw templateError(`ifs are nested deeper than ${DEPTH_MAX}`);
    let isTaken = false;
    // Null stands for a plain else.
    let tokens: readonly Token[] | null = condition;
    for (;;) {
      const holds: boolean = isActive && !isTaken && (tokens === null || evaluateCondition(tokens, this.#values));
      isTaken ||= holds;
      this.#at += 1;
      const ended = this.#renderUntil(holds);
      if (ended === null) throw templateError('an if is not closed, must end in {{ end }}');
      if (ended === 'end') break;
      if (tokens === null) throw templateError('an if has two elses');
      tokens = this.#readElse();
    }
    this.#depth -= 1;
  }

  #readElse(): readonly Token[] | null {
    const piece = this.#pieces[this.#at];
    const tokens = piece?.kind === 'action' ? piece.tokens : [];
    if (tokens.length === 1) return null;
    if (keywordOf(tokens.slice(1)) !== 'if') throw templateError('only "if" may follow "else"');
    return tokens.slice(2);
  }

  #write(text: string): void {
    if (this.#output.length + text.length > LENGTH_MAX)
      throw templateError(`the query is longer than ${LENGTH_MAX} characters`);
    this.#quote = quoteAfter(this.#quote, text);
    this.#output += text;
  }
}

function keywordOf(tokens: readonly Token[]): string {
  const first = tokens[0];
  return first?.kind === 'word' ? first.text : '';
}

function quoteAfter(start: Quote, text: string): Quote {
  let quote = start;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]!;
    if (quote !== '' && quote !== '`' && letter === '\\') at += 1;
    else if (quote === '' && (letter === '"' || letter === "'" || letter === '`')) quote = letter;
    else if (letter === quote) quote = '';
  }
  return quote;
}

/** A name, a number, a duration, or nothing: what cannot change the structure of a query. */
const SAFE_OUTSIDE = /^(?:[A-Za-z_][A-Za-z0-9_:]*|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:\d+(?:ms|[smhdwy]))+|)$/;

function protect(quote: Quote, foreign: string, { outsideQuotes }: TemplateOptions): string {
  if (quote === '"' || quote === "'") {
    return foreign
      .replaceAll('\\', '\\\\')
      .replaceAll(quote, `\\${quote}`)
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r')
      .replaceAll('\t', '\\t');
  }
  if (quote === '`') {
    if (foreign.includes('`'))
      throw templateError(
        'a variable holds a backquote and stands between backquotes, must stand between double quotes',
      );
    return foreign;
  }
  // The length comes first, so that the pattern never meets a long text.
  if (outsideQuotes === 'any' || (foreign.length <= 256 && SAFE_OUTSIDE.test(foreign))) return foreign;
  throw templateError(
    `the value "${foreign.slice(0, 60).replace(/\s+/g, ' ')}" stands outside quotes, must be a name, a number or a duration there`,
  );
}

// Reads the Prometheus text format (0.0.4, tolerating OpenMetrics): only the series asked for, in linear time, bounded.
import { readNumber } from './samples.ts';

/** One sample of a scrape. Values are finite. */
export interface ExposedSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** What a scrape held: the samples asked for, or why it cannot be believed. */
export type Exposition = { readonly samples: readonly ExposedSample[] } | { readonly problem: string };

const LABELS_MAX = 64;
const LINE_LENGTH_MAX = 65_536;

/**
 * Reads `body` and keeps the samples of the metrics in `names`, at most `samplesMax` of them. Comments, timestamps and
 * exemplars are passed over; NaN and infinities are left out. A line of a wanted metric that cannot be read spoils the
 * whole scrape, because a counter that is missing once would be counted wrongly the next time.
 * The format: https://prometheus.io/docs/instrumenting/exposition_formats/.
 */
export function readExposition(body: string, names: ReadonlySet<string>, samplesMax: number): Exposition {
  if (/^\s*</.test(body.slice(0, 256))) return { problem: 'the answer is a page, not metrics' };
  // A format of whole lines: a body that breaks off within one has lost some.
  if (body !== '' && !body.endsWith('\n')) return { problem: 'the answer breaks off within a line' };
  const samples: ExposedSample[] = [];
  const wanted = [...names];
  let lineNumber = 0;
  for (let start = 0; start < body.length;) {
    const newline = body.indexOf('\n', start);
    const end = newline < 0 ? body.length : newline;
    lineNumber += 1;
    const name = wantedNameAt(body, start, end, wanted);
    if (name !== null) {
      const sample = readLine(body.slice(start, Math.min(end, start + LINE_LENGTH_MAX)), name);
      if (sample === 'malformed' || end - start > LINE_LENGTH_MAX)
        return { problem: `line ${lineNumber} cannot be read as a sample of ${name}` };
      if (sample !== null) samples.push(sample);
      if (samples.length > samplesMax) return { problem: `more than ${samplesMax} series` };
    }
    start = end + 1;
  }
  return { samples };
}

/** The metric name at the beginning of a line when it is wanted. Most lines end here, without a copy being made. */
function wantedNameAt(body: string, start: number, end: number, names: readonly string[]): string | null {
  for (const name of names) {
    if (end - start <= name.length || !body.startsWith(name, start)) continue;
    const letter = body[start + name.length];
    if (letter === '{' || letter === ' ' || letter === '\t') return name;
  }
  return null;
}

function readLine(line: string, name: string): ExposedSample | 'malformed' | null {
  const labels = new Map<string, string>();
  let at = name.length;
  at = skipBlanks(line, at);
  if (line[at] === '{') {
    at = readLabels(line, at + 1, labels);
    if (at < 0) return 'malformed';
  }
  // Value, then perhaps a timestamp, then perhaps an exemplar; only the first counts.
  const [value] = line
    .slice(at, at + 512)
    .trim()
    .split(/[ \t\r]+/, 1);
  const number = readNumber(value);
  if ('finite' in number) return { name, labels, value: number.finite };
  return number.not === 'a number' ? 'malformed' : null;
}

const LABEL_NAME = /[A-Za-z_][A-Za-z0-9_]*/y;

/** Reads labels up to the closing brace into `labels`; the place after it, or -1 when they are malformed. */
function readLabels(line: string, start: number, labels: Map<string, string>): number {
  let at = skipBlanks(line, start);
  while (line[at] !== '}') {
    LABEL_NAME.lastIndex = at;
    const label = LABEL_NAME.exec(line)?.[0];
    if (label === undefined || labels.size >= LABELS_MAX || labels.has(label)) return -1;
    at = skipBlanks(line, at + label.length);
    if (line[at] !== '=') return -1;
    at = skipBlanks(line, at + 1);
    if (line[at] !== '"') return -1;
    const end = readQuoted(line, at + 1);
    if (end < 0) return -1;
    labels.set(label, unescapeLabel(line.slice(at + 1, end)));
    at = skipBlanks(line, end + 1);
    if (line[at] === ',') at = skipBlanks(line, at + 1);
    else if (line[at] !== '}') return -1;
  }
  return at + 1;
}

function skipBlanks(line: string, start: number): number {
  let at = start;
  while (line[at] === ' ' || line[at] === '\t') at += 1;
  return at;
}

/** The place of the quote that ends a label value; -1 when there is none. */
function readQuoted(line: string, start: number): number {
  for (let at = start; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1;
    else if (line[at] === '"') return at;
  }
  return -1;
}

function unescapeLabel(text: string): string {
  return text.includes('\\')
    ? text.replace(/\\([\\"n])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
    : text;
}

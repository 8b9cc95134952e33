// The three places where options are given: flags, environment, file. Each becomes texts by flag name; unknown names are problems.
import { parseDocument } from 'yaml';
import { isObject } from '../util/json.ts';
import { FLAGGER_FLAGS } from './flagger-flags.ts';
import { nearMatch } from './near-match.ts';
import { envOf, fileKeyOf } from './option.ts';
import { ALL_OPTIONS } from './options.ts';

/** What one place gives. */
export interface Source {
  /** Text by flag name; secrets also under `<flag>-file`. */
  readonly texts: ReadonlyMap<string, string>;
  /** How each flag name is called here, for messages. */
  nameOf(flag: string): string;
}

/** Collects what is wrong and what is worth saying. */
export interface Findings {
  readonly problems: string[];
  readonly notes: string[];
}

/** Flags that take no value. */
const SWITCHES: ReadonlySet<string> = new Set([
  ...ALL_OPTIONS.filter(({ option }) => option.type.word === '').map(({ option }) => option.flag),
  ...FLAGGER_FLAGS.filter((one) => one.isSwitch).map((one) => one.flag),
]);

/** Variables of Flagger for flags that serin does not have, and their flags. */
const FLAGGER_VARIABLES = [
  ['MSTEAMS_URL', 'msteams-url'],
  ['MSTEAMS_PROXY_URL', 'msteams-proxy-url'],
] as const;

/** Every flag name that is read, `config` and those of secrets' files included. */
const FLAG_NAMES: readonly string[] = [
  'config',
  ...ALL_OPTIONS.flatMap(({ option }) => (option.isSecret ? [option.flag, `${option.flag}-file`] : [option.flag])),
];

/** Reads flags: `--flag value`, `--flag=value`, and with one dash, because that is how manifests for Flagger write them. */
export function readFlags(args: readonly string[], findings: Findings): Source {
  const texts = new Map<string, string>();
  for (let index = 0; index < args.length; index += 1) {
    const match = /^--?([a-zA-Z][a-zA-Z0-9-]*)(?:=([\s\S]*))?$/.exec(args[index] ?? '');
    if (match === null) {
      // Never shown: it may be the value of a secret.
      findings.problems.push(`Cannot use argument ${index + 1}: it is not a flag, must be such as --namespace=shop`);
      continue;
    }
    const flag = match[1] ?? '';
    let text = match[2];
    if (text === undefined && SWITCHES.has(flag)) text = 'true';
    const next = args[index + 1];
    // What follows an unknown flag is most likely its value.
    if (text === undefined && (isKnown(flag) || (next !== undefined && !next.startsWith('-')))) {
      index += 1;
      text = next;
      if (text === undefined) {
        findings.problems.push(`Cannot use --${flag}: its value is missing, must be --${flag}=<value>`);
        continue;
      }
    }
    if (
      accept(
        flag,
        `--${flag}`,
        FLAG_NAMES.map((name) => `--${name}`),
        findings,
      )
    )
      texts.set(flag, text ?? '');
  }
  return { texts, nameOf: (flag) => `--${flag}` };
}

/** Reads the environment. Variables that Kubernetes makes for a Service named serin are not ours. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>, findings: Findings): Source {
  const texts = new Map<string, string>();
  const names = new Map<string, string>();
  const take = (flag: string, name: string): void => {
    const text = env[name];
    if (text === undefined || texts.has(flag) || isServiceLink(name, text)) return;
    texts.set(flag, text);
    names.set(flag, name);
  };
  for (const flag of FLAG_NAMES) take(flag, envOf(flag));
  for (const { option } of ALL_OPTIONS) for (const name of option.env) take(option.flag, name);
  // Flagger reads these two; nobody shall find out at the first incident that nothing is sent there any more.
  for (const [name, flag] of FLAGGER_VARIABLES) if (env[name]) accept(flag, name, [], findings);
  const known = FLAG_NAMES.map(envOf);
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('SERIN_') || known.includes(name) || isServiceLink(name, text ?? '')) continue;
    const flag = FLAGGER_FLAGS.map((one) => one.flag).find((one) => envOf(one) === name);
    accept(flag ?? name, name, known, findings);
  }
  return { texts, nameOf: (flag) => names.get(flag) ?? envOf(flag) };
}

/** Reads the file: YAML, one key an option. */
export function readConfigFile(text: string, path: string, findings: Findings): Source {
  const texts = new Map<string, string>();
  const source: Source = { texts, nameOf: (flag) => `${fileKeyOf(flag)} in ${path}` };
  const document = parseDocument(text, { maxAliasCount: 10 } as object);
  const [error] = document.errors;
  if (error !== undefined) {
    findings.problems.push(`Cannot read ${path}: ${error.message.split('\n')[0] ?? ''}`);
    return source;
  }
  const content: unknown = document.toJS() ?? {};
  if (!isObject(content)) {
    findings.problems.push(`Cannot read ${path}: it is not a map, must be such as "port: 8080"`);
    return source;
  }
  const keys = new Map(FLAG_NAMES.filter((name) => name !== 'config').map((name) => [fileKeyOf(name), name]));
  for (const [key, value] of Object.entries(content)) {
    const flag = keys.get(key) ?? FLAGGER_FLAGS.map((one) => one.flag).find((one) => fileKeyOf(one) === key);
    if (!accept(flag ?? key, `${key} in ${path}`, [...keys.keys()], findings)) continue;
    const scalar = scalarText(value);
    if (scalar === null)
      findings.problems.push(`Cannot use ${key} in ${path}: it is neither a value nor a list of values`);
    else if (flag !== undefined) texts.set(flag, scalar);
  }
  return source;
}

const isKnown = (flag: string): boolean => FLAG_NAMES.includes(flag) || FLAGGER_FLAGS.some((one) => one.flag === flag);

/** True when `flag` is one of ours; otherwise says what it is. */
function accept(flag: string, shown: string, known: readonly string[], findings: Findings): boolean {
  if (FLAG_NAMES.includes(flag)) return true;
  const ofFlagger = FLAGGER_FLAGS.find((one) => one.flag === flag);
  if (ofFlagger !== undefined) {
    if (ofFlagger.isRefused) findings.problems.push(`Cannot use ${shown}: ${ofFlagger.note}`);
    else findings.notes.push(`${shown} has no effect: ${ofFlagger.note}`);
    return false;
  }
  const near = nearMatch(shown.replace(/ in .*$/, ''), known);
  findings.problems.push(
    `Cannot use ${shown}: it is unknown${near === null ? ', must be one of those in --help' : `, must perhaps be ${near}`}`,
  );
  return false;
}

/** SERIN_PORT=tcp://10.96.0.7:8080, SERIN_SERVICE_HOST and the like: Kubernetes sets them where a Service is named serin. */
function isServiceLink(name: string, text: string): boolean {
  return (
    /^SERIN(_[A-Z0-9]+)*_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)$/.test(name) ||
    (name === 'SERIN_PORT' && /^\w+:\/\//.test(text))
  );
}

function scalarText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null) return '';
  if (!Array.isArray(value)) return null;
  const parts = value.map(scalarText);
  return parts.every((part) => part !== null) ? parts.join(',') : null;
}

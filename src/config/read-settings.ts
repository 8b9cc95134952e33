// Reads the configuration once: flags over environment over file over default; every problem is listed at once.
import { messageOf } from '../errors.ts';
import { Mistake } from './option.ts';
import { ALL_OPTIONS, type PlacedOption, type Settings } from './options.ts';
import { readConfigFile, readEnvironment, readFlags, type Findings, type Source } from './sources.ts';

/** What the configuration is read from. Nothing else in the project reads the environment. */
export interface ConfigInput {
  /** Arguments after the command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file; throws when there is none. */
  readFile(path: string): string;
}

/** The outcome. `notes` are worth a line in the log. */
export type ReadSettings =
  | { readonly kind: 'valid'; readonly settings: Settings; readonly notes: readonly string[] }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** Reads, checks and freezes the settings. Never throws for what people wrote; no problem shows a secret. */
export function readSettings(input: ConfigInput): ReadSettings {
  const findings: Findings = { problems: [], notes: [] };
  const flags = readFlags(input.args, findings);
  const environment = readEnvironment(input.env, findings);
  const sources = [flags, environment, ...fileSource(input, [flags, environment], findings)];
  const settings: Record<string, Record<string, unknown>> = {};
  for (const placed of ALL_OPTIONS) {
    const group = (settings[placed.group] ??= {});
    group[placed.setting] = valueOf(placed, sources, input, findings);
  }
  for (const group of Object.values(settings)) Object.freeze(group);
  const complete = Object.freeze(settings) as unknown as Settings;
  if (findings.problems.length === 0) checkTogether(complete, findings);
  return findings.problems.length === 0
    ? { kind: 'valid', settings: complete, notes: findings.notes }
    : { kind: 'invalid', problems: findings.problems };
}

/** The settings for a log: secrets say only whether they are set. */
export function describeSettings(settings: Settings): Readonly<Record<string, unknown>> {
  const groups = settings as unknown as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return Object.fromEntries(
    ALL_OPTIONS.map(({ group, setting, option }) => {
      const value = groups[group]?.[setting];
      return [option.flag, option.isSecret ? (value === null ? 'unset' : 'set') : value];
    }),
  );
}

function fileSource(input: ConfigInput, above: readonly Source[], findings: Findings): readonly Source[] {
  const source = above.find((one) => one.texts.get('config'));
  const path = source?.texts.get('config');
  if (source === undefined || path === undefined) return [];
  const text = readText(path, source.nameOf('config'), input, findings);
  return text === null ? [] : [readConfigFile(text, path, findings)];
}

function readText(path: string, shown: string, input: ConfigInput, findings: Findings): string | null {
  try {
    return input.readFile(path);
  } catch (error) {
    findings.problems.push(`Cannot use ${shown}: the file cannot be read (${messageOf(error)})`);
    return null;
  }
}

/** The value of one option: the first source that gives it wins. */
function valueOf(
  { option }: PlacedOption,
  sources: readonly Source[],
  input: ConfigInput,
  findings: Findings,
): unknown {
  for (const source of sources) {
    const shown = source.nameOf(option.flag);
    const text = textOf(option.flag, option.isSecret, source, input, findings);
    if (text === undefined) continue;
    const value = option.type.read(text);
    if (!(value instanceof Mistake)) return value;
    findings.problems.push(`Cannot use ${shown}: ${value.what}`);
    return option.default;
  }
  return option.default;
}

/** The text that a source gives for a flag, from a file where it says so; undefined when it gives none. */
function textOf(
  flag: string,
  isSecret: boolean,
  source: Source,
  input: ConfigInput,
  findings: Findings,
): string | undefined {
  const text = source.texts.get(flag);
  const fileFlag = `${flag}-file`;
  const path = isSecret ? source.texts.get(fileFlag) : undefined;
  if (path === undefined || path === '') return text;
  if (text !== undefined) {
    findings.problems.push(
      `Cannot use ${source.nameOf(fileFlag)}: ${source.nameOf(flag)} is given too, must be one of them`,
    );
    return undefined;
  }
  return readText(path, source.nameOf(fileFlag), input, findings)?.trim();
}

/** What options must have in common. */
function checkTogether({ queue, notify }: Settings, findings: Findings): void {
  const { problems } = findings;
  if (queue.redisUrl !== null && queue.postgresUrl !== null)
    problems.push('Cannot use --postgres-url: --redis-url is given too, must be one of them');
  if (queue.replicaCount > 1 && queue.redisUrl === null && queue.postgresUrl === null) {
    problems.push(
      `Cannot use --replica-count ${queue.replicaCount}: the queue inside the process serves one replica, must be 1 or have --redis-url or --postgres-url`,
    );
  }
  if ((notify.slackUrl !== null || notify.slackToken !== null) && notify.slackChannel === '') {
    problems.push('Cannot use Slack: --slack-channel is missing, must be the channel of the messages');
  }
  if (notify.eventWebhookSecret !== null && notify.eventWebhook === null) {
    problems.push(
      'Cannot use --event-webhook-secret: --event-webhook is missing, must be the URL whose events are signed',
    );
  }
}

// The log on pino: one JSON object a line, static messages, values in fields, secrets taken out.
import { destination, pino } from 'pino';
import type { Logger } from 'pino';
import type { Clock } from '../util/clock.ts';
import { systemClock } from '../util/clock.ts';
import type { Log, LogFields } from './contract.ts';
import { scrub, scrubText } from './scrub.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  /** Lines below it are left out; info by default. */
  readonly level?: LogLevel;
  /** Takes each line, with its newline; standard output by default. */
  readonly write?: (line: string) => void;
  readonly clock?: Clock;
}

/** Makes the process's log. */
export function createLog(options: LogOptions = {}): Log {
  const { level = 'info', write, clock = systemClock } = options;
  const logger = pino(
    {
      level,
      // Neither process id nor host name: the pod's name is known to whoever collects the lines.
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      // Fields arrive scrubbed; a serializer of pino's own would look at them again.
      serializers: { err: (value: unknown) => value },
    },
    write === undefined ? destination({ dest: 1, sync: true }) : { write },
  );
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (!logger.isLevelEnabled(level)) return;
      logger[level](readFields(fields), scrubText(message));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(logger.child(readFields(fields))),
  };
}

/** Names that pino writes itself; a field of that name would give a line with the same key twice. */
const TAKEN = new Set(['level', 'time', 'message']);

function readFields(fields: LogFields | undefined): Record<string, unknown> {
  const entries = Object.entries(fields ?? {}).map(
    ([key, value]) => [TAKEN.has(key) ? `${key}_` : key, scrub(value, key)] as const,
  );
  return Object.fromEntries(entries);
}

// The log port: static messages, values in fields.

/** Values of one log line. Keys are fixed (style guide): canary, uid, generation, phase, signal, provider, reason, durationMs, err. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A structured log. Messages are static text; what varies goes into fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  /** Will heal by itself. */
  warn(message: string, fields?: LogFields): void;
  /** A person is needed. */
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Log;
}

/** Says nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};

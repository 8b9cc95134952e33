// The error taxonomy: an error is named by what the loop does next, not by where it arose.

/** What the loop does after an error. `dispositionOf` is the only place that decides it. */
export type Disposition = 'stop' | 'now' | 'backoff' | 'halt';

/** Base of all errors that the loop understands. `code` is stable and documented in docs/reference/errors.md. */
export abstract class SerinError extends Error {
  abstract readonly disposition: Disposition;
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** The user must change the resource. The loop stops until the generation changes; Ready=False says what and where. */
export class InvalidSpecError extends SerinError {
  readonly disposition = 'stop';
  /** Path of the offending field, such as `spec.analysis.interval`; empty when the whole resource is meant. */
  readonly path: string;

  constructor(code: `SPEC_${string}`, path: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.path = path;
  }
}

/** The chosen provider, or the cluster, cannot do what is asked; the message says what could. The loop stops as for an invalid spec. */
export class UnsupportedError extends SerinError {
  readonly disposition = 'stop';
  declare readonly code: `CAPABILITY_${string}`;
}

/** Somebody wrote first. The loop looks again at once; nothing was done. */
export class ConflictError extends SerinError {
  readonly disposition = 'now';

  constructor(message: string, options?: ErrorOptions) {
    super('CONFLICT', message, options);
  }
}

/** Network, 5xx, 429, time-out: the outcome may be unknown. The loop backs off, with a cap, and looks again. */
export class TransientError extends SerinError {
  readonly disposition = 'backoff';
  /** What the other side asked us to wait, in milliseconds; null when it did not say. */
  readonly retryAfterMs: number | null;

  constructor(code: `IO_${string}`, message: string, options?: ErrorOptions & { retryAfterMs?: number | null }) {
    super(code, message, options);
    this.retryAfterMs = options?.retryAfterMs ?? null;
  }
}

/** The server understood and refused (403, 422, an admission webhook…). The loop backs off and a condition says why. */
export class RefusedError extends SerinError {
  readonly disposition = 'backoff';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super('REFUSED', message, options);
    this.status = status;
  }
}

/** Our mistake. The loop stops that Canary with condition InvariantViolated and leaves traffic where it is; the process goes on. */
export class BugError extends SerinError {
  readonly disposition = 'halt';

  constructor(message: string, options?: ErrorOptions) {
    super('BUG', message, options);
  }
}

/** Says what the loop does next after `error`; anything that is not a SerinError counts as our mistake. */
export function dispositionOf(error: unknown): Disposition {
  return error instanceof SerinError ? error.disposition : 'halt';
}

/** Throws BugError unless `holds`. For what must be true whatever the world does. */
export function assert(holds: unknown, message: string): asserts holds {
  if (!holds) throw new BugError(message);
}

/** The message of anything thrown, one line, at most 300 characters. Never the stack. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, 300);
}

// The exit codes of serin: stable, documented in docs/pipelines.md, and what an error means for them.
import { InvalidSpecError, RefusedError, SerinError, UnsupportedError } from '../errors.ts';

/** What each exit code says. Pipelines branch on them, so that none ever changes its meaning. */
export const EXIT = {
  done: 0,
  error: 1,
  usage: 2,
  rolledBack: 3,
  aborted: 4,
  superseded: 5,
  notFound: 7,
  forbidden: 8,
  timeout: 124,
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit code of an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof RefusedError && error.status === 404) return EXIT.notFound;
  if (error instanceof RefusedError && (error.status === 401 || error.status === 403)) return EXIT.forbidden;
  if (error instanceof UnsupportedError && error.code === 'CAPABILITY_KIND') return EXIT.notFound;
  if (error instanceof SerinError && error.code === 'IO_AUTH') return EXIT.forbidden;
  if (error instanceof InvalidSpecError) return EXIT.usage;
  return EXIT.error;
}

/** The exit code of a command that a signal ended, as a shell counts it: 128 and the signal's number. */
export function exitCodeOfSignal(signal: AbortSignal): number {
  return signal.reason === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}

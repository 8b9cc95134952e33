// Errors with which PostgreSQL answers a statement that would succeed if it were sent again.

/** SQLSTATE class 40 is a transaction that lost against another; XX000 comes when a flush drops what a statement was about to use. */
const PASSING = /^(?:40...|XX000)$/;

/** True when the server answered, and the same statement may succeed at once. */
export function isPassingSqlError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && PASSING.test(error.code);
}

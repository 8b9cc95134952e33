// Decides whether a suite of real parts runs: absent parts skip it with one line, in CI they fail it.
import { describeMissing, type Needs, type PartName } from './parts.ts';

/** True when the parts are there or can be built. Says what is missing; throws in CI. */
export function hasRealParts(names: readonly PartName[], needs: Needs = {}): boolean {
  const missing = describeMissing(names, needs);
  if (missing === null) return true;
  if (process.env['CI'] === 'true') throw new Error(`Cannot run in CI: ${missing}`);
  process.stderr.write(`${missing}\n`);
  return false;
}

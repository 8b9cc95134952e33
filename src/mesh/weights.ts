// Weights in percent: what may be asked for, and what a pair of relative weights means.
import { assert, UnsupportedError } from '../errors.ts';
import { numberAt } from './members.ts';

/** Throws BugError unless the weight is an integer from 0 to 100: whoever asks for more has miscounted. */
export function assertWeight(weightPercent: number): void {
  const isWeight = Number.isInteger(weightPercent) && weightPercent >= 0 && weightPercent <= 100;
  assert(isWeight, `Cannot write a route: the weight is ${weightPercent}, must be an integer from 0 to 100`);
}

/** Throws UnsupportedError for a weight that a provider without weights is asked for. */
export function refuseWeight(provider: string, weightPercent: number, able: string): void {
  if (weightPercent === 0) return;
  const message = `Cannot give the canary ${weightPercent} %: mesh provider "${provider}" has no weights, must be ${able}`;
  throw new UnsupportedError('CAPABILITY_WEIGHTS', message);
}

/**
 * The canary's share, 0 to 100, of two relative weights. Not rounded: a share that is not 0 must not look like 0.
 * Null when both are 0 or one is no weight.
 */
export function shareOf(primary: number | null, canary: number | null): number | null {
  if (primary === null || canary === null || primary < 0 || canary < 0 || primary + canary === 0) return null;
  return (100 * canary) / (primary + canary);
}

/** The weight of one backend, `absent` when it names none, null when it is no weight. */
export function weightOf(backend: unknown, absent: number): number | null {
  const isAbsent = (backend as { weight?: unknown }).weight === undefined;
  return isAbsent ? absent : numberAt(backend, 'weight');
}

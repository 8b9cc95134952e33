// Which Canaries are due by what their status says: the resync's view, which needs no job and no memory.
import { isRunning, type Phase } from '../core/phase.ts';
import type { KubeObject } from '../kube/contract.ts';
import { isObject } from '../util/json.ts';

function runOf(object: KubeObject): Record<string, unknown> | null {
  const status = isObject(object['status']) ? object['status'] : {};
  return isObject(status['run']) ? status['run'] : null;
}

/** A check or a deadline is due, or the Canary was never looked at. */
export function isDue(object: KubeObject, nowMs: number): boolean {
  const stored = runOf(object);
  if (stored === null) return true;
  const run = isObject(stored['run']) ? stored['run'] : {};
  const isTicking = ['Waiting', 'Progressing', 'WaitingPromotion', 'Promoting'].includes(String(stored['phase']));
  const moments = [stored['deadlineMs'], isTicking ? run['nextCheckAtMs'] : null];
  return moments.some((moment) => typeof moment === 'number' && moment <= nowMs);
}

/** It has a run record: it was worked before. */
export const wasLookedAt = (object: KubeObject): boolean => runOf(object) !== null;

/** A run is under way. */
export const hasRun = (object: KubeObject): boolean => isRunning(String(runOf(object)?.['phase']) as Phase);

/** Pods are kept although the run has ended, because traffic still reaches them. */
export const isDraining = (object: KubeObject): boolean => runOf(object)?.['isDrainPending'] === true;

/** A rollback is under way: it goes first. */
export function isUrgent(object: KubeObject | null): boolean {
  const phase = object === null ? null : runOf(object)?.['phase'];
  return phase === 'RollingBack' || phase === 'Returning';
}

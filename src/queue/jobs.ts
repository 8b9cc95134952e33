// The jobs that travel through BullMQ: their names, priorities and options, and the one check of what comes back.
import type { JobsOptions } from 'bullmq';
import type { CanaryKey } from './contract.ts';
import { isObject } from '../util/json.ts';

/** All that a job holds. The store is readable by others and writable by others: no facts, and nothing is believed. */
export interface JobData {
  readonly key: string;
}

/** A look at a canary; a timer that becomes a look when it fires; the canary job of a process. */
export const JOB = { look: 'look', timer: 'timer', beat: 'beat' } as const;

/** BullMQ takes lower numbers first. Timers are quick (they only add a look), so they never hold up an urgent look for long. */
export const PRIORITY = { urgent: 1, timer: 2, look: 10 } as const;

/** A timer that cannot add its look tries again every second for as long as an outage may last; looks are never retried. */
const TIMER_ATTEMPTS = 100_000;

const KEY_LENGTH_MAX = 253 * 2 + 63 + 2;
const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const SUBDOMAIN = '[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?';
const KEY = new RegExp(`^${SUBDOMAIN}/${LABEL}/${SUBDOMAIN}$`);
const BEAT_KEY = /^[0-9a-f]{1,64}$/;

/** True when `key` has the shape `group/namespace/name` of Kubernetes names. */
export function isCanaryKey(key: unknown): key is CanaryKey {
  return typeof key === 'string' && key.length <= KEY_LENGTH_MAX && KEY.test(key);
}

/** What a job from the store asks for; null when it is not one of ours. */
export type ReadJob =
  | { readonly kind: 'look' | 'timer'; readonly key: CanaryKey }
  | { readonly kind: 'beat'; readonly id: string };

/** Reads a job that came from the store, which anybody may have written. */
export function readJob(name: unknown, data: unknown): ReadJob | null {
  if (!isObject(data) || Object.keys(data).length !== 1) return null;
  const key = data['key'];
  if (name === JOB.beat) return typeof key === 'string' && BEAT_KEY.test(key) ? { kind: 'beat', id: key } : null;
  if ((name === JOB.look || name === JOB.timer) && isCanaryKey(key)) return { kind: name, key };
  return null;
}

// A finished job leaves no trace: a kept one would swallow the next add of its key.
const LEAVES_NOTHING = { removeOnComplete: true, removeOnFail: true } as const;

/**
 * Options of a look. `replace` and `keepLastIfActive` together are the only mode of BullMQ's deduplication in which an add
 * is neither lost while the key is worked nor held up by a job that waits for a later time.
 */
export function lookOptions(key: CanaryKey, isUrgent: boolean): JobsOptions {
  return {
    ...LEAVES_NOTHING,
    attempts: 1,
    priority: isUrgent ? PRIORITY.urgent : PRIORITY.look,
    deduplication: { id: key, replace: true, keepLastIfActive: true },
  };
}

/** Options of a timer: the first one to come holds the place until it is due, or until an earlier one takes it. */
export function timerOptions(key: CanaryKey, delayMs: number, isUrgent: boolean): JobsOptions {
  return {
    ...LEAVES_NOTHING,
    attempts: TIMER_ATTEMPTS,
    backoff: { type: 'fixed', delay: 1_000 },
    delay: delayMs,
    priority: isUrgent ? PRIORITY.urgent : PRIORITY.timer,
    deduplication: { id: `${key}#${isUrgent ? 'urgent' : 'timer'}` },
  };
}

/** Options of a process's canary job: at most one waits at a time. */
export function beatOptions(instanceId: string): JobsOptions {
  return {
    ...LEAVES_NOTHING,
    attempts: 1,
    priority: PRIORITY.timer,
    deduplication: { id: `beat#${instanceId}` },
  };
}

// How a hint becomes jobs: looks wait in one lane and timers in another, so that neither can swallow the other.
//
//   hint, delay 0 ──► look   (dedup id: key)         worked one at a time a key; an add while it is worked runs after
//   hint, delay d ──► timer  (dedup id: key#timer)   when due: gives up its place, then adds a look
//   urgent, d     ──► timer  (dedup id: key#urgent)
//
// With one lane, BullMQ keeps the last add, not the earliest: a handler that asks for its next look in a minute would
// overwrite the wake-up that came while it was at work, and a later timer would push an earlier one back.
import type { IQueueBackend, Job, Queue } from 'bullmq';
import type { CanaryKey } from './contract.ts';
import { JOB, lookOptions, PRIORITY, timerOptions } from './jobs.ts';
import type { JobData } from './jobs.ts';

/** The BullMQ queue of ours. */
export type JobQueue = Queue<JobData, void, string, JobData, void, string, IQueueBackend>;
export type LookJob = Job<JobData, void>;

/** BullMQ keeps a timer in a signed 53-bit score; a year is more than any deadline of a Canary. */
const DELAY_MAX_MS = 366 * 24 * 3600 * 1000;
/** How long after an urgent add to an active key the urgency is asked for again, in case a plain add has overwritten it. */
const URGENT_AGAIN_MS = 250;
/** Rounds in which others may come first before the timer is set without looking. */
const ROUNDS_MAX = 16;

/** Asks for a look now. */
export async function addLook(queue: JobQueue, key: CanaryKey, isUrgent: boolean): Promise<void> {
  const mine = await queue.add(JOB.look, { key }, lookOptions(key, isUrgent));
  if (isUrgent) await raise(queue, key, mine);
}

/** Asks for a look in `delayMs`, unless an earlier one is already asked for. */
export async function addTimer(queue: JobQueue, key: CanaryKey, delayMs: number, isUrgent: boolean): Promise<void> {
  const delay = Math.min(Math.max(Math.ceil(delayMs), 1), DELAY_MAX_MS);
  const options = timerOptions(key, delay, isUrgent);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const mine = await queue.add(JOB.timer, { key }, options);
    const placed = await queue.getJob(mine.id ?? '');
    // Gone already: it has fired, or another process takes it away to put its own there. Which of the two cannot be told,
    // so ask again; at worst a timer of a few milliseconds that has fired already is set twice.
    if (placed === undefined) continue;
    if (dueMsOf(placed) <= mine.timestamp + delay) return;
    // Only a timer that is later than ours is taken away, and ours takes its place in the next round. Whoever comes
    // first in between, the earliest stays. (Should we die in between, the resync adds what is due.)
    await placed.remove().catch(ignoreGone);
  }
  await queue.add(JOB.timer, { key }, { ...options, deduplication: { ...options.deduplication!, replace: true } });
}

/** Makes the place of a timer free before its look is added, so that a timer added from now on is not taken for this one. */
export async function fireTimer(queue: JobQueue, job: LookJob, key: CanaryKey): Promise<void> {
  await job.removeDeduplicationKey();
  await addLook(queue, key, job.opts.priority === PRIORITY.urgent);
}

/** When a timer is due, by what its maker wrote. A forged one without a readable time counts as never. */
function dueMsOf(job: LookJob): number {
  const dueMs = job.timestamp + (job.opts.delay ?? 0);
  return Number.isFinite(dueMs) ? dueMs : Number.POSITIVE_INFINITY;
}

/** BullMQ answers an urgent add with the plain job that already waits: bring that one forward. */
async function raise(queue: JobQueue, key: CanaryKey, mine: LookJob): Promise<void> {
  const placed = await queue.getJob(mine.id ?? '');
  if (placed === undefined) return;
  const state = await placed.getState();
  if (state === 'active') {
    // Ours may have started already. If it is an older one, ours runs after it, but a plain add in the meantime
    // would take its place and its priority: ask again a little later.
    if (placed.timestamp !== mine.timestamp) await addTimer(queue, key, URGENT_AGAIN_MS, true);
  } else if (placed.priority !== PRIORITY.urgent) {
    await placed.changePriority({ priority: PRIORITY.urgent }).catch(ignoreGone);
  }
}

/** A job that was worked in the meantime needs nothing more; a store that is away does. BullMQ's own refusals carry a number. */
function ignoreGone(error: unknown): void {
  const isRefusal = error instanceof Error && 'code' in error && typeof error.code === 'number';
  const isLocked = error instanceof Error && error.message.includes('could not be removed');
  if (!isRefusal && !isLocked) throw error;
}

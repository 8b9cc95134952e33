// One look at one Canary: observe, decide, record, act, announce. Everything else is called from here.
import { decide, type Decision } from '../core/decide.ts';
import { isRunning } from '../core/phase.ts';
import { messageOf } from '../errors.ts';
import type { CanaryKey } from '../queue/contract.ts';
import { isTickDue } from '../core/signals.ts';
import { rfc3339 } from '../util/time.ts';
import { act, laneOf } from './act.ts';
import { announce } from './announcing.ts';
import { announceFindings, announceNotes, announceRefusal } from './direct-events.ts';
import type { Drivers } from './drivers.ts';
import { refOfKey } from './keys.ts';
import { forget, type Memory } from './memory.ts';
import { withAnnouncements, type OutboxPorts } from './outbox.ts';
import { dropFinalizer } from './finalize.ts';
import type { Found, Look } from './found.ts';
import { observe } from './observe.ts';
import { isRefusalRecorded, record, recordRefusal } from './record.ts';
import { followScrape } from './scraping.ts';

/** An act is late when it takes more than this part of an interval. */
const LATE_SHARE = 4;

/** When to look again: milliseconds since the epoch, `now`, or never (an event will). */
export type LookAgain = number | 'now' | 'never';

/** Looks once. Throws what the API server throws, and BugError; the caller maps both to a next look. */
export async function reconcile(key: CanaryKey, use: Drivers, memory: Memory, signal: AbortSignal): Promise<LookAgain> {
  const ref = refOfKey(key, use.settings.groups);
  if (ref === null) return 'never';
  const look = await observe(ref, key, use, memory, signal);
  if (look.kind === 'gone') return leave(key, use, memory);
  const told = announceNotes(look.kind === 'found' ? look.found.object : look.object, use, signal);
  // A run never waits for an Event: it may be about to roll back.
  if (look.kind === 'found' && isRunning(look.found.state.phase))
    told.catch((error: unknown) => use.log.warn('Event could not be written', { canary: key, err: messageOf(error) }));
  else await told;
  if (look.kind === 'refused') return refuse(key, look, use, signal);
  const { found } = look;
  announceFindings(found, use, signal);
  const ports: OutboxPorts = {
    replica: use.settings.replica,
    checksum: (configs, spec) => use.checksum(configs, spec),
  };
  const decision = withAnnouncements(found.state, decide(found.state, found.seen), found.seen, ports);
  const options = { lane: laneOf(decision.next), signal };
  const isRecorded = await record(found, decision, mustRecord(found, decision, memory), use, options);
  if (isRecorded) memory.announcer.committed(found.canary.identity.uid, decision.next);
  logDecision(key, found, decision, use);
  await act(decision.effects, found, decision.next, use, options);
  noteLateAct(key, found, decision, use, memory);
  memory.failures.delete(key);
  memory.flips.note(key, decision.next, decision.effects, found.seen.nowMs);
  announce(key, found, decision, use, memory);
  followScrape(key, found, decision.next, use);
  return lookAgain(key, found, decision, use, memory);
}

/** A weight that was written long after its record has not been observed for an interval when its check is due. */
function noteLateAct(key: CanaryKey, found: Found, decision: Decision, use: Drivers, memory: Memory): void {
  const tookMs = use.clock.nowMs() - found.seen.nowMs;
  if (decision.effects.length > 0 && tookMs > found.canary.policy.intervalMs / LATE_SHARE) memory.lateActs.add(key);
}

/** An act is always preceded by a record, even an unchanged one: a stale look gets its 409 before it can do harm. */
function mustRecord(found: Found, decision: Decision, memory: Memory): boolean {
  const hasAcks = memory.announcer.isRecordDue(found.canary.identity.uid, decision.next);
  return decision.isChanged || decision.effects.length > 0 || hasAcks;
}

function lookAgain(key: CanaryKey, found: Found, decision: Decision, use: Drivers, memory: Memory): LookAgain {
  const isGone = decision.effects.some((effect) => effect.kind === 'removeFinalizer');
  if (isGone) return 'never';
  if (decision.effects.length > 0 || decision.next.phase !== found.state.phase) return 'now';
  const nowMs = use.clock.nowMs();
  // A tick that was broken off, or that something more urgent overtook, is taken up again at once.
  if (found.seen.tick === null && isTickDue(decision.next, { ...found.seen, nowMs })) return 'now';
  const secretsAtMs = memory.secrets.dueAtMs(key, decision.next);
  const takeOverAtMs = memory.announcer.takeOverAtMs(decision.next);
  // Only what lies ahead: a moment that has passed was this look's, and what it waits for now arrives as an event.
  const ahead = [decision.wakeAtMs, secretsAtMs, takeOverAtMs].filter(
    (moment): moment is number => moment !== null && moment > nowMs,
  );
  return ahead.length === 0 ? 'never' : Math.min(...ahead);
}

function leave(key: CanaryKey, use: Drivers, memory: Memory): LookAgain {
  const [, namespace = '', name = ''] = key.split('/');
  forget(memory, key);
  use.scraper.forget(key);
  use.meters.gone(namespace, name);
  return 'never';
}

async function refuse(
  key: CanaryKey,
  look: Extract<Look, { kind: 'refused' }>,
  use: Drivers,
  signal: AbortSignal,
): Promise<LookAgain> {
  // Nothing was ever built for it, or nobody can tell what: a Canary that goes is not held back.
  if (look.isReleasable) {
    await dropFinalizer(look.object, use, { signal });
    return 'never';
  }
  if (isRefusalRecorded(look.object, look.finding)) return 'never';
  use.log.warn('Canary refused', { canary: key, reason: look.finding.reason, detail: look.finding.message });
  // The Event goes first, under a name that repeats: a crash in between sends it again and loses nothing.
  await announceRefusal(look.object, look.finding, use, signal);
  await recordRefusal(look.object, look.finding, use, { signal });
  return 'never';
}

/** One line a decision; a hold is not one. */
function logDecision(key: CanaryKey, found: Found, decision: Decision, use: Drivers): void {
  if (!decision.isChanged && decision.effects.length === 0) return;
  const fields = {
    canary: key,
    uid: found.canary.identity.uid,
    generation: found.canary.identity.generation,
    run: decision.next.run?.id ?? null,
    from: found.state.phase,
    phase: decision.next.phase,
    signal: decision.because,
    weightPercent: decision.next.weightPercent,
    effects: decision.effects.map((effect) => effect.kind),
    record: decision.next.record,
  };
  const isHold = decision.because === 'always' && decision.effects.length === 0;
  if (isHold) use.log.debug('Held', fields);
  else
    use.log.info('Decided', {
      ...fields,
      deadline: decision.next.deadlineMs === null ? null : rfc3339(decision.next.deadlineMs),
    });
}

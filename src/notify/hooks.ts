// A Canary's own webhooks of the types event and post-rollout as sinks, called through the hook contract.
import type { Hook } from '../core/policy.ts';
import { TransientError, messageOf } from '../errors.ts';
import type { HookAnswer, HookCall, HookCaller } from '../gates/contract.ts';
import { RETRY_DEFAULT_MS, delivered, failForGood, failForNow } from './answer.ts';
import type { Announcement, Delivery, Notifier } from './contract.ts';
import { eventMetadata } from './event-body.ts';
import { renderMessage } from './messages.ts';

/** Limit of one delivery, all attempts of the hook included. */
const DELIVERY_LIMIT_MS = 60_000;

/**
 * The sink of one hook; null for hooks of other types, which are asked while the Canary is observed. `events` is told what a
 * post-rollout hook answered, as in Flagger.
 */
export function openHookNotifier(hooks: HookCaller, hook: Hook, events: Notifier): Notifier | null {
  if (hook.type !== 'event' && hook.type !== 'post-rollout') return null;
  return {
    sink: `hook/${hook.name}`,
    wants: (announcement) => hook.type === 'event' || isAfterRun(announcement),
    async send(announcement, _handle, signal): Promise<Delivery> {
      const limitMs = Math.min(
        DELIVERY_LIMIT_MS,
        hook.timeoutMs * (hook.retries + 1) + RETRY_DEFAULT_MS * hook.retries,
      );
      try {
        const answer = await hooks.call(callOf(hook, announcement), limitMs, signal);
        if (hook.type === 'post-rollout') await events.send(told(hook, announcement, answer), null, signal);
        return deliveryOf(hook, answer);
      } catch (error) {
        // The call was given up, as at a shutdown: whoever comes next sends it again.
        if (error instanceof TransientError) return failForNow(`Hook ${hook.name}: ${messageOf(error)}`);
        throw error;
      }
    },
  };
}

/** A hook that said no was heard: what is repeated for a day is only what did not get there. */
function deliveryOf(hook: Hook, { verdict, detail, isFinal }: HookAnswer): Delivery {
  if (verdict === 'pass') return delivered();
  return isFinal === true ? failForGood(`Hook ${hook.name}: ${detail}`) : failForNow(`Hook ${hook.name}: ${detail}`);
}

/** The Event about an answer: one for each hook and outcome, however often the hook is called. */
function told(hook: Hook, announcement: Announcement, { verdict, detail }: HookAnswer): Announcement {
  const type = verdict === 'pass' ? 'HookPassed' : 'HookFailed';
  const facts = { hook: hook.name, hookType: hook.type, detail };
  const key = `${announcement.key}/hook/${hook.name}/${type}`;
  return { ...announcement, key, type, ...renderMessage(type, announcement.canary, facts) };
}

/** Flagger calls post-rollout hooks once Succeeded or Failed is stored. A superseded run has no end of its own. */
function isAfterRun({ role, canary }: Announcement): boolean {
  return role === 'end' && (canary.phase === 'Succeeded' || canary.phase === 'Failed');
}

function callOf(hook: Hook, announcement: Announcement): HookCall {
  const { canary } = announcement;
  return {
    hook,
    group: canary.group,
    name: canary.name,
    namespace: canary.namespace,
    phase: canary.phase,
    checksum: canary.checksum,
    metadata: hook.type === 'event' ? eventMetadata(announcement) : {},
    idempotencyKey: `${announcement.key}/${hook.name}`,
  };
}

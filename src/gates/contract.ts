// The hook and gate contract: one call to a user's webhook, with Flagger's payload, and what its answer means.
import type { Hook } from '../core/policy.ts';
import type { HookVerdict } from '../core/observation.ts';

/** What is sent. The body is Flagger's: name, namespace, phase, checksum, metadata. */
export interface HookCall {
  readonly hook: Hook;
  readonly group: string;
  readonly name: string;
  readonly namespace: string;
  /** Phase as Flagger names it. */
  readonly phase: string;
  readonly checksum: string;
  /** Added to the hook's own metadata where it does not define the key (event hooks: eventMessage, eventType, timestamp). */
  readonly metadata: Readonly<Record<string, string>>;
  /** `uid/run/hook/step/tick`: the same for every repetition of one call. Sent as header Idempotency-Key. */
  readonly idempotencyKey: string;
}

/** `wait`: the hook says not yet (serin.dev: 202 with Retry-After). `detail` is for people and holds no secret. */
export interface HookAnswer {
  readonly verdict: HookVerdict;
  readonly detail: string;
  /** Set on a `fail` that asking again does not mend: the hook itself said no, or its URL is forbidden. */
  readonly isFinal?: true;
}

/** Calls hooks. Never throws for what the other side does: an unreachable hook is `fail` with the reason. */
export interface HookCaller {
  call(call: HookCall, deadlineMs: number, signal: AbortSignal): Promise<HookAnswer>;
}

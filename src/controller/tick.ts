// A due tick: asks the hooks, metrics and gates that belong to this step. Answers are data; nothing here decides.
import type { Canary } from '../api/types.ts';
import { judge, worstOf, type Judged, type Sample, type Verdict } from '../core/analysis/verdict.ts';
import type { HookVerdict, Observation, TickSeen } from '../core/observation.ts';
import type { Check, Hook, HookType } from '../core/policy.ts';
import { stepsOf } from '../core/signals.ts';
import type { State } from '../core/state.ts';
import { analysisAt, gatesFrom } from '../core/steps.ts';
import { messageOf } from '../errors.ts';
import type { Drivers, Mesh } from './drivers.ts';
import { hookCall } from './hook-call.ts';
import type { Memory } from './memory.ts';
import { questionOf } from './questions.ts';

/** What a tick is asked about. */
export interface Asking {
  readonly key: string;
  readonly canary: Canary;
  readonly mesh: Mesh;
  readonly state: State;
  readonly seen: Observation;
  readonly use: Drivers;
  readonly memory: Memory;
  readonly signal: AbortSignal;
}

/**
 * The answers of this tick; null when the wait was broken off because something else happened to the Canary, or the
 * phase's deadline passed: then the asking goes on in the background under the same idempotency keys and the next look
 * takes it up.
 */
export async function askTick(asking: Asking): Promise<TickSeen | null> {
  const { state, canary, memory, use, key } = asking;
  const name = `${canary.identity.uid}/${state.run?.id ?? ''}/${state.phase}/${state.run?.step ?? 0}/${state.run?.tick ?? 0}`;
  const leftMs = state.deadlineMs === null ? null : state.deadlineMs - use.clock.nowMs();
  const cancel = leftMs === null ? null : use.clock.setTimer(leftMs, () => memory.asks.breakOff(key));
  try {
    return await memory.asks.wait(key, name, (signal) => ask({ ...asking, signal }), asking.signal);
  } finally {
    cancel?.();
  }
}

async function ask(asking: Asking): Promise<TickSeen> {
  const { state, seen } = asking;
  if (state.phase === 'Waiting') return { ...NOTHING, gates: await askGates(asking, ['confirm-rollout']) };
  if (state.phase === 'Promoting') return NOTHING;
  const rollback = await askRollback(asking);
  if (rollback !== null) return { ...NOTHING, rollback };
  const steps = stepsOf(seen);
  const index = state.run?.step ?? 0;
  const analysis = analysisAt(steps, index);
  const hooks = analysis === null ? [] : await askHooks(asking, analysis.hooks);
  const failed = hooks.find((answer) => answer.verdict !== 'pass');
  if (failed !== undefined) return { ...NOTHING, hooks, verdict: failed.verdict === 'wait' ? 'Insufficient' : 'Fail' };
  const checks =
    analysis?.judgesMetrics === true
      ? await Promise.all(seen.policy.checks.map((check) => askMetric(asking, check)))
      : [];
  const verdict: Verdict = worstOf(checks.map((check) => check.verdict));
  const here = steps[index];
  const isLastPass = here?.kind !== 'analysis' || (state.run?.passes ?? 0) + 1 >= here.ticks;
  const gates = verdict === 'Pass' && isLastPass ? await askGates(asking, gatesFrom(steps, index)) : {};
  return { hooks, checks, verdict, gates, rollback: null };
}

const NOTHING: TickSeen = { hooks: [], checks: [], verdict: 'Pass', gates: {}, rollback: null };

/** Calls the hooks of a type in spec order; the first that does not pass ends the list. */
async function askHooks(asking: Asking, type: HookType): Promise<TickSeen['hooks']> {
  const answers: { name: string; type: HookType; verdict: HookVerdict; detail: string }[] = [];
  for (const hook of asking.seen.policy.hooks.filter((candidate) => candidate.type === type)) {
    const answer = await callHook(asking, hook);
    answers.push({ name: hook.name, type: hook.type, ...answer });
    if (answer.verdict !== 'pass') break;
  }
  return answers;
}

/** Gates in order; a closed one hides those behind it. A gate without hooks is open. */
async function askGates(
  asking: Asking,
  gates: readonly ('confirm-rollout' | 'confirm-traffic-increase' | 'confirm-promotion')[],
): Promise<TickSeen['gates']> {
  const answers: Record<string, { verdict: HookVerdict; hook: string; detail: string }> = {};
  for (const gate of gates) {
    const hooks = await askHooks(asking, gate);
    const last = hooks.at(-1);
    answers[gate] = { verdict: last?.verdict ?? 'pass', hook: last?.name ?? '', detail: last?.detail ?? '' };
    if (last !== undefined && last.verdict !== 'pass') break;
  }
  return answers;
}

/** Rollback hooks: the first that agrees asks for a rollback; one that cannot be reached does not. */
async function askRollback(asking: Asking): Promise<{ hook: string } | null> {
  for (const hook of asking.seen.policy.hooks.filter((candidate) => candidate.type === 'rollback')) {
    if ((await callHook(asking, hook)).verdict === 'pass') return { hook: hook.name };
  }
  return null;
}

async function callHook(asking: Asking, hook: Hook): Promise<{ verdict: HookVerdict; detail: string }> {
  const call = hookCall(asking.canary, asking.state, hook, asking.use, {});
  const deadlineMs = (hook.timeoutMs + BACKOFF_MAX_MS) * (hook.retries + 1);
  const answer = await asking.use.hooks.call(call, Math.min(deadlineMs, HOOK_TOTAL_MAX_MS), asking.signal);
  asking.use.meters.hooked(hook.type, answer.verdict);
  return answer;
}

/** Longest pause between attempts of one hook. */
const BACKOFF_MAX_MS = 30_000;
/** Longest that one hook may take with all its attempts. */
const HOOK_TOTAL_MAX_MS = 3_600_000;

async function askMetric(asking: Asking, check: Check): Promise<Judged> {
  const { use, canary } = asking;
  const startedMs = use.clock.monotonicMs();
  const sample = await sampleOf(asking, check);
  use.meters.measured(check.source.kind, use.clock.monotonicMs() - startedMs);
  const judged = judge(check, sample);
  use.meters.checked(canary.identity.namespace, canary.identity.name, check.name, judged.verdict, judged.value);
  return judged;
}

async function sampleOf(asking: Asking, check: Check): Promise<Sample> {
  try {
    const { source, question } = await questionOf(
      asking.key,
      asking.canary,
      asking.mesh,
      check,
      asking.use,
      asking.signal,
    );
    return await source.measure(question, asking.signal);
  } catch (error) {
    // A template that is gone, a Secret that cannot be read: the source failed, the canary did not.
    return { kind: 'error', detail: messageOf(error) };
  }
}

// The station that writes down: one status write, fenced by the version that was looked at, before anything is done.
import type { Decision } from '../core/decide.ts';
import { isResting } from '../core/phase.ts';
import type { CallOptions, KubeObject } from '../kube/contract.ts';
import { canaryKind } from '../kube/kinds.ts';
import { isObject, sameJson } from '../util/json.ts';
import { rfc3339, timeOf } from '../util/time.ts';
import { conditionsIn, conditionsOf, promotedFinding, readyFinding, type Finding } from './conditions.ts';
import type { Drivers } from './drivers.ts';
import type { Found } from './found.ts';
import { waitingFor } from './sentence.ts';
import { writeState } from './status.ts';

/** Bytes that a status may have without trackedConfigs. */
const STATUS_BYTES_MAX = 16_384;

/** How old a sentence that is not true any more may get. */
const SENTENCE_AGE_MS = 10_000;

/** Writes the decision down where there is anything to write, and says whether it did. Throws ConflictError when somebody wrote first: then nothing was done. */
export async function record(
  found: Found,
  decision: Decision,
  mustWrite: boolean,
  use: Drivers,
  options: CallOptions,
): Promise<boolean> {
  const status = statusOf(found, decision, use);
  if (!mustWrite && !isWorthWriting(found.object['status'], status) && !isSentenceOld(found, decision, status, use))
    return false;
  await writeStatus(found, status, use, options);
  return true;
}

/** Writes one finding about a Canary that cannot be worked; everything else in its status stays. */
export async function recordRefusal(
  object: KubeObject,
  finding: Finding,
  use: Drivers,
  options: CallOptions,
): Promise<void> {
  if (isRefusalRecorded(object, finding)) return;
  const before = isObject(object['status']) ? object['status'] : {};
  const generation = object.metadata.generation ?? 0;
  const now = rfc3339(use.clock.nowMs());
  // Whatever keeps it from being worked, it is not ready.
  const ready = { ...finding, type: 'Ready', status: 'False' } as const;
  const findings = finding.type === 'Ready' ? [finding] : [ready, finding];
  const conditions = conditionsOf([...promotedIn(before), ...findings], before['conditions'], now, generation);
  const status = {
    phase: '',
    canaryWeight: 0,
    failedChecks: 0,
    iterations: 0,
    lastTransitionTime: now,
    ...before,
    conditions,
    observedGeneration: generation,
    message: finding.message,
  };
  await replace(object, status, use, options);
}

/** The finding is already there, about this generation. */
export function isRefusalRecorded(object: KubeObject, finding: Finding): boolean {
  const status = isObject(object['status']) ? object['status'] : {};
  const same = conditionsIn(status).find((condition) => condition['type'] === finding.type);
  return (
    same !== undefined &&
    same['status'] === finding.status &&
    same['reason'] === finding.reason &&
    same['message'] === finding.message.slice(0, 1_024) &&
    status['observedGeneration'] === (object.metadata.generation ?? 0)
  );
}

/** What is known of the last promotion stays. */
function promotedIn(status: Record<string, unknown>): readonly Finding[] {
  return conditionsIn(status).filter((condition) => condition['type'] === 'Promoted') as unknown as Finding[];
}

function statusOf(found: Found, decision: Decision, use: Drivers): Record<string, unknown> {
  const { next } = decision;
  const before = isObject(found.object['status']) ? found.object['status'] : {};
  const now = rfc3339(use.clock.nowMs());
  const generation = found.object.metadata.generation ?? 0;
  const message = waitingFor(next, afterActing(found.seen, decision.effects), rfc3339);
  const findings = [
    promotedFinding(next, found.canary.targetRef.kind),
    found.seen.invalid === null
      ? readyFinding(next, message)
      : ({ type: 'Ready', status: 'False', ...found.seen.invalid } satisfies Finding),
    ...found.findings,
    ...lostFindings(next.notificationsLost),
  ];
  const conditions = conditionsOf(findings, before['conditions'], now, generation);
  const route = { askedPercent: found.seen.route.askedPercent, livePercent: found.seen.route.livePercent };
  return fitted({
    ...foreign(before),
    ...writeState(next),
    ...observedTarget(found, next),
    route,
    conditions,
    observedGeneration: generation,
    message,
    lastTransitionTime: now,
  });
}

function lostFindings(count: number): readonly Finding[] {
  const message = `${count} announcements were dropped or refused`;
  return count === 0 ? [] : [{ type: 'NotificationsLost', status: 'True', reason: 'OutboxFull', message }];
}

/** What will be seen once the act that follows this record is done: its own writes are nothing that anybody waits for. */
function afterActing(seen: Found['seen'], effects: Decision['effects']): Found['seen'] {
  let { route, primary, target, scaler } = seen;
  for (const effect of effects) {
    const fence = 'fence' in effect && effect.fence !== null ? { fence: effect.fence } : {};
    if (effect.kind === 'writeRoute' || effect.kind === 'ensureRoute')
      route = { ...route, ...fence, state: 'ready', askedPercent: effect.weightPercent };
    if (target !== null && (effect.kind === 'scaleTarget' || (effect.kind === 'fence' && effect.on === 'target')))
      target = { ...target, ...fence };
    if (primary !== null && (effect.kind === 'applyPrimary' || (effect.kind === 'fence' && effect.on === 'primary')))
      primary = { ...primary, ...fence };
    if (scaler !== null && (effect.kind === 'applyScaler' || (effect.kind === 'fence' && effect.on === 'scaler')))
      scaler = { ...scaler, ...fence };
  }
  return { ...seen, route, primary, target, scaler };
}

/** The target as seen, with what of it may never change: admission compares it with the spec. */
function observedTarget({ canary }: Found, next: Decision['next']): Record<string, unknown> {
  if (next.targetFacts === null) return {};
  const { kind, name } = canary.targetRef;
  const revision = next.seenRevision ?? '';
  return { observedTarget: { ...next.targetFacts, revision, kind, name, service: canary.service.apexName } };
}

/** Members of status that are not ours survive. */
function foreign(before: Record<string, unknown>): Record<string, unknown> {
  const {
    run: _run,
    outbox: _outbox,
    history: _history,
    observedTarget: _target,
    lastHandledRequest: _request,
    ...rest
  } = before;
  return rest;
}

/** Cuts the oldest runs until the status fits. */
function fitted(status: Record<string, unknown>): Record<string, unknown> {
  const sizeOf = (value: Record<string, unknown>): number =>
    Buffer.byteLength(JSON.stringify({ ...value, trackedConfigs: {} }));
  let fit = status;
  while (sizeOf(fit) > STATUS_BYTES_MAX && Array.isArray(fit['history']) && fit['history'].length > 0) {
    fit = { ...fit, history: fit['history'].slice(1) };
  }
  return fit;
}

/** Times, facts and acknowledgements ride along and are no reason for a write of their own. */
function isWorthWriting(before: unknown, after: Record<string, unknown>): boolean {
  return !sameJson(essence(isObject(before) ? before : {}), essence(after));
}

/** A run's sentence is kept true, but not at the price of a write for every pod that blinks. */
function isSentenceOld(found: Found, decision: Decision, status: Record<string, unknown>, use: Drivers): boolean {
  const before = isObject(found.object['status']) ? found.object['status'] : {};
  if (isResting(decision.next.phase) || before['message'] === status['message']) return false;
  return !(use.clock.nowMs() - timeOf(String(before['lastTransitionTime'])) < SENTENCE_AGE_MS);
}

function essence(status: Record<string, unknown>): unknown {
  const {
    lastTransitionTime: _time,
    route: _route,
    message: _message,
    outbox: _outbox,
    conditions: _conditions,
    observedTarget: _target,
    run,
    ...rest
  } = status;
  const state = isObject(run) ? { ...run, targetFacts: null, handles: null, notificationsLost: null } : run;
  return {
    ...rest,
    run: state,
    conditions: conditionsIn(status).map(({ type, status: value, reason, observedGeneration }) => [
      type,
      value,
      reason,
      observedGeneration,
    ]),
  };
}

async function writeStatus(
  found: Found,
  status: Record<string, unknown>,
  use: Drivers,
  options: CallOptions,
): Promise<void> {
  found.object = await replace(found.object, status, use, options);
}

async function replace(
  object: KubeObject,
  status: Record<string, unknown>,
  use: Drivers,
  options: CallOptions,
): Promise<KubeObject> {
  const kind = canaryKind(object.apiVersion.split('/')[0] ?? '');
  const written = await use.kube.client.replaceStatus({ ...object, status }, kind, options);
  use.kube.cache.noteWrite(kind, written);
  return written;
}

// Events that go past the outbox: of Canaries that are refused, of specs taken differently than written, of findings, and of the end.
import type { CallOptions, KubeObject } from '../kube/contract.ts';
import type { Announcement } from '../notify/contract.ts';
import { messageOf } from '../errors.ts';
import { isObject } from '../util/json.ts';
import { conditionsIn } from './conditions.ts';
import type { Finding } from './conditions.ts';
import type { Drivers } from './drivers.ts';
import type { Found } from './found.ts';

/** The Event of a Canary that is refused: sent before its condition is written, under a name that repeats. */
export async function announceRefusal(
  object: KubeObject,
  finding: Finding,
  use: Drivers,
  signal: AbortSignal,
): Promise<void> {
  const types: Readonly<Record<string, string>> = {
    StatusInvalid: 'StatusInvalid',
    InvariantViolated: 'InvariantViolated',
  };
  const type = types[finding.type] ?? 'InvalidSpec';
  const facts = { reason: finding.reason, detail: finding.message };
  await sendEvent(object, { type, facts }, `refused/${object.metadata.generation ?? 0}-${finding.reason}`, use, signal);
}

/**
 * Events that say what of a spec is taken differently than written, once a generation: sent before the generation is recorded as
 * observed, under names that repeat.
 */
export async function announceNotes(object: KubeObject, use: Drivers, signal: AbortSignal): Promise<void> {
  const generation = object.metadata.generation ?? 0;
  const status = isObject(object['status']) ? object['status'] : {};
  if (status['observedGeneration'] === generation || object.metadata.deletionTimestamp !== undefined) return;
  const parsed = use.parse(object);
  if (parsed.kind === 'invalid') return;
  for (const [index, { type, detail }] of parsed.notes.entries())
    await sendEvent(object, { type, facts: { detail } }, `notes/${generation}-${index}`, use, signal);
}

/** Findings that are told when they come up, and how. */
const TOLD_AS: Readonly<Record<string, string>> = {
  RouteWritten: 'RouteFailed',
  RouteReadable: 'RouteFailed',
  Conflict: 'Conflict',
};

/**
 * Events of findings that the status does not hold yet: a route that cannot be written or read, a field that somebody else fights for.
 * Never waits: the look that found them may be a rollback's.
 */
export function announceFindings({ object, state, findings }: Found, use: Drivers, signal: AbortSignal): void {
  const known = conditionsIn(object['status']);
  for (const { type, status, reason, message } of findings) {
    const told = TOLD_AS[type];
    if (told === undefined || known.some((other) => other['type'] === type && other['status'] === status)) continue;
    const announced = { type: told, facts: { reason, detail: message } };
    sendEvent(object, announced, `finding/${state.record}-${type}`, use, signal).catch((error: unknown) => {
      use.log.warn('Event could not be written', { canary: object.metadata.name, err: messageOf(error) });
    });
  }
}

/** Flagger's last word on a Canary: everything is handed back, and the finalizer goes next. */
export async function announceEnd(object: KubeObject, use: Drivers, { signal }: CallOptions): Promise<void> {
  await sendEvent(object, { type: 'Terminated', facts: {} }, 'end/0', use, signal);
}

/** Sends the Event of a Canary that has no outbox for it. A failure is logged and nothing else. */
async function sendEvent(
  object: KubeObject,
  announced: Parameters<Drivers['render']>[0],
  name: string,
  use: Drivers,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const [group = ''] = object.apiVersion.split('/');
  const uid = object.metadata.uid ?? '';
  const canary: Announcement['canary'] = {
    group,
    apiVersion: object.apiVersion,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    uid,
    phase: '',
    checksum: '',
    targetKind: 'Deployment',
    targetName: '',
    provider: '',
    weightPercent: 0,
    failedChecks: 0,
    threshold: 0,
    images: [],
    version: '',
    trafficRouting: '',
    progressDeadlineSeconds: 0,
    clusterName: use.settings.clusterName,
  };
  const [runId = ''] = name.split('/');
  const announcement = {
    key: `${uid}/${name}`,
    seq: 0,
    runId,
    atMs: use.clock.nowMs(),
    type: announced.type,
    canary,
    ...use.render(announced, canary),
  };
  const delivery = await use.events.send(announcement, null, signal);
  if (delivery.kind === 'failed')
    use.log.warn('Event could not be written', {
      canary: `${canary.namespace}/${canary.name}`,
      reason: delivery.detail,
    });
}

// Admission: is this Canary's spec something that can be worked? During a run the spec it began with stands in for a broken one.
import type { Canary } from '../api/types.ts';
import { isRunning } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { InvalidSpecError, UnsupportedError } from '../errors.ts';
import type { KubeObject } from '../kube/contract.ts';
import { canaryKind, CONTROLLER_REVISION, refOf } from '../kube/kinds.ts';
import { isObject } from '../util/json.ts';
import type { Drivers, Mesh } from './drivers.ts';
import { keyOf } from './keys.ts';
import { sourceless } from './questions.ts';

/** A Canary that can be worked, or why not. `invalid` is set when an older spec stands in. */
export type Admission =
  | {
      readonly kind: 'admitted';
      readonly canary: Canary;
      readonly invalid: { readonly reason: string; readonly message: string } | null;
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };

/** Admits a Canary: valid, of a provider that can do it, and the only one with its target. */
export async function admit(
  object: KubeObject,
  state: State | null,
  use: Drivers,
  signal: AbortSignal,
): Promise<Admission> {
  const problem = problemOf(object, use);
  if (typeof problem !== 'string') {
    const rival = rivalOf(object, use);
    if (rival === null) return { kind: 'admitted', canary: problem, invalid: null };
    return {
      kind: 'refused',
      reason: 'TargetTaken',
      message: `spec.targetRef: the target belongs to the older Canary ${rival}; one target can have one Canary`,
    };
  }
  const isDeleting = object.metadata.deletionTimestamp !== undefined;
  const isUnderWay = state !== null && (isDeleting || (isRunning(state.phase) && state.isTakenOver));
  const standIn = isUnderWay ? await pinnedSpec(object, state, use, signal) : null;
  if (standIn === null) return { kind: 'refused', reason: 'InvalidSpec', message: problem };
  return { kind: 'admitted', canary: standIn, invalid: { reason: 'InvalidSpec', message: problem } };
}

/** The Canary, or one sentence that says what is wrong, where, and what would be right. */
function problemOf(object: KubeObject, use: Drivers): Canary | string {
  const parsed = use.parse(object);
  if (parsed.kind === 'invalid') return parsed.message;
  const moved = movedFrom(object, parsed.canary);
  if (moved !== null) return moved;
  try {
    const mesh = use.meshFor(parsed.canary);
    use.workloadFor(parsed.canary);
    return whyUnmeasurable(parsed.canary, mesh, use) ?? parsed.canary;
  } catch (error) {
    if (error instanceof InvalidSpecError) return error.path === '' ? error.message : `${error.path}: ${error.message}`;
    if (error instanceof UnsupportedError) return error.message;
    throw error;
  }
}

/** A check that nobody could ever answer: said now, and not by a rollback after the first run's checks. Null when there is none. */
function whyUnmeasurable(canary: Canary, mesh: Mesh, use: Drivers): string | null {
  if (canary.policy.skipAnalysis) return null;
  const reasons = canary.policy.checks.map((check) => sourceless(canary, mesh, check, use)?.message);
  return reasons.find((reason) => reason !== undefined) ?? null;
}

/** Target and apex are for good: the CRD says so, and where its rules are not enforced this does. Null when they are as they were first seen. */
function movedFrom(object: KubeObject, canary: Canary): string | null {
  const status = isObject(object['status']) ? object['status'] : {};
  const seen = isObject(status['observedTarget']) ? status['observedTarget'] : {};
  const now = { kind: canary.targetRef.kind, name: canary.targetRef.name, service: canary.service.apexName };
  const changed = (['kind', 'name', 'service'] as const).find(
    (member) => typeof seen[member] === 'string' && seen[member] !== now[member],
  );
  if (changed === undefined) return null;
  const path = changed === 'service' ? 'spec.service.name' : `spec.targetRef.${changed}`;
  return `Cannot use ${path}: it was ${String(seen[changed])} and cannot be changed; set it back, or create another Canary`;
}

/** Another Canary with the same target that is older, or was first in the alphabet; null when there is none. */
function rivalOf(object: KubeObject, use: Drivers): string | null {
  const mine = targetOf(object);
  for (const group of use.settings.groups) {
    for (const other of use.kube.cache.all(canaryKind(group), object.metadata.namespace ?? null)) {
      if (other.metadata.uid === object.metadata.uid || targetOf(other) !== mine) continue;
      if (ageOf(other) < ageOf(object)) return keyOf(other);
    }
  }
  return null;
}

const ageOf = (object: KubeObject): string => `${object.metadata.creationTimestamp ?? ''} ${object.metadata.uid ?? ''}`;

function targetOf(object: KubeObject): string {
  const spec = isObject(object['spec']) ? object['spec'] : {};
  const target = isObject(spec['targetRef']) ? spec['targetRef'] : {};
  return `${String(target['kind'])}/${String(target['name'])}`;
}

/** The spec that was pinned with the run, or with what the primary runs; null when neither is there. */
async function pinnedSpec(object: KubeObject, state: State, use: Drivers, signal: AbortSignal): Promise<Canary | null> {
  for (const revision of [state.run?.revision, state.promotedRevision, state.seenRevision]) {
    if (revision == null) continue;
    const ref = refOf(
      CONTROLLER_REVISION,
      object.metadata.namespace ?? null,
      use.pinName(object.metadata.name, revision),
    );
    const stored = await use.kube.client.get(ref, { signal });
    const data = stored !== null && isObject(stored['data']) ? stored['data'] : {};
    if (!isObject(data['canarySpec'])) continue;
    const parsed = use.parse({ ...object, spec: data['canarySpec'] });
    if (parsed.kind === 'valid') return parsed.canary;
  }
  return null;
}

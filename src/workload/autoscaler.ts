// The primary's autoscaler: a copy of the target's HorizontalPodAutoscaler, whose minimum is held at the capacity floor of a run.
import type { Canary } from '../api/types.ts';
import { ConflictError } from '../errors.ts';
import type { ScalerSeen } from '../core/observation.ts';
import type { CallOptions, Kube, KubeObject, PatchOperation } from '../kube/contract.ts';
import { HPA } from '../kube/kinds.ts';
import type { JsonObject } from '../util/json.ts';
import { copyJson, sameJson } from '../util/json.ts';
import type { WorkloadFound, WorkloadSettings } from './contract.ts';
import { fieldOf, numberOf, objectOf, textOf } from './fields.ts';
import { BOUNDS_ANNOTATION, copiedKeys, fenceKeyOf, isOwnedBy, ownerOf, primaryNameOf, withPrimary } from './names.ts';
import type { Problem } from './selector.ts';
import { annotationOperations, createFound, labelOperations, objectIn, patchFound, setOperation } from './writes.ts';

/** Pods between which an autoscaler moves. */
interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** The names of the target's autoscaler and its copy; null when the Canary has none. */
export function scalerNamesOf(canary: Canary): { readonly target: string; readonly primary: string } | null {
  const name = canary.autoscalerRef?.name;
  return name === undefined ? null : { target: name, primary: withPrimary(name) };
}

/** What the copy shows; null when there is neither an autoscaler nor a copy. */
export function seeScaler(
  canary: Canary,
  target: KubeObject | null,
  copy: KubeObject | null,
  floor: number | null,
  fenceKey: string,
): ScalerSeen | null {
  if (target === null && copy === null) return null;
  const min = copy === null ? 0 : boundsIn(copy).min;
  return {
    isPrimaryAbsent: copy === null,
    isBelowFloor: copy !== null && floor !== null && min < floor,
    isHeld: copy?.metadata.annotations?.[BOUNDS_ANNOTATION] !== undefined,
    isDrifted: copy !== null && target !== null && isDrifted(canary, target, copy),
    minReplicas: copy === null ? boundsOf(canary, target).min : min,
    fence: copy?.metadata.annotations?.[fenceKey] ?? null,
  };
}

/** What keeps the autoscaler from being used; null when nothing does. */
export function findScalerProblem(canary: Canary, target: KubeObject | null, copy: KubeObject | null): Problem | null {
  const names = scalerNamesOf(canary);
  if (names === null) return null;
  const where = (name: string): string => `HorizontalPodAutoscaler ${canary.identity.namespace}/${name}`;
  if (copy !== null && !isOwnedBy(copy, canary)) {
    return {
      reason: 'ScalerTaken',
      message: `Cannot use ${where(names.primary)}: it is not this Canary's; delete or rename it`,
    };
  }
  if (target === null && copy === null) {
    return {
      reason: 'ScalerMissing',
      message: `Cannot find ${where(names.target)}: spec.autoscalerRef must name one that exists`,
    };
  }
  return null;
}

/**
 * Creates the copy, holds or releases its minimum, and with `copiesTarget` takes over what the target's asks for. While
 * the minimum is held, an annotation keeps the bounds that it goes back to. Nothing differs: nothing is sent.
 */
export async function applyScaler(
  kube: Kube,
  settings: WorkloadSettings,
  canary: Canary,
  found: WorkloadFound,
  want: { readonly floor: number | null; readonly copiesTarget: boolean },
  fence: string | null,
  options?: CallOptions,
): Promise<void> {
  const names = scalerNamesOf(canary);
  if (names === null) return;
  const target = objectIn(found, HPA, names.target);
  const copy = objectIn(found, HPA, names.primary);
  const fences = fence === null ? {} : { [fenceKeyOf(canary)]: fence };
  if (copy === null) {
    if (target === null)
      throw new ConflictError(
        `Cannot copy HorizontalPodAutoscaler ${canary.identity.namespace}/${names.target}: it is gone`,
      );
    await createFound(kube, found, HPA, buildScaler(canary, settings, target, want.floor, fences), options);
    return;
  }
  const source = want.copiesTarget ? target : null;
  await patchFound(
    kube,
    found,
    HPA,
    names.primary,
    scalerOperations(canary, settings, copy, source, want.floor, fences),
    options,
  );
}

function scalerOperations(
  canary: Canary,
  settings: WorkloadSettings,
  copy: KubeObject,
  source: KubeObject | null,
  floor: number | null,
  fences: Readonly<Record<string, string>>,
): PatchOperation[] {
  const base = source === null ? releasedBounds(copy) : boundsOf(canary, source);
  const held = hold(base, floor);
  const operations: PatchOperation[] = [];
  const spec = (member: string, value: unknown): void => {
    operations.push(...setOperation(`/spec/${member}`, fieldOf(copy, 'spec', member), value));
  };
  if (source !== null) {
    const wanted = specFor(canary, source);
    for (const [member, value] of Object.entries(wanted)) spec(member, value);
    for (const member of Object.keys(objectOf(copy, 'spec'))) {
      if (!Object.hasOwn(wanted, member) && !isBound(member))
        operations.push({ op: 'remove', path: `/spec/${member}` });
    }
    operations.push(...labelOperations(copy, copiedKeys(source.metadata.labels ?? {}, settings.includeLabelPrefixes)));
  }
  spec('minReplicas', held.min);
  spec('maxReplicas', held.max);
  const inherited = source === null ? {} : copiedKeys(source.metadata.annotations ?? {}, settings.includeLabelPrefixes);
  operations.push(
    ...annotationOperations(copy, { ...inherited, [BOUNDS_ANNOTATION]: heldNote(base, held), ...fences }),
  );
  return operations;
}

function buildScaler(
  canary: Canary,
  settings: WorkloadSettings,
  target: KubeObject,
  floor: number | null,
  fences: Readonly<Record<string, string>>,
): KubeObject {
  const base = boundsOf(canary, target);
  const held = hold(base, floor);
  const note = heldNote(base, held);
  const prefixes = settings.includeLabelPrefixes;
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: {
      name: withPrimary(target.metadata.name),
      namespace: canary.identity.namespace,
      labels: copiedKeys(target.metadata.labels ?? {}, prefixes),
      annotations: {
        ...copiedKeys(target.metadata.annotations ?? {}, prefixes),
        ...(note === null ? {} : { [BOUNDS_ANNOTATION]: note }),
        ...fences,
      },
      ownerReferences: [ownerOf(canary, true)],
    },
    spec: { ...specFor(canary, target), minReplicas: held.min, maxReplicas: held.max },
  };
}

/** The members of spec besides the bounds: the target's, aimed at the primary. */
function specFor(canary: Canary, target: KubeObject): JsonObject {
  const rest = Object.fromEntries(
    Object.entries(objectOf(target, 'spec')).filter(([member]) => !isBound(member)),
  ) as JsonObject;
  return {
    ...copyJson(rest),
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: primaryNameOf(canary) },
  };
}

const isBound = (member: string): boolean => member === 'minReplicas' || member === 'maxReplicas';

function isDrifted(canary: Canary, target: KubeObject, copy: KubeObject): boolean {
  const rest = Object.fromEntries(Object.entries(objectOf(copy, 'spec')).filter(([member]) => !isBound(member)));
  return !sameJson(rest, specFor(canary, target)) || !sameJson(releasedBounds(copy), boundsOf(canary, target));
}

/** The bounds that the user asks of the primary: spec.autoscalerRef.primaryScalerReplicas over those of the target's autoscaler. */
function boundsOf(canary: Canary, target: KubeObject | null): Bounds {
  const asked = target === null ? { min: 1, max: 1 } : boundsIn(target);
  const min = canary.autoscalerRef?.minReplicas ?? asked.min;
  return { min, max: Math.max(canary.autoscalerRef?.maxReplicas ?? asked.max, min, 1) };
}

function boundsIn(scaler: KubeObject): Bounds {
  return { min: numberOf(scaler, 'spec', 'minReplicas') ?? 1, max: numberOf(scaler, 'spec', 'maxReplicas') ?? 1 };
}

/** The bounds of the copy once nothing is held. */
function releasedBounds(copy: KubeObject): Bounds {
  const note = /^(\d+)\/(\d+)$/.exec(textOf(copy, 'metadata', 'annotations', BOUNDS_ANNOTATION));
  return note === null ? boundsIn(copy) : { min: Number(note[1]), max: Number(note[2]) };
}

function hold(base: Bounds, floor: number | null): Bounds {
  const min = Math.max(base.min, floor ?? 0);
  return { min, max: Math.max(base.max, min) };
}

function heldNote(base: Bounds, held: Bounds): string | null {
  return sameJson(base, held) ? null : `${base.min}/${base.max}`;
}

// Deleting: preconditions, grace, finalizers, and what happens to dependents.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { commit, type DeleteOutcome, type Engine, findStored, type WriteContext } from './engine.ts';
import { objectAt, textAt } from './json.ts';
import { timeText, withMeta } from './metadata.ts';
import { startNamespaceEnd } from './namespaces.ts';
import { badRequest, conflict, invalid, notFound, notSupported } from './status.ts';
import { strategyOf } from './strategy.ts';

/** DeleteOptions, as far as they are honoured. */
export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly graceSeconds: number | null;
  /** Set when the old orphanDependents asked for cascading: such a delete is answered with 202 while it lasts. */
  readonly isCascadeAsked?: boolean;
}

/** Finalizers by which the garbage collector is asked for foreground deletion or orphaning. */
export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

const PROPAGATIONS = ['Background', 'Foreground', 'Orphan'] as const;

/** Reads DeleteOptions from body and query. Throws StatusFailure 400 and 422. */
export function readDeleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const members = isObject(body) && textAt(body, 'kind') !== '' ? body : isObject(body) ? body : {};
  const preconditions = objectAt(members, 'preconditions');
  const policy = textAt(members, 'propagationPolicy') || query.get('propagationPolicy') || '';
  const orphan = members['orphanDependents'];
  if (policy !== '' && !PROPAGATIONS.some((known) => known === policy)) {
    const known = ['Foreground', 'Background', 'Orphan', 'nil'];
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      notSupported('propagationPolicy', policy, known),
    ]);
  }
  const grace = members['gracePeriodSeconds'] ?? query.get('gracePeriodSeconds');
  const uid = textAt(preconditions, 'uid');
  const resourceVersion = textAt(preconditions, 'resourceVersion');
  const propagation = PROPAGATIONS.find((known) => known === policy) ?? fromOrphan(orphan);
  return {
    ...(uid === '' ? {} : { uid }),
    ...(resourceVersion === '' ? {} : { resourceVersion }),
    ...(propagation === undefined ? {} : { propagation }),
    graceSeconds: readGrace(grace),
    ...(orphan === false ? { isCascadeAsked: true } : {}),
  };
}

function fromOrphan(orphan: unknown): DeleteOptions['propagation'] {
  if (typeof orphan !== 'boolean') return undefined;
  return orphan ? 'Orphan' : 'Background';
}

function readGrace(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  const seconds = Number(value);
  if (!Number.isInteger(seconds)) throw badRequest(`invalid gracePeriodSeconds: ${JSON.stringify(value)}`);
  return Math.max(seconds, 0);
}

/** Deletes one object, or begins to. Throws StatusFailure 404, 409. */
export function deleteObject(engine: Engine, context: WriteContext, options: DeleteOptions): DeleteOutcome {
  const { kind, namespace, name } = context;
  const current = findStored(engine, kind, namespace, name);
  if (current === null) throw notFound(kind, name);
  checkPreconditions(context, options, current);
  if (kind.storageId === '/Namespace') return startNamespaceEnd(engine, context, current);
  const finalizers = finalizersAfter(current, options);
  const grace = strategyOf(kind).graceSeconds?.(current, options.graceSeconds) ?? 0;
  if (finalizers.length === 0 && grace === 0) {
    if (context.isDryRun) return { object: current, isGone: true };
    const isMarkedFirst =
      strategyOf(kind).graceSeconds !== undefined && current.metadata.deletionTimestamp === undefined;
    if (isMarkedFirst) commit(engine, { ...context, verb: 'update' }, markDeleted(engine, current, [], 0));
    return { object: commit(engine, context, null), isGone: true };
  }
  const next = markDeleted(engine, current, finalizers, grace);
  if (next === current || context.isDryRun) return { object: next, isGone: false };
  return { object: commit(engine, context, next), isGone: false };
}

function checkPreconditions(context: WriteContext, options: DeleteOptions, current: KubeObject): void {
  const { uid = '', resourceVersion = '' } = current.metadata;
  // Here, and only here, the real server names the kind rather than the resource.
  const named = { group: context.kind.group, plural: context.kind.kind };
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(named, context.name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(named, context.name, why);
  }
}

function finalizersAfter(current: KubeObject, options: DeleteOptions): readonly string[] {
  const held = current.metadata.finalizers ?? [];
  if (options.propagation === undefined) return held;
  const others = held.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (options.propagation === 'Foreground') return [...others, FOREGROUND];
  return options.propagation === 'Orphan' ? [...others, ORPHAN] : others;
}

function markDeleted(engine: Engine, current: KubeObject, finalizers: readonly string[], grace: number): KubeObject {
  const meta = current.metadata;
  const isMarked = meta.deletionTimestamp !== undefined;
  const heldGrace = Number(meta['deletionGracePeriodSeconds'] ?? 0);
  const isShorter = !isMarked || grace < heldGrace;
  const isSameFinalizers = (meta.finalizers ?? []).join(' ') === finalizers.join(' ');
  if (!isShorter && isSameFinalizers) return current;
  return withMeta(current, {
    ...meta,
    ...(finalizers.length === 0 ? {} : { finalizers: [...finalizers] }),
    ...(isShorter
      ? {
          deletionTimestamp: timeText(engine.clock.nowMs() + grace * 1000),
          deletionGracePeriodSeconds: grace,
        }
      : {}),
    ...(!isMarked && meta.generation !== undefined ? { generation: meta.generation + 1 } : {}),
  });
}

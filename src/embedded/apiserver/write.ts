// Creating and updating: the one path that every write takes, whatever its verb.
import type { KubeObject, ObjectMeta } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { admitNamespace } from './namespaces.ts';
import { commit, type Engine, findStored, type WriteContext } from './engine.ts';
import { isSame, type Members, shareWith } from './json.ts';
import { noteUpdate } from './managed-fields.ts';
import { checkMetadata, generateName, isPlainFinalizer, makeUid, readMeta, timeText, withMeta } from './metadata.ts';
import { fitToSchema, validateBySchema } from './schema.ts';
import { withZeros } from './schema-zero.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  invalid,
  invalidValue,
  MODIFIED,
  notFound,
  StatusFailure,
} from './status.ts';
import { strategyOf } from './strategy.ts';
import type { Strategy } from './strategy-types.ts';

/** What etcd takes at most for one object. */
const OBJECT_BYTES_MAX = 1.5 * 1024 * 1024;

/** Creates an object from its stored form. Throws StatusFailure 404 (namespace), 409 (name taken), 422. */
export function createObject(engine: Engine, context: WriteContext, given: KubeObject): KubeObject {
  const { kind } = context;
  admitNamespace(
    engine,
    kind,
    context.namespace,
    given.metadata.name || (given.metadata['generateName'] as string) || '',
  );
  if ((given.metadata.resourceVersion ?? '') !== '') {
    throw new StatusFailure(500, '', 'resourceVersion should not be set on objects to be created');
  }
  const strategy = strategyOf(kind);
  const meta = firstMetadata(engine, context, given.metadata);
  let next: KubeObject = { ...withMeta(given, meta), apiVersion: kind.storageVersion, kind: kind.kind };
  if (kind.hasStatus && strategy.isStatusKeptOnCreate !== true) delete next['status'];
  next = fitToSchema(engine, context, next, null);
  next = withZeros(kind, strategy.default?.(next, null) ?? next, null);
  next = noteUpdate(engine, context, null, next);
  next = strategy.prepare?.(engine, next, null, kind) ?? next;
  refuseInvalid(engine, context, strategy, next, null);
  warnOfFinalizers(context, next, null);
  const named = { ...context, name: meta.name };
  if (findStored(engine, kind, context.namespace, meta.name) !== null) throw alreadyExists(kind, meta.name);
  refuseTooLarge(engine, context, next);
  if (context.isDryRun) return next;
  return commit(engine, named, next);
}

function firstMetadata(engine: Engine, context: WriteContext, given: ObjectMeta): ObjectMeta {
  const { kind } = context;
  const meta: ObjectMeta = { ...given };
  for (const member of [
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'selfLink',
    'resourceVersion',
    'generation',
  ]) {
    delete meta[member];
  }
  const base = meta['generateName'];
  if (meta.name === '' && typeof base === 'string' && base !== '') meta.name = generateName(engine.random, base);
  meta.uid = makeUid(engine.random);
  meta.creationTimestamp = timeText(engine.clock.nowMs());
  if (kind.hasGeneration) meta.generation = 1;
  if (kind.namespaced) meta.namespace = context.namespace ?? 'default';
  else delete meta.namespace;
  return meta;
}

/** How an update comes to its next object. `given` has the stored form; its resourceVersion is the precondition. */
export type Change = (current: KubeObject) => KubeObject;

/** Changes an object that is there. Throws StatusFailure 404, 409, 422. */
export function updateObject(engine: Engine, context: WriteContext, change: Change): KubeObject {
  const { kind, namespace, name } = context;
  const current = findStored(engine, kind, namespace, name);
  if (current === null) throw notFound(kind, name);
  const strategy = strategyOf(kind);
  const given = change(current);
  checkPreconditions(context, strategy, given.metadata, current.metadata);
  const meta = keepServerMembers(given.metadata, current.metadata);
  let next: KubeObject = { ...withMeta(given, meta), apiVersion: kind.storageVersion, kind: kind.kind };
  next = keepOtherPart(context, next, current);
  next = shareWith(current, next);
  next = fitToSchema(engine, context, next, current);
  next = shareWith(current, withZeros(kind, strategy.default?.(next, current) ?? next, current));
  next = noteUpdate(engine, context, current, next);
  next = strategy.prepare?.(engine, next, current, kind) ?? next;
  next = shareWith(current, next);
  next = countGeneration(context, strategy, next, current);
  refuseInvalid(engine, context, strategy, next, current);
  warnOfFinalizers(context, next, current);
  if (next === current) return current;
  refuseTooLarge(engine, context, next);
  if (context.isDryRun) return next;
  if (isFinished(next)) {
    // The last finalizer is gone: the answer shows the object as written, the store no longer has it.
    commit(engine, { ...context, verb: 'delete' }, null);
    return next;
  }
  return commit(engine, context, next);
}

function checkPreconditions(context: WriteContext, strategy: Strategy, given: ObjectMeta, current: ObjectMeta): void {
  const { kind, name } = context;
  if (given.name !== '' && given.name !== name) {
    throw badRequest(`the name of the object (${given.name}) does not match the name on the URL (${name})`);
  }
  const version = given.resourceVersion ?? '';
  if (given.uid !== undefined && given.uid !== '' && given.uid !== current.uid) {
    throw otherUid(context, given.uid, current.uid ?? '');
  }
  if (version === '' && strategy.isVersionNeeded === true) {
    const problem = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update');
    throw invalid({ group: kind.group, kind: kind.plural }, name, [problem]);
  }
  if (version !== '' && !/^\d+$/.test(version)) {
    throw new StatusFailure(500, '', `strconv.ParseUint: parsing "${version}": invalid syntax`);
  }
  if (version !== '' && version !== current.resourceVersion) throw conflict(kind, name, MODIFIED);
}

/** An update says which object it means; a patch would change the uid, which cannot be. */
function otherUid(context: WriteContext, given: string, held: string): StatusFailure {
  const { kind, name, namespace } = context;
  if (context.verb === 'patch') {
    const problem = invalidValue('metadata.uid', given, 'field is immutable');
    return invalid(kind, name, [problem, problem]);
  }
  const group = kind.group === '' ? '' : `${kind.group}/`;
  const key = `/registry/${group}${kind.plural}/${namespace === null ? '' : `${namespace}/`}${name}`;
  const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${given}, UID in object meta: ${held}`;
  return conflict(kind, name, why);
}

/** The members of metadata that no writer can change. */
const SERVER_MEMBERS = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
  'generateName',
] as const;

function keepServerMembers(given: ObjectMeta, current: ObjectMeta): ObjectMeta {
  const meta: Members = { ...given };
  delete meta['selfLink'];
  for (const member of SERVER_MEMBERS) {
    if (current[member] === undefined) delete meta[member];
    else meta[member] = current[member];
  }
  if (!Object.hasOwn(meta, 'managedFields') && current['managedFields'] !== undefined) {
    meta['managedFields'] = current['managedFields'];
  }
  return meta as ObjectMeta;
}

/** A write of the status leaves the rest alone, and the other way round. */
function keepOtherPart(context: WriteContext, next: KubeObject, current: KubeObject): KubeObject {
  const { kind, subresource } = context;
  if (subresource === 'status') {
    const meta = kind.isCustom
      ? { ...current.metadata, managedFields: next.metadata['managedFields'] }
      : { ...next.metadata, labels: current.metadata.labels };
    const result = withMeta(current, meta as ObjectMeta);
    if (next['status'] === undefined) {
      delete result['status'];
      return result;
    }
    return { ...result, status: next['status'] };
  }
  if (!kind.hasStatus) return next;
  if (current['status'] === undefined) {
    delete next['status'];
    return next;
  }
  return { ...next, status: current['status'] };
}

function countGeneration(context: WriteContext, strategy: Strategy, next: KubeObject, current: KubeObject): KubeObject {
  const { kind } = context;
  if (!kind.hasGeneration || context.subresource === 'status') return next;
  const isNew = hasOtherSpec(context, next, current) || strategy.isNewGeneration?.(next, current) === true;
  if (!isNew) return next;
  return withMeta(next, { ...next.metadata, generation: (current.metadata.generation ?? 0) + 1 });
}

function hasOtherSpec(context: WriteContext, next: KubeObject, current: KubeObject): boolean {
  if (!context.kind.isCustom) return !isSame(next['spec'], current['spec']);
  for (const key of new Set([...Object.keys(next), ...Object.keys(current)])) {
    if (key === 'metadata' || (key === 'status' && context.kind.hasStatus)) continue;
    if (!isSame(next[key], current[key])) return true;
  }
  return false;
}

function refuseInvalid(
  engine: Engine,
  context: WriteContext,
  strategy: Strategy,
  next: KubeObject,
  old: KubeObject | null,
): void {
  const problems = [
    ...checkMetadata(context.kind, next.metadata, old?.metadata ?? null),
    ...validateBySchema(context, next, old),
    ...(strategy.validate?.(next, old, engine) ?? []),
  ];
  if (problems.length > 0) throw invalid(context.kind, next.metadata.name, problems);
}

/** Of custom kinds, finalizers without a domain are taken, with a warning. */
function warnOfFinalizers(context: WriteContext, next: KubeObject, old: KubeObject | null): void {
  const finalizers = next.metadata.finalizers ?? [];
  if (!context.kind.isCustom || isSame(finalizers, old?.metadata.finalizers ?? [])) return;
  const advice = 'prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers';
  for (const name of finalizers.filter(isPlainFinalizer)) {
    context.warnings.push(`metadata.finalizers: ${JSON.stringify(name)}: ${advice}`);
  }
}

/** Measuring costs as much as writing, so sizes are estimated until they come near the limit. */
function refuseTooLarge(engine: Engine, context: WriteContext, object: KubeObject): void {
  const uid = object.metadata.uid ?? '';
  const estimate = (engine.sizes.get(uid) ?? 0) + context.bodyBytes;
  const bytes = estimate < OBJECT_BYTES_MAX / 2 ? estimate : JSON.stringify(object).length;
  if (bytes > OBJECT_BYTES_MAX) throw new StatusFailure(500, '', 'etcdserver: request is too large');
  engine.sizes.set(uid, bytes);
}

function isFinished(object: KubeObject): boolean {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined) return false;
  if ((metadata['deletionGracePeriodSeconds'] ?? 0) !== 0) return false;
  return (metadata.finalizers ?? []).length === 0;
}

/** Reads what a client sent as an object, with metadata that is safe to look into. Throws StatusFailure 400. */
export function asObject(value: unknown): KubeObject {
  if (!isObject(value))
    throw badRequest('the object provided is unrecognized (must be of type Object): not a JSON object');
  return { ...value, metadata: readMeta(value) } as unknown as KubeObject;
}

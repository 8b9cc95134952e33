// Server-side apply: who owns what decides what is merged, refused or taken out.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { typedProblem } from './apply-typed.ts';
import { toStored } from './convert.ts';
import { type Engine, findStored, type WriteContext } from './engine.ts';
import {
  differenceOf,
  EMPTY_TREE,
  type FieldTree,
  intersectionOf,
  isEmptyTree,
  makeTree,
  pathsOf,
  unionOf,
} from './field-tree.ts';
import { mergeApplied, removeUnowned } from './field-merge.ts';
import { compareValues, fieldsOf } from './field-walk.ts';
import { isSame, shareWith, textAt } from './json.ts';
import {
  isSameManager,
  type Manager,
  managersOf,
  ownable,
  ownershipNode,
  takeChanges,
  withFields,
  withManagers,
} from './managed-fields.ts';
import { timeText, withMeta } from './metadata.ts';
import type { PatchOutcome } from './patch-outcome.ts';
import { groupVersion } from './served-kind.ts';
import { badRequest, conflict, notFound, StatusFailure } from './status.ts';
import { asObject, createObject, updateObject } from './write.ts';

/** Applies a configuration. Throws StatusFailure 400, 404, 409 (conflicts with managers, stale version), 422, 500. */
export function applyObject(engine: Engine, context: WriteContext, body: unknown, isForced: boolean): PatchOutcome {
  const applied = readApplied(context, body);
  const current = findStored(engine, context.kind, context.namespace, context.name);
  if (current === null) {
    if (context.subresource !== '') throw notFound(context.kind, context.name);
    const { resourceVersion: _version, ...metadata } = applied.metadata;
    if (metadata.uid !== undefined && metadata.uid !== '') throw uidOnCreate(context, metadata.uid);
    const first = withManagers(withMeta(applied, metadata), [applyManager(engine, context, applied)]);
    return { object: createObject(engine, { ...context, verb: 'create' }, first), isCreated: true };
  }
  const object = updateObject(engine, context, (live) => merged(engine, context, live, applied, isForced));
  return { object, isCreated: false };
}

function readApplied(context: WriteContext, body: unknown): KubeObject {
  const { kind, name } = context;
  if (!isObject(body)) throw badRequest('error decoding YAML: the document is not an object');
  if (textAt(body, 'kind') !== kind.kind || textAt(body, 'apiVersion') !== groupVersion(kind)) {
    throw badRequest(`invalid object type: ${textAt(body, 'apiVersion') || '/'}, Kind=${textAt(body, 'kind')}`);
  }
  const object = asObject(body);
  if (Array.isArray(object.metadata['managedFields'])) throw badRequest('metadata.managedFields must be nil');
  if (object.metadata.name !== '' && object.metadata.name !== name) {
    throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`);
  }
  const given = object.metadata.namespace;
  if (given !== undefined && given !== '' && given !== (context.namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  const problem = typedProblem(ownershipNode(kind), rest);
  if (problem !== null) {
    const version = groupVersion(kind);
    const title = `${object.metadata.namespace ?? ''}/${name}; ${version.includes('/') ? '' : '/'}${version}, Kind=${kind.kind}`;
    throw new StatusFailure(500, '', `failed to create typed patch object (${title}): ${problem}`);
  }
  return withoutOtherPart(context, toStored(kind, withMeta(object, { ...object.metadata, name })));
}

function uidOnCreate(context: WriteContext, uid: string): StatusFailure {
  const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
  return conflict(context.kind, context.name, why);
}

/** Applying the main resource says nothing of the status, and the other way round. */
function withoutOtherPart(context: WriteContext, object: KubeObject): KubeObject {
  if (!context.kind.hasStatus) return object;
  if (context.subresource === 'status') {
    const { apiVersion, kind, metadata } = object;
    return {
      apiVersion,
      kind,
      metadata: plainMeta(metadata),
      ...('status' in object ? { status: object['status'] } : {}),
    };
  }
  const { status: _status, ...rest } = object;
  return rest;
}

function plainMeta(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { name, namespace, resourceVersion, uid } = metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(uid === undefined ? {} : { uid }),
  };
}

function applyManager(engine: Engine, context: WriteContext, applied: KubeObject): Manager {
  return {
    manager: context.manager,
    operation: 'Apply',
    apiVersion: groupVersion(context.kind),
    subresource: context.subresource,
    time: timeText(engine.clock.nowMs()),
    fields: claimed(context, applied),
    entry: null,
  };
}

/** What an applied configuration claims; never the names of the object itself. */
function claimed(context: WriteContext, applied: KubeObject): FieldTree {
  const tree = fieldsOf(ownershipNode(context.kind), ownable(applied));
  const meta = tree.children.get('f:metadata');
  if (meta === undefined || meta.children.size > 0) return tree;
  const children = new Map(tree.children);
  children.delete('f:metadata');
  return makeTree(false, children);
}

function merged(
  engine: Engine,
  context: WriteContext,
  live: KubeObject,
  applied: KubeObject,
  isForced: boolean,
): KubeObject {
  const node = ownershipNode(context.kind);
  const base = ownable(live);
  const laid = shareWith(base, mergeApplied(node, base, ownable(applied)));
  const differences = compareValues(node, base, laid);
  const managers = withFirst(context, live, managersOf(live), engine);
  const mine = managers.find((manager) => isSameManager(manager, context));
  const others = managers.filter((manager) => !isSameManager(manager, context));
  if (!isForced) refuseConflicts(others, differences.changed);
  const rest = takeChanges(others, { changed: differences.changed, removed: EMPTY_TREE });
  const next = applyManager(engine, context, applied);
  const kept = rest.reduce((all, manager) => unionOf(all, manager.fields), next.fields);
  const last = mine?.fields ?? EMPTY_TREE;
  const pruned = removeUnowned(node, laid, last, kept) as Record<string, unknown>;
  const gone = compareValues(node, laid, pruned).removed;
  const left = rest.map((manager) => withFields(manager, differenceOf(manager.fields, gone)));
  const object = rebuild(live, applied, pruned);
  return withManagers(object, [...left, unchangedManager(mine, next, isSame(base, pruned))]);
}

/** An object that nobody has managed yet belongs to a manager of that name, so that the first apply meets conflicts. */
function withFirst(context: WriteContext, live: KubeObject, managers: Manager[], engine: Engine): Manager[] {
  if (managers.length > 0 || engine.options.isTrackingUpdates === false) return managers;
  const fields = fieldsOf(ownershipNode(context.kind), ownable(live));
  const { kind } = context;
  const first = {
    manager: 'before-first-apply',
    operation: 'Update',
    apiVersion: groupVersion(kind),
    subresource: '',
  } as const;
  return [{ ...first, time: undefined, fields, entry: null }];
}

/** An apply that changes nothing of the object leaves the time as it was, or absent. */
function unchangedManager(mine: Manager | undefined, next: Manager, isSameObject: boolean): Manager {
  if (!isSameObject) return next;
  const isSameFields =
    mine !== undefined &&
    isEmptyTree(differenceOf(mine.fields, next.fields)) &&
    isEmptyTree(differenceOf(next.fields, mine.fields));
  return isSameFields ? mine : { ...next, time: mine?.time };
}

function rebuild(live: KubeObject, applied: KubeObject, parts: Record<string, unknown>): KubeObject {
  const { metadata, ...rest } = parts;
  const { uid, resourceVersion } = applied.metadata;
  const kept: Record<string, unknown> = { ...(isObject(metadata) ? metadata : {}) };
  for (const member of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'generation',
    'managedFields',
    'resourceVersion',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ]) {
    if (live.metadata[member] !== undefined) kept[member] = live.metadata[member];
  }
  if (uid !== undefined && uid !== '') kept['uid'] = uid;
  if (resourceVersion !== undefined && resourceVersion !== '') kept['resourceVersion'] = resourceVersion;
  return { apiVersion: live.apiVersion, kind: live.kind, ...rest, metadata: kept as KubeObject['metadata'] };
}

function refuseConflicts(others: readonly Manager[], changed: FieldTree): void {
  const found = others
    .map((manager) => ({ manager, paths: pathsOf(intersectionOf(manager.fields, changed)) }))
    .filter(({ paths }) => paths.length > 0);
  const causes = found.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${showManager(manager)}`, field })),
  );
  const [only] = causes;
  if (only === undefined) return;
  const text =
    causes.length === 1
      ? `1 conflict: ${only.message}: ${only.field}`
      : `${causes.length} conflicts: ${found
          .flatMap(({ manager, paths }) => [
            `conflicts with ${showManager(manager)}:`,
            ...paths.map((path) => `- ${path}`),
          ])
          .join('\n')}`;
  throw new StatusFailure(409, 'Conflict', `Apply failed with ${text}`, { causes });
}

function showManager(manager: Manager): string {
  const subresource = manager.subresource === '' ? '' : ` with subresource "${manager.subresource}"`;
  const name = `"${manager.manager}"${subresource}`;
  if (manager.operation === 'Apply') return name;
  return `${name} using ${manager.apiVersion}`;
}

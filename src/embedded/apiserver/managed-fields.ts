// Keeps metadata.managedFields: which manager set which field, by apply or by update.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { toServed } from './convert.ts';
import type { Engine, WriteContext } from './engine.ts';
import { builtInSchema } from './schema-builtin.ts';
import { makeNode } from './schema-node.ts';
import type { SchemaNode } from './schema-types.ts';
import { groupVersion } from './served-kind.ts';
import type { ServedKind } from './types.ts';
import {
  differenceOf,
  EMPTY_TREE,
  type FieldTree,
  intersectionOf,
  isEmptyTree,
  makeTree,
  treeFromJson,
  treeToJson,
  unionOf,
} from './field-tree.ts';
import { compareValues, type Differences } from './field-walk.ts';
import { textAt } from './json.ts';
import { timeText, withMeta } from './metadata.ts';

/** One manager and what it owns. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldTree;
  /** The entry as it was read; kept while nothing of it changes. */
  readonly entry: unknown;
}

/** How many managers by update an entry each is kept for; the oldest are joined beyond that. */
const UPDATE_MANAGERS_MAX = 10;

/** Members of metadata that nobody owns. */
const UNOWNED_META = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/** The object without what nobody owns: for sets of fields. */
export function ownable(object: Partial<KubeObject>): Record<string, unknown> {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
  const meta: Record<string, unknown> = { ...metadata };
  for (const member of UNOWNED_META) delete meta[member];
  return { ...rest, metadata: meta };
}

const roots = new WeakMap<ServedKind, SchemaNode>();

/** The schema by which ownership of a kind is told; metadata is that of every kind. */
export function ownershipNode(kind: ServedKind): SchemaNode {
  const held = roots.get(kind);
  if (held !== undefined) return held;
  const base = formOf(kind) ?? makeNode({ type: 'object', additional: true });
  const properties = new Map(base.properties ?? []);
  properties.set('metadata', builtInSchema('ObjectMeta').root);
  const node = { ...base, properties };
  roots.set(kind, node);
  return node;
}

/** Events of the newer group are stored as older ones, and owned by their own names. */
function formOf(kind: ServedKind): SchemaNode | undefined {
  return kind.group === 'events.k8s.io' ? builtInSchema('EventsEvent').root : kind.schema?.root;
}

/** Reads the managers of an object. */
export function managersOf(object: KubeObject | null): Manager[] {
  const entries = object?.metadata['managedFields'];
  if (!Array.isArray(entries)) return [];
  return (entries as unknown[]).filter(isObject).map((entry) => ({
    manager: textAt(entry, 'manager'),
    operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update',
    apiVersion: textAt(entry, 'apiVersion'),
    subresource: textAt(entry, 'subresource'),
    time: typeof entry['time'] === 'string' ? entry['time'] : undefined,
    fields: treeFromJson(entry['fieldsV1']),
    entry,
  }));
}

/** The object with these managers. */
export function withManagers(object: KubeObject, managers: readonly Manager[]): KubeObject {
  const held = [...managers].filter((manager) => !isEmptyTree(manager.fields));
  const { managedFields: _old, ...meta } = object.metadata;
  if (held.length === 0) return withMeta(object, meta);
  return withMeta(object, { ...meta, managedFields: sortManagers(held).map(entryOf) });
}

function sortManagers(managers: readonly Manager[]): Manager[] {
  const rank = (manager: Manager): string =>
    `${manager.operation} ${manager.time ?? ''} ${manager.manager} ${manager.apiVersion} ${manager.subresource}`;
  return [...managers].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function entryOf(manager: Manager): unknown {
  if (manager.entry !== null) return manager.entry;
  return {
    manager: manager.manager,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time === undefined ? {} : { time: manager.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: treeToJson(manager.fields),
    ...(manager.subresource === '' ? {} : { subresource: manager.subresource }),
  };
}

/** A manager with other fields; the same one when they are the same. */
export function withFields(manager: Manager, fields: FieldTree): Manager {
  return fields === manager.fields ? manager : { ...manager, fields, entry: null };
}

/** True when the context writes as this manager. */
export function isSameManager(manager: Manager, context: WriteContext): boolean {
  return (
    manager.manager === context.manager &&
    manager.operation === context.operation &&
    manager.subresource === context.subresource &&
    manager.apiVersion === groupVersion(context.kind)
  );
}

/** The managers after a plain update took what it changed from everybody. */
export function takeChanges(managers: readonly Manager[], differences: Differences): Manager[] {
  const lost = unionOf(differences.changed, differences.removed);
  return managers.map((manager) => withFields(manager, differenceOf(manager.fields, lost)));
}

/** The object with its managers brought up to date for a plain update; an apply has seen to them already. */
export function noteUpdate(
  engine: Engine,
  context: WriteContext,
  old: KubeObject | null,
  next: KubeObject,
): KubeObject {
  if (context.operation === 'Apply') return next;
  if (engine.options.isTrackingUpdates === false) return next;
  if (old !== null && isReset(next.metadata['managedFields'])) return withManagers(next, []);
  const given = old === null ? [] : managersOf(next);
  // What nobody owned so far stays so until the first apply.
  if (old !== null && given.length === 0) return next;
  const differences = compareObjects(context.kind, old, next);
  const isUntouched = isEmptyTree(differences.changed) && isEmptyTree(differences.removed);
  if (isUntouched && old !== null) return next;
  const mine = given.find((manager) => isSameManager(manager, context));
  const others = takeChanges(
    given.filter((manager) => manager !== mine),
    differences,
  );
  // The real server records who scales only where somebody owned the replicas before.
  const isOwned = given.some((manager) => !isEmptyTree(intersectionOf(manager.fields, differences.changed)));
  const isUnrecorded = context.subresource === 'scale' && !isOwned;
  if (isUnrecorded || isEmptyTree(differences.changed)) {
    return withManagers(next, mine === undefined ? others : [...others, ...takeChanges([mine], differences)]);
  }
  return withManagers(next, joinOldest([...others, updateManager(engine, context, mine, differences)]));
}

/** An empty list, or one empty entry, asks for all managers to be forgotten. */
function isReset(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false;
  const [first] = entries as unknown[];
  return entries.length === 0 || (entries.length === 1 && isObject(first) && Object.keys(first).length === 0);
}

function updateManager(
  engine: Engine,
  context: WriteContext,
  mine: Manager | undefined,
  differences: Differences,
): Manager {
  const made: Manager = {
    manager: context.manager,
    operation: 'Update',
    apiVersion: groupVersion(context.kind),
    subresource: context.subresource,
    // Who scales is noted without a time.
    time: context.subresource === 'scale' ? mine?.time : timeText(engine.clock.nowMs()),
    fields: differences.changed,
    entry: null,
  };
  if (mine === undefined) return made;
  const left = differenceOf(mine.fields, differences.removed);
  const fields = unionOf(left, differences.changed);
  if (fields !== mine.fields || !isObject(mine.entry)) return { ...made, fields };
  // The same fields keep their text: only the time is new.
  return { ...made, fields, entry: made.time === undefined ? mine.entry : { ...mine.entry, time: made.time } };
}

/** What differs between two objects, as far as anybody can own it. */
function compareObjects(kind: ServedKind, old: KubeObject | null, next: KubeObject): Differences {
  const node = ownershipNode(kind);
  const before = old === null ? { metadata: {} } : ownable(toServed(kind, old));
  const differences = compareValues(node, before, ownable(toServed(kind, next)));
  return old === null ? { ...differences, changed: dropEmptyMeta(differences.changed) } : differences;
}

function dropEmptyMeta(tree: FieldTree): FieldTree {
  const meta = tree.children.get('f:metadata');
  if (meta === undefined) return tree;
  const children = new Map(tree.children);
  if (meta.children.size === 0) children.delete('f:metadata');
  else children.set('f:metadata', makeTree(false, meta.children));
  return makeTree(tree.isOwned, children);
}

function joinOldest(managers: Manager[]): Manager[] {
  const updates = managers.filter((manager) => manager.operation === 'Update' && manager.subresource === '');
  if (updates.length <= UPDATE_MANAGERS_MAX) return managers;
  const oldest = sortManagers(updates).slice(0, updates.length - UPDATE_MANAGERS_MAX + 1);
  const fields = oldest.reduce((all, manager) => unionOf(all, manager.fields), EMPTY_TREE);
  const joined: Manager = { ...oldest.at(-1)!, manager: 'ancient-changes', fields, entry: null };
  return [...managers.filter((manager) => !oldest.includes(manager)), joined];
}

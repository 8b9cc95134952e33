// Refuses every write that is not fenced, before anything is sent (design decision 5).
import { BugError } from '../errors.ts';
import type { KubeObject, ObjectRef, PatchOperation, ResourceKind } from './contract.ts';
import { apiVersionOf, describeRef, refTo } from './kinds.ts';
import { FENCE_PATH } from './patches.ts';

/** Checks that a create carries no version, and that the object is of the kind. Throws BugError. */
export function checkCreate(object: KubeObject, kind: ResourceKind): ObjectRef {
  const ref = checkKind('create', object, kind);
  if (object.metadata.resourceVersion) {
    throw new BugError(`Cannot create ${describeRef(ref)}: it carries a resourceVersion, so it exists already`);
  }
  return ref;
}

/** Checks that an apply or a replace carries the version on which it was decided. Throws BugError. */
export function checkVersioned(verb: string, object: KubeObject, kind: ResourceKind): ObjectRef {
  const ref = checkKind(verb, object, kind);
  if (!object.metadata.resourceVersion) throw unfenced(verb, ref, 'metadata.resourceVersion is missing');
  return ref;
}

/** Checks that an apply names the very object that was observed: the server creates one that is gone unless the uid says which. Throws BugError. */
export function checkApply(object: KubeObject, kind: ResourceKind): ObjectRef {
  const ref = checkVersioned('apply', object, kind);
  if (!object.metadata.uid) throw unfenced('apply', ref, 'metadata.uid is missing');
  return ref;
}

/** Checks that a patch replaces the version by the one observed, and that no later operation takes that back. Throws BugError. */
export function checkPatch(ref: ObjectRef, operations: readonly PatchOperation[]): void {
  const at = operations.findIndex(({ op, path }) => op === 'replace' && path === FENCE_PATH);
  const version = operations[at]?.value;
  if (typeof version !== 'string' || version === '') {
    throw unfenced('patch', ref, `no operation replaces ${FENCE_PATH} by the version observed`);
  }
  for (const [index, { op, path }] of operations.entries()) {
    const isFenceTouched = path === '' || path === '/metadata' || path === FENCE_PATH;
    if (index !== at && op !== 'test' && isFenceTouched) {
      throw unfenced('patch', ref, `operation ${index} (${op} "${path}") writes over the fence`);
    }
  }
}

/** Checks that a delete names exactly one object at one version. Throws BugError. */
export function checkRemove(ref: ObjectRef, uid: string, resourceVersion: string): void {
  if (!uid || !resourceVersion) throw unfenced('delete', ref, 'uid and resourceVersion must both be given');
}

function checkKind(verb: string, object: KubeObject, kind: ResourceKind): ObjectRef {
  const ref = refTo(kind, object);
  if (object.kind !== kind.kind || object.apiVersion !== apiVersionOf(kind)) {
    const found = `${object.apiVersion} ${object.kind}`;
    throw new BugError(
      `Cannot ${verb} ${describeRef(ref)}: it is a ${found}, must be a ${apiVersionOf(kind)} ${kind.kind}`,
    );
  }
  return ref;
}

function unfenced(verb: string, ref: ObjectRef, why: string): BugError {
  return new BugError(`Cannot ${verb} ${describeRef(ref)}: the write is not fenced: ${why}`);
}

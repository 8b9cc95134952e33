// The URL paths of the Kubernetes API.
import { BugError } from '../errors.ts';
import type { ObjectRef, ResourceKind } from './contract.ts';
import { describeRef } from './kinds.ts';

/** Path of one version of a group: `/api/v1` for the core group. */
export function groupVersionPath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** Path of all objects of a kind, in one namespace or, with null, in all. */
export function collectionPath(kind: ResourceKind, namespace: string | null): string {
  const base = groupVersionPath(kind.group, kind.version);
  if (!kind.namespaced || namespace === null) return `${base}/${kind.plural}`;
  return `${base}/namespaces/${checkSegment(namespace, `namespace of ${kind.kind}`)}/${kind.plural}`;
}

/** Path of one object. Throws BugError for a name that is no path segment: an empty one would mean all objects of the kind. */
export function objectPath(ref: ObjectRef, subresource?: 'status'): string {
  if (ref.kind.namespaced && ref.namespace === null) {
    throw new BugError(`Cannot address ${describeRef(ref)}: the kind is namespaced and no namespace is given`);
  }
  const name = checkSegment(ref.name, `name of ${describeRef(ref)}`);
  const path = `${collectionPath(ref.kind, ref.namespace)}/${name}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Appends a query; members that are undefined or empty are left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') parameters.set(name, value);
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}

// The API server's own rule for names in paths (IsValidPathSegmentName), plus the empty one.
function checkSegment(segment: string, what: string): string {
  if (segment === '' || segment === '.' || segment === '..' || /[/%]/.test(segment)) {
    throw new BugError(`Cannot address the API: the ${what} is "${segment}", which is no path segment`);
  }
  return encodeURIComponent(segment);
}

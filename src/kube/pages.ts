// One page of a list: its address, and what its answer must look like.
import { TransientError } from '../errors.ts';
import { isObject } from '../util/json.ts';
import type { KubeObject, ListOptions, ResourceKind } from './contract.ts';
import { apiVersionOf } from './kinds.ts';
import { collectionPath, withQuery } from './paths.ts';

const PAGE_SIZE = 500;

/** A page. An empty token is the last page's. */
export interface Page {
  readonly items: readonly KubeObject[];
  readonly version: string;
  readonly token: string;
}

/** Path and query of a page. `token` is empty for the first, which alone may say how old it may be. */
export function pagePath(kind: ResourceKind, namespace: string | null, options: ListOptions, token: string): string {
  const isFirst = token === '';
  return withQuery(collectionPath(kind, namespace), {
    limit: String(PAGE_SIZE),
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    continue: token,
    ...(isFirst && options.resourceVersion
      ? { resourceVersion: options.resourceVersion, resourceVersionMatch: 'NotOlderThan' }
      : {}),
  });
}

/** The page of an answer. Throws TransientError for anything that is no list, or that holds an item without identity. */
export function readPage(value: unknown, kind: ResourceKind, what: string): Page {
  const metadata = isObject(value) ? value['metadata'] : undefined;
  const isList = isObject(value) && typeof value['kind'] === 'string' && value['kind'].endsWith('List');
  const version = isObject(metadata) ? metadata['resourceVersion'] : undefined;
  if (!isList || !isObject(metadata) || typeof version !== 'string' || version === '') {
    throw new TransientError('IO_PROTOCOL', `${what}: the answer is no list with a resourceVersion`);
  }
  const apiVersion = apiVersionOf(kind);
  const items: KubeObject[] = [];
  // Items of built-in kinds come without apiVersion and kind; an empty list may come as null.
  for (const item of Array.isArray(value['items']) ? (value['items'] as unknown[]) : []) {
    const object = { apiVersion, kind: kind.kind, ...(item as object) } as KubeObject;
    if (
      !isObject(object.metadata) ||
      !object.metadata.name ||
      !object.metadata.uid ||
      !object.metadata.resourceVersion
    ) {
      throw new TransientError('IO_PROTOCOL', `${what}: an item has no name, uid or resourceVersion`);
    }
    items.push(object);
  }
  const token = metadata['continue'];
  return { items, version, token: typeof token === 'string' ? token : '' };
}

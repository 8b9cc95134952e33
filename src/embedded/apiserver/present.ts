// Brings objects into the form that was asked for: whole, as a table, or metadata only.
import type { KubeObject } from '../../kube/contract.ts';
import { toServed } from './convert.ts';
import type { Members } from './json.ts';
import { groupVersion } from './served-kind.ts';
import type { ListMeta, Presentation } from './presentation.ts';
import { rowsOf, tableOf } from './table.ts';

/** One object as the asker wants it. */
export function presentObject(how: Presentation, stored: KubeObject): unknown {
  const object = toServed(how.kind, stored);
  if (how.form === 'partial') return partial(object);
  if (how.form === 'table') return tableOf(how, { resourceVersion: object.metadata.resourceVersion ?? '' }, [object]);
  return object;
}

const texts = new WeakMap<KubeObject, string>();

/** The JSON text of a stored object, made once for its reader, its writer and all watchers. Null when it is shown otherwise. */
export function storedText(how: Presentation, stored: KubeObject): string | null {
  if (how.form !== 'object' || toServed(how.kind, stored) !== stored) return null;
  const held = texts.get(stored);
  if (held !== undefined) return held;
  const text = JSON.stringify(stored);
  texts.set(stored, text);
  return text;
}

/** A list as the asker wants it. */
export function presentList(how: Presentation, stored: readonly KubeObject[], metadata: ListMeta): unknown {
  const objects = stored.map((object) => toServed(how.kind, object));
  if (how.form === 'table') return tableOf(how, metadata, objects);
  if (how.form === 'partial') {
    const head = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata };
    return { ...head, items: objects.map(partial) };
  }
  const head = { kind: how.kind.listKind, apiVersion: groupVersion(how.kind) };
  // Lists of custom kinds say that there is no more, those of built-in ones leave it out.
  if (how.kind.isCustom) return { ...head, metadata: { continue: '', ...metadata }, items: objects };
  return { ...head, metadata, items: objects.map(withoutType) };
}

/** Items of lists of built-in kinds do not carry their type, as on the real server. */
function withoutType(object: KubeObject): Members {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest;
}

/** An object of a watch event. A table carries its columns only in the first event. */
export function presentEvent(how: Presentation, stored: KubeObject, isFirst: boolean): unknown {
  const object = toServed(how.kind, stored);
  if (how.form === 'partial') return partial(object);
  if (how.form !== 'table') return object;
  const table = tableOf(how, { resourceVersion: object.metadata.resourceVersion ?? '' }, [object]);
  return isFirst ? table : { ...table, columnDefinitions: null };
}

/** A bookmark in the form of the watch. */
export function presentBookmark(how: Presentation, resourceVersion: string, isInitialEnd: boolean): unknown {
  const annotations = isInitialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const metadata = { resourceVersion, ...annotations };
  if (how.form === 'partial') return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
  const object = { kind: how.kind.kind, apiVersion: groupVersion(how.kind), metadata };
  if (how.form !== 'table') return object;
  const head = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion } };
  return { ...head, columnDefinitions: null, rows: rowsOf(how, [object as unknown as KubeObject]) };
}

function partial(object: KubeObject): Members {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

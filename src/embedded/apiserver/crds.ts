// Serves the kinds of CustomResourceDefinitions as they come, change and go.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import type { Engine } from './engine.ts';
import { listAt, type Members, objectAt, textAt } from './json.ts';
import { customSchema } from './schema-json.ts';
import type { ObjectSchema } from './schema-types.ts';
import { serveKind } from './served-kind.ts';
import type { Commit, PrinterColumn, ScalePaths, ServedKind } from './types.ts';

const AGE: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is represented in RFC3339 form and is in UTC.',
};

/** Follows the CRDs among the commits. */
export function followCrds(engine: Engine): (commit: Commit) => void {
  return (commit) => {
    if (commit.kind.storageId !== 'apiextensions.k8s.io/CustomResourceDefinition') return;
    if (commit.after === null) {
      removeKinds(engine, commit.before!);
      return;
    }
    if (commit.before !== null && commit.before['spec'] === commit.after['spec']) return;
    if (commit.before !== null) retire(engine, commit.before, commit.after);
    for (const kind of kindsOf(engine, commit.after)) engine.registry.add(kind);
  };
}

/** Versions that a changed CRD no longer serves. */
function retire(engine: Engine, before: KubeObject, after: KubeObject): void {
  const kept = new Set(kindsOf(engine, after).map((kind) => kind.version));
  for (const kind of kindsOf(engine, before)) if (!kept.has(kind.version)) engine.registry.remove(kind);
}

function removeKinds(engine: Engine, crd: KubeObject): void {
  for (const kind of kindsOf(engine, crd)) {
    const place = engine.store.storage(kind.storageId);
    for (const key of Array.from(place.objects.keys())) engine.store.commit(place, key, null);
    engine.registry.remove(kind);
  }
}

const schemas = new WeakMap<object, ObjectSchema>();

/** Schemas are read once, however many servers are given the same CRD. */
function schemaOf(schema: unknown): ObjectSchema | null {
  if (!isObject(schema)) return null;
  const held = schemas.get(schema);
  if (held !== undefined) return held;
  const made = customSchema(schema);
  schemas.set(schema, made);
  return made;
}

function kindsOf(engine: Engine, crd: KubeObject): ServedKind[] {
  const spec = objectAt(crd, 'spec');
  const versions = listAt(spec, 'versions').filter(isObject);
  const stored = textAt(
    versions.find((version) => version['storage'] === true),
    'name',
  );
  return versions
    .filter((version) => version['served'] === true)
    .map((version) => kindOf(engine, crd.metadata.name, spec, version, stored));
}

function kindOf(engine: Engine, crdName: string, spec: Members, version: Members, stored: string): ServedKind {
  const names = objectAt(spec, 'names');
  const base = {
    group: textAt(spec, 'group'),
    version: textAt(version, 'name'),
    kind: textAt(names, 'kind'),
    plural: textAt(names, 'plural'),
    namespaced: textAt(spec, 'scope') === 'Namespaced',
  };
  // A CRD for a kind that was known by name only takes over its objects.
  const known = engine.registry.find(base.group, stored, base.plural);
  const subresources = objectAt(version, 'subresources');
  const columns = listAt(version, 'additionalPrinterColumns') as readonly PrinterColumn[];
  return serveKind(base, {
    singular: textAt(names, 'singular') || base.kind.toLowerCase(),
    listKind: textAt(names, 'listKind') || `${base.kind}List`,
    shortNames: listAt(names, 'shortNames') as readonly string[],
    categories: listAt(names, 'categories') as readonly string[],
    storageId: known?.storageId ?? `${base.group}/${base.kind}`,
    storageVersion: `${base.group}/${stored}`,
    isCustom: true,
    hasStatus: isObject(subresources['status']),
    scale: isObject(subresources['scale']) ? (subresources['scale'] as unknown as ScalePaths) : null,
    hasGeneration: true,
    schema: schemaOf(objectAt(version, 'schema')['openAPIV3Schema']),
    columns: columns.length === 0 ? [AGE] : columns,
    selectableFields: listAt(version, 'selectableFields').map((field) => textAt(field, 'jsonPath')),
    crdName,
  });
}

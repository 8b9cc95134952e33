// Our flagger.app CRDs against the vendor's: whatever the vendor's takes, ours takes.
import { describe, expect, it } from 'vitest';
import { crdOf, KINDS, type KindName } from '../../../src/api/crd.ts';
import { hasVendorCrds, readVendorCrds } from '../../support/vendor-crds.ts';

interface Schema {
  type?: string;
  enum?: unknown[];
  pattern?: string;
  required?: string[];
  oneOf?: { required?: string[] }[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  description?: string;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

interface Crd {
  spec: {
    names: Record<string, unknown>;
    versions: {
      name: string;
      subresources: unknown;
      additionalPrinterColumns: { name: string }[];
      schema: { openAPIV3Schema: Schema };
    }[];
  };
}

const isThere = hasVendorCrds('flagger');
const vendors = isThere ? (readVendorCrds('flagger', 'crd.yaml') as unknown as Crd[]) : [];
const vendorOf = (kind: KindName): Crd => vendors.find((crd) => crd.spec.names['kind'] === kind)!;
const ourOf = (kind: KindName): Crd => crdOf(kind, 'flagger.app') as unknown as Crd;
const rootOf = (crd: Crd): Schema => crd.spec.versions[0]!.schema.openAPIV3Schema;

/** Durations as users have them; the vendor's pattern has no end anchor. */
const DURATIONS = ['10s', '1m', '90m', '10ms', '1m30s', '60sx', '1h', '', 'x'];

/** What ours refuses of what the vendor's takes, by path. */
function differences(theirs: Schema, ours: Schema | undefined, path: string): string[] {
  if (ours === undefined) return [`${path}: missing`];
  const found: string[] = [];
  // Counts and weights are `number` there and int in Flagger's own types: a fraction never could be read.
  const types = theirs.type === 'number' ? ['number', 'integer'] : [theirs.type];
  if (!types.includes(ours.type)) found.push(`${path}: type ${String(ours.type)} instead of ${String(theirs.type)}`);
  if (theirs['x-kubernetes-int-or-string'] !== ours['x-kubernetes-int-or-string']) found.push(`${path}: int-or-string`);
  if (ours.enum !== undefined) {
    if (theirs.enum === undefined) found.push(`${path}: an enum where there is none`);
    for (const value of theirs.enum ?? [])
      if (!ours.enum.includes(value)) found.push(`${path}: value ${String(value)}`);
  }
  const [branch, ...branches] = theirs.oneOf ?? [];
  const inAll = (branch?.required ?? []).filter((name) => branches.every((other) => other.required?.includes(name)));
  for (const name of ours.required ?? [])
    if (![...(theirs.required ?? []), ...inAll].includes(name) && path !== '') found.push(`${path}: requires ${name}`);
  if (theirs.pattern !== undefined && ours.pattern !== theirs.pattern) {
    for (const text of DURATIONS) {
      if (new RegExp(theirs.pattern).test(text) && !new RegExp(ours.pattern ?? '').test(text))
        found.push(`${path}: refuses "${text}"`);
    }
  }
  if (theirs.pattern === undefined && ours.pattern !== undefined) found.push(`${path}: a pattern where there is none`);
  if (JSON.stringify(theirs.default) !== JSON.stringify(ours.default))
    found.push(`${path}: default ${JSON.stringify(ours.default)}`);
  if (theirs.maxItems !== undefined && (ours.maxItems ?? Infinity) < theirs.maxItems) found.push(`${path}: maxItems`);
  for (const [name, child] of Object.entries(theirs.properties ?? {})) {
    if (path === '' && ['apiVersion', 'kind', 'metadata'].includes(name)) continue;
    found.push(...differences(child, ours.properties?.[name], `${path}.${name}`));
  }
  if (theirs.items !== undefined) found.push(...differences(theirs.items, ours.items, `${path}[]`));
  if (theirs.additionalProperties !== undefined)
    found.push(...differences(theirs.additionalProperties, ours.additionalProperties, `${path}{}`));
  return found;
}

/** Members of ours that the vendor's does not have, with a default that would change stored objects. */
function ownDefaults(theirs: Schema | undefined, ours: Schema, path: string): string[] {
  const found = ours.default !== undefined && theirs?.default === undefined ? [path] : [];
  for (const [name, child] of Object.entries(ours.properties ?? {}))
    found.push(...ownDefaults(theirs?.properties?.[name], child, `${path}.${name}`));
  if (ours.items !== undefined) found.push(...ownDefaults(theirs?.items, ours.items, `${path}[]`));
  return found;
}

function sentencesOf(schema: Schema): string[] {
  return [
    ...(schema.description === undefined ? [] : [schema.description]),
    ...Object.values(schema.properties ?? {}).flatMap(sentencesOf),
    ...(schema.items === undefined ? [] : sentencesOf(schema.items)),
    ...(schema.additionalProperties === undefined ? [] : sentencesOf(schema.additionalProperties)),
  ];
}

describe.skipIf(!isThere)("flagger.app CRDs against the vendor's (../shared/crds)", () => {
  it.each(KINDS)('%s takes every field and value that the vendor takes', (kind) => {
    expect(differences(rootOf(vendorOf(kind)), rootOf(ourOf(kind)), '')).toEqual([]);
  });

  it.each(KINDS)('%s has no schema default that the vendor lacks', (kind) => {
    expect(ownDefaults(rootOf(vendorOf(kind)), rootOf(ourOf(kind)), '')).toEqual([]);
  });

  it.each(KINDS)('%s has the same names, version and subresources', (kind) => {
    const [theirs, ours] = [vendorOf(kind), ourOf(kind)];
    expect(ours.spec.names).toMatchObject({ ...theirs.spec.names, categories: ['all', 'serin'] });
    expect(ours.spec.versions[0]).toMatchObject({
      name: theirs.spec.versions[0]!.name,
      subresources: theirs.spec.versions[0]!.subresources,
    });
  });

  it.each(KINDS)("%s shows the vendor's columns first, in the same order", (kind) => {
    const theirs = vendorOf(kind).spec.versions[0]!.additionalPrinterColumns;
    expect(ourOf(kind).spec.versions[0]!.additionalPrinterColumns.slice(0, theirs.length)).toEqual(theirs);
  });

  it('describes fields in words of its own', () => {
    const theirs = new Set(vendors.flatMap((crd) => sentencesOf(rootOf(crd))));
    const copied = KINDS.flatMap((kind) => sentencesOf(rootOf(ourOf(kind)))).filter((sentence) => theirs.has(sentence));
    expect(copied).toEqual([]);
  });

  it('notices a field that is missing and an enum that is narrower', () => {
    const theirs = rootOf(vendorOf('Canary'));
    const ours = structuredClone(rootOf(ourOf('Canary')));
    delete ours.properties!['spec']!.properties!['routeRef'];
    ours.properties!['spec']!.properties!['provider']!.enum = ['istio'];
    const found = differences(theirs, ours, '');
    expect(found).toContain('.spec.routeRef: missing');
    expect(found).toContain('.spec.provider: value contour');
  });
});

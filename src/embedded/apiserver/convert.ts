// Turns stored objects into the version that is asked for, and back. Only events differ by more than apiVersion.
import type { KubeObject } from '../../kube/contract.ts';
import { groupVersion } from './served-kind.ts';
import type { ServedKind } from './types.ts';

/** The object as a client of this version sees it. */
export function toServed(kind: ServedKind, stored: KubeObject): KubeObject {
  const apiVersion = groupVersion(kind);
  if (apiVersion === kind.storageVersion) return stored;
  if (kind.storageId === '/Event') return withoutEmpty(rename(stored, apiVersion, CORE_TO_EVENTS));
  return stored.apiVersion === apiVersion ? stored : { ...stored, apiVersion };
}

/** The object as it is stored. */
export function toStored(kind: ServedKind, served: KubeObject): KubeObject {
  if (groupVersion(kind) === kind.storageVersion) return served;
  if (kind.storageId === '/Event') return rename(served, kind.storageVersion, EVENTS_TO_CORE);
  return { ...served, apiVersion: kind.storageVersion };
}

const CORE_TO_EVENTS: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  reportingComponent: 'reportingController',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
};

const EVENTS_TO_CORE: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(CORE_TO_EVENTS).map(([core, events]) => [events, core]),
);

/** Texts that are empty are left out of the newer form. */
function withoutEmpty(object: KubeObject): KubeObject {
  const result: KubeObject = { ...object };
  for (const name of ['reportingController', 'reportingInstance']) if (result[name] === '') delete result[name];
  return result;
}

function rename(object: KubeObject, apiVersion: string, names: Readonly<Record<string, string>>): KubeObject {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) result[names[key] ?? key] = value;
  return { ...result, apiVersion, kind: object.kind, metadata: object.metadata };
}

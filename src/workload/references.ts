// Where a pod template names ConfigMaps and Secrets: found and rewritten by one walk, so that both know the same sites.
import { copyJson, isObject } from '../util/json.ts';
import type { JsonObject } from '../util/json.ts';
import { listOf, objectOf } from './fields.ts';

/** A kind of config, as it appears in keys such as `configmap/<name>`. */
export type ConfigKind = 'configmap' | 'secret';

/** One config that a template refers to. */
export interface ConfigReference {
  readonly key: string;
  readonly kind: ConfigKind;
  readonly name: string;
  /** Every site marks it `optional`, so that it may be missing. */
  readonly isOptional: boolean;
}

const configKey = (kind: ConfigKind, name: string): string => `${kind}/${name}`;

/** Takes a key such as `configmap/<name>` apart. */
export function parseConfigKey(key: string): { readonly kind: ConfigKind; readonly name: string } {
  const slash = key.indexOf('/');
  return { kind: key.slice(0, slash) === 'secret' ? 'secret' : 'configmap', name: key.slice(slash + 1) };
}

type Visit = (kind: ConfigKind, holder: Record<string, unknown>, member: 'name' | 'secretName') => void;

/** The configs that a template refers to, each once, in the order of first mention. */
export function referencesOf(template: JsonObject): readonly ConfigReference[] {
  const found = new Map<string, ConfigReference>();
  visitReferences(template, (kind, holder, member) => {
    const name = holder[member];
    if (typeof name !== 'string' || name === '') return;
    const key = configKey(kind, name);
    const isOptional = holder['optional'] === true && (found.get(key)?.isOptional ?? true);
    found.set(key, { key, kind, name, isOptional });
  });
  return [...found.values()];
}

/** A copy of the template in which the configs with these keys go by other names. */
export function renameReferences(template: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const copy = copyJson(template);
  visitReferences(copy, (kind, holder, member) => {
    const name = holder[member];
    if (typeof name !== 'string') return;
    const key = configKey(kind, name);
    if (Object.hasOwn(names, key)) holder[member] = names[key];
  });
  return copy;
}

/** All sites: volumes (also projected), env and envFrom of containers and init containers. */
function visitReferences(template: JsonObject, visit: Visit): void {
  const spec = objectOf(template, 'spec');
  for (const volume of listOf(spec, 'volumes')) {
    visitIf(volume['configMap'], 'configmap', 'name', visit);
    visitIf(volume['secret'], 'secret', 'secretName', visit);
    for (const source of listOf(volume, 'projected', 'sources')) {
      visitIf(source['configMap'], 'configmap', 'name', visit);
      visitIf(source['secret'], 'secret', 'name', visit);
    }
  }
  for (const container of [...listOf(spec, 'initContainers'), ...listOf(spec, 'containers')]) {
    for (const variable of listOf(container, 'env')) {
      const source = objectOf(variable, 'valueFrom');
      visitIf(source['configMapKeyRef'], 'configmap', 'name', visit);
      visitIf(source['secretKeyRef'], 'secret', 'name', visit);
    }
    for (const source of listOf(container, 'envFrom')) {
      visitIf(source['configMapRef'], 'configmap', 'name', visit);
      visitIf(source['secretRef'], 'secret', 'name', visit);
    }
  }
}

function visitIf(holder: unknown, kind: ConfigKind, member: 'name' | 'secretName', visit: Visit): void {
  if (isObject(holder)) visit(kind, holder, member);
}

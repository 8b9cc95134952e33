// The chart's rules as RBAC applies them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { AccessAttributes } from '../../../src/embedded/apiserver/types.ts';

/** A rule of a ClusterRole. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/**
 * What the chart grants the controller with these providers and groups, in the order in which it is rendered; `owners` with what
 * `rbac.ownerReferences` adds.
 */
export function controllerRules(
  providers: readonly string[],
  groups: readonly string[],
  owners: 'owners' | null = null,
): readonly Rule[] {
  const names = ['controller', ...groups.map((group) => `group-${group}`), ...providers.map((name) => `mesh-${name}`)];
  const files = names.map((name) => {
    const path = fileURLToPath(new URL(`../../../charts/serin/files/rbac/${name}.yaml`, import.meta.url));
    return parse(readFileSync(path, 'utf8')) as { readonly rules: Rule[]; readonly ownerRules: Rule[] };
  });
  const rules = files.flatMap((file) => file.rules);
  return owners === null ? rules : [...rules, ...files.flatMap(({ ownerRules }) => ownerRules)];
}

/** The grants of rules, as `group/resource verb`. */
export function grantsOf(rules: readonly Rule[]): readonly string[] {
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`))),
  );
}

/** The grant that a request needs. */
export function grantFor({ group, resource, subresource, verb }: AccessAttributes): string {
  return `${group}/${resource}${subresource === '' ? '' : `/${subresource}`} ${verb}`;
}

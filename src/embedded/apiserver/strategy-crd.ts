// CustomResourceDefinitions: what they must say, and the conditions that they get.
import type { KubeObject } from '../../kube/contract.ts';
import { messageOf } from '../../errors.ts';
import { isObject } from '../../util/json.ts';
import { compileRule } from './cel.ts';
import { listAt, type Members, objectAt, textAt } from './json.ts';
import { timeText } from './metadata.ts';
import { withDefaults } from './pod-defaults.ts';
import type { CelRule, JsonSchema } from './schema-types.ts';
import { type FieldProblem, invalidValue, notSupported, required } from './status.ts';
import type { Strategy } from './strategy-types.ts';

/** Hooks of CRDs. They are established at once. */
export const crdStrategy: Strategy = {
  default(object) {
    const spec = objectAt(object, 'spec');
    const names = objectAt(spec, 'names');
    const kind = textAt(names, 'kind');
    const filled = withDefaults(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
    return { ...object, spec: { ...withDefaults(spec, { conversion: { strategy: 'None' } }), names: filled } };
  },
  prepare(engine, next, old) {
    const spec = objectAt(next, 'spec');
    const held = objectAt(old, 'status');
    const stored = listAt(spec, 'versions').find((version) => isObject(version) && version['storage'] === true);
    const storedVersions = [...new Set([...listAt(held, 'storedVersions'), textAt(stored, 'name')])];
    const since = timeText(engine.clock.nowMs());
    const conditions = old === null ? firstConditions(since) : listAt(held, 'conditions');
    return { ...next, status: { conditions, acceptedNames: spec['names'], storedVersions } };
  },
  validate(next, old) {
    const spec = objectAt(next, 'spec');
    if (spec === old?.['spec']) return [];
    return [...checkNames(next, spec), ...checkVersions(spec), ...checkFixed(spec, old)];
  },
};

function firstConditions(since: string): Members[] {
  const condition = (type: string, reason: string, message: string): Members => ({
    type,
    status: 'True',
    lastTransitionTime: since,
    reason,
    message,
  });
  return [
    condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
    condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
  ];
}

function checkNames(next: KubeObject, spec: Members): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const names = objectAt(spec, 'names');
  const [group, plural] = [textAt(spec, 'group'), textAt(names, 'plural')];
  const { name } = next.metadata;
  if (name !== `${plural}.${group}`) {
    problems.push(invalidValue('metadata.name', name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (group === '') problems.push(required('spec.group'));
  if (plural === '') problems.push(required('spec.names.plural'));
  if (textAt(names, 'kind') === '') problems.push(required('spec.names.kind'));
  const scope = textAt(spec, 'scope');
  if (scope !== 'Namespaced' && scope !== 'Cluster') {
    problems.push(scope === '' ? required('spec.scope') : notSupported('spec.scope', scope, ['Cluster', 'Namespaced']));
  }
  return problems;
}

function checkVersions(spec: Members): FieldProblem[] {
  const versions = listAt(spec, 'versions');
  const problems: FieldProblem[] = [];
  const stored = versions.filter((version) => isObject(version) && version['storage'] === true);
  if (stored.length !== 1) {
    const detail = 'must have exactly one version marked as storage version';
    problems.push(invalidValue('spec.versions', versions, detail));
  }
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}].schema.openAPIV3Schema`;
    const schema = objectAt(version, 'schema')['openAPIV3Schema'];
    if (!isObject(schema)) problems.push(required(path));
    else problems.push(...checkOnce(schema, path));
  }
  return problems;
}

const good = new WeakSet<JsonSchema>();

/** A schema that was found good is not looked at again, however many servers get it. */
function checkOnce(schema: JsonSchema, path: string): FieldProblem[] {
  if (good.has(schema)) return [];
  const problems = checkStructure(schema, path, true);
  if (problems.length === 0) good.add(schema);
  return problems;
}

/** The rules of structural schemas that are most often broken, and the rules in CEL, which must be readable. */
function checkStructure(schema: JsonSchema, path: string, isRoot: boolean): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const isFree =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.type === undefined && !isFree) {
    const place = isRoot ? 'at the root' : 'for specified object fields';
    problems.push(required(`${path}.type`, isRoot ? `must not be empty ${place}` : `must not be empty ${place}`));
  }
  if (schema['x-kubernetes-list-type'] === 'map' && (schema['x-kubernetes-list-map-keys'] ?? []).length === 0) {
    const detail = 'must not be empty if x-kubernetes-list-type is map';
    problems.push(required(`${path}.x-kubernetes-list-map-keys`, detail));
  }
  for (const [index, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    problems.push(...checkRule(rule, `${path}.x-kubernetes-validations[${index}].rule`));
  }
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (isRoot && name === 'metadata') continue;
    problems.push(...checkStructure(member, `${path}.properties[${name}]`, false));
  }
  if (schema.items !== undefined) problems.push(...checkStructure(schema.items, `${path}.items`, false));
  const { additionalProperties } = schema;
  if (typeof additionalProperties === 'object') {
    problems.push(...checkStructure(additionalProperties, `${path}.additionalProperties`, false));
  }
  return problems;
}

function checkRule(rule: CelRule, field: string): FieldProblem[] {
  try {
    compileRule(rule);
    return [];
  } catch (error) {
    return [invalidValue(field, rule.rule, `compilation failed: ${messageOf(error)}`)];
  }
}

function checkFixed(spec: Members, old: KubeObject | null): FieldProblem[] {
  if (old === null) return [];
  const before = objectAt(old, 'spec');
  const problems: FieldProblem[] = [];
  for (const member of ['group', 'scope']) {
    if (spec[member] !== before[member])
      problems.push(invalidValue(`spec.${member}`, spec[member], 'field is immutable'));
  }
  return problems;
}

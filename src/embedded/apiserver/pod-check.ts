// What the server finds wrong with pod templates and selectors.
import { isObject } from '../../util/json.ts';
import { isSame, listAt, type Members, objectAt, textAt } from './json.ts';
import { checkDnsLabel, checkLabels } from './metadata.ts';
import { duplicate, type FieldProblem, forbiddenField, invalidValue, notSupported, required } from './status.ts';

/** What is wrong with a template of a workload; parts identical to `old` are not looked at. */
export function checkTemplate(template: unknown, old: unknown, path: string): FieldProblem[] {
  if (template === old && old !== undefined) return [];
  return [
    ...checkLabels(objectAt(template, 'metadata')['labels'], `${path}.metadata.labels`),
    ...checkPodSpec(objectAt(template, 'spec'), `${path}.spec`),
    ...checkRestart(objectAt(template, 'spec'), `${path}.spec`),
  ];
}

function checkRestart(spec: Members, path: string): FieldProblem[] {
  const policy = textAt(spec, 'restartPolicy');
  return policy === 'Always' ? [] : [notSupported(`${path}.restartPolicy`, policy, ['Always'])];
}

/** What is wrong with a pod's spec. */
export function checkPodSpec(spec: Members, path: string): FieldProblem[] {
  const containers = listAt(spec, 'containers');
  const problems: FieldProblem[] = [];
  if (containers.length === 0) problems.push(required(`${path}.containers`));
  const names = new Set<string>();
  for (const [index, item] of containers.entries()) {
    problems.push(...checkContainer(item, `${path}.containers[${index}]`, names));
  }
  for (const [index, item] of listAt(spec, 'initContainers').entries()) {
    problems.push(...checkContainer(item, `${path}.initContainers[${index}]`, names));
  }
  return problems;
}

function checkContainer(item: unknown, path: string, names: Set<string>): FieldProblem[] {
  const name = textAt(item, 'name');
  const problems: FieldProblem[] = [];
  if (name === '') problems.push(required(`${path}.name`));
  else if (names.has(name)) problems.push(duplicate(`${path}.name`, name));
  else problems.push(...checkDnsLabel(name, `${path}.name`));
  names.add(name);
  if (textAt(item, 'image') === '') problems.push(required(`${path}.image`));
  for (const [index, port] of listAt(item, 'ports').entries()) {
    const number = isObject(port) ? port['containerPort'] : undefined;
    if (!isPort(number)) problems.push(portProblem(`${path}.ports[${index}].containerPort`, number));
  }
  return problems;
}

/** True for numbers that a port may have. */
export function isPort(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535;
}

/** The problem of a port that cannot be. */
function portProblem(field: string, value: unknown): FieldProblem {
  if (value === undefined || value === 0) return required(field);
  return invalidValue(field, value, 'must be between 1 and 65535, inclusive');
}

/** What is wrong with a workload's selector: it must be there, fit the template and never change. */
export function checkSelector(spec: Members, old: Members | null): FieldProblem[] {
  const selector = spec['selector'];
  const problems: FieldProblem[] = [];
  const labels = objectAt(objectAt(spec, 'template'), 'metadata')['labels'];
  if (!isObject(selector)) problems.push(required('spec.selector'));
  else if (isEmptySelector(selector)) {
    problems.push(invalidValue('spec.selector', selector, 'empty selector is invalid for deployment'));
  }
  if (!isObject(selector) || !matchesSelector(selector, labels)) {
    problems.push(
      invalidValue('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'),
    );
  }
  if (old !== null && !isSame(selector, old['selector'])) {
    problems.push(invalidValue('spec.selector', selector, 'field is immutable'));
  }
  return problems;
}

function isEmptySelector(selector: Members): boolean {
  return (
    Object.keys(objectAt(selector, 'matchLabels')).length === 0 && listAt(selector, 'matchExpressions').length === 0
  );
}

/** True when a LabelSelector selects the labels. */
function matchesSelector(selector: Members, labels: unknown): boolean {
  const held = isObject(labels) ? labels : {};
  for (const [key, value] of Object.entries(objectAt(selector, 'matchLabels'))) if (held[key] !== value) return false;
  return listAt(selector, 'matchExpressions').every((expression) => {
    const key = textAt(expression, 'key');
    const values = listAt(expression, 'values');
    switch (textAt(expression, 'operator')) {
      case 'In':
        return values.includes(held[key]);
      case 'NotIn':
        return !values.includes(held[key]);
      case 'Exists':
        return held[key] !== undefined;
      default:
        return held[key] === undefined;
    }
  });
}

const CHANGEABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** What of a pod's spec may change once it is there. */
export function checkPodChange(next: Members, old: Members): FieldProblem[] {
  return isSame(fixedPart(next), fixedPart(old)) ? [] : [forbiddenField('spec', CHANGEABLE)];
}

function fixedPart(spec: Members): Members {
  const strip = (item: unknown): unknown => (isObject(item) ? { ...item, image: '' } : item);
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...rest } = spec;
  return {
    ...rest,
    containers: listAt(spec, 'containers').map(strip),
    initContainers: listAt(spec, 'initContainers').map(strip),
  };
}

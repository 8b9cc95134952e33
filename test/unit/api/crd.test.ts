// The CRDs of both groups: structural as the API server demands it, described, bounded, and with rules that hold.
import { Environment } from '@marcbachmann/cel-js';
import { describe, expect, it } from 'vitest';
import { crdOf, KINDS } from '../../../src/api/crd.ts';
import { PHASES, reportedPhase } from '../../../src/core/phase.ts';
import { CANARY_GROUPS, type CanaryGroup } from '../../../src/kube/kinds.ts';
import { aCanaryObject } from '../../support/canary-fixtures.ts';

interface Rule {
  rule: string;
  message: string;
  fieldPath?: string;
}
interface Schema extends Record<string, unknown> {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  'x-kubernetes-validations'?: Rule[];
}

const rootOf = (kind: (typeof KINDS)[number], group: CanaryGroup): Schema =>
  (crdOf(kind, group) as unknown as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } }).spec.versions[0]!
    .schema.openAPIV3Schema;

function walk(schema: Schema, path: string, visit: (schema: Schema, path: string) => void): void {
  visit(schema, path);
  for (const [name, child] of Object.entries(schema.properties ?? {})) walk(child, `${path}.${name}`, visit);
  if (schema.items !== undefined) walk(schema.items, `${path}[]`, visit);
  if (schema.additionalProperties !== undefined) walk(schema.additionalProperties, `${path}{}`, visit);
}

const cases = CANARY_GROUPS.flatMap((group) => KINDS.map((kind) => ({ group, kind })));

describe.each(cases)('crdOf($kind, $group)', ({ group, kind }) => {
  const root = rootOf(kind, group);
  const problems: string[] = [];
  walk(root, '', (schema, path) => {
    const isIntOrString = schema['x-kubernetes-int-or-string'] === true;
    if (!isIntOrString && !['object', 'array', 'string', 'integer', 'number', 'boolean'].includes(schema.type ?? ''))
      problems.push(`${path}: type ${String(schema.type)}`);
    if (isIntOrString && schema.type !== undefined) problems.push(`${path}: int-or-string with a type`);
    for (const forbidden of [
      '$ref',
      'definitions',
      'uniqueItems',
      'deprecated',
      'anyOf',
      'oneOf',
      'allOf',
      'not',
      'notes',
      'exclusiveMinimum',
      '$schema',
    ]) {
      if (forbidden in schema) problems.push(`${path}: ${forbidden}`);
    }
    if (schema.type === 'array' && schema.items === undefined) problems.push(`${path}: no items`);
    if (schema.properties !== undefined && schema.additionalProperties !== undefined)
      problems.push(`${path}: properties and additionalProperties`);
    const isUnbounded =
      (schema.type === 'array' && schema['maxItems'] === undefined) ||
      (schema.type === 'string' && schema['maxLength'] === undefined && schema['enum'] === undefined) ||
      (schema.additionalProperties !== undefined && schema['maxProperties'] === undefined);
    if (isUnbounded && !['.apiVersion', '.kind'].includes(path)) problems.push(`${path}: no limit`);
    if (path !== '.metadata' && (schema.description ?? '') === '') problems.push(`${path}: no description`);
    if (schema.description !== undefined && !/[.]$/.test(schema.description))
      problems.push(`${path}: "${schema.description}" is no sentence`);
  });

  it('is a structural schema whose every field is described and bounded', () => {
    expect(problems).toEqual([]);
  });
});

describe('status', () => {
  it('has a word for every phase that is reported', () => {
    for (const group of CANARY_GROUPS) {
      const words = rootOf('Canary', group).properties!['status']!.properties!['phase']!['enum'];
      for (const phase of PHASES) expect(words).toContain(reportedPhase(phase));
    }
  });

  it('begins as unseen in serin.dev only, because flagger.app has no default that Flagger lacks', () => {
    expect(rootOf('Canary', 'serin.dev').properties!['status']!['default']).toEqual({ observedGeneration: -1 });
    expect(rootOf('Canary', 'flagger.app').properties!['status']!['default']).toBeUndefined();
  });

  it('keeps what the controller remembers of a run, whatever its members', () => {
    const { run, outbox } = rootOf('Canary', 'serin.dev').properties!['status']!.properties!;
    expect(run!['x-kubernetes-preserve-unknown-fields']).toBe(true);
    expect(outbox!.items!['x-kubernetes-preserve-unknown-fields']).toBe(true);
  });
});

describe('CEL rules', () => {
  const isSorted = (list: readonly bigint[]): boolean =>
    list.every((one, index) => index === 0 || list[index - 1]! <= one);
  const environment = new Environment({ unlistedVariablesAreDyn: true }).registerFunction(
    'list.isSorted(): bool',
    isSorted,
  );

  /** Integers as CEL sees them. */
  const celValue = (value: unknown): unknown => {
    if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
    if (Array.isArray(value)) return value.map(celValue);
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, celValue(one)]));
    return value;
  };

  /** Messages of the rules of spec and below that `spec` breaks; `before` turns transition rules on. */
  function broken(group: CanaryGroup, spec: unknown, before?: unknown): string[] {
    const messages: string[] = [];
    const visit = (schema: Schema | undefined, self: unknown, oldSelf: unknown): void => {
      if (schema === undefined || self === undefined) return;
      for (const { rule, message } of schema['x-kubernetes-validations'] ?? []) {
        if (rule.includes('oldSelf') && oldSelf === undefined) continue;
        if (environment.evaluate(rule, { self: celValue(self), oldSelf: celValue(oldSelf) }) !== true)
          messages.push(message);
      }
      const old = (oldSelf ?? {}) as Record<string, unknown>;
      for (const [name, child] of Object.entries(schema.properties ?? {}))
        visit(child, (self as Record<string, unknown>)[name], old[name]);
      if (schema.items !== undefined) for (const item of self as unknown[]) visit(schema.items, item, undefined);
    };
    visit(rootOf('Canary', group).properties!['spec'], spec, before);
    return messages;
  }

  const specOf = (analysis: Record<string, unknown>, spec: Record<string, unknown> = {}): unknown =>
    aCanaryObject({ spec: { ...spec, analysis } })['spec'];
  const ONE_WAY = 'must have exactly one of stepWeight, stepWeights and iterations';
  const RISING = 'must name at least one weight, and each must be larger than the one before it';

  it.each([
    { what: 'one way to step', analysis: {}, messages: [] },
    { what: 'two ways', analysis: { iterations: 3 }, messages: [ONE_WAY] },
    { what: 'no way', analysis: { stepWeight: undefined }, messages: [ONE_WAY] },
    { what: 'rising weights', analysis: { stepWeight: undefined, stepWeights: [1, 5, 100] }, messages: [] },
    { what: 'falling weights', analysis: { stepWeight: undefined, stepWeights: [5, 1] }, messages: [RISING] },
    { what: 'a weight twice', analysis: { stepWeight: undefined, stepWeights: [5, 5] }, messages: [RISING] },
    { what: 'no weights', analysis: { stepWeight: undefined, stepWeights: [] }, messages: [RISING] },
    { what: 'no time', analysis: { interval: '0s' }, messages: ['must be at least 1s'] },
    { what: 'no time in two units', analysis: { interval: '0m0s' }, messages: ['must be at least 1s'] },
    { what: 'ten seconds', analysis: { interval: '10s' }, messages: [] },
  ])('serin.dev: $what', ({ analysis, messages }) => {
    expect(broken('serin.dev', specOf(analysis))).toEqual(messages);
  });

  it('flagger.app leaves weights that fall to the controller, as Flagger does', () => {
    expect(broken('flagger.app', specOf({ stepWeight: undefined, stepWeights: [5, 200, 1] }))).toEqual([]);
    expect(broken('flagger.app', specOf({ iterations: 3 }))).toEqual([ONE_WAY]);
  });

  it.each(CANARY_GROUPS)('%s: neither the target nor the apex can be changed', (group) => {
    const before = specOf({});
    expect(broken(group, specOf({}, { targetRef: { name: 'other' } }), before)).toContain(
      'cannot be changed; create another Canary instead',
    );
    expect(broken(group, specOf({}, { service: { name: 'other' } }), before)).toEqual([
      'service.name cannot be changed; create another Canary instead',
    ]);
    expect(broken(group, specOf({}, { service: { name: 'web' } }), before)).toEqual([]);
    expect(broken(group, specOf({ threshold: 9 }), before)).toEqual([]);
  });

  it('a mirror to a Service needs a port; a balancer is of one kind', () => {
    const backendRef = { group: '', kind: 'Service', name: 'x' };
    expect(broken('serin.dev', specOf({}, { service: { mirror: [{ backendRef }] } }))).toEqual([
      'must have port when it refers to a Service',
    ]);
    const loadBalancer = { simple: 'RANDOM', consistentHash: { useSourceIp: true } };
    expect(broken('serin.dev', specOf({}, { service: { trafficPolicy: { loadBalancer } } }))).toEqual([
      'must have either simple or consistentHash, not both',
    ]);
  });
});

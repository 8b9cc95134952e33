// The chart, as far as it can be examined without helm: values, flags, rights.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SERVED_PROVIDERS } from '../../../src/api/provider-names.gen.ts';
import { FLAGGER_FLAGS } from '../../../src/config/flagger-flags.ts';
import { envOf } from '../../../src/config/option.ts';
import { ALL_OPTIONS } from '../../../src/config/options.ts';
import { CANARY_GROUPS } from '../../../src/kube/kinds.ts';
import { VERSION } from '../../../src/version.ts';
import { CHART } from '../../support/helm.ts';
import { controllerRules, type Rule } from './rights.ts';

const textOf = (path: string): string => readFileSync(join(CHART, path), 'utf8');
const schema = JSON.parse(textOf('values.schema.json')) as object;
const values = parse(textOf('values.yaml')) as Record<string, unknown>;

describe('values', () => {
  const validate = new Ajv({ strict: false }).compile(schema);

  it('are valid under their own schema', () => {
    expect([validate(values), validate.errors]).toEqual([true, null]);
  });

  it.each([
    ['an unknown name', { replicas: 2 }],
    ['no replica', { replicaCount: 0 }],
    ['a digest that is none', { image: { digest: 'latest' } }],
    ['an alert of another product', { prometheusRule: { disabled: ['KubeDown'] } }],
    ['an unknown API group', { apiGroups: ['argoproj.io'] }],
    ['an unknown store', { queue: { store: 'memory' } }],
    ['a metrics server that is no address', { metricsServer: 'prometheus' }],
  ])('with %s are refused', (_, change) => {
    expect(validate({ ...values, ...change })).toBe(false);
  });

  it("take what Flagger's chart has that lost its meaning", () => {
    const flagger = {
      threadiness: 2,
      leaderElection: { enabled: true },
      noCrossNamespaceRefs: true,
      crd: { create: true },
    };
    expect(validate({ ...values, ...flagger })).toBe(true);
  });
});

describe('the chart', () => {
  it('has the version of serin', () => {
    const { appVersion } = parse(textOf('Chart.yaml')) as { appVersion: string };
    expect(appVersion).toBe(VERSION);
  });

  it('gives the controller only flags and variables that it knows', () => {
    const template = textOf('templates/deployment.yaml');
    const flags = [...template.matchAll(/ "?--([a-z-]+)=/g)].map((match) => match[1] ?? '');
    expect(flags.length).toBeGreaterThan(15);
    const known = ALL_OPTIONS.map(({ option }) => option.flag);
    expect(flags.filter((flag) => !known.includes(flag))).toEqual([]);
    expect(flags.filter((flag) => FLAGGER_FLAGS.some((one) => one.flag === flag))).toEqual([]);
    const variables = [...template.matchAll(/\bSERIN_[A-Z_]+/g)].map(([name]) => name);
    expect(variables.filter((name) => !known.map(envOf).includes(name))).toEqual([]);
  });

  it('has rights for every provider and group, and no others', () => {
    const wanted = [
      'controller.yaml',
      ...CANARY_GROUPS.map((group) => `group-${group}.yaml`),
      ...SERVED_PROVIDERS.map(({ name }) => `mesh-${name}.yaml`),
    ];
    expect(readdirSync(join(CHART, 'files/rbac')).toSorted()).toEqual(wanted.toSorted());
  });

  it('knows every name of a provider', () => {
    const { serin } = { serin: textOf('templates/_helpers.tpl') };
    for (const { name } of SERVED_PROVIDERS) expect(serin).toContain(`"${name}"`);
  });
});

describe('rights', () => {
  const rules: readonly Rule[] = controllerRules(
    SERVED_PROVIDERS.map(({ name }) => name),
    [...CANARY_GROUPS],
    'owners',
  );

  it('name what they are about: no wildcard', () => {
    const words = rules.flatMap((rule) => [...rule.apiGroups, ...rule.resources, ...rule.verbs]);
    expect(words.length).toBeGreaterThan(50);
    expect(words.filter((word) => word.includes('*'))).toEqual([]);
    expect(rules.filter((rule) => rule.verbs.includes('deletecollection') || rule.verbs.includes('escalate'))).toEqual(
      [],
    );
  });

  it('let Secrets be read by name only', () => {
    const verbs = rules.filter((rule) => rule.resources.includes('secrets')).flatMap((rule) => rule.verbs);
    expect(verbs.toSorted()).toEqual(['create', 'delete', 'get', 'patch']);
  });

  it('of the hook are to list and to delete Canaries', () => {
    const hook = textOf('templates/pre-delete.yaml');
    expect([...hook.matchAll(/verbs: \[(.*)\]/g)].map((match) => match[1])).toEqual(['list, delete']);
    expect([...hook.matchAll(/resources: \[(.*)\]/g)].map((match) => match[1])).toEqual(['canaries']);
  });

  it('stand in no template by hand but that one', () => {
    const templates = readdirSync(join(CHART, 'templates')).filter((name) => name.endsWith('.yaml'));
    for (const file of templates.filter((name) => name !== 'pre-delete.yaml'))
      expect([file, /verbs:|'\*'|"\*"/.test(textOf(`templates/${file}`))]).toEqual([file, false]);
  });
});

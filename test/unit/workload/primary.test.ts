// The primary is the canary, member for member, but for a written list of rewrites (S10, U27).
import { describe, expect, it } from 'vitest';
import { aCanary } from '../../support/canary-fixtures.ts';
import { aTarget } from '../../conformance/workload/setting.ts';
import type { JsonObject } from '../../../src/util/json.ts';
import { copyJson } from '../../../src/util/json.ts';
import { listOf, objectOf } from '../../../src/workload/fields.ts';
import { buildPrimary, buildTemplate, runsTemplate } from '../../../src/workload/primary.ts';
import type { PrimaryContext } from '../../../src/workload/primary.ts';
import { referencesOf } from '../../../src/workload/references.ts';
import { stored } from './little-kube.ts';

const context: PrimaryContext = {
  canary: aCanary(),
  label: { label: 'app', targetValue: 'web', primaryValue: 'web-primary' },
  selectorLabels: ['app', 'name', 'app.kubernetes.io/name'],
  includeLabelPrefixes: [],
  configNames: {},
};

const EVERY_SITE: JsonObject = {
  metadata: { labels: { app: 'web' } },
  spec: {
    volumes: [
      { name: 'a', configMap: { name: 'c1', items: [{ key: 'k', path: 'p' }] } },
      { name: 'b', secret: { secretName: 's1', optional: false } },
      {
        name: 'c',
        projected: { sources: [{ configMap: { name: 'c2' } }, { secret: { name: 's2' } }, { downwardAPI: {} }] },
      },
      { name: 'd', emptyDir: {} },
    ],
    initContainers: [
      {
        name: 'first',
        env: [
          { name: 'A', valueFrom: { configMapKeyRef: { name: 'c3', key: 'k' } } },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's3', key: 'k' } } },
        ],
        envFrom: [{ configMapRef: { name: 'c4' } }, { secretRef: { name: 's4' } }],
      },
    ],
    containers: [
      {
        name: 'web',
        env: [
          { name: 'A', valueFrom: { configMapKeyRef: { name: 'c5', key: 'k', optional: true } } },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's5', key: 'k' } } },
          { name: 'C', value: 'c1' },
          { name: 'D', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        ],
        envFrom: [{ prefix: 'X_', configMapRef: { name: 'c6' } }, { secretRef: { name: 's6' } }],
      },
    ],
    imagePullSecrets: [{ name: 's1' }],
  },
};

describe('references', () => {
  it('are found at every site and rewritten at exactly the same ones', () => {
    const references = referencesOf(EVERY_SITE);
    const keys = references.map(({ key }) => key).toSorted();
    expect(keys).toEqual([1, 2, 3, 4, 5, 6].flatMap((n) => [`configmap/c${n}`, `secret/s${n}`]).toSorted());
    expect(references.filter(({ isOptional }) => isOptional).map(({ key }) => key)).toEqual(['configmap/c5']);
    const configNames = Object.fromEntries(references.map(({ key, name }) => [key, `${name}-copy`]));
    const built = JSON.stringify(
      buildTemplate(
        { revision: 'v1-0', template: EVERY_SITE, configs: {}, canarySpec: {} },
        { ...context, configNames },
      ),
    );
    const expected = JSON.stringify(EVERY_SITE).replaceAll(/"(name|secretName)":"([cs]\d)"/g, '"$1":"$2-copy"');
    const pull = (text: string): JsonObject => objectOf(JSON.parse(text), 'spec') as JsonObject;
    expect({ ...pull(built), imagePullSecrets: null }).toEqual({ ...pull(expected), imagePullSecrets: null });
    expect(pull(built)['imagePullSecrets']).toEqual([{ name: 's1' }]);
  });

  it('are mandatory when one of several sites says so', () => {
    const containers = [
      { envFrom: [{ configMapRef: { name: 'c', optional: true } }] },
      { envFrom: [{ configMapRef: { name: 'c' } }] },
    ];
    expect(referencesOf({ spec: { containers } })).toMatchObject([{ key: 'configmap/c', isOptional: false }]);
  });

  it('with the name of a member of Object are only names', () => {
    const template: JsonObject = { spec: { containers: [{ envFrom: [{ configMapRef: { name: 'constructor' } }] }] } };
    const built = buildTemplate({ revision: 'v1-0', template, configs: {}, canarySpec: {} }, context);
    expect(referencesOf(built)).toMatchObject([{ name: 'constructor' }]);
  });
});

describe('the template', () => {
  const template = objectOf(aTarget(), 'spec', 'template') as JsonObject;
  const pinned = { revision: 'v1-0123456789abcdef', template, configs: {}, canarySpec: {} };

  it('keeps members that nobody knows, at every depth', () => {
    const future: JsonObject = {
      metadata: { labels: { app: 'web', 'future/label': '1' }, futureMetadata: { a: [1] } },
      spec: {
        futureField: { deep: [{ x: 0.1 }] },
        containers: [{ name: 'web', image: 'i', futureProbe: { every: 3 } }],
      },
      futureSibling: true,
    };
    const built = buildTemplate({ ...pinned, template: future }, context);
    expect(built).toEqual({
      ...future,
      metadata: {
        ...(future['metadata'] as JsonObject),
        labels: { app: 'web-primary', 'future/label': '1' },
        annotations: { 'serin.dev/revision': pinned.revision },
      },
    });
  });

  it('is built without touching what was pinned', () => {
    const before = copyJson(template);
    buildTemplate(pinned, { ...context, configNames: { 'configmap/settings': 'x' } });
    expect(template).toEqual(before);
  });

  it('names the revision, so that the same template with other configs behind it rolls the pods, and a repetition does not', () => {
    expect(buildTemplate(pinned, context)).toEqual(buildTemplate(pinned, context));
    expect(buildTemplate({ ...pinned, revision: 'v1-other' }, context)).not.toEqual(buildTemplate(pinned, context));
  });

  it('rewrites anti-affinity and spread rules that meant the target, and no others (U27)', () => {
    const selector = (key: string, value: string): JsonObject => ({
      matchExpressions: [{ key, operator: 'In', values: [value, 'other'] }],
      matchLabels: { [key]: value },
    });
    const rules = (value: string, otherKey: string): JsonObject => ({
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: selector('app', 'web'), topologyKey: 'zone' },
          ],
        },
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: selector('app', value), topologyKey: 'host' },
          ],
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, podAffinityTerm: { labelSelector: selector('name', value), topologyKey: 'host' } },
            { weight: 1, podAffinityTerm: { labelSelector: selector('component', otherKey), topologyKey: 'host' } },
          ],
        },
      },
      topologySpreadConstraints: [{ maxSkew: 1, labelSelector: selector('app', value) }, { maxSkew: 1 }],
    });
    const built = buildTemplate({ ...pinned, template: { metadata: {}, spec: rules('web', 'web') } }, context);
    expect(built['spec']).toEqual(rules('web-primary', 'web'));
  });
});

describe('the Deployment', () => {
  const target = stored(aTarget());
  const pinned = {
    revision: 'v1-0123456789abcdef',
    template: objectOf(target, 'spec', 'template') as JsonObject,
    configs: {},
    canarySpec: {},
  };

  it('follows the target in members of its spec that later versions add, but not in being paused', () => {
    const future = {
      ...target,
      spec: { ...objectOf(target, 'spec'), podReplacementPolicy: 'TerminationComplete', paused: true },
    };
    const built = buildPrimary(pinned, future, 5, context);
    expect(built['spec']).toMatchObject({
      replicas: 5,
      podReplacementPolicy: 'TerminationComplete',
      minReadySeconds: 3,
    });
    expect(built['spec']).not.toHaveProperty('paused');
    expect(built).not.toHaveProperty('status');
  });

  it('copies labels and annotations by prefix, and never what ties an object to its tools', () => {
    const annotations = {
      'team/on-call': 'sam',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'deployment.kubernetes.io/revision': '7',
      'kustomize.toolkit.fluxcd.io/checksum': 'x',
      'fence.serin.dev/uid-web': '1/2',
    };
    const labels = { team: 'checkout', 'kustomize.toolkit.fluxcd.io/name': 'apps' };
    const marked = { ...target, metadata: { ...target.metadata, annotations, labels } };
    const all = buildPrimary(pinned, marked, 1, { ...context, includeLabelPrefixes: ['*'] }).metadata;
    expect(all.annotations).toEqual({ 'team/on-call': 'sam', 'serin.dev/revision': pinned.revision });
    expect(all.labels).toEqual({ team: 'checkout', app: 'web-primary' });
    expect(buildPrimary(pinned, marked, 1, context).metadata.labels).toEqual({ app: 'web-primary' });
  });

  it('is recognised when Flagger made it, whatever its flagger-id, and not when its template differs', () => {
    const names = { 'configmap/settings': 'settings-primary', 'secret/keys': 'keys-primary' };
    const byFlagger = buildPrimary(pinned, target, 3, { ...context, configNames: names });
    const template = objectOf(byFlagger, 'spec', 'template') as { metadata: { annotations: Record<string, string> } };
    template.metadata.annotations = { 'flagger-id': 'a1b2', 'prometheus.io/scrape': 'true' };
    expect(runsTemplate(byFlagger, pinned, { ...context, configNames: names })).toBe(true);
    listOf(template, 'spec', 'containers')[0]!['image'] = 'shop/web:0.9';
    expect(runsTemplate(byFlagger, pinned, { ...context, configNames: names })).toBe(false);
  });
});

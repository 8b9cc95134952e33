// Which kinds are served: mesh kinds by name, CRDs that come over them, versions, discovery, OpenAPI.
import { describe, expect, test } from 'vitest';
import type { KubeObject, ResourceKind } from '../../../../src/kube/contract.ts';
import { StatusFailure } from '../../../../src/embedded/apiserver/status.ts';
import { aWorld } from './kit.ts';

const kind = (group: string, version: string, name: string, plural: string): ResourceKind => ({
  group,
  version,
  kind: name,
  plural,
  namespaced: true,
});
const VIRTUAL_SERVICE = kind('networking.istio.io', 'v1', 'VirtualService', 'virtualservices');
const OLD_VIRTUAL_SERVICE = kind('networking.istio.io', 'v1beta1', 'VirtualService', 'virtualservices');

const anObject = (apiVersion: string, name: string, spec: unknown): KubeObject => ({
  apiVersion,
  kind: name,
  metadata: { name: 'web', namespace: 'default' },
  spec,
});

const crd = (group: string, name: string, plural: string, versions: readonly object[]): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: { group, scope: 'Namespaced', names: { plural, kind: name }, versions },
});

const version = (name: string, spec: object, more: object = {}): object => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
  ...more,
});

describe('mesh kinds', () => {
  test('keep members that nobody knows', () => {
    const { api } = aWorld();
    api.store.create(anObject('networking.istio.io/v1', 'VirtualService', { any: { thing: [1] } }));
    expect(api.store.get(VIRTUAL_SERVICE, 'default', 'web')).toMatchObject({ spec: { any: { thing: [1] } } });
  });

  test('are one object in both versions', () => {
    const { api } = aWorld();
    api.store.create(anObject('networking.istio.io/v1beta1', 'VirtualService', { hosts: ['web'] }));
    expect(api.store.get(VIRTUAL_SERVICE, 'default', 'web')?.apiVersion).toBe('networking.istio.io/v1');
    expect(api.store.get(OLD_VIRTUAL_SERVICE, 'default', 'web')?.apiVersion).toBe('networking.istio.io/v1beta1');
  });

  test('are watched in the version that is asked for', async () => {
    const { api, watch, clock } = aWorld();
    const watched = await watch('/apis/networking.istio.io/v1beta1/virtualservices');
    api.store.create(anObject('networking.istio.io/v1', 'VirtualService', { hosts: ['web'] }));
    await clock.settle();
    expect(watched.events[0]?.object.apiVersion).toBe('networking.istio.io/v1beta1');
  });

  test('of the two App Mesh versions are apart', () => {
    const { api } = aWorld();
    api.store.create(anObject('appmesh.k8s.aws/v1beta1', 'VirtualNode', {}));
    const newer = kind('appmesh.k8s.aws', 'v1beta2', 'VirtualNode', 'virtualnodes');
    expect(api.store.get(newer, 'default', 'web')).toBeNull();
  });

  test('are there only when asked for', async () => {
    const { ask } = aWorld({ kinds: ['smi'] });
    expect((await ask('GET', '/apis/split.smi-spec.io/v1alpha2/trafficsplits')).status).toBe(200);
    expect((await ask('GET', '/apis/networking.istio.io/v1/virtualservices')).status).toBe(404);
  });
});

describe('a CRD', () => {
  const schema = { type: 'object', properties: { hosts: { type: 'array', items: { type: 'string' } } } };

  test('over a mesh kind brings its schema and keeps the objects', () => {
    const { api } = aWorld();
    api.store.create(anObject('networking.istio.io/v1', 'VirtualService', { hosts: ['web'] }));
    api.store.create(
      crd('networking.istio.io', 'VirtualService', 'virtualservices', [
        version('v1', schema),
        version('v1beta1', schema),
      ]),
    );
    expect(api.store.get(VIRTUAL_SERVICE, 'default', 'web')).not.toBeNull();
    const bad = {
      ...anObject('networking.istio.io/v1', 'VirtualService', { hosts: 'web' }),
      metadata: { name: 'bad' },
    };
    expect(() => api.store.create(bad)).toThrow(StatusFailure);
    const pruned = {
      ...anObject('networking.istio.io/v1beta1', 'VirtualService', { hosts: [], odd: 1 }),
      metadata: { name: 'odd' },
    };
    expect(api.store.create(pruned)['spec']).toEqual({ hosts: [] });
  });

  test('that goes takes its kind and its objects along', async () => {
    const { api, ask } = aWorld();
    const thing = kind('t.dev', 'v1', 'Thing', 'things');
    api.store.create(crd('t.dev', 'Thing', 'things', [version('v1', schema)]));
    api.store.create(anObject('t.dev/v1', 'Thing', {}));
    expect(api.store.list(thing, null)).toHaveLength(1);
    await ask('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.t.dev');
    expect((await ask('GET', '/apis/t.dev/v1/things')).status).toBe(404);
    expect((await ask('GET', '/apis/t.dev')).status).toBe(404);
  });

  test('that stops serving a version', async () => {
    const { api, ask } = aWorld();
    api.store.create(crd('t.dev', 'Thing', 'things', [version('v1', schema), version('v1beta1', schema)]));
    expect((await ask('GET', '/apis/t.dev/v1beta1/things')).status).toBe(200);
    const fewer = crd('t.dev', 'Thing', 'things', [
      version('v1', schema),
      version('v1beta1', schema, { served: false }),
    ]);
    api.store.update(fewer);
    expect((await ask('GET', '/apis/t.dev/v1beta1/things')).status).toBe(404);
    expect((await ask('GET', '/apis/t.dev/v1/things')).status).toBe(200);
  });

  test('is established at once', () => {
    const { api } = aWorld();
    const made = api.store.create(crd('t.dev', 'Thing', 'things', [version('v1', schema)]));
    const status = made['status'] as { conditions: { type: string; status: string }[]; storedVersions: string[] };
    expect(status.conditions.map((condition) => `${condition.type}=${condition.status}`)).toEqual([
      'NamesAccepted=True',
      'Established=True',
    ]);
    expect(status.storedVersions).toEqual(['v1']);
  });

  test('with a rule that cannot be read is refused', () => {
    const { api } = aWorld();
    const broken = { type: 'object', 'x-kubernetes-validations': [{ rule: 'self.a ==' }] };
    expect(() => api.store.create(crd('t.dev', 'Thing', 'things', [version('v1', broken)]))).toThrow(
      /compilation failed/,
    );
  });

  test('with a scale subresource is scaled', async () => {
    const { api, ask } = aWorld();
    const scalable = { type: 'object', properties: { replicas: { type: 'integer' } } };
    const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
    api.store.create(
      crd('t.dev', 'Thing', 'things', [version('v1', scalable, { subresources: { status: {}, scale } })]),
    );
    api.store.create(anObject('t.dev/v1', 'Thing', { replicas: 1 }));
    const path = '/apis/t.dev/v1/namespaces/default/things/web';
    await ask('PATCH', `${path}/scale`, { spec: { replicas: 4 } }, { type: 'application/merge-patch+json' });
    expect((await ask('GET', path)).body['spec']).toEqual({ replicas: 4 });
  });
});

describe('discovery and OpenAPI', () => {
  test('aggregated and plain discovery name the same resources', async () => {
    const { ask } = aWorld();
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const whole = (await ask('GET', '/apis', undefined, { accept })).body['items'] as {
      metadata: { name: string };
      versions: { version: string; resources: { resource: string; subresources?: { subresource: string }[] }[] }[];
    }[];
    for (const group of whole) {
      for (const each of group.versions) {
        const plain = (await ask('GET', `/apis/${group.metadata.name}/${each.version}`)).body['resources'] as {
          name: string;
        }[];
        const names = each.resources.flatMap((item) => [
          item.resource,
          ...(item.subresources ?? []).map((part) => `${item.resource}/${part.subresource}`),
        ]);
        expect(new Set(names)).toEqual(new Set(plain.map((item) => item.name)));
      }
    }
  });

  test('GA versions come before beta ones', async () => {
    const { ask } = aWorld();
    const answer = await ask('GET', '/apis/networking.istio.io');
    expect(answer.body['preferredVersion']).toEqual({ groupVersion: 'networking.istio.io/v1', version: 'v1' });
  });

  test('every document of OpenAPI v3 can be read and has no dangling reference', async () => {
    const { ask } = aWorld();
    const { paths } = (await ask('GET', '/openapi/v3')).body as unknown as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    expect(Object.keys(paths)).toContain('apis/apps/v1');
    for (const { serverRelativeURL } of Object.values(paths)) {
      const document = await ask('GET', serverRelativeURL);
      expect(document.status).toBe(200);
      const text = JSON.stringify(document.body);
      const schemas = (document.body['components'] as { schemas: Record<string, unknown> }).schemas;
      for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
        expect(schemas).toHaveProperty([name ?? '']);
    }
  });

  test('version 3 has no protobuf, and refuses who wants nothing else', async () => {
    const { ask } = aWorld();
    const answer = await ask('GET', '/openapi/v3', undefined, {
      accept: 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf',
    });
    expect(answer.status).toBe(406);
  });
});

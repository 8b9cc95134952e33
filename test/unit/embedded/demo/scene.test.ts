// The flags of the demo, and the examples that it plays: valid Canaries that a server with all schemas takes as they are.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCanary } from '../../../../src/api/parse-canary.ts';
import { createApiServer } from '../../../../src/embedded/apiserver/server.ts';
import { readOptions } from '../../../../src/embedded/demo/options.ts';
import { laterImage, readScene } from '../../../../src/embedded/demo/scene.ts';
import type { DataPlaneMesh } from '../../../../src/embedded/dataplane/start.ts';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import { hasVendorCrds, loadCrds } from '../../../support/crd-validator.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

const SCENES: readonly (readonly [DataPlaneMesh, 'http' | 'grpc'])[] = [
  ['istio', 'http'],
  ['gateway-api', 'http'],
  ['appmesh-v1beta1', 'http'],
  ['appmesh-v1beta2', 'http'],
  ['smi', 'http'],
  ['kubernetes', 'http'],
  ['istio', 'grpc'],
  ['gateway-api', 'grpc'],
  ['appmesh-v1beta1', 'grpc'],
];

describe.each(SCENES)('the examples for %s with %s', (mesh, protocol) => {
  const scene = readScene({ mesh, protocol });

  it('are applied in their order by a server that checks fields strictly', async () => {
    const api = createApiServer({
      clock: new VirtualClock(),
      random: { next: () => 0.5, id: () => '0123456789abcdef' },
    });
    for (const file of readdirSync(`${root}crds`))
      api.store.create(parse(readFileSync(`${root}crds/${file}`, 'utf8')) as KubeObject, { user: 'admin' });
    for (const object of scene.manifests) {
      const [version = '', group = ''] = object.apiVersion.split('/').reverse();
      const kind = api
        .kinds()
        .find((one) => one.kind === object.kind && one.group === group && one.version === version);
      const place = kind?.namespaced === true ? `/namespaces/${object.metadata.namespace}` : '';
      const answer = await api.handle({
        method: 'PATCH',
        path: `/${group === '' ? 'api' : `apis/${group}`}/${version}${place}/${kind?.plural}/${object.metadata.name}?fieldManager=test&fieldValidation=Strict`,
        headers: { 'content-type': 'application/apply-patch+yaml' },
        body: JSON.stringify(object),
        user: 'admin',
      });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    }
    api.close();
  });

  it('hold a Canary that serin takes, for this provider', () => {
    const canary = scene.manifests.find(({ kind }) => kind === 'Canary')!;
    const object = { ...canary, metadata: { ...canary.metadata, uid: 'u', generation: 1 } };
    const parsed = parseCanary(object, { defaultProvider: null });
    expect(parsed).toMatchObject({ kind: 'valid' });
    expect(canary['spec']).toMatchObject({ provider: mesh });
    expect(scene.bounds).toEqual({ successMinPercent: 99, durationMaxMs: 500, windowMs: 2_000 });
  });
});

describe.skipIf(!hasVendorCrds())("the meshes' own objects in the examples", () => {
  it.each([
    ['gateway-api', 'http', 'gateway-api-standard/gateway.networking.k8s.io_gateways.yaml'],
    ['gateway-api', 'grpc', 'gateway-api-standard/gateway.networking.k8s.io_gateways.yaml'],
    ['appmesh-v1beta1', 'http', 'appmesh-v1beta1/legacy-all.yaml'],
    ['appmesh-v1beta1', 'grpc', 'appmesh-v1beta1/legacy-all.yaml'],
    ['appmesh-v1beta2', 'http', 'appmesh-v1beta2/appmesh.k8s.aws_meshes.yaml'],
  ] as const)('are what the CRDs of %s ask for (%s)', (mesh, protocol, file) => {
    const foreign = readScene({ mesh, protocol }).manifests.filter(
      ({ apiVersion }) => apiVersion.startsWith('gateway.') || apiVersion.startsWith('appmesh.'),
    );
    expect(foreign.length).toBeGreaterThan(0);
    for (const object of foreign) expect(loadCrds([file]).check(object).problems, object.kind).toEqual([]);
  });
});

it('knows the scene of App Mesh with gRPC', () => {
  expect(readScene({ mesh: 'appmesh-v1beta1', protocol: 'grpc' })).toMatchObject({
    namespace: 'uiquery',
    name: 'query-service',
    host: 'query-service.uiquery',
    image: 'query-service:1.0.0',
    metricsAs: 'appmesh',
  });
});

it('makes later images', () => {
  const scene = readScene({ mesh: 'istio', protocol: 'http' });
  expect(laterImage(scene, 1, '')).toBe('stefanprodan/podinfo:6.7.1');
  expect(laterImage(scene, 2, '500@20%')).toBe('stefanprodan/podinfo:6.7.2_500@20%');
});

describe('the flags', () => {
  it('have defaults', () => {
    expect(readOptions([])).toEqual({
      kind: 'options',
      options: {
        mesh: 'istio',
        protocol: 'http',
        stories: ['good', 'errors', 'slow'],
        isJson: false,
        isKept: false,
        isVerbose: false,
      },
    });
  });

  it('are read', () => {
    const read = readOptions(['--mesh=smi', '--only', 'errors,slow', '--json', '--keep']);
    expect(read).toMatchObject({ options: { mesh: 'smi', stories: ['errors', 'slow'], isJson: true, isKept: true } });
    expect(readOptions(['--keep', '--only', 'none'])).toMatchObject({ options: { stories: [] } });
    expect(readOptions(['-h'])).toEqual({ kind: 'help' });
  });

  it.each([
    [['--mesh', 'linkerd'], /Cannot use --mesh linkerd: must be one of kubernetes, istio/],
    [['--protocol', 'tcp'], /Cannot use --protocol tcp/],
    [
      ['--mesh', 'smi', '--protocol', 'grpc'],
      /--protocol grpc smi: must be one of istio, gateway-api, appmesh-v1beta1/,
    ],
    [['--only', 'none'], /Cannot use --only none/],
    [['--only', 'great'], /Cannot use --only great: must be one of good, errors, slow/],
    [['--fast'], /--fast/],
    [['istio'], /istio/],
  ])('are refused where they make no sense: %j', (args, message) => {
    expect(readOptions(args)).toMatchObject({ kind: 'problem', message: expect.stringMatching(message) as string });
  });
});

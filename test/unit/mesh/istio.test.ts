// What is particular to Istio: versions, hosts, subsets, traffic policies, gRPC matches, two owners.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/errors.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import { aRequest } from '../../conformance/mesh/requests.ts';
import { istio } from '../../conformance/mesh/subject-istio.ts';
import { anObject } from '../../conformance/mesh/subject.ts';
import { openWorld } from '../../conformance/mesh/world.ts';
import type { World } from '../../conformance/mesh/world.ts';

const { routeRef } = istio;
const RULE = { ...routeRef.kind, kind: 'DestinationRule', plural: 'destinationrules' };
const ruleRef = refOf(RULE, 'shop', 'web-primary');

describe('istio', () => {
  let world: World;
  beforeEach(() => {
    world = openWorld(istio);
  });
  afterEach(() => world.embedded.close());
  const specOf = (object: KubeObject): Record<string, unknown> => object['spec'] as Record<string, unknown>;
  const rule = (): KubeObject => world.embedded.api.store.get(RULE, 'shop', 'web-primary')!;

  it('writes what Flagger writes: names, hosts, gateways, hands-off annotations', async () => {
    await world.ensure(aRequest({ hosts: ['shop.example.com'] }), 0);
    expect(specOf(world.route())).toEqual({
      hosts: ['shop.example.com', 'web'],
      gateways: ['mesh'],
      http: [
        {
          route: [
            { destination: { host: 'web-primary' }, weight: 100 },
            { destination: { host: 'web-canary' }, weight: 0 },
          ],
        },
      ],
    });
    expect(world.route().metadata.annotations).toEqual({
      'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
      'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
    });
    expect(specOf(rule())).toEqual({ host: 'web-primary' });
    expect(rule().metadata.annotations).toBeUndefined();
  });

  it('does not add the apex host where it is listed or covered', async () => {
    await world.ensure(aRequest({ hosts: ['*'] }), 0);
    expect(specOf(world.route())['hosts']).toEqual(['*']);
    await world.ensure(aRequest({ hosts: ['web', 'shop.example.com'] }), 0);
    expect(specOf(world.route())['hosts']).toEqual(['web', 'shop.example.com']);
  });

  it('speaks v1beta1 where the cluster serves no v1', async () => {
    const discover: typeof world.embedded.kube.client.discover = (group, kind, versions) =>
      world.embedded.kube.client.discover(
        group,
        kind,
        versions.filter((version) => version !== 'v1'),
      );
    const { client, cache } = world.embedded.kube;
    const old = Object.assign(Object.create(client) as typeof client, { discover });
    const driver = istio.provider.create({ client: old, cache });
    await driver.ensure(aRequest(), await driver.read(aRequest()), { weightPercent: 0, fence: null });
    expect((await driver.refs(aRequest())).map(({ kind }) => kind.version)).toEqual(['v1beta1', 'v1beta1', 'v1beta1']);
    expect((await driver.read(aRequest())).seen.state).toBe('ready');
    expect((await driver.read(aRequest())).objects.get('VirtualService/web')?.apiVersion).toBe(
      'networking.istio.io/v1beta1',
    );
  });

  it('says which kind the cluster lacks, and lets go without it', async () => {
    const { client, cache } = world.embedded.kube;
    const bare = Object.assign(Object.create(client) as typeof client, { discover: () => Promise.resolve(null) });
    const driver = istio.provider.create({ client: bare, cache });
    await expect(driver.kinds()).rejects.toThrow(
      /does not serve VirtualService of networking.istio.io\/v1 or networking.istio.io\/v1beta1, must/,
    );
    const found = await driver.read(aRequest());
    expect(found.problem?.reason).toBe('KindMissing');
    await expect(driver.ensure(aRequest(), found, { weightPercent: 0, fence: null })).rejects.toThrow(UnsupportedError);
    await driver.release(aRequest(), found, true);
    expect(world.writes()).toBe(0);
  });

  it('removes a traffic policy, or a part of it, that the Canary no longer asks for', async () => {
    await world.ensure(
      aRequest({ trafficPolicy: { tls: { mode: 'DISABLE' }, outlierDetection: { interval: '10s' } } }),
      0,
    );
    const part = aRequest({ trafficPolicy: { tls: { mode: 'DISABLE' } } });
    expect((await world.read(part)).seen.state).toBe('drifted');
    await world.ensure(part, 0);
    expect(specOf(rule())).toEqual({ host: 'web-primary', trafficPolicy: { tls: { mode: 'DISABLE' } } });
    await world.ensure(aRequest(), 0);
    expect(specOf(rule())).toEqual({ host: 'web-primary' });
    expect((await world.read(aRequest())).seen.state).toBe('ready');
  });

  it('leaves a DestinationRule of somebody else alone, and refuses to promise a policy beside it', async () => {
    world.put([anObject(ruleRef, { host: 'web-primary', trafficPolicy: { tls: { mode: 'SIMPLE' } } })]);
    await world.ensure(aRequest(), 0);
    expect((await world.read(aRequest())).seen.state).toBe('ready');
    expect(specOf(rule())).toEqual({ host: 'web-primary', trafficPolicy: { tls: { mode: 'SIMPLE' } } });
    const wish = aRequest({ trafficPolicy: { tls: { mode: 'DISABLE' } } });
    expect((await world.read(wish)).problem?.message).toMatch(
      /DestinationRule "shop\/web-primary", which is not ours: it lacks spec.service.trafficPolicy/,
    );
  });

  it('refuses a route to a subset of the apex', async () => {
    world.put([
      anObject(routeRef, { hosts: ['web'], http: [{ route: [{ destination: { host: 'web', subset: 'v1' } }] }] }),
    ]);
    const { problem, seen } = await world.read(aRequest());
    expect(problem?.message).toBe(
      'Cannot steer VirtualService "shop/web", which is not ours: spec.http[0].route names the subset "v1" of the apex, must name no subset: the primary and the canary have none',
    );
    expect(seen.askedPercent).toBeNull();
  });

  it('refuses a route that another Canary controls', async () => {
    await world.ensure(aRequest(), 0);
    const other = aRequest({}, 'http', 'other-uid');
    expect((await world.read(other)).problem).toMatchObject({ reason: 'RouteOwnedByAnother' });
    await expect(world.write(other, 10)).rejects.toThrow(
      /Canary "web" of serin.dev\/v1beta1 controls it, must be one Canary/,
    );
  });

  it('matches gRPC methods by path', async () => {
    await world.ensure(aRequest({ grpc: { serviceName: 'proto.DataService', methodName: null } }, 'grpc'), 0);
    expect(specOf(world.route())['http']).toMatchObject([{ match: [{ uri: { prefix: '/proto.DataService/' } }] }]);
    const flaws = (service: object): unknown =>
      world.driver.validate(aRequest(service, 'grpc')).map(({ path }) => path);
    expect(flaws({ grpc: { serviceName: null, methodName: 'Query' } })).toEqual(['spec.service.grpc.serviceName']);
    expect(flaws({ grpc: { serviceName: 'a.B', methodName: null }, match: [{ uri: { prefix: '/' } }] })).toEqual([
      'spec.service.grpc',
    ]);
  });

  it('writes a delegate as Flagger does: without hosts and gateways, its ports named', async () => {
    const wish = aRequest({ delegation: true, portDiscovery: true });
    await world.ensure(wish, 0);
    const destination = (name: string): object => ({ host: name, port: { number: 80 } });
    expect(specOf(world.route())).toEqual({
      http: [
        {
          route: [
            { destination: destination('web-primary'), weight: 100 },
            { destination: destination('web-canary'), weight: 0 },
          ],
        },
      ],
    });
    expect(world.driver.validate(aRequest({ delegation: true }, 'tcp')).map(({ path }) => path)).toEqual([
      'spec.service.delegation',
    ]);
    const flaws = world.driver.validate(aRequest({ delegation: true, hosts: ['a.b'], gateways: ['public'] }));
    expect(flaws.map(({ path }) => path)).toEqual(['spec.service.hosts', 'spec.service.gateways']);
  });

  it('makes a delegate of a route of its own, and the other way round', async () => {
    await world.ensure(aRequest({ hosts: ['shop.example.com'] }), 0);
    await world.write(aRequest(), 30);
    const wish = aRequest({ delegation: true });
    expect((await world.read(wish)).seen).toMatchObject({ state: 'drifted', askedPercent: 30 });
    await world.ensure(wish, 30);
    expect(Object.keys(specOf(world.route()))).toEqual(['http']);
    expect((await world.read(wish)).seen).toMatchObject({ state: 'ready', askedPercent: 30 });
    await world.ensure(aRequest(), 30);
    expect(specOf(world.route())).toMatchObject({ hosts: ['web'], gateways: ['mesh'] });
  });

  it('splits connections for TCP, and matches them by port and source only', async () => {
    await world.ensure(aRequest({ match: [{ name: 'a', port: 9000 }] }, 'tcp'), 0);
    expect(specOf(world.route())).toEqual({
      hosts: ['web'],
      gateways: ['mesh'],
      tcp: [
        {
          match: [{ port: 9000 }],
          route: [
            { destination: { host: 'web-primary' }, weight: 100 },
            { destination: { host: 'web-canary' }, weight: 0 },
          ],
        },
      ],
    });
    const flaws = world.driver.validate(
      aRequest({ timeout: '5s', rewrite: { uri: '/' }, match: [{ uri: { prefix: '/' }, port: 1 }] }, 'tcp'),
    );
    expect(flaws.map(({ path }) => path)).toEqual([
      'spec.service.timeout',
      'spec.service.rewrite',
      'spec.service.match[0].uri',
    ]);
  });

  it('leaves nothing of the old rules when the protocol changes, and what others have beside them', async () => {
    await world.ensure(aRequest(), 0);
    const tcp = aRequest({}, 'tcp');
    expect((await world.read(tcp)).seen).toMatchObject({ state: 'drifted', askedPercent: null });
    await world.ensure(tcp, 0);
    expect(Object.keys(specOf(world.route())).toSorted()).toEqual(['gateways', 'hosts', 'tcp']);
    expect((await world.read(tcp)).seen).toMatchObject({ state: 'ready', askedPercent: 0 });
    const theirs = [{ match: [{ uri: { prefix: '/admin' } }], route: [{ destination: { host: 'admin' } }] }];
    world.embedded.api.store.mutate(routeRef.kind, 'shop', 'web', (draft) =>
      Object.assign(specOf(draft), { http: theirs }),
    );
    expect((await world.read(tcp)).seen.state).toBe('ready');
    await world.write(tcp, 40);
    expect(specOf(world.route())['http']).toEqual(theirs);
  });

  it('reads relative weights, and repairs rules that disagree', async () => {
    const pair = (primary: number, canary: number): object => ({
      route: [
        { destination: { host: 'web-canary' }, weight: canary },
        { destination: { host: 'web-primary.shop.svc.cluster.local' }, weight: primary },
      ],
    });
    world.put([anObject(routeRef, { hosts: ['web'], http: [pair(9, 1)] })]);
    await world.ensure(aRequest(), 10);
    expect((await world.read(aRequest())).seen).toMatchObject({ state: 'ready', askedPercent: 10 });
    await world.write(aRequest(), 10);
    expect(world.written.map(({ kind }) => kind)).toEqual(['DestinationRule', 'DestinationRule']);
    world.embedded.api.store.mutate(routeRef.kind, 'shop', 'web', (draft) =>
      Object.assign(draft, { spec: { hosts: ['web'], http: [pair(9, 1), pair(1, 1)] } }),
    );
    expect((await world.read(aRequest())).seen).toMatchObject({ state: 'drifted', askedPercent: null });
    await world.ensure(aRequest(), 5, 'f');
    expect((await world.read(aRequest())).seen).toMatchObject({ state: 'ready', askedPercent: 5, fence: 'f' });
    world.embedded.api.store.mutate(routeRef.kind, 'shop', 'web', (draft) =>
      Object.assign(draft, { spec: { hosts: ['web'], http: [pair(0, 0)] } }),
    );
    expect((await world.read(aRequest())).seen).toMatchObject({ state: 'drifted', askedPercent: null });
    await world.write(aRequest(), 5);
    expect((await world.read(aRequest())).seen).toMatchObject({ state: 'ready', askedPercent: 5 });
  });

  it('rolls back in one write while a DestinationRule is missing', async () => {
    await world.ensure(aRequest(), 0);
    await world.write(aRequest(), 50);
    world.embedded.api.store.remove(RULE, 'shop', 'web-primary');
    expect((await world.read(aRequest())).seen).toMatchObject({ state: 'drifted', askedPercent: 50 });
    const before = world.writes();
    await world.write(aRequest(), 0, 'r1/5');
    expect(world.writes()).toBe(before + 1);
    expect((await world.read(aRequest())).seen).toMatchObject({ askedPercent: 0, fence: 'r1/5' });
  });

  it('takes the canary out of its pair while another rule cannot be steered', async () => {
    world.put(istio.foreign());
    await world.ensure(aRequest(), 0);
    await world.write(aRequest(), 30);
    const destination = (host: string): object => ({ destination: { host }, weight: 50 });
    world.embedded.api.store.mutate(routeRef.kind, 'shop', 'web', (draft) => {
      (draft['spec'] as { http: object[] }).http.push({ route: [destination('web'), destination('legacy')] });
    });
    const found = await world.read(aRequest());
    expect(found.problem?.message).toMatch(
      /spec.http\[3\].route mixes the apex with other backends, must name it alone/,
    );
    expect(found.seen).toMatchObject({ state: 'drifted', askedPercent: 30 });
    await world.write(aRequest(), 0, 'r1/9');
    expect((await world.read(aRequest())).seen).toMatchObject({ askedPercent: 0, fence: 'r1/9' });
    await expect(world.ensure(aRequest(), 30)).rejects.toThrow(UnsupportedError);
  });

  it('recognises a rule of an adopted route that was moved, when it puts the original back', async () => {
    world.put(istio.foreign());
    const before = structuredClone(specOf(world.route())) as { http: object[] };
    await world.ensure(aRequest(), 0);
    world.embedded.api.store.mutate(routeRef.kind, 'shop', 'web', (draft) =>
      (draft['spec'] as { http: object[] }).http.reverse(),
    );
    await world.driver.release(aRequest(), await world.read(aRequest()), true);
    expect(specOf(world.route())).toEqual({ ...before, http: before.http.toReversed() });
  });
});

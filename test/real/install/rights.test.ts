// serin under the account and the rules of the chart on a real API server, with every provider and both groups: nothing is denied, and no rule is idle.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/util/clock.ts';
import { SERVED_PROVIDERS } from '../../../src/api/provider-names.gen.ts';
import { controllerRules, grantsOf, type Rule } from '../../integration/install/rights.ts';
import type { AuditEntry } from '../audit-log.ts';
import { CONTROLLER_PARTS, startControlPlane, type ControlPlane } from '../control-plane.ts';
import { ensureParts } from '../parts.ts';
import { runNode } from '../stand/node-actor.ts';
import { startStore, type Store } from '../stand/store.ts';
import { installChart, type Installed } from './installed.ts';
import { BAD_IMAGE, expectReleased, leave, live, type Life } from './life.ts';
import { meshCrds, removeCrds, serveCrds } from './vendor-crds.ts';

/** Of whole rules that can be taken away: whether a Gateway is programmed is asked only where its controller reports on the route, and none does here. */
const RARE_GRANTS: readonly string[] = ['gateway.networking.k8s.io/gateways get'];

/** Verbs of which no request is seen, and when they are. Every rule has others that are. */
const STALE = 'a watch that went silent: then the object is read live';
const KEPT_VERBS: Readonly<Record<string, string>> = {
  'apps/deployments get': STALE,
  'apps/replicasets get': STALE,
  '/pods get': STALE,
  '/services get': STALE,
  'autoscaling/horizontalpodautoscalers get': STALE,
  'serin.dev/canaries get': STALE,
  'serin.dev/metrictemplates get': STALE,
  'serin.dev/alertproviders get': STALE,
  'flagger.app/canaries get': STALE,
  'flagger.app/metrictemplates get': STALE,
  'flagger.app/alertproviders get': STALE,
  'networking.istio.io/virtualservices get': STALE,
  'networking.istio.io/destinationrules get': STALE,
  'networking.istio.io/destinationrules patch': 'a DestinationRule that was there, or whose trafficPolicy changed',
  'gateway.networking.k8s.io/httproutes get': STALE,
  'gateway.networking.k8s.io/grpcroutes get': STALE,
  'split.smi-spec.io/trafficsplits get': STALE,
  'appmesh.k8s.aws/virtualrouters get': STALE,
  'appmesh.k8s.aws/virtualservices get': STALE,
  'appmesh.k8s.aws/virtualnodes get': STALE,
};

const LIVES: readonly Life[] = [
  { namespace: 'on-istio', group: 'serin.dev', provider: 'istio' },
  {
    namespace: 'on-http-route',
    group: 'serin.dev',
    provider: 'gateway-api',
    service: { gatewayRefs: [{ name: 'public', namespace: 'infra' }], hosts: ['shop.example.com'] },
  },
  {
    namespace: 'on-grpc-route',
    group: 'serin.dev',
    provider: 'gateway-api',
    service: {
      appProtocol: 'kubernetes.io/h2c',
      portName: 'grpc',
      gatewayRefs: [{ name: 'public', namespace: 'infra' }],
      hosts: ['shop.example.com'],
    },
  },
  { namespace: 'on-smi', group: 'serin.dev', provider: 'smi' },
  { namespace: 'on-appmesh-2', group: 'serin.dev', provider: 'appmesh-v1beta2' },
  {
    namespace: 'on-services',
    group: 'serin.dev',
    provider: 'kubernetes',
    analysis: { stepWeight: undefined, maxWeight: undefined, iterations: 2 },
  },
  { namespace: 'of-flagger', group: 'flagger.app', provider: 'istio' },
];
const OLD_APP_MESH: Life = {
  namespace: 'on-appmesh-1',
  group: 'serin.dev',
  provider: 'appmesh-v1beta1',
  service: { meshName: 'mesh' },
};
const PROVIDER_NAMES = SERVED_PROVIDERS.map(({ name }) => name);
/** What is left for the hook before an uninstall. */
const LAST: Life = { namespace: 'on-istio-last', group: 'serin.dev', provider: 'istio' };

let plane: ControlPlane;
let store: Store;
let prometheus: Server;
let serin: Installed;
let ending: AbortController;

/** Opens everything. `apiServerFlags` as for the API server, `sets` as values of the chart. */
async function open(apiServerFlags: readonly string[], sets: readonly string[]): Promise<void> {
  const programs = await ensureParts([...CONTROLLER_PARTS, 'helm', 'redis-server']);
  plane = await startControlPlane({ hasControllers: true, users: { node: ['system:masters'] }, apiServerFlags });
  store = await startStore(programs['redis-server'], plane.folder);
  prometheus = createServer((request, response) => void answer(request.url ?? '', (text) => response.end(text)));
  await new Promise<void>((resolve) => prometheus.listen(0, '127.0.0.1', resolve));
  for (const mesh of ['istio', 'gateway-api-standard', 'smi-linkerd', 'appmesh-v1beta2'])
    await serveCrds(plane.api, meshCrds(mesh));
  // Pods that are ready as soon as they are bound: what they serve is not the question here.
  const runner = { start: () => Promise.resolve({ ip: '10.244.1.1', annotations: {} }), stop: () => Promise.resolve() };
  const node = { api: plane.api.as(plane.tokenOf('node')), clock: systemClock, runner };
  ending = new AbortController();
  const running = runNode({ ...node, addressOf: () => '10.244.1.1', onProblem: () => undefined }, ending.signal);
  running.catch(() => undefined);
  const values = ['apiGroups={serin.dev,flagger.app}', 'queue.store=redis', `queue.url=${store.url}`, ...sets];
  serin = await installChart({ plane, sets: values });
  await serin.start();
}

async function close(): Promise<void> {
  ending.abort();
  await serin.stop();
  prometheus.closeAllConnections();
  prometheus.close();
  await store.stop();
  await plane.stop();
}

/** Answers as Prometheus does: errors_<namespace> is 9 while the target there runs a bad image. */
async function answer(url: string, end: (text: string) => void): Promise<void> {
  const query = new URL(url, 'http://prometheus').searchParams.get('query') ?? '';
  const namespace = query.replace(/^errors_/, '').replaceAll('_', '-');
  const target = await plane.api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/shop`).catch(() => null);
  const value = JSON.stringify(target?.['spec'] ?? {}).includes(`"${BAD_IMAGE}"`) ? '9' : '0';
  const result = [{ metric: {}, value: [Date.now() / 1_000, value] }];
  end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
}

const metricsServer = (): string => `http://127.0.0.1:${(prometheus.address() as AddressInfo).port}`;

/** The grant that a request used; discovery is everybody's. */
const grantOf = ({ group, resource, subresource, verb }: AuditEntry): string =>
  `${group}/${resource}${subresource === '' ? '' : `/${subresource}`} ${verb}`;
const requestsOf = (user: string): readonly AuditEntry[] =>
  plane.audit.of(user).filter(({ resource }) => resource !== '');

describe('under the rules of the chart', () => {
  beforeAll(() => open([], []));
  afterAll(close);

  it('Canaries of every provider and group live their whole lives', async () => {
    await Promise.all(LIVES.map((life) => live(plane.api, life, metricsServer())));
    await Promise.all(LIVES.map((life) => leave(plane.api, life)));
  }, 900_000);

  it('a Canary of the older App Mesh too', async () => {
    await serin.stop();
    await removeCrds(plane.api, meshCrds('appmesh-v1beta2'));
    await serveCrds(plane.api, meshCrds('appmesh-v1beta1'));
    await serin.start();
    await live(plane.api, OLD_APP_MESH, metricsServer());
    await leave(plane.api, OLD_APP_MESH);
  }, 600_000);

  it('the hook before an uninstall releases what is left, with rights of its own', async () => {
    await live(plane.api, LAST, metricsServer());
    const { code, said, user, rules } = await serin.release();
    expect([code, said]).toEqual([0, expect.stringContaining('eleased')]);
    await expectReleased(plane.api, LAST.namespace);
    expect(requestsOf(user).filter(({ isAllowed }) => !isAllowed)).toEqual([]);
    const used = new Set(requestsOf(user).map(grantOf));
    expect(grantsOf(rules).filter((grant) => !used.has(grant) && !grant.startsWith('flagger.app/'))).toEqual([]);
  }, 400_000);

  it('nothing was denied, and no Secret was listed or watched', () => {
    expect(requestsOf(serin.user).length).toBeGreaterThan(500);
    expect(deniedTo(serin.user)).toEqual([]);
    const secrets = requestsOf(serin.user).filter(({ resource }) => resource === 'secrets');
    expect([...new Set(secrets.map(({ verb }) => verb))].toSorted()).toEqual(['create', 'delete', 'get', 'patch']);
  });

  it('no rule is idle, and no verb but those that are named', () => {
    const { rules } = serin;
    const used = new Set(requestsOf(serin.user).map(grantOf));
    const isKept = (grant: string): boolean => used.has(grant) || RARE_GRANTS.includes(grant);
    expect(rules.filter((rule) => !grantsOf([rule]).some(isKept))).toEqual([]);
    const idle = new Set(grantsOf(rules).filter((grant) => !used.has(grant)));
    expect([...idle].filter((grant) => !isKept(grant) && KEPT_VERBS[grant] === undefined)).toEqual([]);
    expect(words(rules).filter((word) => word.includes('*'))).toEqual([]);
  });
});

describe('where the API server asks who may change owners, as on OpenShift', () => {
  beforeAll(() =>
    open(['--enable-admission-plugins=OwnerReferencesPermissionEnforcement'], ['rbac.ownerReferences=true']),
  );
  afterAll(close);

  it('Canaries live their whole lives with rbac.ownerReferences, and nothing is denied', async () => {
    await Promise.all(LIVES.map((life) => live(plane.api, life, metricsServer())));
    await Promise.all(LIVES.map((life) => leave(plane.api, life)));
    expect(deniedTo(serin.user)).toEqual([]);
  }, 900_000);

  it('the rights that this adds were looked for, and never used', () => {
    const added = serin.rules.slice(controllerRules(PROVIDER_NAMES, ['serin.dev', 'flagger.app']).length);
    expect(added.length).toBeGreaterThan(5);
    const used = new Set(requestsOf(serin.user).map(grantOf));
    expect(grantsOf(added).filter((grant) => used.has(grant))).toEqual([]);
  });
});

/** What was refused: by the authorizer or by admission. */
const deniedTo = (user: string): readonly string[] => [
  ...new Set(
    requestsOf(user)
      .filter(({ isAllowed, status }) => !isAllowed || status === 403)
      .map(grantOf),
  ),
];

const words = (rules: readonly Rule[]): readonly string[] =>
  rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs]);

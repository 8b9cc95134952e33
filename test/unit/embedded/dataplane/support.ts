// A cluster with real pods and the data plane before them, and load that counts who answered.
import { credentials } from '@grpc/grpc-js';
import type { Metadata, ServiceError } from '@grpc/grpc-js';
import { Agent, request as startRequest } from 'node:http';
import { DataServiceClient } from '../../../../src/embedded/actors/grpc-service.ts';
import type { GetReply } from '../../../../src/embedded/actors/grpc-service.ts';
import type { MetricsAs } from '../../../../src/embedded/actors/exposition.ts';
import { openHttpRunner } from '../../../../src/embedded/actors/http-runner.ts';
import type { HttpRunner } from '../../../../src/embedded/actors/http-runner.ts';
import { asDeployment } from '../../../../src/embedded/actors/shapes.ts';
import { startActors } from '../../../../src/embedded/actors/start.ts';
import type { StoreAccess } from '../../../../src/embedded/apiserver/access.ts';
import { createApiServer } from '../../../../src/embedded/apiserver/server.ts';
import { startDataPlane } from '../../../../src/embedded/dataplane/start.ts';
import type { DataPlane, DataPlaneMesh } from '../../../../src/embedded/dataplane/start.ts';
import { DEPLOYMENT } from '../../../../src/kube/kinds.ts';
import { sleep, systemClock } from '../../../../src/util/clock.ts';
import { systemRandom } from '../../../../src/util/random.ts';

export const NAMESPACE = 'shop';

export interface RealCluster {
  readonly store: StoreAccess;
  readonly plane: DataPlane;
  readonly runner: HttpRunner;
  readonly problems: string[];
  stop(): Promise<void>;
}

/** Starts the cluster with Services web, web-primary, web-canary, and the Deployments web-primary (1.0.0) and web (2.0.0). */
export async function startRealCluster(
  mesh: DataPlaneMesh,
  options: { protocol?: 'http' | 'grpc'; canaryImage?: string; metricsAs?: MetricsAs } = {},
): Promise<RealCluster> {
  const { protocol = 'http', canaryImage = 'app:2.0.0', metricsAs = 'app' } = options;
  const server = createApiServer({ clock: systemClock, random: systemRandom });
  const { store } = server;
  const runner = openHttpRunner({ clock: systemClock, random: systemRandom, metricsAs, lingerMs: 200 });
  const problems: string[] = [];
  const actors = startActors({
    store,
    clock: systemClock,
    random: systemRandom,
    delayMs: 5,
    runner,
    onProblem: (problem) => problems.push(problem),
  });
  const plane = await startDataPlane({
    store,
    clock: systemClock,
    random: systemRandom,
    mesh,
    lagMs: 20,
    namespace: NAMESPACE,
  });
  store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  createService(store, 'web', 'web-primary', protocol);
  createService(store, 'web-primary', 'web-primary', protocol);
  createService(store, 'web-canary', 'web', protocol);
  createApp(store, 'web-primary', 'app:1.0.0', protocol);
  createApp(store, 'web', canaryImage, protocol);
  await until(() => isReady(store, 'web-primary') && isReady(store, 'web'), 'pods are ready');
  await until(() => plane.view.snapshot().addresses.size === 4, 'endpoints are known');
  return {
    store,
    plane,
    runner,
    problems,
    async stop() {
      actors.stop();
      await plane.stop();
      await runner.kill();
      server.close();
    },
  };
}

function createService(store: StoreAccess, name: string, app: string, protocol: 'http' | 'grpc'): void {
  store.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec: { selector: { app }, ports: [{ name: protocol, port: 80, targetPort: protocol }] },
  });
}

function createApp(store: StoreAccess, name: string, image: string, protocol: 'http' | 'grpc'): void {
  store.create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'app', image, ports: [{ name: protocol, containerPort: 8080 }] }] },
      },
    },
  });
}

export function isReady(store: StoreAccess, name: string): boolean {
  const object = store.get(DEPLOYMENT, NAMESPACE, name);
  if (object === null) return false;
  const { spec, status = {}, metadata } = asDeployment(object);
  return (
    status.observedGeneration === metadata.generation &&
    (status.availableReplicas ?? 0) === spec.replicas &&
    status.replicas === spec.replicas
  );
}

export function scale(store: StoreAccess, name: string, replicas: number): void {
  store.mutate(DEPLOYMENT, NAMESPACE, name, (draft) => {
    asDeployment(draft).spec.replicas = replicas;
  });
}

/** Waits for a condition on real I/O. */
export async function until(holds: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`Timed out waiting until ${what}`);
    await sleep(systemClock, 5);
  }
}

/** One answer as the client sees it. */
export interface Answer {
  readonly status: number;
  readonly role: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const keepAlive = new Agent({ keepAlive: true, maxSockets: 8 });

/** One HTTP request with a Host header. */
export function get(
  url: string,
  host: string,
  options: { path?: string; headers?: Record<string, string>; isNewConnection?: boolean; method?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = startRequest(
      {
        hostname,
        port,
        path: options.path ?? '/',
        method: options.method ?? 'GET',
        headers: { ...options.headers, host },
        agent: options.isNewConnection === true ? false : keepAlive,
      },
      (response) => {
        response.resume();
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            role: String(response.headers['x-role'] ?? ''),
            headers: response.headers,
          }),
        );
      },
    );
    request.on('error', reject);
    request.end();
  });
}

/** How `count` requests were answered: by role, and how many failed. Half of them on new connections, eight at a time. */
export async function load(
  url: string,
  host: string,
  count: number,
): Promise<{ roles: Record<string, number>; failed: number }> {
  const roles: Record<string, number> = {};
  let failed = 0;
  let sent = 0;
  const work = async (): Promise<void> => {
    while (sent < count) {
      sent += 1;
      const answer = await get(url, host, { isNewConnection: sent % 2 === 0 });
      if (answer.status === 200) roles[answer.role] = (roles[answer.role] ?? 0) + 1;
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return { roles, failed };
}

/** True when `hits` of `count` is no surprise (five standard deviations, p about 6e-7) for a share. */
export function isWithinBinomial(hits: number, count: number, share: number): boolean {
  return Math.abs(hits - count * share) <= 5 * Math.sqrt(count * share * (1 - share)) + 1;
}

/** A gRPC client of proto.DataService that sends the authority `host`. */
export function openGrpc(
  address: string,
  host: string,
): { get(): Promise<Answer & { reply: GetReply | null; code: number }>; close(): void } {
  const client = new DataServiceClient(address, credentials.createInsecure(), { 'grpc.default_authority': host });
  type Call = (
    request: object,
    options: object,
    callback: (error: ServiceError | null, reply: GetReply | undefined) => void,
  ) => { on(event: 'metadata', listener: (metadata: Metadata) => void): void };
  const call = (client as unknown as { Get: Call }).Get.bind(client);
  return {
    get: () =>
      new Promise((resolve) => {
        let headers: Record<string, string> = {};
        call({ key: 'a' }, { deadline: Date.now() + 5_000 }, (error, reply) =>
          resolve({
            status: 200,
            role: reply?.role ?? headers['x-role'] ?? '',
            headers,
            reply: reply ?? null,
            code: error?.code ?? 0,
          }),
        ).on('metadata', (metadata) => {
          headers = Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]));
        });
      }),
    close: () => client.close(),
  };
}

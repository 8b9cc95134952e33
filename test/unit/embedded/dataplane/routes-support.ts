// A store with Services and endpoints, and a way to ask where a request would go, without servers.
import { createApiServer } from '../../../../src/embedded/apiserver/server.ts';
import type { ApiServer } from '../../../../src/embedded/apiserver/server.ts';
import { chooseConnection, chooseWay } from '../../../../src/embedded/dataplane/choose.ts';
import type { Entrance } from '../../../../src/embedded/dataplane/table.ts';
import { parseHost } from '../../../../src/embedded/dataplane/table.ts';
import { startView } from '../../../../src/embedded/dataplane/view.ts';
import type { RouteReader, View } from '../../../../src/embedded/dataplane/view.ts';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';
import { countingRandom } from '../actors/support.ts';

export let server: ApiServer;
export let clock: VirtualClock;
let view: View | null = null;

/** Starts the store with the Services web, web-primary, web-canary and beta in `shop`, and away in `other`. */
export function begin(): void {
  clock = new VirtualClock();
  server = createApiServer({ clock, random: countingRandom() });
  for (const name of ['shop', 'other'])
    server.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const name of ['web', 'web-primary', 'web-canary', 'beta']) createService('shop', name);
  createService('other', 'away');
}

export function end(): void {
  view?.stop();
  server.close();
}

function createService(namespace: string, name: string): void {
  server.store.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  });
  server.store.create({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [
      {
        addresses: ['10.0.0.1'],
        conditions: { ready: true, serving: true, terminating: false },
        targetRef: { kind: 'Pod', name: `${name}-pod`, namespace, uid: 'u' },
      },
    ],
  });
}

/** Writes the objects, and has them read. */
export async function open(reader: RouteReader, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) server.store.create(object);
  view = startView({ store: server.store, clock, readers: [reader], lagMs: 20 });
  await clock.advance(100);
}

export interface Asked {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly via?: Entrance;
}

/** The Service that answers, or the status of the proxy itself. */
export function ask(host: string, asked: Asked = {}): string | number {
  const url = new URL(asked.path ?? '/', 'http://x');
  const request = {
    host: parseHost(host, 'shop'),
    method: asked.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: asked.headers ?? {},
  };
  const way = chooseWay(view!.snapshot(), asked.via ?? 'mesh', request, { next: () => 0.5, id: () => '' });
  return way.kind === 'refuse' ? way.status : (way.backend.service?.name ?? '');
}

/** The Service that takes a connection to `host:port`, or the status that it is counted under when none does. */
export function dial(host: string, via: Entrance = 'mesh'): string | number {
  const way = chooseConnection(view!.snapshot(), via, parseHost(host, 'shop'), { next: () => 0.5, id: () => '' });
  return way.kind === 'refuse' ? way.status : (way.backend.service?.name ?? '');
}

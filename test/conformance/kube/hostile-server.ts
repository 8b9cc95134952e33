// A client before a server that answers whatever a test says, over real HTTP.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach } from 'vitest';
import type { SerinError } from '../../../src/errors.ts';
import { createKubeClient } from '../../../src/kube/client.ts';
import type { KubeClientOptions } from '../../../src/kube/client.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import type { PagedKubeClient } from '../../../src/kube/paged-client.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { seededRandom } from '../../support/virtual-clock.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';
import { WIDGET, serveHttp } from './little-server.ts';
import type { HttpServer } from './little-server.ts';
import { openUndici } from './open-undici.ts';

export const A = refOf(WIDGET, 'shop', 'a');
export const METADATA = { name: 'a', namespace: 'shop', uid: 'u', resourceVersion: '7' };
export const WIDGET_A = { apiVersion: 'examine.serin.dev/v1', kind: 'Widget', metadata: METADATA };
export const PATCH = [{ op: 'replace' as const, path: '/metadata/resourceVersion', value: '7' }];

export interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answerer = (request: IncomingMessage, response: ServerResponse, attempt: number) => void;

export const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

export async function open(
  answer: Answerer,
  options: Partial<KubeClientOptions> = {},
): Promise<{ client: PagedKubeClient; seen: Seen[]; server: HttpServer }> {
  const seen: Seen[] = [];
  const server = await serveHttp((request, body, response) => {
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
    answer(request, response, seen.length);
  });
  const transport = openUndici(server.url);
  closers.push(
    () => server.close(),
    () => transport.close(),
  );
  return {
    client: createKubeClient({ transport, clock: systemClock, random: seededRandom(1), ...options }),
    seen,
    server,
  };
}

export function send(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

export const failure = (code: number, reason: string, message = ''): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  code,
  reason,
  message,
  details: { name: 'a' },
});
export const errorOf = (call: Promise<unknown>): Promise<SerinError> =>
  call.then(
    () => Promise.reject(new Error('the call must fail')),
    (error: unknown) => error as SerinError,
  );

/** Lets an answer that is already on its way arrive. */
export async function settled(clock: VirtualClock): Promise<void> {
  const endMs = systemClock.monotonicMs() + 60;
  await clock.waitReal(() => systemClock.monotonicMs() > endMs);
}

// What the notifier tests share: a real HTTP server as the sink, a small HTTP client, an announcement, a Kubernetes double.
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConflictError } from '../../../src/errors.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import type { HttpClient } from '../../../src/http/contract.ts';
import type { KubeClient, KubeObject } from '../../../src/kube/contract.ts';
import type { Announcement } from '../../../src/notify/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';

/** One request as the sink received it. */
export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the sink answers; null never answers. */
export interface SinkAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

export interface Sink {
  readonly url: string;
  readonly received: ReceivedRequest[];
  /** Called for each request; the default answers 200 `ok`. */
  answer: (request: ReceivedRequest) => SinkAnswer | null;
  close(): Promise<void>;
}

/** Starts a sink on a free port. */
export async function startSink(): Promise<Sink> {
  const received: ReceivedRequest[] = [];
  const sink: Sink = {
    url: '',
    received,
    answer: () => ({ status: 200, body: 'ok' }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const seen = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      received.push(seen);
      const answer = sink.answer(seen);
      if (answer !== null) response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(sink, { url: `http://127.0.0.1:${port}` });
}

/** The hardened client, allowed to reach this machine, with an upper limit on time-outs so that a silent sink does not hold a test. */
export function openTestHttp(timeoutMaxMs = 5_000): HttpClient {
  const client = createHttpClient({ clock: systemClock, allowLoopback: true });
  return {
    send: (request) => client.send({ ...request, timeoutMs: Math.min(request.timeoutMs, timeoutMaxMs) }),
  };
}

/** A client that keeps created objects and refuses a name twice; nothing else of it is used by sinks. */
export function openTestKube(): { client: KubeClient; created: KubeObject[] } {
  const created: KubeObject[] = [];
  const client: Pick<KubeClient, 'create'> = {
    create(object) {
      if (created.some(({ metadata }) => metadata.name === object.metadata.name)) {
        return Promise.reject(new ConflictError('Cannot create Event: it exists'));
      }
      created.push(object);
      return Promise.resolve(object);
    },
  };
  return { client: client as KubeClient, created };
}

/** An announcement of a weight step unless told otherwise. */
export function makeAnnouncement(
  changes: Partial<Announcement> = {},
  canary: Partial<Announcement['canary']> = {},
): Announcement {
  const runId = changes.runId ?? '0011223344556677';
  const seq = changes.seq ?? 3;
  return {
    key: `uid-1/${runId}/${seq}`,
    seq,
    runId,
    atMs: Date.UTC(2026, 0, 1),
    type: 'WeightAdvanced',
    message: 'Advance web.shop canary weight 20',
    eventType: 'Normal',
    alert: null,
    role: 'step',
    ...changes,
    canary: {
      group: 'serin.dev',
      apiVersion: 'serin.dev/v1beta1',
      namespace: 'shop',
      name: 'web',
      uid: 'uid-1',
      phase: 'Progressing',
      checksum: '1234',
      targetKind: 'Deployment',
      targetName: 'web',
      provider: 'istio',
      weightPercent: 20,
      failedChecks: 1,
      threshold: 5,
      images: ['registry.example.com/web:2.0.0'],
      version: '2.0.0',
      trafficRouting: 'Weight step: 10 max: 50',
      progressDeadlineSeconds: 600,
      clusterName: '',
      ...canary,
    },
  };
}

/** The alert of a new revision. */
export const makeAlert = (canary: Partial<Announcement['canary']> = {}): Announcement =>
  makeAnnouncement(
    {
      type: 'RevisionDetected',
      message: 'New revision detected! Scaling up web.shop',
      alert: { severity: 'info', message: 'New revision detected, progressing canary analysis.', withMetadata: true },
      role: 'begin',
      seq: 1,
    },
    canary,
  );

/** The signal of a call that nobody ends. */
export const never = (): AbortSignal => new AbortController().signal;

// A Prometheus that answers as the bench says: how well each canary does, and when that was answered.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A Prometheus on 127.0.0.1. */
export interface FakePrometheus {
  readonly url: string;
  /** Queries so far. */
  queries(): number;
  /** From now on the success rate of this workload is a breach. */
  fail(workload: string): void;
  /** Monotonic times at which a breach of this workload was answered, in milliseconds. */
  breachesOf(workload: string): readonly number[];
  close(): Promise<void>;
}

/** Starts it. Every workload succeeds until it is told to fail. */
export async function startPrometheus(): Promise<FakePrometheus> {
  const breaches = new Map<string, number[]>();
  let queries = 0;
  const server: Server = createServer((request, response) => {
    queries += 1;
    const query = new URL(request.url ?? '/', 'http://prometheus').searchParams.get('query') ?? '';
    const workload = /destination_workload="([^"]+)"/.exec(query)?.[1] ?? '';
    const noted = breaches.get(workload);
    answer(response, noted === undefined ? '100' : '50');
    noted?.push(performance.now());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    queries: () => queries,
    fail: (workload) => void breaches.set(workload, []),
    breachesOf: (workload) => breaches.get(workload) ?? [],
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(response: ServerResponse, value: string): void {
  const result = [{ metric: {}, value: [Date.now() / 1_000, value] }];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
}

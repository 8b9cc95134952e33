// The Prometheus of the cost bench, a process of its own: answers at once, and notes when it answered a breach.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the bench tells it: from now on every success rate is a breach, or none. */
export interface PrometheusOrder {
  readonly isFailing?: boolean;
  readonly isReportWanted?: boolean;
}

/** What it tells the bench. */
export interface PrometheusReport {
  readonly port: number;
  readonly queries: number;
  /** Times at which a breach was answered, by workload; milliseconds since the epoch. */
  readonly breaches: Readonly<Record<string, readonly number[]>>;
}

let isFailing = false;
let queries = 0;
let breaches: Record<string, number[]> = {};

const server = createServer((request, response) => {
  queries += 1;
  const query = new URL(request.url ?? '/', 'http://prometheus').searchParams.get('query') ?? '';
  const isBreach = isFailing && !query.includes('request_duration');
  // As percent this is all, as milliseconds soon enough.
  const result = [{ metric: {}, value: [Date.now() / 1_000, isBreach ? '50' : '100'] }];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  const workload = /destination_workload="([^"]+)"/.exec(query)?.[1] ?? '';
  if (isBreach) (breaches[workload] ??= []).push(performance.timeOrigin + performance.now());
});

const report = (): void => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ port, queries, breaches } satisfies PrometheusReport);
};

process.on('message', (order: PrometheusOrder) => {
  if (order.isFailing !== undefined) {
    isFailing = order.isFailing;
    breaches = {};
  }
  if (order.isReportWanted === true) report();
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', report);

// What simulated processes call besides the API server: a Prometheus, hooks, a webhook sink. Answers come from the scenario.
import type { HttpClient, HttpRequest, HttpResponse } from '../../src/http/contract.ts';
import { TransientError } from '../../src/errors.ts';
import { cutExchange, type NetworkParts } from './network.ts';

/** A metric's answer: a number as text, nothing, or a source that fails. */
export type MetricAnswer =
  | { readonly kind: 'value'; readonly text: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'down' };

export interface OutgoingWorld {
  metric(): MetricAnswer;
  /** A hook or sink was called. */
  called(url: string, request: HttpRequest): HttpResponse;
  nowMs(): number;
}

/** The HTTP port of one process. */
export function simulatedHttp(parts: NetworkParts, world: OutgoingWorld): HttpClient {
  return {
    async send(request) {
      const url = new URL(request.url);
      const exchange = (): Promise<HttpResponse> => Promise.resolve(answer(url, request, world));
      try {
        return await cutExchange(parts, `${request.purpose} ${url.hostname}`, exchange);
      } catch {
        throw new TransientError('IO_NETWORK', `Cannot reach ${url.hostname}: connection reset`);
      }
    },
  };
}

function answer(url: URL, request: HttpRequest, world: OutgoingWorld): HttpResponse {
  if (url.hostname !== 'prometheus.sim') return world.called(url.hostname, request);
  const metric = world.metric();
  if (metric.kind === 'down') return { status: 503, headers: { 'content-type': 'text/plain' }, body: 'unavailable' };
  const value = metric.kind === 'value' ? [{ metric: {}, value: [world.nowMs() / 1_000, metric.text] }] : [];
  const body = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: value } });
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

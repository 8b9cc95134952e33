// The numbers of a pod under the names of each mesh.
import { describe, expect, it } from 'vitest';
import { createTrafficCounters } from '../../../../src/embedded/actors/exposition.ts';
import type { MetricsAs } from '../../../../src/embedded/actors/exposition.ts';

const FACTS = { namespace: 'shop', pod: 'web-abc-1', workload: 'web', version: '2.0.0', protocol: 'http' } as const;

/** The value of the one series with this name and all these labels. */
function valueOf(text: string, name: string, labels: Record<string, string>): number {
  const lines = text
    .split('\n')
    .filter(
      (line) =>
        line.startsWith(`${name}{`) &&
        Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)),
    );
  expect(lines).toHaveLength(1);
  return Number(lines[0]?.split(' ').at(-1));
}

function render(metricsAs: MetricsAs, protocol: 'http' | 'grpc' = 'http'): string {
  const counters = createTrafficCounters({ ...FACTS, protocol }, metricsAs);
  const grpc = (status: number): number | null => (protocol === 'grpc' ? status : null);
  for (let i = 0; i < 3; i += 1) counters.note({ status: 200, grpcStatus: grpc(0), durationMs: 30 });
  counters.note({ status: protocol === 'grpc' ? 200 : 500, grpcStatus: grpc(13), durationMs: 700 });
  return counters.render();
}

describe('exposition', () => {
  it.each([
    [
      'istio',
      'istio_requests_total',
      'istio_request_duration_milliseconds',
      'response_code',
      { destination_workload: 'web', reporter: 'destination' },
    ],
    ['appmesh', 'envoy_cluster_upstream_rq', 'envoy_cluster_upstream_rq_time', 'envoy_response_code', {}],
    [
      'osm',
      'osm_request_total',
      'osm_request_duration_ms',
      'response_code',
      { destination_kind: 'Deployment', destination_name: 'web' },
    ],
    ['app', 'http_request_duration_seconds_count', 'http_request_duration_seconds', 'status', {}],
  ] as const)('as %s', (metricsAs, counter, histogram, code, identity) => {
    const text = render(metricsAs);
    expect(valueOf(text, counter, { ...identity, [code]: '200' })).toBe(3);
    expect(valueOf(text, counter, { ...identity, [code]: '500' })).toBe(1);
    const le = metricsAs === 'app' ? '0.05' : '50';
    const isApart = metricsAs === 'app' || metricsAs === 'istio';
    expect(valueOf(text, `${histogram}_bucket`, { le, ...(isApart ? { [code]: '200' } : {}) })).toBe(3);
    expect(valueOf(text, `${histogram}_bucket`, { le: '+Inf', ...(isApart ? { [code]: '500' } : {}) })).toBe(
      isApart ? 1 : 4,
    );
  });

  it('counts gRPC by its own status', () => {
    const text = render('istio', 'grpc');
    expect(
      valueOf(text, 'istio_requests_total', {
        grpc_response_status: '13',
        response_code: '200',
        request_protocol: 'grpc',
      }),
    ).toBe(1);
    expect(valueOf(text, 'grpc_server_handled_total', { grpc_code: 'Internal' })).toBe(1);
    expect(valueOf(text, 'grpc_server_handled_total', { grpc_code: 'OK' })).toBe(3);
    expect(valueOf(text, 'grpc_server_handling_seconds_bucket', { le: '1' })).toBe(4);
  });
});

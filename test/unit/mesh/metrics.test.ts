// Built-in metrics: what counts as a failure for each provider and protocol, and what scrape may leave out.
import { describe, expect, it } from 'vitest';
import type { LabelMatch, TrafficMetrics } from '../../../src/mesh/contract.ts';
import { MESH_PROVIDERS } from '../../../src/mesh/registry.gen.ts';
import { findMeshProvider } from '../../../src/mesh/registry.ts';

const of = (name: string, protocol: 'http' | 'grpc' | 'tcp'): TrafficMetrics =>
  findMeshProvider(name).metrics(protocol)!;
/** Matches as PromQL does: anchored, an absent label being empty. */
const fails = ({ op, value }: LabelMatch, label: string): boolean =>
  new RegExp(`^(?:${value})$`).test(label) === (op === '=~');

describe('built-in metrics', () => {
  it.each(MESH_PROVIDERS.map((provider) => [provider.name, provider] as const))(
    'of %s exist for HTTP and gRPC',
    (_name, provider) => {
      for (const protocol of ['http', 'grpc'] as const) {
        const traffic = provider.metrics(protocol);
        expect(traffic === null).toBe(!provider.capabilities.protocols.includes(protocol));
        expect(traffic?.requests.labels.length).toBeGreaterThan(0);
        expect(traffic?.latency.metric).not.toMatch(/_bucket$/);
      }
      expect(provider.metrics('tcp')).toBeNull();
    },
  );

  it('count 5xx of HTTP', () => {
    for (const name of ['istio', 'appmesh', 'appmesh:v1beta2', 'smi', 'kubernetes', 'gateway-api']) {
      const { failure } = of(name, 'http').requests;
      expect(
        ['500', '503', '599'].every((code) => fails(failure, code)),
        name,
      ).toBe(true);
      expect(
        ['200', '302', '404', '150', ''].some((code) => fails(failure, code)),
        name,
      ).toBe(false);
    }
  });

  it('count what is the server’s fault of gRPC, and a missing status', () => {
    const { failure } = of('istio', 'grpc').requests;
    const failing = [...Array(17).keys()].filter((code) => fails(failure, String(code)));
    expect(failing).toEqual([2, 4, 8, 12, 13, 14, 15]);
    expect(fails(failure, '')).toBe(true);
    for (const name of ['appmesh', 'smi', 'kubernetes', 'gateway-api']) {
      const { failure: byName } = of(name, 'grpc').requests;
      const failingNames = [
        'OK',
        'Unknown',
        'DeadlineExceeded',
        'ResourceExhausted',
        'Unimplemented',
        'Internal',
        'Unavailable',
        'DataLoss',
        'NotFound',
      ].filter((code) => fails(byName, code));
      expect(failingNames, name).toEqual([
        'Unknown',
        'DeadlineExceeded',
        'ResourceExhausted',
        'Unimplemented',
        'Internal',
        'Unavailable',
        'DataLoss',
      ]);
    }
  });

  it('keep for scrape what tells requests to the pod from requests of the pod', () => {
    const kept = (name: string): string[] =>
      of(name, 'http')
        .requests.labels.filter(({ isIdentity }) => isIdentity !== true)
        .map(({ label }) => label);
    expect(kept('istio')).toEqual(['reporter']);
    expect(kept('appmesh')).toEqual(['envoy_cluster_name']);
    expect(kept('smi')).toEqual(['destination_namespace', 'destination_kind', 'destination_name']);
    expect(of('istio', 'http').scrape).toEqual({ port: 15_020, path: '/stats/prometheus' });
    expect(of('appmesh', 'http').scrape).toEqual({ port: 9901, path: '/stats/prometheus' });
    expect(of('kubernetes', 'http').scrape).toEqual({ port: 8080, path: '/metrics' });
  });
});

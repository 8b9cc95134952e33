// Hosts, weights and rewrites.
import { describe, expect, it } from 'vitest';
import { rewritePath } from '../../../../src/embedded/dataplane/choose.ts';
import { NO_CHANGES, chooseByWeight, hostMatcher, parseHost } from '../../../../src/embedded/dataplane/table.ts';

describe('table', () => {
  it('reads hosts', () => {
    expect(parseHost('Web.Shop.svc.cluster.local.:80', 'x')).toEqual({
      text: 'web.shop.svc.cluster.local',
      service: { name: 'web', namespace: 'shop' },
      port: 80,
    });
    expect(parseHost('web', 'x').service).toEqual({ name: 'web', namespace: 'x' });
    expect(parseHost('a.b.example.com', 'x').service).toBeNull();
    expect(hostMatcher('*.example.com', 'x')(parseHost('a.example.com', 'x'))).toBe(true);
    expect(hostMatcher('*.example.com', 'x')(parseHost('example.com', 'x'))).toBe(false);
  });

  it('chooses by weight', () => {
    const backends = [70, 0, 30].map((weight, index) => ({
      service: { namespace: 'n', name: String(index) },
      port: null,
      labels: null,
      weight,
      headers: NO_CHANGES,
    }));
    expect([0, 0.699, 0.7, 0.999].map((next) => chooseByWeight(backends, next)?.service?.name)).toEqual([
      '0',
      '0',
      '2',
      '2',
    ]);
    expect(chooseByWeight(backends.slice(1, 2), 0.5)).toBeNull();
  });

  it('rewrites paths', () => {
    const rule = (matched: string, to: string): Parameters<typeof rewritePath>[0] =>
      ({ rewrite: { matched, to } }) as Parameters<typeof rewritePath>[0];
    expect(rewritePath(rule('/a', '/'), '/a/b?c')).toBe('/b?c');
    expect(rewritePath(rule('/a', '/x'), '/a')).toBe('/x');
    expect(rewritePath(null, '/a')).toBe('/a');
  });
});

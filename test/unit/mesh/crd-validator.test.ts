// The validator of vendors' CRDs must be able to fail: unknown members, types, and CEL rules.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { hasVendorCrds, loadCrds } from '../../support/crd-validator.ts';

const ROUTE: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    parentRefs: [{ name: 'public', namespace: 'infra' }],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], backendRefs: [{ name: 'web', port: 80 }] }],
  },
};

describe.skipIf(!hasVendorCrds())('validator of CRDs (skipped without ../shared/crds)', () => {
  const check = (change: (route: { spec: { rules: Record<string, unknown>[] } }) => void) => {
    const route = structuredClone(ROUTE);
    change(route as never);
    return loadCrds(['gateway-api-standard/gateway.networking.k8s.io_httproutes.yaml']).check(route);
  };

  it('passes a valid object after having evaluated rules', () => {
    const { problems, rules } = check(() => undefined);
    expect(problems).toEqual([]);
    expect(rules).toBeGreaterThan(10);
  });

  it('sees an unknown member', () => {
    expect(check(({ spec }) => Object.assign(spec.rules[0]!, { rout: [] })).problems.join()).toContain('rout');
  });

  it('sees a wrong type', () => {
    expect(check(({ spec }) => Object.assign(spec.rules[0]!, { timeouts: { request: 5 } })).problems.join()).toContain(
      'string',
    );
  });

  it('sees a broken CEL rule: a Service backend must have a port', () => {
    expect(
      check(({ spec }) => Object.assign(spec.rules[0]!, { backendRefs: [{ name: 'web' }] })).problems.join(),
    ).toContain('port');
  });
});

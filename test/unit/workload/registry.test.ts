// Which kinds can be targets, and what is said of the others.
import { describe, expect, it } from 'vitest';
import { InvalidSpecError, UnsupportedError } from '../../../src/errors.ts';
import { findWorkloadProvider } from '../../../src/workload/registry.ts';

const ref = (apiVersion: string, kind: string) => ({ apiVersion, kind, name: 'web' });

describe('findWorkloadProvider', () => {
  it('knows Deployments', () => {
    expect(findWorkloadProvider(ref('apps/v1', 'Deployment'))).toMatchObject({ kind: 'Deployment', apiGroup: 'apps' });
  });

  it.each([
    ['apps/v1', 'DaemonSet'],
    ['apps/v1', 'StatefulSet'],
    ['v1', 'Service'],
    ['serving.knative.dev/v1', 'Service'],
  ])('says that %s %s comes later', (apiVersion, kind) => {
    expect(() => findWorkloadProvider(ref(apiVersion, kind))).toThrow(UnsupportedError);
    expect(() => findWorkloadProvider(ref(apiVersion, kind))).toThrow(/come later, now it must be Deployment \(apps\)/);
  });

  it('refuses what it does not know and lists what it knows', () => {
    expect(() => findWorkloadProvider(ref('apps/v1', 'Deploymnet'))).toThrow(InvalidSpecError);
    expect(() => findWorkloadProvider(ref('extensions/v1beta1', 'Deployment'))).toThrow(
      /must name a Deployment \(apps\)/,
    );
  });
});

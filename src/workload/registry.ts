// The target kinds: one provider each, and clear words for those that are not there.
import type { LocalRef } from '../api/types.ts';
import { InvalidSpecError, UnsupportedError } from '../errors.ts';
import type { WorkloadProvider } from './contract.ts';
import { deploymentProvider } from './deployment.ts';

export const workloadProviders: readonly WorkloadProvider[] = [deploymentProvider];

/** Kinds that Flagger takes as targets and serin does not yet. */
const LATER: readonly { readonly apiGroup: string; readonly kind: string }[] = [
  { apiGroup: 'apps', kind: 'DaemonSet' },
  { apiGroup: 'apps', kind: 'StatefulSet' },
  { apiGroup: '', kind: 'Service' },
  { apiGroup: 'serving.knative.dev', kind: 'Service' },
];

/** The provider for a target. Errors: UnsupportedError for kinds that come later, InvalidSpecError for all others. */
export function findWorkloadProvider(targetRef: LocalRef): WorkloadProvider {
  const group = targetRef.apiVersion.includes('/')
    ? targetRef.apiVersion.slice(0, targetRef.apiVersion.indexOf('/'))
    : '';
  const found = workloadProviders.find((provider) => provider.kind === targetRef.kind && provider.apiGroup === group);
  if (found !== undefined) return found;
  const known = workloadProviders.map((provider) => `${provider.kind} (${provider.apiGroup})`).join(', ');
  const asked = `${targetRef.kind} (${targetRef.apiVersion})`;
  if (LATER.some((later) => later.kind === targetRef.kind && later.apiGroup === group)) {
    throw new UnsupportedError(
      'CAPABILITY_TARGET',
      `Cannot work on a ${asked}: targets of that kind come later, now it must be ${known}`,
    );
  }
  throw new InvalidSpecError(
    'SPEC_TARGET_KIND',
    'spec.targetRef',
    `Cannot work on a ${asked}: spec.targetRef must name a ${known}`,
  );
}

// What one look found about one Canary, as it travels from station to station.
import type { Canary } from '../api/types.ts';
import type { Observation } from '../core/observation.ts';
import type { State } from '../core/state.ts';
import type { KubeObject, ObjectRef } from '../kube/contract.ts';
import type { RouteFound, RouteRequest } from '../mesh/contract.ts';
import type { WorkloadDriver, WorkloadFound } from '../workload/contract.ts';
import type { Finding } from './conditions.ts';
import type { Mesh } from './drivers.ts';

/** Everything found about one Canary: what was decided on, and the objects by which the writes are fenced. */
export interface Found {
  readonly ref: ObjectRef;
  /** Replaced by the server's answer after each write of ours. */
  object: KubeObject;
  readonly state: State;
  readonly seen: Observation;
  readonly canary: Canary;
  readonly mesh: Mesh;
  readonly workload: WorkloadDriver;
  readonly workloadFound: WorkloadFound;
  readonly route: RouteFound;
  readonly routeRequest: RouteRequest | null;
  readonly findings: readonly Finding[];
}

/** What a look came to: gone, refused with a reason (nothing is done but to say so), or found. */
export type Look =
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'refused';
      readonly object: KubeObject;
      readonly finding: Finding /** It is being deleted and nothing was built for it: the finalizer may go. */;
      readonly isReleasable: boolean;
    }
  | { readonly kind: 'found'; readonly found: Found };

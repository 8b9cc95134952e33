// What a PATCH came to.
import type { KubeObject } from '../../kube/contract.ts';

/** The object after a patch, and whether the patch created it. */
export interface PatchOutcome {
  readonly object: KubeObject;
  readonly isCreated: boolean;
}

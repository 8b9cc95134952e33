// The exam of the Deployment target: what a user finds in the cluster after each step, on whatever API server is given.
import type { OpenKube } from '../../../src/kube/connect.ts';
import { examineRevisions } from './exam-revisions.ts';
import { examineSharing } from './exam-sharing.ts';
import { examineAutoscaler, examineServices, examineWrites } from './exam-writes.ts';

/** Declares the tests. `kubeOf` is asked when they run. */
export function examineWorkload(kubeOf: () => OpenKube): void {
  examineRevisions(kubeOf);
  examineWrites(kubeOf);
  examineAutoscaler(kubeOf);
  examineServices(kubeOf);
  examineSharing(kubeOf);
}

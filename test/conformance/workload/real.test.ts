// The Deployment target sits its exam on a real API server, where SERIN_TEST_KUBECONFIG names one.
import { afterAll, beforeAll, describe } from 'vitest';
import { connectKube } from '../../../src/kube/connect.ts';
import type { ConnectedKube } from '../../../src/kube/connect.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { examineWorkload } from './exam.ts';

const kubeconfigPath = process.env['SERIN_TEST_KUBECONFIG'];

describe.skipIf(kubeconfigPath === undefined)('on a real API server', () => {
  let kube: ConnectedKube;
  beforeAll(async () => {
    kube = await connectKube({ kubeconfigPath, clock: systemClock, random: systemRandom });
  });
  afterAll(() => kube.close());
  examineWorkload(() => kube);
});

// Targets sit their exam on a real control plane, and Events are put there: unknown fields are forbidden in everything that is written.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENT, NAMESPACE, refOf } from '../../src/kube/kinds.ts';
import { openEventNotifier } from '../../src/notify/event.ts';
import { makeAlert, makeAnnouncement } from '../conformance/notify/support.ts';
import { examineWorkload } from '../conformance/workload/exam.ts';
import { CONTROLLER_PARTS, startControlPlane, type ControlPlane } from './control-plane.ts';
import { openRealKube, type RealKube } from './real-kube.ts';
import { hasRealParts } from './suite.ts';

/**
 * These write a status between look and write, which a fence refuses: the loop then looks again, the exam of a driver does not. The stand's
 * stories run with them.
 */
const STATUS_WRITERS = ['deployment-controller', 'horizontal-pod-autoscaler-controller'];

describe.skipIf(!hasRealParts(CONTROLLER_PARTS))('on a real control plane', () => {
  let plane: ControlPlane;
  let kube: RealKube;
  beforeAll(async () => {
    plane = await startControlPlane({ hasControllers: true, withoutControllers: STATUS_WRITERS });
    kube = openRealKube(plane);
  });
  afterAll(async () => {
    await kube?.close();
    await plane?.stop();
  });

  examineWorkload(() => kube);

  it('takes Events, each once', async () => {
    await kube.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, NAMESPACE);
    const notifier = openEventNotifier(kube.client, { reportingInstance: 'serin-0' });
    const { signal } = new AbortController();
    for (const announcement of [makeAnnouncement(), makeAlert()]) {
      for (let time = 0; time < 2; time += 1) {
        expect(await notifier.send(announcement, null, signal)).toMatchObject({ kind: 'delivered' });
      }
    }
    const { items } = await kube.client.list(EVENT, 'shop');
    expect(items.length).toBeGreaterThan(0);
    for (const { metadata } of items) expect(await kube.client.get(refOf(EVENT, 'shop', metadata.name))).not.toBeNull();
  });
});

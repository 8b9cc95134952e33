// Kubernetes Events: their form, their names, and what a repetition does.
import { describe, expect, it } from 'vitest';
import { RefusedError, TransientError } from '../../../src/errors.ts';
import type { KubeClient } from '../../../src/kube/contract.ts';
import { createApiServer } from '../../../src/embedded/apiserver/server.ts';
import { openEventNotifier, toEvent } from '../../../src/notify/event.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { makeAnnouncement, never, openTestKube } from '../../conformance/notify/support.ts';

const OPTIONS = { reportingInstance: 'serin-0' };

describe('event', () => {
  it('has the form that events.k8s.io/v1 demands', () => {
    const event = toEvent(makeAnnouncement(), OPTIONS);
    expect(event).toEqual({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^web\.[0-9a-f]{16}$/), namespace: 'shop' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'serin',
      reportingInstance: 'serin-0',
      action: 'WeightAdvanced',
      reason: 'WeightAdvanced',
      type: 'Normal',
      regarding: { apiVersion: 'serin.dev/v1beta1', kind: 'Canary', namespace: 'shop', name: 'web', uid: 'uid-1' },
      note: 'Advance web.shop canary weight 20',
    });
  });

  it('keeps Flagger’s reason in its group', () => {
    expect(toEvent(makeAnnouncement({}, { group: 'flagger.app' }), OPTIONS)['reason']).toBe('Synced');
  });

  it('stays within the limits of the API server', () => {
    const name = `${'n'.repeat(199)}-x`;
    const event = toEvent(makeAnnouncement({ message: 'ß'.repeat(2_000) }, { name }), {
      reportingInstance: 'i'.repeat(300),
    });
    expect(Buffer.byteLength(String(event['note']))).toBeLessThanOrEqual(1_024);
    expect(String(event['reportingInstance'])).toHaveLength(128);
    expect(event.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    expect(event.metadata.name.length).toBeLessThanOrEqual(253);
  });

  it('creates one object however often it is told', async () => {
    const { client, created } = openTestKube();
    const notifier = openEventNotifier(client, OPTIONS);
    for (let i = 0; i < 3; i += 1) {
      expect(await notifier.send(makeAnnouncement(), null, never())).toEqual({ kind: 'delivered', handle: null });
    }
    await notifier.send(makeAnnouncement({ seq: 4 }), null, never());
    expect(created.map(({ metadata }) => metadata.name)).toHaveLength(2);
  });

  it.each([
    [new TransientError('IO_NETWORK', 'connection reset', { retryAfterMs: 700 }), 700],
    [new RefusedError(403, 'forbidden'), null],
  ])('turns %s into a failure', async (error, retryAfterMs) => {
    const client: Pick<KubeClient, 'create'> = { create: () => Promise.reject(error) };
    const delivery = await openEventNotifier(client as KubeClient, OPTIONS).send(makeAnnouncement(), null, never());
    expect(delivery).toMatchObject({ kind: 'failed', retryAfterMs });
  });

  it('is accepted by an API server, in both forms of the kind', async () => {
    const server = createApiServer({ clock: new VirtualClock(), random: systemRandom });
    server.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const event = toEvent(makeAnnouncement(), OPTIONS);
    const path = '/apis/events.k8s.io/v1/namespaces/shop/events?fieldValidation=Strict';
    const request = {
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(event),
    };
    expect((await server.handle(request)).status).toBe(201);
    expect((await server.handle(request)).status).toBe(409);
    const list = await server.handle({ method: 'GET', path: '/api/v1/namespaces/shop/events' });
    expect(JSON.parse(list.body as string)).toMatchObject({
      items: [
        {
          reason: 'WeightAdvanced',
          message: event['note'],
          involvedObject: { kind: 'Canary', name: 'web' },
          reportingComponent: 'serin',
        },
      ],
    });
    server.close();
  });
});

// The generic webhook: Flagger's payload and the signature of Standard Webhooks.
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWebhookNotifier, signWebhook } from '../../../src/notify/webhook.ts';
import { makeAlert, makeAnnouncement, never, openTestHttp, startSink } from '../../conformance/notify/support.ts';
import type { Sink } from '../../conformance/notify/support.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

let sink: Sink;
beforeEach(async () => {
  sink = await startSink();
});
afterEach(() => sink.close());

const NOW_MS = Date.UTC(2026, 5, 1);

function open(secret: string | null): ReturnType<typeof openWebhookNotifier> {
  const clock = new VirtualClock({ startMs: NOW_MS });
  return openWebhookNotifier(openTestHttp(), clock, {
    sink: 'webhook',
    url: sink.url,
    secret,
    proxyUrl: null,
    severity: null,
  });
}

describe('webhook', () => {
  it('signs as the published test vector of Standard Webhooks', () => {
    const signature = signWebhook(
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1_614_265_330,
      '{"test": 2432232314}',
    );
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('posts Flagger’s event payload, signed with every secret', async () => {
    await open('new-secret  old-secret').send(makeAnnouncement(), null, never());
    const [request] = sink.received;
    expect(JSON.parse(request?.body ?? '')).toEqual({
      name: 'web',
      namespace: 'shop',
      phase: 'Progressing',
      checksum: '1234',
      metadata: {
        eventMessage: 'Advance web.shop canary weight 20',
        eventType: 'Normal',
        timestamp: String(Date.UTC(2026, 0, 1)),
      },
    });
    const key = makeAnnouncement().key;
    const seconds = String(NOW_MS / 1000);
    expect(request?.headers).toMatchObject({ 'webhook-id': key, 'idempotency-key': key, 'webhook-timestamp': seconds });
    const expected = ['new-secret', 'old-secret'].map(
      (secret) =>
        `v1,${createHmac('sha256', secret)
          .update(`${key}.${seconds}.${request?.body ?? ''}`)
          .digest('base64')}`,
    );
    expect(request?.headers['webhook-signature']).toBe(expected.join(' '));
  });

  it('sends no signature without a secret', async () => {
    await open(null).send(makeAnnouncement(), null, never());
    expect(sink.received[0]?.headers['webhook-signature']).toBeUndefined();
  });

  it('with a severity wants alerts only', () => {
    const options = { sink: 'a', url: sink.url, secret: null, proxyUrl: null, severity: 'warn' } as const;
    const notifier = openWebhookNotifier(openTestHttp(), new VirtualClock(), options);
    const warned = makeAnnouncement({ alert: { severity: 'warn', message: '', withMetadata: false } });
    expect([makeAnnouncement(), makeAlert(), warned].map((told) => notifier.wants(told))).toEqual([false, false, true]);
  });
});

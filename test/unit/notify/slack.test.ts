// Slack on the wire: Flagger's body to a webhook; one message and a thread through the Web API.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Announcement, Notifier } from '../../../src/notify/contract.ts';
import { openSlackAppNotifier } from '../../../src/notify/slack-app.ts';
import { toRunMessage, weightBar } from '../../../src/notify/slack-blocks.ts';
import { openSlackWebhookNotifier } from '../../../src/notify/slack-webhook.ts';
import { makeAlert, makeAnnouncement, never, openTestHttp, startSink } from '../../conformance/notify/support.ts';
import type { Sink } from '../../conformance/notify/support.ts';

let sink: Sink;
beforeEach(async () => {
  sink = await startSink();
});
afterEach(() => sink.close());

const common = { proxyUrl: null, severity: 'info', channel: 'deploys', username: '' } as const;
const bodies = (): Record<string, unknown>[] =>
  sink.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);

describe('incoming webhook', () => {
  const open = (severity: 'info' | 'warn' | 'error' = 'info'): Notifier =>
    openSlackWebhookNotifier(openTestHttp(), {
      ...common,
      sink: 'slack',
      username: 'flagger',
      url: sink.url,
      token: null,
      severity,
    });

  it('posts Flagger’s body, the cluster first', async () => {
    await open().send(makeAlert({ clusterName: 'west' }), null, never());
    expect(sink.received[0]?.headers.authorization).toBeUndefined();
    expect(bodies()).toEqual([
      {
        channel: 'deploys',
        username: 'flagger',
        icon_url: '',
        icon_emoji: ':rocket:',
        attachments: [
          {
            color: 'good',
            author_name: 'web.shop',
            text: 'New revision detected, progressing canary analysis.',
            mrkdwn_in: ['text'],
            fields: [
              { title: 'Cluster', value: 'west', short: false },
              { title: 'Target', value: 'Deployment/web.shop', short: false },
              { title: 'Failed checks threshold', value: '5', short: false },
              { title: 'Progress deadline', value: '600s', short: false },
              { title: 'Traffic routing', value: 'Weight step: 10 max: 50', short: false },
            ],
          },
        ],
      },
    ]);
  });

  it('colours errors only', async () => {
    await open().send(
      makeAnnouncement({ alert: { severity: 'error', message: 'bad', withMetadata: false } }),
      null,
      never(),
    );
    expect(bodies()[0]).toMatchObject({ attachments: [{ color: 'danger', text: 'bad', fields: [] }] });
  });

  it.each([
    ['info', [true, true, true]],
    ['warn', [false, true, true]],
    ['error', [false, false, true]],
  ] as const)('filter %s', (filter, wanted) => {
    const severities = ['info', 'warn', 'error'] as const;
    const wants = severities.map((severity) =>
      open(filter).wants(makeAnnouncement({ alert: { severity, message: '', withMetadata: false } })),
    );
    expect(wants).toEqual(wanted);
    expect(open(filter).wants(makeAnnouncement())).toBe(false);
  });
});

describe('Web API', () => {
  const open = (): Notifier =>
    openSlackAppNotifier(openTestHttp(), { ...common, sink: 'slack', apiUrl: `${sink.url}/api`, token: 'xoxb-1' });
  const ok = { status: 200, body: '{"ok":true,"channel":"C1","ts":"17.1"}' };
  const step = makeAnnouncement();
  const failed: Announcement = makeAnnouncement(
    { type: 'RolledBack', message: 'Canary failed! Scaling down web.shop', eventType: 'Warning', role: 'end', seq: 9 },
    { phase: 'Failed', weightPercent: 0 },
  );

  it('posts once, then updates that message and answers in its thread', async () => {
    sink.answer = () => ok;
    const notifier = open();
    const first = await notifier.send(makeAlert(), null, never());
    expect(first).toEqual({ kind: 'delivered', handle: 'C1:17.1' });
    expect(await notifier.send(step, 'C1:17.1', never())).toEqual({ kind: 'delivered', handle: 'C1:17.1' });
    await notifier.send(failed, 'C1:17.1', never());

    expect(sink.received.map(({ path }) => path)).toEqual([
      '/api/chat.postMessage',
      '/api/chat.update',
      '/api/chat.postMessage',
      '/api/chat.update',
      '/api/chat.postMessage',
    ]);
    expect(sink.received.every(({ headers }) => headers.authorization === 'Bearer xoxb-1')).toBe(true);
    const [parent, update, reply, lastUpdate, lastReply] = bodies();
    expect(parent).toMatchObject({ channel: 'deploys', text: 'web.shop: New revision detected! Scaling up web.shop' });
    expect(parent).not.toHaveProperty('thread_ts');
    expect(update).toMatchObject({ channel: 'C1', ts: '17.1' });
    expect(reply).toMatchObject({
      channel: 'C1',
      thread_ts: '17.1',
      text: 'web.shop: Advance web.shop canary weight 20',
    });
    expect(reply).not.toHaveProperty('reply_broadcast');
    expect(JSON.stringify(lastUpdate)).toContain('*Failed*');
    expect(lastReply).toMatchObject({ reply_broadcast: true });
    expect(lastReply?.['metadata']).toEqual({
      event_type: 'serin_announcement',
      event_payload: { key: failed.key, type: 'RolledBack' },
    });
  });

  it('starts a new message when the old one is gone', async () => {
    sink.answer = ({ path }) =>
      path.endsWith('update') ? { status: 200, body: '{"ok":false,"error":"message_not_found"}' } : ok;
    expect(await open().send(step, 'C1:16.0', never())).toEqual({ kind: 'delivered', handle: 'C1:17.1' });
    expect(bodies().at(-1)).not.toHaveProperty('thread_ts');
  });

  it.each([
    ['invalid_auth', null],
    ['channel_not_found', null],
    ['not_in_channel', null],
    ['internal_error', 5_000],
    ['ratelimited', 12_000],
  ])('error %s', async (error, retryAfterMs) => {
    sink.answer = () => ({
      status: 200,
      body: JSON.stringify({ ok: false, error }),
      headers: error === 'ratelimited' ? { 'retry-after': '12' } : {},
    });
    expect(await open().send(step, null, never())).toEqual({
      kind: 'failed',
      detail: `Slack chat.postMessage answered ${error}`,
      retryAfterMs,
    });
  });

  it('wants a whole run with info, and only alerts otherwise', () => {
    const strict = openSlackAppNotifier(openTestHttp(), {
      ...common,
      sink: 's',
      apiUrl: '',
      token: '',
      severity: 'error',
    });
    expect([step, makeAlert(), makeAnnouncement({ role: 'other' })].map((told) => open().wants(told))).toEqual([
      true,
      true,
      false,
    ]);
    expect([step, makeAlert()].map((told) => strict.wants(told))).toEqual([false, false]);
  });
});

describe('blocks', () => {
  it('draws the weight', () => {
    expect(weightBar(30)).toBe('▓▓▓▓▓▓░░░░░░░░░░░░░░ 30 %');
    expect(weightBar(250)).toBe(`${'▓'.repeat(20)} 100 %`);
  });

  it('escapes what comes from outside and stays small', () => {
    const message = toRunMessage(
      makeAnnouncement(
        { message: `<!channel> ${'&'.repeat(50_000)}` },
        { images: Array.from({ length: 40 }, () => 'i'.repeat(500)) },
      ),
    );
    const text = JSON.stringify(message);
    expect(text).not.toContain('<!channel>');
    expect(text.length).toBeLessThan(16_384);
  });
});

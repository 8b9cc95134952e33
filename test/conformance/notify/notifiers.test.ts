// Each notifier over HTTP sits the exam.
import { openSlackAppNotifier } from '../../../src/notify/slack-app.ts';
import { openSlackWebhookNotifier } from '../../../src/notify/slack-webhook.ts';
import { openWebhookNotifier } from '../../../src/notify/webhook.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { examineNotifier } from './exam.ts';
import { makeAlert, makeAnnouncement } from './support.ts';

const common = { proxyUrl: null, severity: 'info', channel: 'deploys', username: 'flagger' } as const;

examineNotifier({
  name: 'slack webhook',
  open: (http, url, secret) => openSlackWebhookNotifier(http, { ...common, sink: 'slack', url, token: secret }),
  announcement: makeAlert(),
  accept: () => ({ status: 200, body: 'ok' }),
  refusal: { status: 200, body: '{"ok":false,"error":"invalid_payload"}' },
});

examineNotifier({
  name: 'slack app',
  open: (http, url, secret) => openSlackAppNotifier(http, { ...common, sink: 'slack', apiUrl: url, token: secret }),
  announcement: makeAnnouncement(),
  accept: () => ({ status: 200, body: '{"ok":true,"channel":"C1","ts":"1700000000.000100"}' }),
  refusal: { status: 200, body: '{"ok":false,"error":"channel_not_found"}' },
});

examineNotifier({
  name: 'webhook',
  open: (http, url, secret) =>
    openWebhookNotifier(http, systemClock, { sink: 'webhook', url, secret, proxyUrl: null, severity: null }),
  announcement: makeAnnouncement(),
  accept: () => ({ status: 204, body: '' }),
  refusal: null,
});

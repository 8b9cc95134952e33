// Which sinks a Canary has: what replaces what, and what cannot be opened.
import { describe, expect, it } from 'vitest';
import type { AlertProvider, Canary } from '../../../src/api/types.ts';
import type { Hook, Policy } from '../../../src/core/policy.ts';
import type { HookCall, HookCaller } from '../../../src/gates/contract.ts';
import { openNotifiers } from '../../../src/notify/open.ts';
import type { NotifySettings, ResolvedAlert } from '../../../src/notify/open.ts';
import { makeAnnouncement, never, openTestHttp, openTestKube } from '../../conformance/notify/support.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const NO_SETTINGS: NotifySettings = {
  slackUrl: null,
  slackToken: null,
  slackChannel: '',
  slackUser: 'flagger',
  slackProxyUrl: null,
  eventWebhook: null,
  eventWebhookSecret: null,
};

const makeHook = (name: string, type: Hook['type']): Hook => ({
  name,
  type,
  url: 'http://127.0.0.1/',
  timeoutMs: 1_000,
  retries: 0,
  disableTls: false,
  muteAlert: false,
  metadata: {},
});

function makeCanary(policy: Partial<Policy>): Canary {
  const identity = {
    group: 'serin.dev',
    apiVersion: 'serin.dev/v1beta1',
    namespace: 'shop',
    name: 'web',
    uid: 'u',
    generation: 1,
  };
  return { identity, policy: { alerts: [], hooks: [], ...policy } } as unknown as Canary;
}

function makeAlertFrom(
  provider: Partial<AlertProvider> | null,
  secret: Record<string, string> | null = null,
): ResolvedAlert {
  const full = {
    namespace: 'shop',
    name: 'chat',
    type: 'slack',
    channel: 'general',
    username: 'flagger',
    address: null,
    proxy: null,
    secretName: null,
    options: {},
  };
  return {
    alert: { name: 'on-call', severity: 'error', provider: { name: 'chat', namespace: null } },
    provider: provider === null ? null : { ...full, ...provider },
    secret,
  };
}

const calls: HookCall[] = [];
const hooks: HookCaller = {
  call(call) {
    calls.push(call);
    return Promise.resolve({ verdict: 'pass', detail: '' });
  },
};

const open = (settings: Partial<NotifySettings>): ReturnType<typeof openNotifiers> =>
  openNotifiers({
    http: openTestHttp(),
    hooks,
    kube: openTestKube().client,
    clock: new VirtualClock(),
    settings: { ...NO_SETTINGS, ...settings },
    reportingInstance: 'serin-0',
  });

function sinksOf(settings: Partial<NotifySettings>, policy: Partial<Policy>, alerts: ResolvedAlert[] = []): string[] {
  return open(settings)
    .forCanary(makeCanary({ ...policy, alerts: alerts.map(({ alert }) => alert) }), alerts)
    .notifiers.map(({ sink }) => sink);
}

describe('openNotifiers', () => {
  const all = {
    slackUrl: 'https://hooks.slack.com/services/x',
    slackChannel: 'deploys',
    eventWebhook: 'https://example.com/events',
  };

  it('has Events and nothing else without settings', () => {
    expect(sinksOf({}, {})).toEqual(['event']);
  });

  it('adds the global sinks', () => {
    expect(sinksOf(all, {})).toEqual(['event', 'slack', 'webhook']);
  });

  it('lets alerts of the Canary replace the global Slack', () => {
    const alert = makeAlertFrom({ address: 'https://hooks.slack.com/services/y' });
    expect(sinksOf(all, {}, [alert])).toEqual(['event', 'alert/shop/on-call', 'webhook']);
    expect(sinksOf(all, {}, [alert, alert])).toContain('alert/shop/on-call/1');
  });

  it('lets an event hook of the Canary replace the global webhook', () => {
    const hooks = [makeHook('audit', 'event'), makeHook('load', 'rollout'), makeHook('bye', 'post-rollout')];
    expect(sinksOf(all, { hooks })).toEqual(['event', 'slack', 'hook/audit', 'hook/bye']);
  });

  it('disables a global Slack without a channel and says so', () => {
    expect(sinksOf({ slackUrl: 'https://hooks.slack.com/x' }, {})).toEqual(['event']);
    expect(open({ slackUrl: 'https://hooks.slack.com/x' }).problems).toEqual([
      'Cannot send alerts to the global Slack: the Slack channel is empty',
    ]);
  });

  it('takes the Web API with a token alone, or with its address', () => {
    expect(sinksOf({ slackToken: 'xoxb', slackChannel: 'deploys' }, {})).toEqual(['event', 'slack']);
    for (const slackUrl of [
      'https://slack.com/api',
      'https://slack.com/api/',
      'https://slack.com/api/chat.postMessage',
    ]) {
      const slack = open({ slackToken: 'xoxb', slackUrl, slackChannel: 'deploys' })
        .forCanary(makeCanary({}), [])
        .notifiers.find(({ sink }) => sink === 'slack');
      // Only the Web API wants what is no alert.
      expect([slackUrl, slack?.wants(makeAnnouncement({ alert: null, role: 'step' }))]).toEqual([slackUrl, true]);
    }
    const noToken = makeAlertFrom({ address: 'https://slack.com/api/chat.postMessage' });
    expect(open({}).forCanary(makeCanary({ alerts: [noToken.alert] }), [noToken]).problems).toEqual([
      'Cannot send alert "on-call": the Slack Web API needs a token (key "token" of the Secret)',
    ]);
  });

  it.each([
    [makeAlertFrom(null), 'there is no AlertProvider "shop/chat"'],
    [
      makeAlertFrom({ type: 'msteams', address: 'https://x' }),
      'type "msteams" of AlertProvider "shop/chat" comes later',
    ],
    [
      makeAlertFrom({ type: 'pager', address: 'https://x' }),
      'type "pager" of AlertProvider "shop/chat" is unknown; known are slack, webhook',
    ],
    [makeAlertFrom({ secretName: 's' }), 'Secret "shop/s" is missing or unreadable'],
    [makeAlertFrom({}), 'there is neither an address nor a token for Slack'],
    [makeAlertFrom({ type: 'webhook' }), 'AlertProvider "shop/chat" has no address'],
  ])('explains what it cannot open: %#', (alert, problem) => {
    const { notifiers, problems } = open(all).forCanary(makeCanary({ alerts: [alert.alert] }), [alert]);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(notifiers.map(({ sink }) => sink)).toEqual(['event', 'webhook']);
  });

  it('never repeats a secret in what it says', () => {
    const alert = makeAlertFrom({ type: 'msteams' }, { address: 'https://planted', token: 'planted' });
    expect(JSON.stringify(open({}).forCanary(makeCanary({ alerts: [alert.alert] }), [alert]))).not.toContain('planted');
  });
});

describe('hooks as sinks', () => {
  const notifiers = open({}).forCanary(
    makeCanary({ hooks: [makeHook('audit', 'event'), makeHook('bye', 'post-rollout')] }),
    [],
  ).notifiers;
  const audit = notifiers.find(({ sink }) => sink === 'hook/audit');
  const bye = notifiers.find(({ sink }) => sink === 'hook/bye');
  const end = makeAnnouncement({ role: 'end', type: 'Promoted' }, { phase: 'Succeeded' });

  it('calls an event hook for everything and a post-rollout hook once a run has ended', () => {
    const superseded = makeAnnouncement({ role: 'end', type: 'Superseded' });
    expect([makeAnnouncement(), superseded, end].map((told) => audit?.wants(told))).toEqual([true, true, true]);
    expect([makeAnnouncement(), superseded, end].map((told) => bye?.wants(told))).toEqual([false, false, true]);
  });

  it('sends Flagger’s metadata under a stable key', async () => {
    calls.length = 0;
    await audit?.send(end, null, never());
    await bye?.send(end, null, never());
    expect(calls).toMatchObject([
      {
        idempotencyKey: `${end.key}/audit`,
        phase: 'Succeeded',
        metadata: { eventType: 'Normal', eventMessage: end.message },
      },
      { idempotencyKey: `${end.key}/bye`, metadata: {} },
    ]);
  });
});

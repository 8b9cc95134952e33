// Secrets never appear in logs, Events, status or metrics: a dozen are planted, everything fails that can, and all output is searched.
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { SECRET } from '../../../src/kube/kinds.ts';
import type { Reply } from '../../support/loop-http.ts';
import { configObject, runningShop, shopCanary } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

const PLANTED = {
  alertPath: 'plantedAlertPath01',
  alertToken: 'xoxb-planted-alert-token-02',
  signingKey: 'whsec_cGxhbnRlZC1zaWduaW5nLWtleS0wMw==',
  metricToken: 'planted.metric.token.04',
  metricPassword: 'planted-metric-password-05',
  metricHeader: 'planted-metric-header-06',
  slackToken: 'xoxb-planted-slack-token-07',
  eventUser: 'planted-event-user-08',
  eventPath: 'plantedEventPath09',
  eventKey: 'planted-event-key-10',
  hookPassword: 'planted-hook-password-11',
  hookQuery: 'plantedHookQuery12',
  serverPassword: 'planted-server-password-14',
  appSecret: 'planted-app-secret-15',
} as const;

const HOOK_URL = `http://robot:${PLANTED.hookPassword}@hook.sim/approve?token=${PLANTED.hookQuery}`;
const ARGS = [
  `--slack-token=${PLANTED.slackToken}`,
  '--slack-channel=deliveries',
  `--event-webhook=http://${PLANTED.eventUser}:pw@events.sim/${PLANTED.eventPath}`,
  `--event-webhook-secret=${PLANTED.eventKey}`,
];

const own = (kind: string, name: string, spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'serin.dev/v1beta1',
  kind,
  metadata: { name, namespace: 'web' },
  spec,
});

const template = (name: string, secretName: string): KubeObject =>
  own('MetricTemplate', name, {
    provider: {
      type: 'prometheus',
      address: `http://${name}.sim:9090`,
      headers: { 'X-Scope': [PLANTED.metricHeader] },
      secretRef: { name: secretName },
    },
    query: 'up{pod="{{ target }}"}',
  });

const OBJECTS: readonly KubeObject[] = [
  configObject('Secret', 'shop-env', { PASSWORD: PLANTED.appSecret }),
  configObject('Secret', 'bearer', { token: PLANTED.metricToken }),
  configObject('Secret', 'basic', { username: 'serin', password: PLANTED.metricPassword }),
  configObject('Secret', 'alert-chat', {
    address: `https://chat.sim/services/${PLANTED.alertPath}`,
    token: PLANTED.alertToken,
  }),
  configObject('Secret', 'alert-hook', {
    address: `https://sink.sim/${PLANTED.alertPath}`,
    secret: PLANTED.signingKey,
  }),
  configObject('Secret', 'alert-app', { token: PLANTED.alertToken }),
  template('bearer-metrics', 'bearer'),
  template('basic-metrics', 'basic'),
  own('AlertProvider', 'chat', { type: 'slack', channel: 'c', secretRef: { name: 'alert-chat' } }),
  own('AlertProvider', 'hook', { type: 'webhook', secretRef: { name: 'alert-hook' } }),
  own('AlertProvider', 'app', { type: 'slack', channel: 'c', secretRef: { name: 'alert-app' } }),
];

const alert = (name: string): Record<string, unknown> => ({ name, severity: 'info', providerRef: { name } });
const check = (name: string): Record<string, unknown> => ({
  name,
  interval: '30s',
  thresholdRange: { max: 1 },
  templateRef: { name },
});

const CANARY = {
  spec: { metricsServer: `http://scraper:${PLANTED.serverPassword}@prometheus.sim:9090` },
  analysis: {
    metrics: [
      { name: 'request-success-rate', interval: '30s', thresholdRange: { min: 99 } },
      check('bearer-metrics'),
      check('basic-metrics'),
    ],
    webhooks: [
      { name: 'accept', type: 'pre-rollout', url: HOOK_URL, retries: 1 },
      { name: 'tell', type: 'event', url: HOOK_URL },
      { name: 'after', type: 'post-rollout', url: HOOK_URL },
    ],
  },
};

const HOSTS = [
  'prometheus.sim',
  'bearer-metrics.sim',
  'basic-metrics.sim',
  'chat.sim',
  'sink.sim',
  'slack.com',
  'events.sim',
  'hook.sim',
];

/** Everything that the other side may do with a secret that it was sent: keep silent, refuse, or echo all of it. */
const ANSWERS: readonly { what: string; answer: (echo: string) => Reply }[] = [
  { what: 'refuse with 401 and echo the request', answer: (echo) => ({ status: 401, body: echo }) },
  { what: 'refuse with 400 and echo the request', answer: (echo) => ({ status: 400, body: `bad request: ${echo}` }) },
  { what: 'fail with 500 and echo the request', answer: (echo) => ({ status: 500, body: echo }) },
  {
    what: 'answer 200 with JSON that echoes the request as its error',
    answer: (echo) => ({
      status: 200,
      body: JSON.stringify({ ok: false, error: echo, status: 'error', errorType: echo }),
    }),
  },
  {
    what: 'answer 200 with a text that echoes the request',
    answer: (echo) => ({ status: 200, body: `<html>${echo}</html>` }),
  },
  { what: 'cannot be reached', answer: () => new TransientError('IO_NETWORK', 'Cannot reach it: connection refused') },
  { what: 'never answer', answer: () => 'hang' },
];

describe('planted secrets', () => {
  it.each(ANSWERS)('stay inside when all hosts $what', async ({ answer }) => {
    const world = await furnished(true);
    for (const host of HOSTS)
      world.http.on(host, (request) =>
        answer(`${request.url} ${JSON.stringify(request.headers)} ${request.body ?? ''}`),
      );
    await runOnce(world);
    expect(world.phase()).toBe('Failed');
    await expectNothingLeaked(world);
    world.close();
  });

  it('stay inside when everything goes well, and each of them was really used', async () => {
    const world = await furnished(true);
    world.http.on('bearer-metrics.sim', () => vector('0'));
    world.http.on('basic-metrics.sim', () => vector('0'));
    world.http.on('prometheus.sim', () => vector('100'));
    world.http.on('slack.com', () => ({ status: 200, body: '{"ok":true,"channel":"C1","ts":"1.2"}' }));
    world.http.on('chat.sim', () => ({ status: 200, body: 'ok' }));
    await runOnce(world);
    expect(world.phase()).toBe('Succeeded');
    const wire = JSON.stringify(world.http.sent);
    expect(wire.includes(`Bearer ${PLANTED.metricToken}`), 'on the wire').toBe(true);
    expect(wire.includes(Buffer.from(`serin:${PLANTED.metricPassword}`).toString('base64')), 'on the wire').toBe(true);
    expect(wire.includes(PLANTED.metricHeader), 'on the wire').toBe(true);
    expect(wire.includes(PLANTED.alertToken), 'on the wire').toBe(true);
    expect(wire.includes(PLANTED.alertPath), 'on the wire').toBe(true);
    expect(world.http.to('hook.sim').length).toBeGreaterThan(5);
    expect(wire.includes('webhook-signature'), 'on the wire').toBe(true);
    await expectNothingLeaked(world);
    world.close();
  });

  it('stay inside with the global Slack and the global event webhook, whatever they say', async () => {
    const world = await furnished(false);
    world.http.on('slack.com', (request) => ({
      status: 200,
      body: JSON.stringify({ ok: false, error: `invalid_auth ${JSON.stringify(request.headers)}` }),
    }));
    await runOnce(world);
    expect(JSON.stringify(world.http.to('slack.com')).includes(PLANTED.slackToken), 'on the wire').toBe(true);
    expect(JSON.stringify(world.http.to('events.sim')).includes(PLANTED.eventPath), 'on the wire').toBe(true);
    await expectNothingLeaked(world);
    world.close();
  });

  it('stay inside when a Secret has the wrong keys, is no UTF-8, or is missing', async () => {
    const world = await furnished(true);
    world.change(SECRET, 'bearer', (draft) => {
      draft['data'] = { passwort: Buffer.from(PLANTED.metricToken).toString('base64') };
    });
    world.change(SECRET, 'basic', (draft) => {
      draft['data'] = {
        username: '/////w==',
        password: Buffer.from(`${PLANTED.metricPassword}\n\u0000`).toString('base64'),
      };
    });
    world.remove(SECRET, 'alert-hook');
    await runOnce(world);
    expect(world.phase()).toBe('Failed');
    await expectNothingLeaked(world);
    world.close();
  });
});

async function furnished(hasAlerts: boolean): Promise<LoopWorld> {
  const world = await runningShop({
    args: ARGS,
    objects: OBJECTS,
    deployment: {
      podSpec: {
        containers: [
          {
            name: 'app',
            image: 'app:1',
            ports: [{ containerPort: 8080 }],
            envFrom: [{ secretRef: { name: 'shop-env' } }],
          },
        ],
      },
    },
  });
  // Alerts and event hooks of its own take the place of the controller's.
  const alerts = hasAlerts ? { alerts: ['chat', 'hook', 'app', 'missing'].map(alert) } : { webhooks: [] };
  world.apply(shopCanary({ ...CANARY, analysis: { ...CANARY.analysis, ...alerts } }));
  await world.untilPhase('Initialized');
  return world;
}

async function runOnce(world: LoopWorld): Promise<void> {
  world.setImage('app:2');
  await world.until('the run ended', () => ['Succeeded', 'Failed'].includes(world.phase()), 1_800_000);
  await world.clock.advance(120_000);
}

async function expectNothingLeaked(world: LoopWorld): Promise<void> {
  const { body } = await world.replicas[0]!.meters.render();
  const places = {
    logs: world.logs.join(''),
    events: JSON.stringify(world.eventsSeen),
    status: JSON.stringify(
      world.commits.filter(({ kind }) => kind.kind === 'Canary').map(({ after }) => after?.['status']),
    ),
    metrics: body,
  };
  expect(places.logs.length).toBeGreaterThan(1_000);
  for (const [place, text] of Object.entries(places)) {
    for (const [name, secret] of Object.entries(PLANTED)) {
      const forms = [secret, Buffer.from(secret).toString('base64').replace(/=+$/, ''), encodeURIComponent(secret)];
      const leaked = forms.find((form) => text.includes(form));
      const at = leaked === undefined ? -1 : text.indexOf(leaked);
      expect(at < 0 ? '' : text.slice(Math.max(0, at - 200), at + 60), `${name} in ${place}`).toBe('');
    }
  }
}

function vector(value: string): Reply {
  const result = [{ metric: {}, value: [Date.UTC(2026, 0, 1) / 1_000, value] }];
  return { status: 200, body: JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }) };
}

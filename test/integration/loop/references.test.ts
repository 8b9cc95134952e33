// References into other namespaces are refused unless the object that is named grants them.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { alertProviderKind, metricTemplateKind, SECRET } from '../../../src/kube/kinds.ts';
import {
  configObject,
  initializedShop,
  runningShop,
  shopCanary,
  type Differences,
} from '../../support/loop-fixtures.ts';
import { prometheusAnswer } from '../../support/loop-http.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

const SHARED: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shared' } };

function shared(kind: string, spec: Record<string, unknown>, allowFrom?: string): KubeObject {
  const annotations = allowFrom === undefined ? {} : { 'serin.dev/allow-from': allowFrom };
  return {
    apiVersion: 'serin.dev/v1beta1',
    kind,
    metadata: { name: 'common', namespace: 'shared', annotations },
    spec,
  };
}
const template = (allowFrom?: string): KubeObject =>
  shared(
    'MetricTemplate',
    {
      provider: { type: 'prometheus', address: 'http://shared-metrics.sim', secretRef: { name: 'login' } },
      query: 'errors{app="{{ target }}"}',
    },
    allowFrom,
  );
const provider = (allowFrom?: string): KubeObject =>
  shared('AlertProvider', { type: 'webhook', address: 'http://shared-sink.sim/' }, allowFrom);

const byTemplate: Differences = {
  analysis: {
    metrics: [
      {
        name: 'errors',
        interval: '30s',
        thresholdRange: { max: 1 },
        templateRef: { name: 'common', namespace: 'shared' },
      },
    ],
  },
};
const byAlert: Differences = {
  analysis: { alerts: [{ name: 'call', severity: 'info', providerRef: { name: 'common', namespace: 'shared' } }] },
};
const KINDS = [
  { what: 'a MetricTemplate', object: template, canary: byTemplate, kind: metricTemplateKind('serin.dev') },
  { what: 'an AlertProvider', object: provider, canary: byAlert, kind: alertProviderKind('serin.dev') },
];

async function furnished(objects: readonly KubeObject[]): Promise<LoopWorld> {
  const login = {
    ...configObject('Secret', 'login', { token: 'shared-token' }),
    metadata: { name: 'login', namespace: 'shared' },
  };
  const world = await runningShop({ objects: [SHARED, login, ...objects] });
  world.http.on('shared-metrics.sim', () => prometheusAnswer('0', world.clock.nowMs()));
  return world;
}

describe.each(KINDS)('$what in another namespace', ({ object, canary, kind }) => {
  it.each([
    { how: 'without a grant', objects: [object()] },
    { how: 'granted to others', objects: [object('store, webshop')] },
    { how: 'that does not exist', objects: [] },
  ])('$how is refused: one condition, one Event, no other write', async ({ objects }) => {
    const world = await furnished(objects);
    const mark = world.mark();
    world.apply(shopCanary(canary));
    await world.clock.advance(120_000);
    const ready = world.condition('Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'NotGranted' });
    for (const words of ['shared/common', 'serin.dev/allow-from: web']) expect(ready!.message).toContain(words);
    expect(world.events()).toHaveLength(1);
    expect(world.attempts(mark)).toEqual(['create events.events.k8s.io', 'update canaries.serin.dev/status shop']);
    world.close();
  });

  it.each(['web', 'other,web', '*'])('granted with %j is used', async (allowFrom) => {
    const world = await furnished([object(allowFrom)]);
    world.apply(shopCanary(canary));
    await world.untilPhase('Initialized');
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    expect([...world.http.to('shared-metrics.sim'), ...world.http.to('shared-sink.sim')].length).toBeGreaterThan(1);
    world.close();
  });

  it('granted later is taken up by itself', async () => {
    const world = await furnished([object()]);
    world.apply(shopCanary(canary));
    await world.until('it is refused', () => world.condition('Ready')?.reason === 'NotGranted');
    world.change(
      kind,
      'common',
      (draft) => {
        draft.metadata.annotations = { 'serin.dev/allow-from': 'web' };
      },
      { namespace: 'shared' },
    );
    await world.untilPhase('Initialized');
    expect(world.condition('Ready')).toMatchObject({ status: 'True' });
    world.close();
  });

  it('whose grant is taken back during a run is not used any more', async () => {
    const world = await furnished([object('web')]);
    world.apply(shopCanary(canary));
    await world.untilPhase('Initialized');
    world.setImage('app:2');
    await world.untilWeight(20);
    await world.clock.advance(1_000);
    const before = world.http.sent.length;
    world.change(
      kind,
      'common',
      (draft) => {
        draft.metadata.annotations = {};
      },
      { namespace: 'shared' },
    );
    await world.until('the run ended', () => ['Succeeded', 'Failed'].includes(world.phase()));
    await world.clock.advance(60_000);
    const later = world.http.sent.slice(before).filter(({ host }) => host.startsWith('shared'));
    expect(later).toEqual([]);
    // Without the sink the run goes its way; without the check's source nothing is promoted.
    expect(world.phase()).toBe(kind.kind === 'AlertProvider' ? 'Succeeded' : 'Failed');
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'NotGranted' });
    world.close();
  });
});

describe.each([
  { what: 'a MetricTemplate', kind: 'MetricTemplate', spec: { provider: { type: 'datadog' }, query: 'q' } },
  { what: 'an AlertProvider', kind: 'AlertProvider', spec: { type: 'msteams', address: 'https://chat.sim/' } },
])('$what of a type that comes later', ({ kind, spec }) => {
  it('is refused in one condition and one Event', async () => {
    const ofType: KubeObject = {
      apiVersion: 'flagger.app/v1beta1',
      kind,
      metadata: { name: 'own', namespace: 'web' },
      spec,
    };
    const world = await runningShop({ args: ['--api-groups=flagger.app'], objects: [ofType] });
    world.apply(
      shopCanary({
        group: 'flagger.app',
        analysis:
          kind === 'AlertProvider'
            ? { alerts: [{ name: 'call', providerRef: { name: 'own' } }] }
            : { metrics: [{ name: 'errors', thresholdRange: { max: 1 }, templateRef: { name: 'own' } }] },
      }),
    );
    await world.clock.advance(60_000);
    const ready = world.condition('Ready', 'shop', 'flagger.app');
    expect(ready).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    for (const words of [`${kind} web/own`, 'comes in a later release']) expect(ready!.message).toContain(words);
    expect(world.events()).toHaveLength(1);
    world.close();
  });
});

describe('Secrets', () => {
  it('are read in the namespace of the object that names them, never in that of the Canary', async () => {
    const world = await furnished([template('web')]);
    world.apply(configObject('Secret', 'login', { token: 'own-token' }));
    world.apply(shopCanary(byTemplate));
    await world.untilPhase('Initialized');
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    const sent = world.http.to('shared-metrics.sim').map(({ headers }) => headers['authorization']);
    expect(new Set(sent)).toEqual(new Set(['Bearer shared-token']));
    world.close();
  });

  it('are got by name only, and never listed or watched', async () => {
    const world = await initializedShop({
      objects: [configObject('Secret', 'env', { A: '1' })],
      deployment: { podSpec: { volumes: [{ name: 'v', secret: { secretName: 'env' } }] } },
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    const verbs = world.requests
      .filter(({ user, resource }) => user.startsWith('serin') && resource === 'secrets')
      .map(({ verb }) => verb);
    expect(verbs).toContain('get');
    expect(verbs.filter((verb) => ['list', 'watch', 'deletecollection'].includes(verb))).toEqual([]);
    expect(world.get(SECRET, 'env')).not.toBeNull();
    world.close();
  });

  it('missing: the check has no source, nothing is promoted, and the status says which one', async () => {
    const world = await furnished([template('web')]);
    world.remove(SECRET, 'login', 'shared');
    world.apply(shopCanary(byTemplate));
    await world.untilPhase('Initialized');
    world.setImage('app:2');
    await world.untilPhase('Failed');
    expect(world.condition('Ready')).toMatchObject({
      reason: 'MetricSourceError',
      message: expect.stringContaining('Secret shared/login'),
    });
    world.close();
  });
});

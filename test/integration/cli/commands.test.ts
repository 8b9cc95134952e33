// get, status, abort, pause and resume against an API server over HTTPS: what a person sees, and what is written on the wire.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { requestSeen } from '../../../src/controller/request.ts';
import { readState, writeState } from '../../../src/controller/status.ts';
import type { State } from '../../../src/core/state.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { aCanaryWith, aRun, aState, aTarget, anEnded, notedFacts, revisionOfTarget } from '../../unit/cli/canaries.ts';
import { run, start, startCluster, storedCanary, until } from './cluster.ts';
import type { TestCluster } from './cluster.ts';

const OURS = aTarget('1.1');
const RUN = aRun(2, OURS, { failedChecks: 1 });
const progressing = aState('Progressing', {
  weightPercent: 20,
  run: RUN,
  seenRevision: RUN.revision,
  targetFacts: notedFacts(OURS),
});
const rested = aState('Succeeded', {
  seenRevision: revisionOfTarget(OURS),
  promotedRevision: revisionOfTarget(OURS),
  targetFacts: notedFacts(OURS),
  run: RUN,
  history: [anEnded(RUN, 'promoted')],
});
const KIND = canaryKind('serin.dev');

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startCluster({ requireFence: () => true });
  cluster.api.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } });
});
afterAll(() => cluster.close());
afterEach(() => {
  for (const group of ['serin.dev', 'flagger.app'])
    for (const { metadata } of cluster.api.store.list(canaryKind(group), null))
      cluster.api.store.remove(canaryKind(group), metadata.namespace ?? '', metadata.name, {
        propagation: 'Background',
      });
});

const show = (state: State, message = 'Judging', changes = {}): void =>
  cluster.put(aCanaryWith(state, message, changes));

describe('serin get', () => {
  it('lists the Canaries of a namespace in columns', async () => {
    show(progressing);
    show(rested, 'Waits for a new revision', { name: 'api' });
    const { code, out } = await run(cluster, ['get', '-n', 'shop']);
    expect(code).toBe(0);
    expect(out.replace(/\d+s$/gm, '0s')).toBe(
      [
        'NAME   STATUS        WEIGHT   STEP   FAILED   VERSION   AGE',
        'api    Succeeded     0%       -      -        1.1       0s',
        'web    Progressing   20%      2/5    1/5      1.1       0s',
        '',
      ].join('\n'),
    );
  });

  it('-A adds the namespace, two groups add theirs, wide adds what is long', async () => {
    show(progressing);
    show(rested, '', { group: 'flagger.app', namespace: 'other' });
    const all = await run(cluster, ['get', '-A']);
    expect(all.out.split('\n').map((line) => line.split(/ {3,}/).slice(0, 4))).toEqual([
      ['NAMESPACE', 'NAME', 'GROUP', 'STATUS'],
      ['other', 'web', 'flagger.app', 'Succeeded'],
      ['shop', 'web', 'serin.dev', 'Progressing'],
      [''],
    ]);
    const wide = await run(cluster, ['get', 'web', '-n', 'shop', '-o', 'wide']);
    expect(wide.out).toContain('Deployment/web   istio      registry.example/web:1.1   Judging');
  });

  it('-l picks by label, -o name and -o json and -o yaml print objects without managedFields', async () => {
    show(progressing, 'Judging', { metadata: { labels: { tier: 'front' } } });
    show(rested, '', { name: 'api' });
    expect((await run(cluster, ['get', '-n', 'shop', '-l', 'tier=front', '-o', 'name'])).out).toBe(
      'canary.serin.dev/web\n',
    );
    const list = JSON.parse((await run(cluster, ['get', '-n', 'shop', '-o=json'])).out) as { items: KubeObject[] };
    expect(list.items.map((item) => [item.apiVersion, item.kind, item.metadata.name])).toEqual([
      ['serin.dev/v1beta1', 'Canary', 'api'],
      ['serin.dev/v1beta1', 'Canary', 'web'],
    ]);
    const one = parse((await run(cluster, ['get', 'web', '-n', 'shop', '-oyaml'])).out) as KubeObject;
    expect(one.metadata.name).toBe('web');
    expect(one.metadata).not.toHaveProperty('managedFields');
  });

  it('says where there is nothing, and exits 7 for a name', async () => {
    const empty = await run(cluster, ['get', '-n', 'shop']);
    expect(empty).toEqual({ code: 0, out: '', err: 'No Canaries found in namespace shop\n' });
    show(progressing);
    const { code, err } = await run(cluster, ['get', 'wep', '-n', 'shop']);
    expect([code, err]).toEqual([
      7,
      'serin: Cannot find Canary "shop/wep": there is none of that name; must perhaps be "web"\n',
    ]);
  });

  it('-w prints what changes until it is interrupted', async () => {
    show(progressing);
    const session = start(cluster, ['get', '-n', 'shop', '-w']);
    await until(() => session.out().includes('20%'), 'nothing is printed');
    show({ ...progressing, weightPercent: 30 });
    await until(() => session.out().includes('30%'), 'the change is not printed');
    session.signal('SIGINT');
    expect(await session.exit).toBe(130);
    expect(session.out().match(/NAME/g)).toHaveLength(1);
  });

  it('exits 7 on a cluster that serves no Canary at all', async () => {
    const bare = await startCluster();
    try {
      for (const name of ['canaries.serin.dev', 'canaries.flagger.app']) {
        const kind = {
          group: 'apiextensions.k8s.io',
          version: 'v1',
          kind: 'CustomResourceDefinition',
          plural: 'customresourcedefinitions',
          namespaced: false,
        };
        bare.api.store.remove(kind, null, name, { propagation: 'Background' });
      }
      const { code, err } = await run(bare, ['get']);
      expect([code, err]).toEqual([7, expect.stringContaining('install the CustomResourceDefinitions of serin')]);
    } finally {
      await bare.close();
    }
  });
});

describe('serin status', () => {
  it('prints the paragraph, or all of it as JSON', async () => {
    show(progressing, 'Judging at 20 %');
    const { code, out } = await run(cluster, ['status', 'web', '-n', 'shop']);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^web\.shop {2}Progressing {2}20% canary ▕████░+▏ {2}step 2\/5 {2}checks 1\/5 failed\nJudging at 20 %\n/,
    );
    const json: unknown = JSON.parse((await run(cluster, ['status', 'web', '-n', 'shop', '-o', 'json'])).out);
    expect(json).toMatchObject({ name: 'web', phase: 'Progressing', weightPercent: 20, step: { at: 2, of: 5 } });
  });

  it('--watch prints it again at every change, and ends when the Canary goes', async () => {
    show(progressing);
    const session = start(cluster, ['status', 'web', '-n', 'shop', '--watch']);
    await until(() => session.out().includes('20%'), 'nothing is printed');
    show({ ...progressing, weightPercent: 30 });
    await until(() => session.out().includes('30%'), 'the change is not printed');
    cluster.api.store.remove(KIND, 'shop', 'web', { propagation: 'Background' });
    expect(await session.exit).toBe(7);
    expect(session.err()).toContain('was deleted');
  });
});

describe('serin abort, pause and resume', () => {
  /** Answers requests as the controller does. */
  function answering(outcome: (verb: string) => string): () => void {
    return cluster.api.store.watch(KIND, (_, after) => {
      if (after === null) return;
      const stored = readState(after);
      const request = stored.kind === 'state' ? requestSeen(after, stored.state, Date.now()) : null;
      if (stored.kind !== 'state' || request === null) return;
      const answered = {
        ...stored.state,
        lastRequest: { id: request.id, verb: request.verb, outcome: request.refusal ?? outcome(request.verb), atMs: 1 },
      };
      queueMicrotask(() => {
        cluster.api.store.mutate(
          KIND,
          'shop',
          'web',
          (draft) => {
            draft['status'] = { ...(draft['status'] as object), ...writeState(answered) };
          },
          { subresource: 'status' },
        );
      });
    });
  }

  const requestOn = (): Record<string, unknown> =>
    JSON.parse(storedCanary(cluster).metadata.annotations?.['serin.dev/request'] ?? '{}') as Record<string, unknown>;

  it.each([
    ['abort', 'aborted'],
    ['pause', 'paused'],
    ['resume', 'resumed'],
  ] as const)('%s writes a request for the run that is under way and waits for the answer', async (verb, done) => {
    show(progressing, 'Judging', { metadata: { annotations: { team: 'shop' } } });
    const stop = answering(() => 'done');
    const { code, out } = await run(cluster, [verb, 'web', '-n', 'shop', '--yes', '--reason', 'latency doubled']);
    stop();
    expect([code, out]).toEqual([0, `canary.serin.dev/web ${done}\n`]);
    expect(requestOn()).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      verb,
      revision: RUN.revision,
      by: 'alice (latency doubled)',
      expires: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(storedCanary(cluster).metadata.annotations?.['team']).toBe('shop');
    expect(cluster.api.violations.filter((violation) => violation.verb === 'patch')).toEqual([]);
  });

  it('prints the refusal of the controller and exits 1', async () => {
    show(progressing);
    const stop = answering(() => 'Refused: no run is under way');
    const { code, err } = await run(cluster, ['pause', 'web', '-n', 'shop']);
    stop();
    expect([code, err]).toEqual([1, 'serin: Cannot pause Canary "shop/web": Refused: no run is under way\n']);
  });

  it('lets the controller refuse a revision that is not under way', async () => {
    show(progressing);
    const stop = answering(() => 'done');
    const { code, err } = await run(cluster, ['abort', 'web', '-n', 'shop', '--yes', '--revision', 'v1-0000']);
    stop();
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(`it is about revision v1-0000, under way is ${RUN.revision}`),
    ]);
  });

  it('writes nothing where no run is under way', async () => {
    show(rested);
    const { code, err } = await run(cluster, ['abort', 'web', '-n', 'shop', '--yes']);
    expect([code, err]).toEqual([1, 'serin: Cannot abort Canary "shop/web": no run is under way, it is Succeeded\n']);
    expect(storedCanary(cluster).metadata.annotations ?? {}).not.toHaveProperty('serin.dev/request');
  });

  it('asks before it aborts, and wants --yes where nobody can answer', async () => {
    show(progressing);
    const refused = await run(cluster, ['abort', 'web', '-n', 'shop'], { answer: 'n' });
    expect([refused.code, refused.err]).toEqual([
      1,
      'Abort the run of version 1.1 of web in shop (Progressing, 20% canary, step 2/5)? All traffic goes to the primary. [y/N] Nothing was done\n',
    ]);
    expect(storedCanary(cluster).metadata.annotations ?? {}).not.toHaveProperty('serin.dev/request');
    const alone = await run(cluster, ['abort', 'web', '-n', 'shop']);
    expect([alone.code, alone.err]).toEqual([
      2,
      'serin: Cannot run this: nobody can be asked here, must be given --yes\n',
    ]);
    const stop = answering(() => 'done');
    const agreed = await run(cluster, ['abort', 'web', '-n', 'shop'], { answer: 'y' });
    stop();
    expect([agreed.code, agreed.out]).toEqual([0, 'canary.serin.dev/web aborted\n']);
  });

  it('exits 124 when nobody answers in time', async () => {
    const clock = new VirtualClock();
    show(progressing);
    const session = start(cluster, ['pause', 'web', '-n', 'shop', '--wait', '5s'], { clock });
    await clock.waitReal(() => requestOn()['id'] !== undefined);
    await clock.waitReal(() => clock.pendingTimers() > 0);
    await clock.advance(6_000);
    expect(await session.exit).toBe(124);
    expect(session.err()).toBe(
      'serin: Cannot tell whether Canary "shop/web" will pause: the controller has not answered within 5s; the request stays good for 10m\n',
    );
  });

  it('writes anew when the controller wrote first, but not for another run', async () => {
    show(progressing);
    let left = 2;
    const meddle = cluster.api.onRequest(({ verb, resource }) => {
      if (verb !== 'get' || resource !== 'canaries.serin.dev' || left === 0) return;
      left -= 1;
      cluster.api.store.mutate(
        KIND,
        'shop',
        'web',
        (draft) => {
          const status = draft['status'] as Record<string, unknown>;
          draft['status'] = { ...status, message: `Judging ${left}` };
        },
        { subresource: 'status' },
      );
    });
    const stop = answering(() => 'done');
    const { code, out } = await run(cluster, ['pause', 'web', '-n', 'shop']);
    stop();
    meddle();
    expect([code, out, left]).toEqual([0, 'canary.serin.dev/web paused\n', 0]);
  });

  it('does not act on a run that began after the question', async () => {
    show(progressing);
    let isDone = false;
    const meddle = cluster.api.onRequest(({ verb, resource }) => {
      if (verb !== 'get' || resource !== 'canaries.serin.dev' || isDone) return;
      isDone = true;
      const newer = aRun(3, aTarget('1.2'));
      show({ ...progressing, run: newer, seenRevision: newer.revision });
    });
    const { code, err } = await run(cluster, ['abort', 'web', '-n', 'shop', '--yes']);
    meddle();
    expect([code, err]).toEqual([1, expect.stringContaining(`the run of revision ${RUN.revision} is over`)]);
    expect(storedCanary(cluster).metadata.annotations ?? {}).not.toHaveProperty('serin.dev/request');
  });
});

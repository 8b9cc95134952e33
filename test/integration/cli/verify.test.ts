// serin step verify against an API server over HTTPS: each outcome with its exit code, its lines and its JSON.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { State } from '../../../src/core/state.ts';
import { DEPLOYMENT, canaryKind } from '../../../src/kube/kinds.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { aCanaryWith, aRun, aState, aTarget, anEnded, notedFacts, revisionOfTarget } from '../../unit/cli/canaries.ts';
import { asStored, run, start, startCluster, until } from './cluster.ts';
import type { TestCluster } from './cluster.ts';

const OLD = asStored(aTarget('1.0'));
const OURS = asStored(aTarget('1.1'));
const NEWER = asStored(aTarget('1.2'));
const RUN_OLD = aRun(1, OLD);
const RUN = aRun(2, OURS);
const RUN_NEWER = aRun(3, NEWER);
const VERIFY = ['step', 'verify', 'web', '-n', 'shop', '--for-version', '1.1'];

const rested: State = aState('Succeeded', {
  run: RUN_OLD,
  seenRevision: revisionOfTarget(OLD),
  promotedRevision: revisionOfTarget(OLD),
  targetFacts: notedFacts(OLD),
  history: [anEnded(RUN_OLD, 'promoted')],
});
const progressing = (weightPercent: number, change: Partial<typeof RUN> = {}): State => ({
  ...rested,
  phase: 'Progressing',
  weightPercent,
  run: { ...RUN, ...change },
  seenRevision: RUN.revision,
  targetFacts: notedFacts(OURS),
});
const promoted: State = {
  ...progressing(0),
  phase: 'Succeeded',
  promotedRevision: RUN.revision,
  history: [...rested.history, anEnded(RUN, 'promoted')],
};
const rolledBack: State = {
  ...progressing(0),
  phase: 'Failed',
  failure: 'rolledBack',
  history: [...rested.history, anEnded(RUN, 'rolledBack')],
};

let cluster: TestCluster;
let forbidden: (plural: string) => boolean = () => false;
let isBlind = false;

beforeAll(async () => {
  cluster = await startCluster({
    authorize: ({ resource }) => !forbidden(resource),
    beforeRequest: (_, info) => (isBlind && info?.verb === 'watch' ? { status: 503 } : null),
  });
});
afterAll(() => cluster.close());
afterEach(() => {
  forbidden = () => false;
  isBlind = false;
  for (const group of ['serin.dev', 'flagger.app'])
    cluster.api.store.remove(canaryKind(group), 'shop', 'web', { propagation: 'Background' });
  cluster.api.store.remove(DEPLOYMENT, 'shop', 'web', { propagation: 'Background' });
});

const show = (state: State, message = 'Waits for a new revision', changes = {}): void =>
  cluster.put(aCanaryWith(state, message, changes));

/** The lines of progress without their times. */
const linesOf = (text: string): readonly string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:]+Z /, ''));

describe('serin step verify', () => {
  it('waits for the release and for its verdict, and says each change once: promoted', async () => {
    cluster.put(OLD);
    show(rested);
    const session = start(cluster, VERIFY);
    await until(() => session.err().includes('Not there'), 'the step does not begin');
    cluster.put(OURS);
    await until(() => session.err().includes('has not begun'), 'the step does not see the target');
    show(progressing(0, { step: 0 }), 'Preparing');
    await until(() => session.err().includes('0%'), 'the run is not seen');
    const failing = {
      name: 'request-success-rate',
      verdict: 'Fail',
      value: 98.6912345,
      min: 99,
      max: null,
      detail: '',
    } as const;
    show(progressing(20, { step: 6, failedChecks: 1, checks: [failing] }), 'Judging');
    await until(() => session.err().includes('20%'), 'the step is not seen');
    show({ ...progressing(0), phase: 'Finalising', promotedRevision: RUN.revision }, 'Finalising');
    await until(() => session.err().includes('Finalising'), 'finalising is not seen');
    show(promoted);
    expect(await session.exit).toBe(0);
    expect(session.out()).toBe(`canary.serin.dev/web promoted (version 1.1, run ${RUN.id})\n`);
    expect(linesOf(session.err())).toEqual([
      'Waits for version 1.1 of canary.serin.dev/web in shop: at most 15m until it arrives, 1h in all',
      'Not there: the target has version 1.0, registry.example/web:1.0',
      'Not there: Deployment web has it, serin has not begun with it: Waits for a new revision',
      'Progressing 0%, step 0/5, checks 0/5 failed',
      'Progressing 20%, step 2/5, checks 1/5 failed, request-success-rate 98.6912 < min 99 Fail',
      'Finalising 0%, step 2/5, checks 0/5 failed',
    ]);
  });

  it('exits 3 with the reason when it is rolled back', async () => {
    cluster.put(OURS);
    show(progressing(20));
    const session = start(cluster, VERIFY);
    await until(() => session.err().includes('20%'), 'the run is not seen');
    show(rolledBack, 'Failed');
    expect(await session.exit).toBe(3);
    expect(session.out()).toBe(
      `canary.serin.dev/web rolled back: 5 of 5 checks failed, last: request-success-rate 98.69 < 99 (version 1.1, run ${RUN.id})\n`,
    );
  });

  it('exits 4 when somebody aborts it', async () => {
    cluster.put(OURS);
    show(progressing(20));
    const session = start(cluster, VERIFY);
    await until(() => session.err().includes('20%'), 'the run is not seen');
    const past = anEnded(RUN, 'aborted', { reason: 'abortAsked', message: 'Aborted by alice' });
    show({ ...rolledBack, history: [past] });
    expect(await session.exit).toBe(4);
    expect(session.out()).toContain('aborted: Aborted by alice');
  });

  it('exits 5 when a newer release takes its place', async () => {
    cluster.put(OURS);
    show(progressing(20));
    const session = start(cluster, VERIFY);
    await until(() => session.err().includes('20%'), 'the run is not seen');
    cluster.put(NEWER);
    const past = anEnded(RUN, 'superseded', { reason: 'Superseded', message: 'A newer revision took over' });
    show({ ...rested, phase: 'Progressing', run: RUN_NEWER, seenRevision: RUN_NEWER.revision, history: [past] });
    expect(await session.exit).toBe(5);
    expect(session.out()).toContain('superseded: A newer revision took over');
  });

  it('exits 0 at once for what is promoted already, and for a first release that was initialized', async () => {
    cluster.put(OURS);
    show(promoted);
    const again = await run(cluster, VERIFY);
    expect([again.code, again.out]).toEqual([
      0,
      `canary.serin.dev/web already promoted (version 1.1, run ${RUN.id})\n`,
    ]);
    show(aState('Initialized', { seenRevision: RUN.revision, promotedRevision: RUN.revision }));
    const first = await run(cluster, VERIFY);
    expect([first.code, first.out]).toEqual([0, 'canary.serin.dev/web initialized (version 1.1)\n']);
  });

  it('never gives the verdict of an older run to a newer image under the same tag', async () => {
    cluster.put(aTarget('1.1', { podAnnotations: { build: '2' } }));
    show(rolledBack, 'Failed');
    const session = start(cluster, VERIFY);
    await until(() => session.err().includes('has not begun'), 'the step does not begin');
    session.signal('SIGTERM');
    expect(await session.exit).toBe(143);
    expect(session.out()).toBe(
      'canary.serin.dev/web interrupted: The step was interrupted; the canary is left running (version 1.1)\n',
    );
  });

  it('reads both objects once more before it believes a verdict that its watch may be late with', async () => {
    cluster.put(OURS);
    show(rolledBack, 'Failed');
    // The controller begins anew right after the step has listed the Canaries, and no watch tells it.
    isBlind = true;
    const again = aRun(4, OURS);
    const stop = cluster.api.onRequest(({ verb, resource }) => {
      if (verb !== 'list' || resource !== 'deployments.apps') return;
      stop();
      show({ ...rolledBack, phase: 'Progressing', failure: null, weightPercent: 30, run: again });
    });
    const session = start(cluster, VERIFY);
    const ended = await Promise.race([session.exit, new Promise((resolve) => void setTimeout(resolve, 500, 'waits'))]);
    expect(ended).toBe('waits');
    isBlind = false;
    await until(() => session.err().includes('30%'), 'the second run is not seen');
    show({ ...promoted, run: again, history: [anEnded(again, 'promoted')] });
    expect([await session.exit, session.out()]).toEqual([0, expect.stringContaining(`run ${again.id}`)]);
  });

  it('finds the Canary of Flagger where serin.dev has none, and takes serin.dev where both have one', async () => {
    cluster.put(OURS);
    show(rolledBack, 'Failed', { group: 'flagger.app' });
    expect((await run(cluster, VERIFY)).out).toContain('canary.flagger.app/web rolled back');
    show(promoted);
    expect((await run(cluster, VERIFY)).out).toContain('canary.serin.dev/web already promoted');
    expect((await run(cluster, [...VERIFY, '--group', 'flagger.app'])).code).toBe(3);
  });

  it('exits 7 for a name that is not there, with the nearest one', async () => {
    show(rested);
    const { code, err, out } = await run(cluster, ['step', 'verify', 'wbe', '-n', 'shop', '--for-version', '1.1']);
    expect([code, out]).toEqual([7, '']);
    expect(err).toBe('serin: Cannot find Canary "shop/wbe": there is none of that name; must perhaps be "web"\n');
  });

  it('exits 7 when the Canary is deleted meanwhile', async () => {
    cluster.put(OURS);
    show(progressing(20));
    const session = start(cluster, VERIFY);
    await until(() => session.err().includes('20%'), 'the run is not seen');
    cluster.api.store.remove(canaryKind('serin.dev'), 'shop', 'web', { propagation: 'Background' });
    expect(await session.exit).toBe(7);
    expect(session.out()).toContain('not found: Canary "shop/web" was deleted');
  });

  it('exits 8 where Canaries, or their targets, may not be read', async () => {
    cluster.put(OURS);
    show(promoted);
    forbidden = (plural) => plural === 'canaries';
    const canaries = await run(cluster, [...VERIFY, '-o', 'json']);
    expect(canaries.code).toBe(8);
    expect(canaries.err).toMatch(/^serin: Cannot get Canary shop\/web: the server refused with 403 Forbidden/);
    expect(JSON.parse(canaries.out)).toMatchObject({ outcome: 'forbidden', exitCode: 8, canary: { name: 'web' } });
    forbidden = (plural) => plural === 'deployments';
    expect((await run(cluster, VERIFY)).code).toBe(8);
  });

  it('exits 2 for what cannot be asked', async () => {
    show(rested);
    const verify = ['step', 'verify', 'web', '-n', 'shop'];
    const both = await run(cluster, [...verify, '--for-version', '1', '--for-image', 'a:1']);
    expect([both.code, both.err]).toEqual([
      2,
      'serin: Cannot run this: more than one of --for-image, --for-version and --for-revision is given, must be one\n',
    ]);
    expect((await run(cluster, verify)).err).toContain('no release is asked for');
    expect((await run(cluster, [...verify, '--for-version', '1', '--timeout', '5 minutes'])).code).toBe(2);
  });
});

describe('what is asked for', () => {
  it.each<[string, readonly string[], Readonly<Record<string, string>>, string]>([
    [
      'an image, with a digest that the target lacks',
      ['--for-image', `registry.example/web:1.1@sha256:${'a'.repeat(64)}`],
      {},
      'image registry.example/web:1.1@',
    ],
    ['a version from SERIN_FOR_VERSION', [], { SERIN_FOR_VERSION: '1.1', VERSION: '9' }, 'version 1.1'],
    [
      'a flag before the environment',
      ['--for-version', '1.1'],
      { SERIN_FOR_IMAGE: 'web:9', SERIN_FOR_VERSION: '9' },
      'version 1.1',
    ],
    ['$VERSION where nothing is given', [], { VERSION: '1.1' }, 'version 1.1'],
    ['the revision that the target has', ['--for-revision'], {}, 'the revision that the target has now'],
    ['a revision by name', ['--for-revision', RUN.revision], {}, `revision ${RUN.revision}`],
  ])('%s', async (_, args, env, wanted) => {
    cluster.put(OURS);
    show(promoted);
    const { code, out } = await run(cluster, ['step', 'verify', 'web', ...args, '-o', 'json'], {
      env: { SERIN_NAMESPACE: 'shop', ...env },
    });
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      { outcome: 'alreadyPromoted', wanted: expect.stringContaining(wanted) },
    ]);
  });
});

describe('machine-readable results', () => {
  it('-o json prints one object on standard output and progress on standard error', async () => {
    cluster.put(OURS);
    show(rolledBack, 'Failed');
    const { code, out } = await run(cluster, [...VERIFY, '-o', 'json']);
    expect(code).toBe(3);
    expect(JSON.parse(out)).toEqual({
      apiVersion: 'serin.dev/v1beta1',
      kind: 'StepResult',
      outcome: 'rolledBack',
      exitCode: 3,
      canary: { group: 'serin.dev', namespace: 'shop', name: 'web' },
      wanted: 'version 1.1',
      run: { id: RUN.id, revision: RUN.revision, version: '1.1', images: ['registry.example/web:1.1'] },
      reason: 'FailedChecks',
      message: '5 of 5 checks failed, last: request-success-rate 98.69 < 99',
      startedAt: expect.stringMatching(/Z$/),
      finishedAt: expect.stringMatching(/Z$/),
    });
  });

  it('-o jsonl prints every event as one line, the result last', async () => {
    cluster.put(OURS);
    show(progressing(20), 'Judging');
    const session = start(cluster, [...VERIFY, '-o', 'jsonl']);
    await until(() => session.out().includes('20%'), 'the run is not seen');
    show(promoted);
    expect(await session.exit).toBe(0);
    const events = session
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map((event) => event['event'])).toEqual(['begin', 'arrived', 'result']);
    expect(events[1]).toMatchObject({ phase: 'Progressing', weightPercent: 20, step: { at: 2, of: 5 }, run: RUN.id });
    expect(events[2]).toMatchObject({ outcome: 'promoted', exitCode: 0 });
    expect(session.err()).toBe('');
  });
});

describe('time, on a clock that stands still', () => {
  it('gives a sign of life every 30 s, and exits 124 with a hint when nothing arrives', async () => {
    const clock = new VirtualClock();
    cluster.put(OLD);
    show(rested);
    const session = start(cluster, VERIFY, { clock });
    await clock.waitReal(() => session.err().includes('Not there'));
    await clock.advance(65_000);
    expect(linesOf(session.err()).slice(2)).toEqual([
      'Still waiting after 30s: the target has version 1.0, registry.example/web:1.0',
      'Still waiting after 1m: the target has version 1.0, registry.example/web:1.0',
    ]);
    await clock.advance(15 * 60_000 - 65_000);
    expect(await session.exit).toBe(124);
    expect(session.out()).toBe(
      'canary.serin.dev/web timed out: version 1.1 never reached the cluster: is the promotion pull request merged? Now the target has version 1.0, registry.example/web:1.0 (version 1.1)\n',
    );
  });

  it('says what holds serin up when the target has it and no run begins', async () => {
    const clock = new VirtualClock();
    cluster.put(OURS);
    show(rested, 'Suspended: nothing is done until spec.suspend is taken back');
    const session = start(cluster, [...VERIFY, '--arrival-timeout', '2m', '-o', 'json'], { clock });
    await clock.waitReal(() => session.err().includes('has not begun'));
    await clock.advance(120_000);
    expect(await session.exit).toBe(124);
    expect(JSON.parse(session.out())).toMatchObject({
      outcome: 'timeout',
      exitCode: 124,
      reason: 'NeverBegun',
      message: expect.stringContaining('serin has not begun with it: Suspended'),
    });
  });

  it('once it has arrived only the limit of the whole step counts, and the canary is left running', async () => {
    const clock = new VirtualClock();
    cluster.put(OURS);
    show(progressing(20), 'Waits for gate confirm-promotion');
    const session = start(cluster, [...VERIFY, '--timeout', '20m', '--arrival-timeout', '1m'], {
      clock,
      isTerminal: true,
    });
    await clock.waitReal(() => session.err().includes('20%'));
    await clock.advance(19 * 60_000);
    expect(session.out()).toBe('');
    await clock.advance(60_000);
    expect(await session.exit).toBe(124);
    expect(session.out()).toContain('No verdict yet, the canary is left running: Waits for gate confirm-promotion');
    expect(session.err()).not.toContain('Still waiting');
  });
});

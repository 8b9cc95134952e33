// judgeRevision(): a verdict is only ever about the release that was asked for, whatever the Canary went through before.
import { describe, expect, it } from 'vitest';
import { firstMemory, judgeRevision, remember } from '../../../src/cli/judge.ts';
import type { Judgement, Memory } from '../../../src/cli/judge.ts';
import { factsOfTarget } from '../../../src/cli/match.ts';
import type { Wanted } from '../../../src/cli/match.ts';
import type { State } from '../../../src/core/state.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { NOW_MS, aCanaryWith, aRun, aState, aTarget, anEnded, notedFacts, revisionOfTarget } from './canaries.ts';

const OLD = aTarget('1.0');
const OURS = aTarget('1.1');
const NEWER = aTarget('1.2');
const [REV_OLD, REV_OURS, REV_NEWER] = [OLD, OURS, NEWER].map(revisionOfTarget) as [string, string, string];
const V11: Wanted = { kind: 'version', version: '1.1' };
const NOTHING: Memory = { revisions: [], oldRuns: [] };

const RUN_OLD = aRun(1, OLD);
const RUN = aRun(2, OURS);
const RUN_NEWER = aRun(3, NEWER);

/** The state with the old release promoted and nothing under way. */
const rested = (change: Partial<State> = {}): State =>
  aState('Succeeded', {
    run: RUN_OLD,
    seenRevision: REV_OLD,
    promotedRevision: REV_OLD,
    targetFacts: notedFacts(OLD),
    history: [anEnded(RUN_OLD, 'promoted')],
    ...change,
  });

const under = (phase: State['phase'], change: Partial<State> = {}): State =>
  rested({ phase, run: RUN, seenRevision: REV_OURS, targetFacts: notedFacts(OURS), ...change });

function ended(outcome: Parameters<typeof anEnded>[1], change: Partial<State> = {}, reason = 'budgetSpent'): State {
  return under(outcome === 'promoted' || outcome === 'skipped' ? 'Succeeded' : 'Failed', {
    failure: outcome === 'promoted' || outcome === 'skipped' ? null : 'rolledBack',
    promotedRevision: outcome === 'promoted' || outcome === 'skipped' ? REV_OURS : REV_OLD,
    history: [anEnded(RUN_OLD, 'promoted'), anEnded(RUN, outcome, { reason, message: 'why' })],
    ...change,
  });
}

const judge = (
  state: State | KubeObject,
  target: KubeObject | null,
  wanted: Wanted = V11,
  memory: Memory = NOTHING,
): Judgement => judgeRevision('apiVersion' in state ? state : aCanaryWith(state, 'said'), target, wanted, memory);

/** `kind` or `kind outcome reason`, enough to compare. */
function short(judged: Judgement): string {
  if (judged.kind === 'verdict') return `${judged.outcome} ${judged.reason}`;
  return judged.kind === 'waiting' ? `waiting for the ${judged.where}` : 'arrived';
}

/** Seen by a step that watched the run from its beginning. */
const WATCHED: Memory = { revisions: [REV_OURS], oldRuns: [RUN_OLD.id] };
/** Known to a step from its first look on: everything that had ended then. */
const LATE: Memory = { revisions: [], oldRuns: [RUN_OLD.id, RUN.id, RUN_NEWER.id] };

describe('judgeRevision() while the target is the release that is wanted', () => {
  it.each<[string, State, string]>([
    ['the controller has not seen it yet', rested(), 'waiting for the controller'],
    [
      'it is suspended: the images are noted, the run is not begun',
      rested({ targetFacts: notedFacts(OURS) }),
      'waiting for the controller',
    ],
    ['waiting at the first gate', under('Waiting'), 'arrived'],
    ['under analysis', under('Progressing'), 'arrived'],
    ['at the gate before promotion', under('WaitingPromotion'), 'arrived'],
    ['promoting', under('Promoting'), 'arrived'],
    [
      'finalising: the primary runs it, but it may still fail',
      under('Finalising', { promotedRevision: REV_OURS }),
      'arrived',
    ],
    ['rolling back: the verdict is near, not there', under('RollingBack'), 'arrived'],
    ['promoted', ended('promoted'), 'promoted Promoted'],
    ['promoted without analysis', ended('skipped'), 'promoted Skipped'],
    ['rolled back', ended('rolledBack'), 'rolledBack FailedChecks'],
    ['rolled back for want of data', ended('rolledBack', {}, 'noDataTooLong'), 'rolledBack NoData'],
    ['rolled back because a gate said so', ended('rolledBack', {}, 'rollbackAsked'), 'aborted RollbackHook'],
    ['aborted', ended('aborted', {}, 'abortAsked'), 'aborted Aborted'],
    [
      'the primary did not become ready',
      ended('promotionFailed', { failure: 'primaryBroken' }, 'deadlinePassed'),
      'rolledBack ProgressDeadlineExceeded',
    ],
    ['initializing', aState('Initializing', { seenRevision: REV_OURS, isTakenOver: false }), 'arrived'],
    [
      'initializing another',
      aState('Initializing', { seenRevision: REV_OLD, isTakenOver: false }),
      'waiting for the controller',
    ],
    [
      'initialized with it',
      aState('Initialized', { seenRevision: REV_OURS, promotedRevision: REV_OURS }),
      'initialized Initialized',
    ],
    [
      'never initialized',
      aState('Failed', {
        failure: 'neverInitialized',
        seenRevision: REV_OURS,
        isTakenOver: false,
        because: { signal: 'deadlinePassed', message: 'too late', atMs: NOW_MS },
      }),
      'rolledBack InitializationFailed',
    ],
    [
      'aborted while it was initialized',
      aState('Failed', {
        failure: 'neverInitialized',
        seenRevision: REV_OURS,
        isTakenOver: false,
        because: { signal: 'abortAsked', message: 'Aborted by alice', atMs: NOW_MS },
      }),
      'aborted Aborted',
    ],
    [
      'a run of another revision is under way',
      under('Progressing', { run: RUN_OLD, seenRevision: REV_OLD, promotedRevision: null }),
      'waiting for the controller',
    ],
    [
      'it came back to what the primary runs',
      under('Returning', { run: RUN_NEWER, promotedRevision: REV_OURS }),
      'arrived',
    ],
    ['the Canary is being deleted', under('Terminating', { weightPercent: 0 }), 'aborted Deleted'],
  ])('%s', (_, state, expected) => {
    expect(short(judge(state, OURS, V11, WATCHED))).toBe(expected);
  });

  it('an older run of the same image is never its verdict: the template differs', () => {
    const restarted = aTarget('1.1', { podAnnotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } });
    for (const outcome of ['rolledBack', 'promoted', 'aborted', 'superseded'] as const)
      expect(short(judge(ended(outcome), restarted, V11, LATE))).toBe('waiting for the controller');
  });

  it('a revision that failed before and is there again waits for its new run', () => {
    const state = rested({
      run: RUN_NEWER,
      seenRevision: REV_NEWER,
      promotedRevision: REV_NEWER,
      history: [anEnded(RUN, 'rolledBack'), anEnded(RUN_NEWER, 'promoted')],
    });
    expect(short(judge(state, OURS, V11, LATE))).toBe('waiting for the controller');
  });

  it('a revision that was promoted once, then replaced, and is there again, waits for its new run', () => {
    const state = rested({
      run: RUN_NEWER,
      seenRevision: REV_NEWER,
      promotedRevision: REV_NEWER,
      history: [anEnded(RUN, 'promoted'), anEnded(RUN_NEWER, 'promoted')],
    });
    expect(short(judge(state, OURS, V11, LATE))).toBe('waiting for the controller');
  });

  it('what the primary runs already is a success at once, and said to be an old one', () => {
    expect(short(judge(ended('promoted'), OURS, V11, LATE))).toBe('alreadyPromoted Promoted');
    const failedSince = rested({
      phase: 'Failed',
      failure: 'rolledBack',
      run: RUN_NEWER,
      seenRevision: REV_NEWER,
      promotedRevision: REV_OURS,
      history: [anEnded(RUN, 'promoted'), anEnded(RUN_NEWER, 'rolledBack')],
    });
    expect(short(judge(failedSince, OURS, V11, LATE))).toBe('alreadyPromoted Promoted');
  });

  it('a primary that broke on a newer release is not serving the one before', () => {
    const state = ended('promotionFailed', {
      failure: 'primaryBroken',
      run: RUN_NEWER,
      seenRevision: REV_NEWER,
      promotedRevision: REV_OURS,
    });
    expect(short(judge(state, OURS, V11, LATE))).toBe('waiting for the controller');
  });

  it('counts the newest of several runs of one revision', () => {
    const again = aRun(4, OURS);
    const state = ended('rolledBack', {
      run: again,
      history: [anEnded(RUN, 'aborted'), anEnded(again, 'rolledBack', { endedAtMs: NOW_MS })],
    });
    expect(judge(state, OURS)).toMatchObject({ outcome: 'rolledBack', run: { id: again.id } });
    // In whichever order they are kept.
    const turned = { ...state, history: state.history.toReversed() };
    expect(judge(turned, OURS)).toMatchObject({ outcome: 'rolledBack', run: { id: again.id } });
  });

  it('does not take a run that was replaced, or replaced after its promotion, for the end of this one', () => {
    for (const outcome of ['superseded', 'promoted'] as const) {
      const state = under('Failed', { failure: 'rolledBack', history: [anEnded(RUN, outcome)] });
      expect(short(judge(state, OURS, V11, LATE))).toBe('waiting for the controller');
    }
  });

  it('reads the tracked configs that the controller wrote down', () => {
    const configs = { 'configmap/web': 'abcd' };
    const revision = factsOfTarget(OURS, configs).revision;
    const run = { ...RUN, revision };
    const state = under('Progressing', { run, seenRevision: revision, trackedConfigs: configs });
    expect(judge(state, OURS)).toMatchObject({ kind: 'arrived', revision, run: { id: run.id } });
  });

  it('waits where no serin has looked, and says so', () => {
    const canary = { ...aCanaryWith(rested(), ''), status: { phase: 'Succeeded', canaryWeight: 0 } };
    expect(judge(canary, OURS)).toMatchObject({
      kind: 'waiting',
      where: 'controller',
      message: expect.stringContaining('serin has not looked'),
    });
  });

  it('is an error where the record cannot be read, or counts revisions in another way', () => {
    const canary = aCanaryWith(rested(), '');
    const broken = { ...canary, status: { ...(canary['status'] as object), run: { schema: 1, phase: 'Dancing' } } };
    expect(short(judge(broken, OURS))).toBe('error StatusInvalid');
    expect(short(judge(rested({ seenRevision: 'v2-0123456789abcdef' }), OURS))).toBe('error OtherVersion');
  });
});

describe('judgeRevision() while the target is another release', () => {
  it.each<[string, State, Memory, string]>([
    ['nothing is known of it', rested(), NOTHING, 'waiting for the target'],
    ['its run is under way still', under('Progressing'), NOTHING, 'arrived'],
    ['it was superseded', superseded('superseded'), WATCHED, 'superseded Superseded'],
    ['it was superseded while the step began', superseded('superseded'), NOTHING, 'superseded Superseded'],
    [
      'the target went back to the revision of the primary',
      ended('returned', { phase: 'Succeeded', failure: null }, 'returned'),
      WATCHED,
      'superseded ReturnedToPrimary',
    ],
    ['it was rolled back before the newer one came', superseded('rolledBack'), WATCHED, 'rolledBack FailedChecks'],
    ['it was promoted before the newer one came', superseded('promoted', REV_OURS), WATCHED, 'promoted Promoted'],
    [
      'it is promoted, and a newer one is under way',
      superseded('promoted', REV_OURS),
      LATE,
      'alreadyPromoted Promoted',
    ],
    ['it failed long ago and is awaited again', superseded('rolledBack'), LATE, 'waiting for the target'],
    [
      'it was promoted long ago, then replaced, and is awaited again',
      superseded('promoted', REV_NEWER),
      LATE,
      'waiting for the target',
    ],
  ])('%s', (_, state, memory, expected) => {
    expect(short(judge(state, NEWER, V11, memory))).toBe(expected);
  });

  it('a release that came and went before the controller saw it is superseded once the controller has seen the next', () => {
    expect(short(judge(rested(), NEWER, V11, WATCHED))).toBe('waiting for the target');
    const seen = rested({ phase: 'Progressing', run: RUN_NEWER, seenRevision: REV_NEWER });
    expect(short(judge(seen, NEWER, V11, WATCHED))).toBe('superseded Superseded');
  });

  it('an old failure of a revision is not reported for a second try that the controller never saw', () => {
    const seen = superseded('rolledBack');
    expect(short(judge(seen, NEWER, V11, { ...LATE, revisions: [REV_OURS] }))).toBe('superseded Superseded');
  });

  it('says what is there instead', () => {
    expect(judge(rested(), OLD)).toMatchObject({ message: 'the target has version 1.0, registry.example/web:1.0' });
    expect(judge(rested(), null)).toMatchObject({ message: 'the target does not exist' });
  });

  function superseded(outcome: 'superseded' | 'rolledBack' | 'promoted', promotedRevision = REV_OLD): State {
    const past = anEnded(
      RUN,
      outcome,
      outcome === 'superseded' ? { reason: 'Superseded', message: 'A newer revision took over' } : {},
    );
    return rested({
      phase: 'Progressing',
      run: RUN_NEWER,
      seenRevision: REV_NEWER,
      promotedRevision,
      history: [anEnded(RUN_OLD, 'promoted'), past],
    });
  }
});

describe('the memory of a step', () => {
  it('begins with the runs that are over, and remembers each revision once', () => {
    const memory = firstMemory(aCanaryWith(rested(), ''));
    expect(memory).toEqual({ revisions: [], oldRuns: [RUN_OLD.id] });
    const judged = judge(under('Progressing'), OURS);
    expect(remember(remember(memory, judged), judged).revisions).toEqual([REV_OURS]);
  });
});

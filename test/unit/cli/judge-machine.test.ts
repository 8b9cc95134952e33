// judgeRevision() on what the real machine writes: whole stories, and random ones against what the primary really runs.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstMemory, judgeRevision, remember } from '../../../src/cli/judge.ts';
import type { Judgement, Memory } from '../../../src/cli/judge.ts';
import { decide } from '../../../src/core/decide.ts';
import type { Observation } from '../../../src/core/observation.ts';
import { isResting } from '../../../src/core/phase.ts';
import { isTickDue } from '../../../src/core/signals.ts';
import type { State } from '../../../src/core/state.ts';
import { initialState } from '../../../src/core/state.ts';
import { isQuiet } from '../../../src/core/world.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { aPolicy, anObservation, aTick, aWorkload, obey, T0 } from '../../support/core-builders.ts';
import { aCanaryWith, aTarget, notedFacts, revisionOfTarget } from './canaries.ts';

type Verdict = 'Pass' | 'Fail';

/** A Canary, its target and the machine, in a world that obeys. */
class Story {
  state: State = initialState(T0);
  seen: Observation = anObservation({
    primary: null,
    services: { apex: 'target', isDrifted: false },
    route: { state: 'absent', askedPercent: null, livePercent: 'unknown', fence: null, isFenceable: true },
  });
  target: KubeObject = aTarget('1');

  constructor() {
    this.deploy('1');
    this.seen = { ...this.seen, target: aWorkload({ revision: revisionOfTarget(this.target) }) };
  }

  deploy(version: string): void {
    this.target = aTarget(version);
    const { target } = this.seen;
    this.seen = {
      ...this.seen,
      target: target === null ? null : { ...target, revision: revisionOfTarget(this.target) },
      targetFacts: notedFacts(this.target),
    };
  }

  /** One look, ten seconds after the last. A due tick is answered with `verdict`. */
  look(verdict: Verdict = 'Pass', change: Partial<Observation> = {}): void {
    const nowMs = this.seen.nowMs + 10_000;
    const quietSinceMs = isQuiet(this.state, this.seen) ? (this.seen.quietSinceMs ?? nowMs) : null;
    const looked = { ...this.seen, quietSinceMs, ...change, nowMs };
    const tick = isTickDue(this.state, looked) ? aTick({ verdict }) : null;
    const { next, effects } = decide(this.state, { ...looked, tick });
    this.state = next;
    this.seen = { ...obey({ ...this.seen, quietSinceMs, nowMs }, effects, next), tick: null };
  }

  canary(): KubeObject {
    return aCanaryWith(this.state, 'said');
  }

  judge(version: string, memory: Memory): Judgement {
    return judgeRevision(this.canary(), this.target, { kind: 'version', version }, memory);
  }

  /** Looks until a step that waits for `version` has its verdict; what it said on the way, without repetitions. */
  follow(version: string, looks: (story: Story, index: number) => void): readonly string[] {
    let memory = firstMemory(this.canary());
    const said: string[] = [];
    for (let index = 0; index < 60; index += 1) {
      const judged = this.judge(version, memory);
      memory = remember(memory, judged);
      const word = judged.kind === 'verdict' ? `${judged.outcome} ${judged.reason}` : judged.kind;
      if (said.at(-1) !== word) said.push(word);
      if (judged.kind === 'verdict') return said;
      looks(this, index);
    }
    return said;
  }
}

function initialized(): Story {
  const story = new Story();
  for (let index = 0; index < 10; index += 1) story.look();
  expect(story.state.phase).toBe('Initialized');
  return story;
}

const passing = (story: Story): void => story.look('Pass');

describe('a step beside the machine', () => {
  it('sees the first release initialized', () => {
    expect(new Story().follow('1', passing)).toEqual(['waiting', 'arrived', 'initialized Initialized']);
  });

  it('sees a release promoted, also when it began before that arrived', () => {
    const story = initialized();
    const said = story.follow('2', (now, index) => {
      if (index === 3) now.deploy('2');
      now.look('Pass');
    });
    expect(said).toEqual(['waiting', 'arrived', 'promoted Promoted']);
    expect(story.follow('2', passing)).toEqual(['alreadyPromoted Promoted']);
  });

  it('sees a release rolled back, and says so again to a step that comes later', () => {
    const story = initialized();
    story.deploy('2');
    expect(story.follow('2', (now) => now.look('Fail'))).toEqual(['waiting', 'arrived', 'rolledBack FailedChecks']);
    expect(story.follow('2', passing)).toEqual(['rolledBack FailedChecks']);
    // The one before is what the primary runs; it is known from its first release on only by its revision.
    story.deploy('1');
    expect(story.follow('1', passing)).toEqual(['alreadyPromoted Promoted']);
  });

  it('gives a second try of a failed release its own verdict', () => {
    const story = initialized();
    for (const version of ['2', '3'])
      for (story.deploy(version), story.look(); !isResting(story.state.phase);)
        story.look(version === '2' ? 'Fail' : 'Pass');
    story.deploy('2');
    expect(story.follow('2', passing)).toEqual(['waiting', 'arrived', 'promoted Promoted']);
  });

  it('sees a release superseded, aborted, and taken back', () => {
    const superseded = initialized();
    superseded.deploy('2');
    const newer = (now: Story, index: number): void => {
      if (index === 4) now.deploy('3');
      now.look('Pass');
    };
    expect(superseded.follow('2', newer)).toEqual(['waiting', 'arrived', 'superseded Superseded']);

    const aborted = initialized();
    aborted.deploy('2');
    const abort = (now: Story, index: number): void =>
      now.look('Pass', index === 4 ? { request: { id: 'r1', verb: 'abort', by: 'alice', refusal: null } } : {});
    expect(aborted.follow('2', abort)).toEqual(['waiting', 'arrived', 'aborted Aborted']);

    const taken = initialized();
    taken.deploy('2');
    const back = (now: Story, index: number): void => {
      if (index === 4) now.deploy('1');
      now.look('Pass');
    };
    expect(taken.follow('2', back)).toEqual(['waiting', 'arrived', 'superseded ReturnedToPrimary']);
  });

  it('does not take the images that a suspended Canary noted for a run', () => {
    const story = initialized();
    story.deploy('2');
    const policy = aPolicy({ suspend: true });
    for (let index = 0; index < 5; index += 1) story.look('Pass', { policy });
    expect(story.judge('2', firstMemory(story.canary()))).toMatchObject({ kind: 'waiting', where: 'controller' });
  });
});

describe('whatever happens', () => {
  const action = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('deploy' as const), version: fc.constantFrom('1', '2', '3') }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('look' as const), verdict: fc.constantFrom<Verdict>('Pass', 'Fail') }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('unready' as const) }) },
  );

  it('a step that begins now is told a success only of what the primary runs, and a failure only of what rests and failed', () => {
    let successes = 0;
    let failures = 0;
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 80 }), (actions) => {
        const story = initialized();
        for (const [index, what] of actions.entries()) {
          if (what.kind === 'deploy') story.deploy(what.version);
          else if (what.kind === 'look') story.look(what.verdict);
          else if (what.kind === 'abort')
            story.look('Pass', { request: { id: `r${index}`, verb: 'abort', by: 'alice', refusal: null } });
          else
            story.look('Pass', {
              target: story.seen.target === null ? null : { ...story.seen.target, isReady: false },
            });
          for (const version of ['1', '2', '3']) {
            const judged = story.judge(version, firstMemory(story.canary()));
            if (judged.kind !== 'verdict') continue;
            const revision = revisionOfTarget(aTarget(version));
            expect(judged.outcome).not.toBe('error');
            if (['promoted', 'initialized', 'alreadyPromoted'].includes(judged.outcome)) {
              successes += 1;
              expect(story.seen.primary?.revision).toBe(revision);
            } else {
              failures += 1;
              expect(isResting(story.state.phase)).toBe(true);
              expect(story.state.seenRevision).toBe(revision);
              expect(story.state.promotedRevision).not.toBe(revision);
              expect(revisionOfTarget(story.target)).toBe(revision);
            }
          }
        }
      }),
      { numRuns: 150 },
    );
    // The property says nothing unless both came up.
    expect(Math.min(successes, failures)).toBeGreaterThan(50);
  });
});

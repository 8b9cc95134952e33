// The three stories: a revision that is good, one that answers with errors, and one that is slow; how each must end.
import type { StoryName } from './options.ts';
import type { Breach } from './witness.ts';

/** One story. */
export interface Story {
  readonly name: StoryName;
  readonly title: string;
  /** By how much its version is later than that of the example. */
  readonly later: number;
  /** What the sample app is asked to do wrong, as its image's tag says it; empty for nothing. */
  readonly fault: string;
  readonly breach: Breach | null;
  /** The outcome in the Canary's history. */
  readonly expected: 'promoted' | 'rolledBack';
  /** The check that must have failed; null when none may. */
  readonly check: string | null;
}

/** In the order in which they are told. */
export const STORIES: readonly Story[] = [
  {
    name: 'good',
    title: 'a good revision is promoted, and no request fails',
    later: 1,
    fault: '',
    breach: null,
    expected: 'promoted',
    check: null,
  },
  {
    name: 'errors',
    title: 'a revision that answers every fifth request with 500 is rolled back',
    later: 2,
    fault: '500@20%',
    breach: 'errors',
    expected: 'rolledBack',
    check: 'request-success-rate',
  },
  {
    name: 'slow',
    title: 'a revision that takes 0.9 s longer to answer is rolled back',
    later: 3,
    fault: 'slow@900ms',
    breach: 'slow',
    expected: 'rolledBack',
    check: 'request-duration',
  },
];

// The words of serin status: the whole paragraph, as a person reads it.
import { describe, expect, it } from 'vitest';
import { statusText } from '../../../src/cli/status.ts';
import { ageText, barText, plainText, tableText } from '../../../src/cli/text.ts';
import { viewOf } from '../../../src/cli/view.ts';
import { NOW_MS, aCanaryWith, aRun, aState, aTarget, anEnded, notedFacts, revisionOfTarget } from './canaries.ts';

const OLD = aTarget('1.0');
const OURS = aTarget('1.1');
const RUN_OLD = aRun(1, OLD, { id: '1-aaaaaaaa' });
const CHECKS = [
  { name: 'request-success-rate', verdict: 'Fail', value: 98.691234567, min: 99, max: null, detail: '' },
  { name: 'request-duration', verdict: 'Pass', value: 55, min: null, max: 500, detail: '' },
  { name: 'saturation', verdict: 'Insufficient', value: null, min: 1, max: 2, detail: 'no samples' },
  { name: 'errors', verdict: 'Error', value: null, min: null, max: 1, detail: 'HTTP 503' },
] as const;

const running = aState('Progressing', {
  weightPercent: 20,
  run: aRun(2, OURS, { id: '2-bbbbbbbb', revision: 'v1-bbbbbbbbbbbbbbbb', failedChecks: 1, checks: CHECKS }),
  seenRevision: 'v1-bbbbbbbbbbbbbbbb',
  promotedRevision: revisionOfTarget(OLD),
  targetFacts: notedFacts(OURS),
  because: { signal: 'checkFailed', message: 'request-success-rate 98.69 < 99', atMs: NOW_MS - 4_000 },
  history: [anEnded(RUN_OLD, 'promoted', { endedAtMs: NOW_MS - 7_200_000 })],
});
const SENTENCE = 'Judging at 20 % of at most 50 %, 1 of 5 failed checks spent, next check 2026-01-01T00:00:10Z';

const paragraph = (canary = aCanaryWith(running, SENTENCE), isUnicode = true): string =>
  statusText(viewOf(canary), NOW_MS, isUnicode);

describe('statusText()', () => {
  it('tells of a run under way', () => {
    expect(paragraph()).toBe(
      [
        'web.shop  Progressing  20% canary ▕████░░░░░░░░░░░░░░░░▏  step 2/5  checks 1/5 failed',
        SENTENCE,
        '',
        'Target    Deployment/web, version 1.1, registry.example/web:1.1',
        'Run       2-bbbbbbbb of revision v1-bbbbbbbbbbbbbbbb, for 3m12s',
        'Checks    ✖ request-success-rate 98.6912 < min 99 Fail',
        '          ✔ request-duration 55 <= max 500 Pass',
        '          ◌ saturation no samples Insufficient',
        '          ⚠ errors HTTP 503 Error',
        'Decided   request-success-rate 98.69 < 99, 4s ago',
        'History   1-aaaaaaaa 1.0 promoted, 2025-12-31T22:00:00Z, 120m ago',
        '',
      ].join('\n'),
    );
  });

  it('does without symbols where the terminal has none', () => {
    const text = paragraph(undefined, false);
    expect(text).toContain('20% canary [####................]');
    expect(text).toContain('x request-success-rate');
    // oxlint-disable-next-line no-control-regex
    expect(text).toMatch(/^[\u0000-\u007f]*$/);
  });

  it('says what is wrong, and does not repeat what the sentence says', () => {
    const condition = { status: 'False', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const canary = aCanaryWith(running, SENTENCE, {
      status: {
        conditions: [
          {
            ...condition,
            type: 'Promoted',
            status: 'Unknown',
            reason: 'Progressing',
            message: 'New revision detected',
          },
          { ...condition, type: 'Ready', reason: 'NotDrained', message: SENTENCE },
          { ...condition, type: 'RouteWritten', reason: 'REFUSED', message: 'admission webhook\nsays no' },
          { ...condition, type: 'Conflict', status: 'True', reason: 'FieldContested', message: 'replicas of web' },
        ],
      },
    });
    const lines = paragraph(canary).split('\n');
    const at = lines.findIndex((line) => line.startsWith('Wrong'));
    expect(lines.slice(at, at + 3)).toEqual([
      'Wrong     RouteWritten REFUSED: admission webhook says no',
      '          Conflict FieldContested: replicas of web',
      'Decided   request-success-rate 98.69 < 99, 4s ago',
    ]);
  });

  it('tells how the last runs ended, newest first', () => {
    const run = aRun(2, OURS, { id: '2-bbbbbbbb' });
    const failed = aState('Failed', {
      run,
      targetFacts: notedFacts(OURS),
      history: [
        anEnded(RUN_OLD, 'promoted', { endedAtMs: NOW_MS - 200_000_000 }),
        anEnded(run, 'rolledBack', { endedAtMs: NOW_MS - 90_000 }),
      ],
    });
    const text = paragraph(aCanaryWith(failed, 'Failed: 5 of 5 checks failed; waits for a new revision'));
    expect(text.split('\n').slice(0, 5)).toEqual([
      'web.shop  Failed  0% canary ▕░░░░░░░░░░░░░░░░░░░░▏',
      'Failed: 5 of 5 checks failed; waits for a new revision',
      '',
      'Target    Deployment/web, version 1.1, registry.example/web:1.1',
      'History   2-bbbbbbbb 1.1 rolledBack: 5 of 5 checks failed, last: request-success-rate 98.69 < 99, 2025-12-31T23:58:30Z, 90s ago',
    ]);
    expect(text).toContain('          1-aaaaaaaa 1.0 promoted');
  });

  it('stays truthful about a Canary that nobody has looked at, and about one whose record cannot be read', () => {
    const canary = aCanaryWith(running, SENTENCE);
    expect(paragraph({ ...canary, status: undefined })).toContain('web.shop  not looked at yet  0% canary');
    const conditions = [{ type: 'Ready', status: 'False', reason: 'InvalidSpec', message: 'Cannot use spec.provider' }];
    const refused = { ...canary, status: { conditions, message: 'Cannot use spec.provider' } };
    expect(paragraph(refused)).toContain('web.shop  refused  0% canary');
    const broken = { ...(canary['status'] as object), run: { schema: 1, phase: 'Dancing' } };
    expect(paragraph({ ...canary, status: broken })).toContain('status.run cannot be read: phase is "Dancing"');
  });

  it('reports the phases of the machine in the words of Flagger, and a pause beside them', () => {
    expect(viewOf(aCanaryWith({ ...running, phase: 'RollingBack', weightPercent: 0 }, '')).phase).toBe('Progressing');
    expect(paragraph(aCanaryWith({ ...running, isPaused: true }, ''))).toContain('Progressing (paused)');
  });
});

describe('the place among the steps', () => {
  const placeOf = (stepsKey: string, step: number, passes = 0): unknown => {
    const run = aRun(2, OURS, { stepsKey, step, passes });
    return viewOf(aCanaryWith({ ...running, run }, '')).step;
  };
  const WEIGHTS = 'a1p,gt,w10,a1r,gt,w20,a1r,gt,gp';
  it.each([
    ['before the first weight', WEIGHTS, 0, 0, { at: 0, of: 2 }],
    ['at the first weight', WEIGHTS, 3, 0, { at: 1, of: 2 }],
    ['at the gate after it', WEIGHTS, 4, 0, { at: 1, of: 2 }],
    ['at the last gate', WEIGHTS, 8, 0, { at: 2, of: 2 }],
    ['done', WEIGHTS, 9, 0, { at: 2, of: 2 }],
    ['blue/green before its hooks', 'a1p,a10r,gp', 0, 0, { at: 0, of: 10 }],
    ['blue/green in its third check', 'a1p,a10r,gp', 1, 2, { at: 3, of: 10 }],
    ['blue/green at its gate', 'a1p,a10r,gp', 2, 0, { at: 10, of: 10 }],
    ['a run without steps', '', 0, 0, null],
    ['a list that was too long to be kept', `a1p,${'gt,w1,a1r,'.repeat(60)}`.slice(0, 512), 3, 0, { at: 1, of: null }],
  ])('%s', (_, key, step, passes, place) => {
    expect(placeOf(key, step, passes)).toEqual(place);
  });
});

describe('text for terminals', () => {
  it('ages as kubectl writes them', () => {
    const ages = [0, 119, 120, 192, 600, 10_799, 10_800, 12_600, 100_000, 172_800].map((seconds) =>
      ageText(seconds * 1_000),
    );
    expect(ages).toEqual(['0s', '119s', '2m', '3m12s', '10m', '179m', '3h', '3h30m', '27h', '2d']);
  });

  it('bars stay within their bounds', () => {
    expect([-5, 50, 200].map((percent) => barText(percent, false))).toEqual([
      '[....................]',
      '[##########..........]',
      '[####################]',
    ]);
  });

  it('tables line up, and what others wrote cannot move the cursor', () => {
    expect(
      tableText([
        ['a', 'bb'],
        ['cccc', 'd'],
      ]),
    ).toBe('a      bb\ncccc   d\n');
    expect(plainText('a\u001b[2Jb\nc')).toBe('a [2Jb c');
  });
});

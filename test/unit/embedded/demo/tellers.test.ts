// How the demo is told: plain lines, and a live view that fits its terminal, keeps its rate and honours NO_COLOR.
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../../../src/embedded/demo/canary-log.ts';
import { openLiveTeller, renderBoard, sparkline } from '../../../../src/embedded/demo/live-teller.ts';
import { openPlainTeller, type Board } from '../../../../src/embedded/demo/teller.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const checks = [
  { name: 'request-success-rate', verdict: 'Fail', value: 79.166_66, min: 99, max: null, detail: '' },
  { name: 'request-duration', verdict: 'Insufficient', value: null, min: null, max: 500, detail: 'no window yet' },
];
const board: Board = {
  title: 'istio, http',
  seconds: 12.34,
  story: 'story 2 of 3: a revision that answers every fifth request with 500 is rolled back',
  canaryName: 'web.shop',
  canary: { ...viewOf(null), phase: 'Progressing', message: 'Judging at 40 %', weightPercent: 40, checks },
  trends: new Map([['request-success-rate', [100, 100, 79.17]]]),
  load: { requestsPerSecond: 199.6, requests: 2_345, failed: 3, newConnectionsPercent: 50.2, canaryPercent: 39.4 },
};
const events = ['  12.0 s  weight 40 %'];

describe('the live view', () => {
  it('shows phase, weight, load, checks with their bounds, and events', () => {
    const text = renderBoard(board, events, 120, false).join('\n');
    expect(text).toContain('web.shop  Progressing');
    expect(text).toMatch(/█{12}░{18} 40 % {2}clients see 39\.4 %/);
    expect(text).toContain('200 requests/s, 2345 answered, 3 failed, 50 % on new connections');
    expect(text).toMatch(/request-success-rate +Fail +79\.17 {2}at least 99 +██▁/);
    expect(text).toMatch(/request-duration +Insufficient +no window yet/);
    expect(text).toContain(events[0]);
  });

  it.each([20, 40, 60, 80, 200])(
    'fits a terminal of %i columns, so that drawing it anew hits the same lines',
    (columns) => {
      for (const line of renderBoard(board, events, columns, false)) expect(line.length, line).toBeLessThan(columns);
    },
  );

  it('has no escape codes where colors are not wanted', () => {
    expect(renderBoard(board, events, 100, false).join('')).not.toContain('\u001B');
    expect(renderBoard(board, events, 100, true).join('')).toContain('\u001B[31mFail');
  });

  it('is drawn at most ten times a second, and gives the cursor back', async () => {
    const clock = new VirtualClock();
    let [text, draws, linesMax] = ['', 0, 0];
    const write = (chunk: string): void => {
      text += chunk;
      linesMax = Math.max(linesMax, chunk.split('\n').length);
      draws += chunk.includes('\u001B[J') ? 1 : 0;
    };
    const teller = openLiveTeller({
      clock,
      write,
      columns: () => 100,
      rows: () => 12,
      isColored: false,
      board: () => board,
    });
    for (let second = 0; second < 5; second += 1) {
      for (let i = 0; i < 50; i += 1) teller.event(`event ${i}`);
      await clock.advance(1_000);
    }
    expect(draws).toBeGreaterThan(30);
    expect(draws).toBeLessThanOrEqual(51);
    expect(linesMax).toBe(11);
    teller.raw('export KUBECONFIG=/tmp/x');
    teller.close();
    expect(text).toContain('\nexport KUBECONFIG=/tmp/x\n'.slice(1));
    expect(text.endsWith('\u001B[?25h')).toBe(true);
  });
});

describe('the sparkline', () => {
  it('is drawn on a scale that holds the values and the bound', () => {
    expect(sparkline([0, 250, 500], { min: null, max: 500 })).toBe('▁▅█');
    expect(sparkline([100, 100], { min: 99, max: null })).toBe('██');
    expect(sparkline([5, 5], { min: null, max: 5 })).toBe('▁▁');
    expect(sparkline([], { min: null, max: null })).toBe('');
  });
});

describe('the plain form', () => {
  it('is one line a change, with its time', () => {
    let text = '';
    const teller = openPlainTeller({ write: (chunk) => (text += chunk), secondsNow: () => 7.25 });
    teller.line('story 1');
    teller.event('weight 10 %');
    teller.raw('export KUBECONFIG=/tmp/x');
    expect(text).toBe('   7.3 s  story 1\n   7.3 s  weight 10 %\nexport KUBECONFIG=/tmp/x\n');
  });
});

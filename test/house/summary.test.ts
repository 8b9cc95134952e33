// What CI counts: three numbers, of which none is lost when something did not run.
import { describe, expect, it } from 'vitest';
import { summarize, type TestRun } from '../../scripts/check/summarize.ts';

const CHECKS = '✔ types       12.3 s\n✔ dead code   1.0 s\n\ncheck: 2 passed, 0 failed\n';
const test = (fullName: string, status: string): object => ({ fullName, status });
const report = (results: readonly object[], numPassedTests = 3): string =>
  JSON.stringify({ numPassedTests, numPendingTests: 1, numTodoTests: 1, testResults: results });
const FINE = report([{ name: 'a.test.ts', status: 'passed', assertionResults: [test('a', 'passed')] }]);

const run = (reportText: string, status: number, name = 'npm test'): TestRun => ({ name, reportText, status });

describe('summarize()', () => {
  it('adds checks and tests', () => {
    expect(summarize(CHECKS, [run(FINE, 0)])).toEqual({ passed: 5, failed: 0, skipped: 2, names: [] });
  });

  it('counts a failed check by its name', () => {
    const log =
      '✖ dead code   1.0 s\n✔ types       2.0 s\n\n──── dead code ────\nUnused\n\ncheck: 1 passed, 1 failed\n';
    expect(summarize(log, [run(FINE, 0)])).toMatchObject({ passed: 4, failed: 1, names: ['check dead code'] });
  });

  it('counts failed tests, and a file that could not be loaded as one', () => {
    const text = report([
      { name: 'a.test.ts', status: 'failed', assertionResults: [test('a one', 'failed'), test('a two', 'passed')] },
      { name: 'b.test.ts', status: 'failed', assertionResults: [] },
    ]);
    expect(summarize(CHECKS, [run(text, 1)])).toMatchObject({ failed: 2, names: ['a one', 'b.test.ts'] });
  });

  it('adds runs, and tells which of them did not end', () => {
    const runs = [run(FINE, 0), run('', 1, 'npm run test:real')];
    expect(summarize(CHECKS, runs)).toMatchObject({ passed: 5, failed: 1, names: ['npm run test:real did not end'] });
    expect(summarize(CHECKS, [run(FINE, 0), run(FINE, 0)])).toMatchObject({ passed: 8, failed: 0, skipped: 4 });
  });

  it.each([
    ['the gate did not end', '✔ types 1.0 s\n', FINE, 0],
    ['the tests did not end', CHECKS, '', 124],
    ['an error outside of any test ended the tests', CHECKS, FINE, 1],
  ])('fails when %s', (_, log, text, status) => {
    expect(summarize(log, [run(text, status)]).failed).toBe(1);
  });
});

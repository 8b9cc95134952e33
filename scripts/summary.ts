// Counts what CI has run: prints "N passed, N failed, N skipped" and ends with 1 when anything failed or did not run.
import { readFileSync } from 'node:fs';
import { summarize, type TestRun } from './check/summarize.ts';

// The log of the gate, then for each run of tests: its name, its report, how it ended.
const [checkLog = '', ...given] = process.argv.slice(2);

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const runs: TestRun[] = [];
for (let at = 0; at < given.length; at += 3) {
  const [name = '', report = '', status = '1'] = given.slice(at, at + 3);
  runs.push({ name, reportText: readOrEmpty(report), status: Number(status) });
}
const { passed, failed, skipped, names } = summarize(readOrEmpty(checkLog), runs);
for (const name of names) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

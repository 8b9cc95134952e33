// Counts what CI has run: prints "N passed, N failed, N skipped" and ends with 1 when anything failed or did not run.
import { readFileSync } from 'node:fs';
import { summarize } from './check/summarize.ts';

const [checkLog = '', report = '', status = '1'] = process.argv.slice(2);

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const { passed, failed, skipped, names } = summarize(readOrEmpty(checkLog), readOrEmpty(report), Number(status));
for (const name of names) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

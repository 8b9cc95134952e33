// The gate: format, lint, types, boundaries, dead code, generated files and the house tests. Offline; the same in CI and on a laptop.
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { CHECKS } from './check/checks.ts';
import { runChecks } from './check/runner.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !CHECKS.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`check: unknown ${unknown.join(', ')}, must be of ${CHECKS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

mkdirSync(`${root}/.cache`, { recursive: true });
const checks = wanted.length === 0 ? CHECKS : CHECKS.filter(({ name }) => wanted.includes(name));
const outcomes = await runChecks(checks, root, Math.min(availableParallelism(), 4), ({ name, failure, seconds }) =>
  console.log(`${failure === null ? '✔' : '✖'} ${name.padEnd(11)} ${seconds.toFixed(1)} s`),
);
const failed = outcomes.filter(({ failure }) => failure !== null);
for (const { name, failure } of failed) console.log(`\n──── ${name} ────\n${failure ?? ''}`);
console.log(`\ncheck: ${outcomes.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;

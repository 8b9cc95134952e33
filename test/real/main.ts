// `npm run test:real`: builds the real parts and runs the suites of test/real in a network namespace of their own.
import { operatorCrds } from './install/vendor-crds.ts';
import type { PartName } from './part-list.ts';
import { describeMissing, ensureParts } from './parts.ts';
import { runInNamespace } from './stand/namespace.ts';
import { STAND_PARTS } from './stand/stand.ts';

/** Of the stand, and of the tests of the installation. */
const NEEDED: readonly PartName[] = [...STAND_PARTS, 'helm', 'kubectl'];

const missing = describeMissing(NEEDED, { hasNamespace: true });
if (missing === null) {
  await ensureParts(NEEDED);
  // Within the namespace nothing can be downloaded.
  operatorCrds();
  const vitest = new URL('../../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
  const config = new URL('vitest.config.ts', import.meta.url).pathname;
  const args = [vitest, 'run', '--config', config, ...process.argv.slice(2)];
  process.exitCode = await runInNamespace(process.execPath, args);
} else {
  console.log(`test:real: skipped. ${missing}`);
  // In CI nothing may be missing.
  if (process.env['CI'] === 'true') process.exitCode = 1;
}

// Builds the real parts that are named, or all: what CI runs before the tests of real parts.
import { describeMissing, ensureParts, PART_NAMES, partsFolder, type PartName } from './parts.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(PART_NAMES as readonly string[]).includes(name));
const names = wanted.length === 0 ? PART_NAMES : (wanted as PartName[]);
const missing = unknown.length === 0 ? describeMissing(names) : null;
if (unknown.length > 0) {
  console.error(`Cannot build ${unknown.join(', ')}: must be of ${PART_NAMES.join(', ')}`);
  process.exitCode = 2;
} else if (missing !== null) {
  console.error(missing);
  process.exitCode = 1;
} else {
  console.log(`Real parts are in ${partsFolder()}`);
  for (const name of names) {
    const startMs = performance.now();
    const { [name]: path } = await ensureParts([name]);
    console.log(`${name.padEnd(24)} ${((performance.now() - startMs) / 1_000).toFixed(1).padStart(7)} s  ${path}`);
  }
}

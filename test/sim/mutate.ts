// Runs the planted bugs: each in a copy of the source, each must be seen by the simulation.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUTANTS, type Mutant } from './mutants.ts';
import { ROOT } from './source.ts';

/** What became of a planted bug. */
export interface Verdict {
  readonly name: string;
  readonly isKilled: boolean;
  /** The first violation seen, or why there is none. */
  readonly how: string;
  readonly seconds: number;
}

const FOLDER = join(ROOT, '.cache', 'mutants');
const AT_ONCE = 2;

/** Plants every bug whose name contains `only`, one after the other on two processes. */
export async function runMutants(
  only = '',
  told: (verdict: Verdict) => void = () => undefined,
): Promise<readonly Verdict[]> {
  rmSync(FOLDER, { recursive: true, force: true });
  const waiting = MUTANTS.filter(({ name }) => name.includes(only));
  const verdicts: Verdict[] = [];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await runMutant(mutant);
      verdicts.push(verdict);
      told(verdict);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  rmSync(FOLDER, { recursive: true, force: true });
  return verdicts;
}

async function runMutant(mutant: Mutant): Promise<Verdict> {
  const startedMs = performance.now();
  const root = plant(mutant);
  const { code, output } = await simulate(root, mutant.args);
  rmSync(root, { recursive: true, force: true });
  const seconds = (performance.now() - startedMs) / 1_000;
  const violation = /VIOLATION in (.*)\n\s+(.*)/.exec(output);
  // A copy that does not even start proves nothing about the simulation.
  const isKilled = code === 1 && violation !== null && !violation[2]!.startsWith('START');
  const how = violation === null ? `exit code ${code}: ${output.slice(-200)}` : `${violation[1]}: ${violation[2]}`;
  return { name: mutant.name, isKilled, how, seconds };
}

/** A copy of the source with the bug in it. A place that is not there exactly once is an error: the bug would not be planted. */
function plant(mutant: Mutant): string {
  const root = join(FOLDER, mutant.name.replaceAll(/\W+/g, '-'));
  mkdirSync(root, { recursive: true });
  cpSync(join(ROOT, 'src'), join(root, 'src'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(root, 'package.json'));
  for (const { file, find, replace } of [mutant, ...(mutant.also ?? [])]) {
    const path = join(root, file);
    const text = readFileSync(path, 'utf8');
    const places = text.split(find).length - 1;
    if (places !== 1)
      throw new Error(`Cannot plant "${mutant.name}": ${file} holds the place ${places} times, must hold it once`);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  return root;
}

function simulate(root: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'test', 'sim', 'main.ts'), '--src', root, '--first-violation', ...args],
    { cwd: ROOT },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, output })));
}

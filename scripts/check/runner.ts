// Runs checks beside each other and gathers what they say.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Check } from './checks.ts';

/** How a check ended. */
export interface Outcome {
  readonly name: string;
  /** Null when it passed, else everything that the tool said. */
  readonly failure: string | null;
  readonly seconds: number;
}

/** Runs all checks in `root`, at most `parallelMax` at a time, and calls `onEnd` as each ends. Never rejects. */
export async function runChecks(
  checks: readonly Check[],
  root: string,
  parallelMax: number,
  onEnd: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const waiting = [...checks];
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const outcome = await runCheck(check, root);
      outcomes.push(outcome);
      onEnd(outcome);
    }
  };
  await Promise.all(Array.from({ length: parallelMax }, work));
  return outcomes;
}

async function runCheck(check: Check, root: string): Promise<Outcome> {
  const startedMs = performance.now();
  const { status, output } = await run(check.command, root);
  const complaint = status === 0 ? (check.judge?.(output) ?? null) : null;
  const isPassed = status === 0 && complaint === null;
  return {
    name: check.name,
    failure: isPassed ? null : [output.trimEnd(), complaint].filter(Boolean).join('\n'),
    seconds: (performance.now() - startedMs) / 1000,
  };
}

/** Runs a program of node_modules/.bin, on the pinned Node whatever the machine has. */
function run([program, ...args]: Check['command'], root: string): Promise<{ status: number | null; output: string }> {
  const bin = join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1', FORCE_COLOR: '0' };
  return new Promise((resolve) => {
    const child = spawn(join(bin, program), args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const parts: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part.toString()));
    child.once('error', (error) => resolve({ status: null, output: `Cannot run ${program}: ${error.message}` }));
    child.once('close', (status) => resolve({ status, output: parts.join('') }));
  });
}

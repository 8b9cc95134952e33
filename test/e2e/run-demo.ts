// Runs `npm run demo` and `serin` as people do, for the end-to-end tests.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DemoFigures } from '../../src/embedded/demo/figures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a process left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process whose output is kept. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the first match in stdout; rejects when the process ends without. */
  find(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts a program in the project's folder. */
export function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Running {
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    child.emit('output');
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, stdout, stderr }));
  return {
    child,
    ended,
    async find(pattern) {
      for (;;) {
        const found = pattern.exec(stdout);
        if (found !== null) return found;
        const isOver = await Promise.race([once(child, 'output').then(() => false), ended.then(() => true)]);
        if (isOver && !pattern.test(stdout)) throw new Error(`it ended without ${String(pattern)}: ${stdout}${stderr}`);
      }
    },
  };
}

/** `npm run demo`, with the Node that npm finds, as after `npm ci`. */
export const startDemo = (args: readonly string[], env: NodeJS.ProcessEnv): Running =>
  start('npm', ['run', '--silent', 'demo', '--', ...args], { ...process.env, ...env });

/** `serin` from the checkout. */
export const startSerin = (args: readonly string[], env: NodeJS.ProcessEnv): Running =>
  start(process.execPath, ['bin/serin.mjs', ...args], env);

/** The figures in the last line of stdout. */
export const figuresOf = ({ stdout }: Ended): DemoFigures =>
  JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as DemoFigures;

// Runs `npm run demo` and `serin` as people do, for the end-to-end tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DemoFigures } from '../../src/embedded/demo/figures.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a process left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as they came. */
  readonly all: string;
}

/** A process whose output is kept. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** Resolves with the first match in what was written to stdout and stderr; rejects when the process ends without. */
  find(pattern: RegExp): Promise<RegExpExecArray>;
  /** Signals the process and those that it started, as a terminal does. */
  signal(name: NodeJS.Signals): void;
}

/** Starts a program in the project's folder. */
function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const output = { stdout: '', stderr: '', all: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      output[name] += chunk.toString();
      output.all += chunk.toString();
      child.emit('output');
    });
  }
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, ...output }));
  return {
    ended,
    async find(pattern) {
      for (;;) {
        const found = pattern.exec(output.all);
        if (found !== null) return found;
        const isOver = await Promise.race([once(child, 'output').then(() => false), ended.then(() => true)]);
        if (isOver && !pattern.test(output.all)) throw new Error(`it ended without ${String(pattern)}: ${output.all}`);
      }
    },
    signal(name) {
      try {
        process.kill(-child.pid!, name);
      } catch {
        // It is gone already.
      }
    },
  };
}

/** `npm run demo`, with the Node that npm finds, as after `npm ci`. */
export const startDemo = (args: readonly string[], env: NodeJS.ProcessEnv): Running =>
  start('npm', ['run', '--silent', 'demo', '--', ...args], { ...process.env, ...env });

/** The same without npm, which ends by a signal itself and so hides with what the demo ends. */
export const startDemoItself = (args: readonly string[], env: NodeJS.ProcessEnv): Running =>
  start(process.execPath, ['src/embedded/demo/main.ts', ...args], { ...process.env, ...env });

/** `serin` from the checkout. */
export const startSerin = (args: readonly string[], env: NodeJS.ProcessEnv): Running =>
  start(process.execPath, ['bin/serin.mjs', ...args], env);

/** The figures in the last line of stdout. */
export const figuresOf = ({ stdout }: Ended): DemoFigures =>
  JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as DemoFigures;

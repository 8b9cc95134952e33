// Finds the kubectl programs to test with, and runs them as people do.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ensureParts, findPart } from '../real/parts.ts';

/** One kubectl. */
export interface Kubectl {
  readonly path: string;
  /** Such as `1.36.3`. */
  readonly version: string;
}

/** What a command left behind. */
export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Lines that a command writes until it is stopped. */
export interface Watched {
  readonly lines: readonly string[];
  /** Resolves with the first line that matches; rejects when the command ends without. */
  find(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Those of `SERIN_KUBECTLS`, paths with colons between; else the one that was built for the tests of real parts, which CI
 * builds where it is missing; else the one on the PATH. Throws for a given one that does not run.
 */
export async function findKubectls(): Promise<readonly Kubectl[]> {
  const given = (process.env['SERIN_KUBECTLS'] ?? '').split(':').filter(Boolean);
  if (given.length > 0) {
    return given.map((path) => {
      const version = versionOf(path);
      if (version === null) throw new Error(`Cannot use ${path} of SERIN_KUBECTLS: it must be a kubectl`);
      return { path, version };
    });
  }
  const built = process.env['CI'] === 'true' ? (await ensureParts(['kubectl'])).kubectl : findPart('kubectl');
  const path = built ?? 'kubectl';
  const version = versionOf(path);
  return version === null ? [] : [{ path, version }];
}

function versionOf(path: string): string | null {
  const { status, stdout } = spawnSync(path, ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
  return status === 0 ? (/"gitVersion": "v([^"]+)"/.exec(stdout)?.[1] ?? null) : null;
}

/** Runs one kubectl against one cluster. */
export class Runner {
  readonly #path: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor({ path }: Kubectl, env: { readonly KUBECONFIG: string }) {
    this.#path = path;
    this.#env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env };
  }

  /** Runs it to its end. `input` is what it reads; `env` adds to its environment. */
  run(args: readonly string[], { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {}): Said {
    const options = { encoding: 'utf8', input, env: { ...this.#env, ...env } } as const;
    const { status, stdout, stderr } = spawnSync(this.#path, ['-n', 'shop', ...args], options);
    return { code: status, out: stdout, err: stderr };
  }

  /** Starts it and keeps what it writes. */
  watch(args: readonly string[]): Watched {
    const child = spawn(this.#path, ['-n', 'shop', ...args], { env: this.#env, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      child.emit('line');
    });
    const closed = once(child, 'close');
    return {
      lines,
      async find(pattern) {
        for (;;) {
          const found = lines.find((line) => pattern.test(line));
          if (found !== undefined) return found;
          const isOver = await Promise.race([once(child, 'line').then(() => false), closed.then(() => true)]);
          if (isOver) throw new Error(`it ended without ${String(pattern)}: ${lines.join('\n')}`);
        }
      },
      async stop() {
        child.kill('SIGINT');
        await closed;
      },
    };
  }
}

// Starts real Redis and PostgreSQL servers for tests, on free ports of this machine, and stops them.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const REDIS = ['/usr/bin/valkey-server', '/usr/bin/redis-server', '/usr/local/bin/redis-server'].find((path) =>
  existsSync(path),
);
const POSTGRES = '/usr/lib/postgresql';
const POSTGRES_BIN = existsSync(POSTGRES)
  ? readdirSync(POSTGRES)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(POSTGRES, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb')))
  : undefined;

const isCi = process.env['CI'] === 'true';
/** Whether the suite of a server is left out: never in CI, where a missing program has to fail. */
export const skipRedis = REDIS === undefined && !isCi;
export const skipPostgres = POSTGRES_BIN === undefined && !isCi;
export const WHY_REDIS = skipRedis ? ' (skipped: redis-server is not installed)' : '';
export const WHY_POSTGRES = skipPostgres ? ' (skipped: postgresql is not installed)' : '';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('No free port');
  return address.port;
}

/** Resolves when `check` gives true; rejects with `what` after `limitMs`. */
export async function until(what: string, check: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > endMs) throw new Error(`Not in ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void;
  /** Starts again on the same port, empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A Redis without persistence, or another program that speaks as one. `options` gives more words of its command line. */
export async function startRedis(
  options: (port: number) => readonly string[] = () => [],
  program = REDIS,
): Promise<RedisServer> {
  if (program === undefined) throw new Error('redis-server is not installed: apt-get install redis-server');
  const port = await freePort();
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...options(port)];
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(program, words, { stdio: 'ignore', cwd: tmpdir() });
    const server = child;
    await until('redis-server answers', () => {
      if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}`);
      return isOpen(port);
    });
  };
  await start();
  const gone = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.once('exit', resolve));
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    signal: (name) => void child.kill(name),
    async restart() {
      child.kill('SIGKILL');
      await gone();
      await start();
    },
    async stop() {
      child.kill('SIGKILL');
      await gone();
    },
  };
}

export interface PostgresServer {
  readonly url: string;
  /** Stops it as a crash would. */
  crash(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A PostgreSQL cluster in a temporary folder. */
export async function startPostgres(): Promise<PostgresServer> {
  if (POSTGRES_BIN === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  const bin = POSTGRES_BIN;
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'serin-postgres-'));
  const who = await unprivileged();
  if (who.uid !== undefined && who.gid !== undefined) chownSync(folder, who.uid, who.gid);
  const options = { ...who, cwd: folder, env: { LC_ALL: 'C', PATH: process.env['PATH'] } };
  const data = join(folder, 'data');
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'serin', '-A', 'trust', '-E', 'UTF8', '--no-sync'], options);
  const flags = `-p ${port} -h 127.0.0.1 -k ${folder} -c fsync=off`;
  const control = (words: readonly string[]) => run(join(bin, 'pg_ctl'), ['-D', data, '-w', ...words], options);
  // Its output would keep our pipe open for as long as it runs.
  const start = () => control(['-l', join(folder, 'log'), '-o', flags, 'start']);
  await start();
  let isRunning = true;
  const crash = async (): Promise<void> => {
    if (isRunning) await control(['-m', 'immediate', 'stop']);
    isRunning = false;
  };
  return {
    url: `postgres://serin@127.0.0.1:${port}/postgres`,
    crash,
    async restart() {
      await start();
      isRunning = true;
    },
    async stop() {
      await crash();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
async function unprivileged(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      continue;
    }
  }
  throw new Error('No user to run PostgreSQL as');
}

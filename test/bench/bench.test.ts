// The bench works: each scenario, tiny, ends with one JSON line that holds its figures. No figure itself is judged here.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { skipPostgres, skipRedis, WHY_POSTGRES, WHY_REDIS } from '../conformance/queue/servers.ts';
import { readOptions } from './options.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, 'main.ts');
const LIMIT_MS = 110_000;
/** The store that starts soonest. */
const QUICK = skipRedis ? 'embedded' : 'redis';
const ON_QUICK = ['--stores', QUICK, '--calm-ms', '300'];
/** In CI all of them: there a server that is not installed fails. */
const STORES = ['embedded', ...(skipRedis ? [] : ['redis']), ...(skipPostgres ? [] : ['postgres'])];

/** The figures of one call, as a pipeline would read them. */
async function figuresOf(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(process.execPath, [MAIN, ...args, '--json'], { timeout: LIMIT_MS });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

const aNumber: unknown = expect.any(Number);
const durations = { count: aNumber, p50: aNumber, p99: aNumber, max: aNumber };

describe.concurrent('npm run bench', { timeout: LIMIT_MS + 10_000 }, () => {
  it('core and sim', async () => {
    const figures = await figuresOf('core', 'sim', '--core-ms', '20', '--plans', '1');
    expect(figures).toMatchObject({
      machine: { node: process.versions.node, cores: aNumber, memoryGibibytes: aNumber },
      core: { idleLook: aNumber, activeLook: aNumber, tickLook: aNumber, rollback: aNumber },
      sim: { plans: 3, plansPerSecond: aNumber, plansPerCpuSecond: aNumber, timesFaster: aNumber, violations: 0 },
    });
    expect(Object.keys(figures)).toEqual(['machine', 'core', 'sim']);
  });

  it(`queue on ${STORES.join(', ')}${WHY_REDIS}${WHY_POSTGRES}`, async () => {
    const figures = await figuresOf('queue', '--jobs', '20');
    const queue = { openSeconds: aNumber, jobsPerSecond: aNumber, cpuMsPerJob: aNumber };
    const each = { ...queue, latencyMs: durations, lateMs: durations };
    expect(figures['queue']).toEqual(Object.fromEntries(STORES.map((store) => [store, each])));
  });

  it('idle and memory', async () => {
    const small = ['--canaries', '1', '--idle-seconds', '1', '--sizes', '0'];
    const figures = await figuresOf('idle', 'memory', ...ON_QUICK, ...small);
    expect(figures['idle']).toEqual({
      [QUICK]: {
        canaries: 1,
        initializeSeconds: aNumber,
        initializeCpuSeconds: aNumber,
        looksPerInitialization: aNumber,
        requestsPerInitialization: aNumber,
        conflictsPerInitialization: aNumber,
        seconds: aNumber,
        requestsPerMinute: aNumber,
        requestsPerMinuteAndCanary: aNumber,
        watchesOpened: aNumber,
        queriesPerMinute: aNumber,
        cpuSecondsPerMinute: aNumber,
        residentMebibytes: aNumber,
        loopLagP99Ms: aNumber,
      },
    });
    expect(figures['memory']).toEqual([
      { store: QUICK, canaries: 0, startSeconds: aNumber, residentMebibytes: aNumber, heapMebibytes: aNumber },
    ]);
  });

  it('run', async () => {
    const small = ['--runs', '1', '--rollbacks', '1', '--steps', '1'];
    const figures = await figuresOf('run', ...ON_QUICK, ...small);
    expect(figures['run']).toMatchObject({
      store: QUICK,
      promotion: {
        runs: 1,
        weights: [10, 0],
        requestsPerRun: aNumber,
        writesPerRun: aNumber,
        eventsPerRun: aNumber,
        byKind: { 'create events': aNumber, 'update canaries/status': aNumber },
      },
      rollback: { runs: 1, answerToCommitMs: durations },
    });
  });

  it('says what it cannot use', () => {
    expect(() => readOptions(['speed'])).toThrow('Cannot use scenario speed: must be one of core');
    expect(() => readOptions(['core', '--jobs', 'many'])).toThrow('Cannot use --jobs many: must be a whole number');
  });
});

// The bench works: each scenario, tiny, ends with one JSON line that holds its figures. No figure itself is judged here.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { skipPostgres, skipRedis, WHY_POSTGRES, WHY_REDIS } from '../conformance/queue/servers.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, 'main.ts');
const LIMIT_MS = 110_000;
/** The store that starts soonest. */
const QUICK = skipRedis ? 'embedded' : 'redis';

/** The figures of one call, as a pipeline would read them. */
async function figuresOf(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(process.execPath, [MAIN, ...args, '--json'], { timeout: LIMIT_MS });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

const aNumber: unknown = expect.any(Number);
const durations = { count: aNumber, p50: aNumber, p99: aNumber, max: aNumber };

describe('npm run bench', { timeout: LIMIT_MS + 10_000 }, () => {
  it('core and sim', async () => {
    const figures = await figuresOf('core', 'sim', '--core-ms', '20', '--plans', '1');
    expect(figures).toMatchObject({
      machine: { node: process.versions.node, cores: aNumber, memoryGibibytes: aNumber },
      core: { idleLook: aNumber, activeLook: aNumber, tickLook: aNumber, rollback: aNumber },
      sim: { plans: 3, plansPerSecond: aNumber, plansPerCpuSecond: aNumber, timesFaster: aNumber, violations: 0 },
    });
    expect(Object.keys(figures)).toEqual(['machine', 'core', 'sim']);
  });

  it.each([
    ['embedded', false, ''],
    ['redis', skipRedis, WHY_REDIS],
    ['postgres', skipPostgres, WHY_POSTGRES],
  ] as const)('queue on %s', async (store, isMissing, why, context?: { skip(note: string): void }) => {
    if (isMissing) context?.skip(why);
    const figures = await figuresOf('queue', '--stores', store, '--jobs', '20');
    expect(figures['queue']).toEqual({
      [store]: {
        openSeconds: aNumber,
        jobsPerSecond: aNumber,
        cpuMsPerJob: aNumber,
        latencyMs: durations,
        lateMs: durations,
      },
    });
  });
});

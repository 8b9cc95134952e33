// However the demo ends, it says so by its exit code and leaves no process and no file behind.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { figuresOf, startDemoItself, type Running } from './run-demo.ts';

const LIMIT_MS = 90_000;

/** Processes whose command line names the folder; only the controller's does, by its kubeconfig. */
function processesOf(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        // It has ended meanwhile.
        return false;
      }
    })
    .map(Number);
}

describe.skipIf(!existsSync('/proc/self/cmdline'))('the demo that is broken off', () => {
  let folder = '';
  let demo: Running;
  const left = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('serin'));

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'serin-e2e-'));
    demo = startDemoItself(['--json', '--only', 'good'], { TMPDIR: folder });
    await demo.find(/weight 20 %/);
  }, LIMIT_MS);

  afterEach(async () => {
    demo.signal('SIGKILL');
    await demo.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('ends with 130 at Ctrl-C', async () => {
    expect(processesOf(folder)).toHaveLength(1);
    demo.signal('SIGINT');
    const { code, all } = await demo.ended;
    expect(code, all).toBe(130);
    expect(left()).toEqual([]);
    expect(processesOf(folder)).toEqual([]);
  });

  it('ends with 1 when the controller dies, and says so', async () => {
    const [controller = 0] = processesOf(folder);
    process.kill(controller, 'SIGKILL');
    const ended = await demo.ended;
    expect(ended.code).toBe(1);
    expect(figuresOf(ended)).toMatchObject({ isAsTold: false, stories: [{ name: 'good', outcome: 'none' }] });
    expect(figuresOf(ended).problems[0]).toBe('The controller ended with SIGKILL');
    expect(left()).toEqual([]);
  });
});

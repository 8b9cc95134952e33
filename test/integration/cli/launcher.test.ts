// bin/serin.mjs as a process: from a checkout without a build, on the machine's own Node, with the exit codes that pipelines see.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { aCanaryWith, aRun, aState, aTarget, anEnded, notedFacts } from '../../unit/cli/canaries.ts';
import { asStored, startCluster } from './cluster.ts';
import type { TestCluster } from './cluster.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const launcher = join(root, 'bin', 'serin.mjs');
/** The machine's programs, without those of the checkout. */
const PATH = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);
const machineNode = PATH.split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find((path) => existsSync(path));
const machineMajor =
  machineNode === undefined
    ? 0
    : Number(/^v(\d+)/.exec(spawnSync(machineNode, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? 0);
const hasNpx = spawnSync('npx', ['--version'], { env: { ...process.env, PATH } }).status === 0;
const isCi = process.env['CI'] === 'true';

const serin = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const { status, stdout, stderr } = spawnSync(machineNode ?? process.execPath, [launcher, ...args], {
    encoding: 'utf8',
    env: { PATH, HOME: '/nonexistent', ...env },
  });
  return { status, stdout, stderr };
};

describe('the launcher', () => {
  it.skipIf(!hasNpx && !isCi)('npx serin version works in the checkout, with whatever Node the machine has', () => {
    const { status, stdout } = spawnSync('npx', ['--offline', 'serin', 'version'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, PATH, npm_config_update_notifier: 'false' },
    });
    expect([status, stdout]).toEqual([0, `serin ${packageJson.version}\n`]);
  });

  it('runs on a Node that is new enough, whatever the machine has', () => {
    const { status, stdout } = serin(['version', '-o', 'json']);
    const { version, node } = JSON.parse(stdout) as { version: string; node: string };
    expect([status, version]).toEqual([0, packageJson.version]);
    expect(Number(node.split('.')[0])).toBeGreaterThanOrEqual(24);
  });

  it.skipIf(machineMajor === 0 || machineMajor >= 24)(
    'says in one line what is missing where an old Node has no newer one beside it',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'serin-launcher-'));
      mkdirSync(join(folder, 'bin'));
      copyFileSync(launcher, join(folder, 'bin', 'serin.mjs'));
      const { status, stderr } = spawnSync(machineNode ?? '', [join(folder, 'bin', 'serin.mjs'), 'version'], {
        encoding: 'utf8',
      });
      rmSync(folder, { recursive: true });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^serin: Cannot run on Node \d+\.\d+\.\d+: must be 24 or newer; .*npm ci.*\n$/);
    },
  );

  it('is also jx-serin, so that `jx serin` finds it', () => {
    expect(packageJson.bin).toEqual({ serin: 'bin/serin.mjs', 'jx-serin': 'bin/serin.mjs' });
  });
});

describe('serin without a cluster', () => {
  it('prints help that begins with what it is', () => {
    for (const args of [[], ['--help'], ['help']]) {
      const { status, stdout } = serin(args);
      expect(status).toBe(0);
      expect(stdout).toMatch(/^serin, progressive delivery for Kubernetes: .*\n\nUsage: serin /);
    }
  });

  it('exits 2 for an unknown command, with the nearest one', () => {
    expect(serin(['statsu'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'serin: Cannot run this: unknown command "statsu", must perhaps be status\n',
    });
  });

  it('exits 2 where there is no kubeconfig', () => {
    const { status, stderr } = serin(['get'], { KUBECONFIG: '/nonexistent/config' });
    expect([status, stderr]).toEqual([2, 'serin: Cannot find the cluster: there is no file "/nonexistent/config"\n']);
  });

  it('lists the flags of the controller', () => {
    const { status, stdout } = serin(['controller', '--help']);
    expect([status, stdout]).toEqual([0, expect.stringContaining('--redis-url')]);
  });
});

describe('serin step verify as a process', () => {
  let cluster: TestCluster;
  const target = asStored(aTarget('1.1'));
  const run = aRun(2, target);
  const state = (phase: 'Progressing' | 'Failed') =>
    aState(phase, {
      run,
      seenRevision: run.revision,
      targetFacts: notedFacts(target),
      history: phase === 'Failed' ? [anEnded(run, 'rolledBack')] : [],
    });

  beforeAll(async () => {
    cluster = await startCluster();
    cluster.put(target);
  });
  afterAll(() => cluster.close());

  /** Like `serin`, but lets the server of this process answer meanwhile. */
  function begin(args: readonly string[]) {
    const env = { PATH, KUBECONFIG: cluster.kubeconfig, SERIN_NAMESPACE: 'shop' };
    const child = spawn(machineNode ?? process.execPath, [launcher, ...args], { env });
    let err = '';
    let out = '';
    child.stdout.on('data', (text: Buffer) => (out += text.toString()));
    const arrived = new Promise<void>((resolve) => {
      child.stderr.on('data', (text: Buffer) => {
        err += text.toString();
        if (err.includes('Progressing')) resolve();
      });
    });
    const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
      child.on('close', (code) => resolve({ code, out, err }));
    });
    return { child, arrived, ended };
  }

  it('exits 3 for a release that was rolled back', async () => {
    cluster.put(aCanaryWith(state('Failed'), 'Failed'));
    const { code, out } = await begin(['step', 'verify', 'web', '--for-version', '1.1']).ended;
    expect([code, out]).toEqual([3, expect.stringContaining('canary.serin.dev/web rolled back: 5 of 5 checks failed')]);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends in good order at %s, through the launcher, and leaves the canary running', async (signal, code) => {
    cluster.put(aCanaryWith(state('Progressing'), 'Judging'));
    const step = begin(['step', 'verify', 'web', '--for-version', '1.1', '-o', 'json']);
    await step.arrived;
    step.child.kill(signal);
    const ended = await step.ended;
    expect(ended.code).toBe(code);
    expect(JSON.parse(ended.out)).toMatchObject({ outcome: 'interrupted', exitCode: code });
  });

  it('exits 7 for a name that is not there', async () => {
    const { code, err } = await begin(['step', 'verify', 'nothing', '--for-version', '1.1']).ended;
    expect([code, err]).toEqual([7, 'serin: Cannot find Canary "shop/nothing": there is none of that name\n']);
  });

  it('stays alive while it waits for a connection', async () => {
    cluster.put(aCanaryWith(state('Progressing'), 'Judging'));
    const step = begin(['step', 'verify', 'web', '--for-version', '1.1']);
    await step.arrived;
    cluster.listening.cutConnections();
    cluster.put(aCanaryWith(state('Failed'), 'Failed'));
    expect((await step.ended).code).toBe(3);
  });
});

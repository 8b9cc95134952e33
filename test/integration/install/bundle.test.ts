// What `npm run build` makes runs on Node alone: no sources, no node_modules, no folder that it may write to.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { listenOn } from '../../../src/embedded/apiserver/listen.ts';
import { createApiServer } from '../../../src/embedded/apiserver/server.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { endOf, portOfController } from '../../support/controller-process.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** No variable of the machine reaches the bundle but the path of its programs. */
const env = { PATH: process.env['PATH'] ?? '' };

describe('the bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'serin-bundle-'));
  const bundle = join(folder, 'app', 'serin.mjs');
  const started: ChildProcess[] = [];
  const closing: (() => unknown)[] = [];

  beforeAll(() => {
    const built = spawnSync(process.execPath, [join(root, 'scripts/build.ts'), join(folder, 'app')], {
      encoding: 'utf8',
    });
    expect(built.stderr).toBe('');
    expect(built.status).toBe(0);
    chmodSync(join(folder, 'app'), 0o555);
  });

  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    for (const close of closing) await close();
    chmodSync(join(folder, 'app'), 0o755);
    rmSync(folder, { recursive: true, force: true });
  });

  it('is one file of code, with what PGlite reads beside it', () => {
    const files = readdirSync(join(folder, 'app')).toSorted();
    expect(files).toEqual([
      'THIRD-PARTY.txt',
      'initdb.wasm',
      'pglite.data',
      'pglite.wasm',
      'sbom.cdx.json',
      'serin.mjs',
    ]);
  });

  it('explains the controller', () => {
    const { status, stdout } = spawnSync(process.execPath, [bundle, 'controller', '--help'], {
      encoding: 'utf8',
      cwd: folder,
      env,
    });
    expect(status).toBe(0);
    expect(stdout).toContain('--redis-url');
  });

  it('starts the controller on the embedded store against an API server, serves its probes and stops at SIGTERM', async () => {
    const api = createApiServer({ clock: systemClock, random: systemRandom });
    closing.push(() => api.close());
    for (const file of readdirSync(join(root, 'crds')))
      api.store.create(parse(readFileSync(join(root, 'crds', file), 'utf8')) as KubeObject, { user: 'admin' });
    const kubeconfigPath = join(folder, 'kubeconfig');
    const listening = await listenOn(api, { port: 0, tokens: { 'serin-token': 'serin' }, kubeconfigPath });
    closing.push(() => listening.close());

    const child = spawn(
      process.execPath,
      [bundle, 'controller', `--kubeconfig=${kubeconfigPath}`, '--port=0', '--bind-address=127.0.0.1'],
      { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    started.push(child);
    const ended = endOf(child);
    const port = await portOfController(child);
    for (const path of ['healthz', 'readyz']) {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
      expect([path, answer.status]).toEqual([path, 200]);
    }
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(page).toContain('flagger_info{');
    expect(page).toMatch(/^serin_watch_age_seconds\{resource="canaries"\} [0-9.]+$/m);
    expect(page).toMatch(/^serin_overdue_checks 0$/m);
    expect(page).toMatch(/^serin_outbox_pending 0$/m);

    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  }, 180_000);
});

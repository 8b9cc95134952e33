// The container image, made and examined without a container engine: what is in it, how large it is, and that it runs as it will in a cluster.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { listenOn } from '../../../src/embedded/apiserver/listen.ts';
import { createApiServer } from '../../../src/embedded/apiserver/server.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { VERSION } from '../../../src/version.ts';
import { describeMissing, findPart } from '../../real/parts.ts';
import { endOf, portOfController } from '../../support/controller-process.ts';
import { CHART } from '../../support/helm.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** Of all layers as they are pulled. */
const COMPRESSED_MAX = 80_000_000;
const USER = 10_001;

const umoci = findPart('umoci');
const mustRun = process.env['CI'] === 'true';
const isRoot = process.getuid?.() === 0;

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}
interface ImageConfig {
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>>;
}
interface Bom {
  readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
}

describe.skipIf(umoci === null && !mustRun)('the image (needs npm run parts -- umoci, apt and dpkg)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'serin-image-test-'));
  const layout = join(folder, 'oci');
  const files = join(folder, 'root');
  const started: ChildProcess[] = [];
  const closing: (() => unknown)[] = [];

  const blob = (digest: string): string =>
    readFileSync(join(layout, 'blobs/sha256', digest.replace('sha256:', '')), 'utf8');
  const manifest = (): { readonly config: Descriptor; readonly layers: readonly Descriptor[] } => {
    const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: Descriptor[] };
    return JSON.parse(blob(index.manifests[0]?.digest ?? '')) as { config: Descriptor; layers: Descriptor[] };
  };

  beforeAll(() => {
    if (umoci === null) throw new Error(`Cannot run: ${describeMissing(['umoci']) ?? 'npm run parts -- umoci'}`);
    const script = join(ROOT, 'scripts/image.ts');
    const made = spawnSync(process.execPath, [script, '--oci', layout, '--umoci', umoci], { encoding: 'utf8' });
    expect([made.status, made.stderr]).toEqual([0, '']);
    const rootless = isRoot ? [] : ['--rootless'];
    const unpacked = spawnSync(umoci, ['raw', 'unpack', ...rootless, '--image', `${layout}:${VERSION}`, files]);
    expect(unpacked.status).toBe(0);
  }, 300_000);

  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    for (const close of closing) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  it(`has three layers, together at most ${COMPRESSED_MAX / 1e6} MB`, () => {
    const { layers } = manifest();
    expect(layers).toHaveLength(3);
    expect(layers.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(COMPRESSED_MAX);
  });

  it('starts the controller, as a user who is not root', () => {
    const { config, architecture } = JSON.parse(blob(manifest().config.digest)) as ImageConfig;
    expect(architecture).toBe(process.arch === 'x64' ? 'amd64' : process.arch);
    expect(config).toMatchObject({
      User: `${USER}:${USER}`,
      Entrypoint: ['/usr/local/bin/node', '/app/serin.mjs'],
      Cmd: ['controller'],
      WorkingDir: '/app',
      ExposedPorts: { '8080/tcp': {} },
    });
  });

  it('has nothing to run but Node, nothing that its user may write to but /tmp, and no file that gives rights', () => {
    const programs: string[] = [];
    const writable: string[] = [];
    const special: string[] = [];
    for (const path of readdirSync(files, { recursive: true, encoding: 'utf8' })) {
      const stat = lstatSync(join(files, path));
      const { mode, uid } = stat;
      if (stat.isSymbolicLink()) continue;
      if ((mode & 0o6000) !== 0) special.push(path);
      if ((mode & 0o002) !== 0 || (isRoot && uid !== 0)) writable.push(path);
      if (stat.isFile() && (mode & 0o111) !== 0 && !/\.so[.\d]*$/.test(path)) programs.push(path);
    }
    expect({ programs, writable, special }).toEqual({
      programs: ['usr/local/bin/node'],
      writable: ['tmp'],
      special: [],
    });
  });

  it('has one file of code, and the licences of everything', () => {
    expect(readdirSync(join(files, 'app')).filter((name) => /\.[cm]?js$/.test(name))).toEqual(['serin.mjs']);
    expect(readdirSync(join(files, 'app'))).toEqual(expect.arrayContaining(['LICENSE', 'THIRD-PARTY.txt']));
    const documented = readdirSync(join(files, 'usr/share/doc'));
    expect(documented.filter((name) => /^gcc-\d+-base$/.test(name))).toHaveLength(1);
    expect(documented).toContain('libc6');
  });

  it('has a list of what is in it that is valid CycloneDX and complete', async () => {
    const text = readFileSync(join(files, 'app/sbom.cdx.json'), 'utf8');
    expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)).toBeNull();
    const { components } = JSON.parse(text) as Bom;
    const named = (start: string): readonly string[] =>
      components.filter(({ purl }) => purl.startsWith(start)).map(({ name }) => name);
    const third = readFileSync(join(files, 'app/THIRD-PARTY.txt'), 'utf8');
    const bundled = [...third.matchAll(/^==== (.+)$/gm)].map((match) => match[1]);
    expect(bundled.length).toBeGreaterThan(50);
    expect(named('pkg:npm/')).toEqual(bundled);
    expect(named('pkg:deb/').toSorted()).toEqual(readdirSync(join(files, 'var/lib/dpkg/status.d')).toSorted());
    expect(components).toContainEqual(expect.objectContaining({ name: 'node', version: process.versions.node }));
  });

  it.skipIf(!isRoot && !mustRun)(
    'runs with a read-only root as that user, answers its probes, passes what helm test asks, and stops (needs root)',
    async () => {
      const api = createApiServer({ clock: systemClock, random: systemRandom });
      closing.push(() => api.close());
      for (const file of readdirSync(join(ROOT, 'crds')).filter((name) => /_/.test(name)))
        api.store.create(parse(readFileSync(join(ROOT, 'crds', file), 'utf8')) as KubeObject, { user: 'admin' });
      const listening = await listenOn(api, {
        port: 0,
        tokens: { 'serin-token': 'serin' },
        kubeconfigPath: join(files, 'kubeconfig'),
      });
      closing.push(() => listening.close());
      chmodSync(join(files, 'kubeconfig'), 0o644);
      const controller = inImage(files, '/app/serin.mjs', 'controller', '--kubeconfig=/kubeconfig', '--port=0');
      started.push(controller);
      const ended = endOf(controller);
      const url = `http://127.0.0.1:${await portOfController(controller)}`;

      const question = readFileSync(join(CHART, 'files/helm-test/ready.mjs'), 'utf8');
      const asking = inImage(files, '--input-type=module', '--eval', question, url, VERSION);
      started.push(asking);
      const said: string[] = [];
      for (const stream of [asking.stdout, asking.stderr])
        stream?.on('data', (chunk: Buffer) => said.push(String(chunk)));
      expect([await endOf(asking), said.join('')]).toEqual([0, `serin ${VERSION} is ready\n`]);

      controller.kill('SIGTERM');
      expect(await ended).toBe(0);
    },
    240_000,
  );
});

/** Starts Node of the image as a runtime would: the image as a read-only root, /dev, /proc and a /tmp of its own, no way to gain rights. */
function inImage(files: string, ...args: readonly string[]): ChildProcess {
  const script = [
    'mount --bind "$0" "$0"',
    'mkdir -p "$0/dev" "$0/proc"',
    'mount -o remount,ro,bind "$0"',
    'mount --rbind /dev "$0/dev"',
    'mount --rbind /proc "$0/proc"',
    'mount -t tmpfs tmpfs "$0/tmp"',
    `exec setpriv --no-new-privs chroot --userspec=${USER}:${USER} "$0" /usr/local/bin/node "$@"`,
  ].join(' && ');
  return spawn('unshare', ['--mount', 'sh', '-c', script, files, ...args], {
    env: { NODE_ENV: 'production', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

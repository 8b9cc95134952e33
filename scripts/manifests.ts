// Writes deploy/ anew: plain manifests from the chart. `--helm <path>` says where helm is; that of the PATH by default.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../src/kube/contract.ts';
import { manifestFiles, type Render } from './manifests/plan.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { helm } = parseArgs({ options: { helm: { type: 'string', default: 'helm' } } }).values;

const render: Render = (...sets) => {
  const args = [
    'template',
    'serin',
    join(root, 'charts/serin'),
    '-n',
    'serin',
    ...sets.flatMap((set) => ['--set', set]),
  ];
  const { status, stdout, stderr, error } = spawnSync(helm, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Cannot render the chart with ${sets.join(', ')}: ${error?.message ?? stderr}`);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
};

const files = manifestFiles(render);
rmSync(join(root, 'deploy'), { recursive: true, force: true });
for (const { path, content } of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
  console.log(`Wrote ${path}`);
}

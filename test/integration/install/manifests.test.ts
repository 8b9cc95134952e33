// deploy/ is what the chart renders today: nothing in it is stale, and nothing is left over.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { staleOutputs, type Output } from '../../../scripts/gen/output.ts';
import { manifestFiles, type Render } from '../../../scripts/manifests/plan.ts';
import { hasHelm, renderChart } from '../../support/helm.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

describe.skipIf(!hasHelm())('plain manifests (need npm run parts -- helm)', () => {
  const render: Render = (...sets) => {
    const { objects, stderr } = renderChart('--name-template', 'serin', ...sets.flatMap((set) => ['--set', set]));
    expect(stderr).toBe('');
    return objects;
  };

  let files: readonly Output[] = [];
  beforeAll(() => {
    files = manifestFiles(render);
  }, 300_000);

  it('are fresh: npm run manifests would change nothing', () => {
    const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
    expect(staleOutputs(files, read).map(({ path }) => path)).toEqual([]);
    const found = readdirSync(join(ROOT, 'deploy'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length));
    expect(found.toSorted()).toEqual(files.map(({ path }) => path).toSorted());
  });

  it('say nothing of Helm, and hold no Secret', () => {
    for (const { path, content } of files) {
      expect([path, /helm/i.test(content)]).toEqual([path, false]);
      expect([path, /^kind: Secret$/m.test(content)]).toEqual([path, false]);
    }
  });
});

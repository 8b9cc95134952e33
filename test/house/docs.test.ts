// The documentation holds together: links lead somewhere, examples are valid, decisions are complete, the status table is true.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseAlertProvider } from '../../src/api/alert-provider-schema.ts';
import { parseMetricTemplate } from '../../src/api/metric-template-schema.ts';
import { parseCanary } from '../../src/api/parse-canary.ts';
import { CANARY_GROUPS } from '../../src/kube/kinds.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import { isObject } from '../../src/util/json.ts';
import { anchorsOf, BANNED_WORDS, linksOf, type Link } from './rules.ts';
import { ROOT, filesUnder, textOf } from './tree.ts';

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'AGENTS.md',
  ...filesUnder('docs', '.md'),
  ...filesUnder('examples', '.md'),
];

describe('links', () => {
  it.each(PAGES)('of %s lead somewhere', (page) => {
    expect(linksOf(textOf(page)).flatMap((link) => flawOf(page, link))).toEqual([]);
  });

  it('that lead nowhere are told', () => {
    expect(linksOf('[a](b.md#c) [d](https://e) [f](#g) `[h](i.md)`\n```\n[j](k.md)\n```\n')).toEqual([
      { file: 'b.md', anchor: 'c' },
      { file: '', anchor: 'g' },
    ]);
    expect(flawOf('docs/install.md', { file: 'nowhere.md', anchor: '' })).toHaveLength(1);
    expect(flawOf('docs/install.md', { file: 'runbook.md', anchor: 'nowhere' })).toHaveLength(1);
    expect(flawOf('docs/install.md', { file: 'runbook.md', anchor: 'stop-everything' })).toEqual([]);
  });
});

function flawOf(page: string, { file, anchor }: Link): readonly string[] {
  const path = file === '' ? page : join(dirname(page), file);
  if (!existsSync(join(ROOT, path))) return [`${file} does not exist`];
  return anchor === '' || anchorsOf(textOf(path)).includes(anchor) ? [] : [`${path} has no heading #${anchor}`];
}

describe('pages', () => {
  it.each(PAGES)('%s begins with a title', (page) => {
    expect(textOf(page).replaceAll(/<!--[\s\S]*?-->\s*/g, '')).toMatch(/^(---[\s\S]*?---\s*)?# \S/);
  });

  it.each(PAGES)('%s names no folder of a machine', (page) => {
    expect(textOf(page)).not.toMatch(/(?<![\w.])\/(work|home|Users|root)\/\w/);
  });

  it('of the glossary tell the banned words', () => {
    const page = textOf('docs/glossary.md');
    for (const word of Object.keys(BANNED_WORDS)) expect(page).toContain(`\`${word}\``);
  });
});

describe('examples', () => {
  const objects = filesUnder('examples', '.yaml').flatMap((path) =>
    parseAllDocuments(textOf(path)).flatMap((document) => {
      expect(document.errors.map(({ message }) => `${path}: ${message}`)).toEqual([]);
      const value: unknown = document.toJS();
      const groups: readonly string[] = CANARY_GROUPS;
      const group = isObject(value) ? String(value['apiVersion']).split('/')[0] : '';
      return groups.includes(group ?? '') ? [[path, value as KubeObject] as const] : [];
    }),
  );

  it('hold resources of ours', () => {
    expect(objects).not.toEqual([]);
  });

  it.each(objects)('%s is valid', (_, object) => {
    expect(problemsOf({ ...object, metadata: { uid: 'u', namespace: 'shop', ...object.metadata } })).toEqual([]);
  });

  it('that are invalid are told', () => {
    const object = { apiVersion: 'serin.dev/v1beta1', kind: 'Canary', metadata: { name: 'a' }, spec: { unknown: 1 } };
    expect(problemsOf(object)).not.toEqual([]);
  });
});

function problemsOf(object: KubeObject): readonly unknown[] {
  const parsers: Readonly<Record<string, () => { kind: 'valid' } | { kind: 'invalid'; problems: readonly unknown[] }>> =
    {
      Canary: () => parseCanary(object, { defaultProvider: null }),
      MetricTemplate: () => parseMetricTemplate(object),
      AlertProvider: () => parseAlertProvider(object),
    };
  const parsed = parsers[object.kind]?.();
  if (parsed === undefined) return [`${object.kind} is none of our kinds`];
  return parsed.kind === 'invalid' ? parsed.problems : [];
}

describe('decisions', () => {
  const records = filesUnder('docs/adr', '.md').filter((path) => /\/\d{4}-/.test(path));

  it('are numbered without a gap', () => {
    const numbers = records.map((path) => Number(/\/(\d{4})-/.exec(path)?.[1]));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(15);
  });

  it.each(records)('%s says context, decision, consequences and what would change it', (path) => {
    const titles = [...textOf(path).matchAll(/^## (.+)$/gm)].map((match) => match[1]);
    expect(titles).toEqual(['Context', 'Decision', 'Consequences', 'What would change our mind']);
  });
});

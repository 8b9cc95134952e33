// Where the vendors' own CRDs are, for tests that hold ours against them. Absent: tests skip; in CI they fail.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/kube/contract.ts';

const folder = fileURLToPath(new URL('../../../shared/crds', import.meta.url));

/** False when the vendors' CRDs are not on this machine. In CI (`CI=true`) their absence is an error. */
export function hasVendorCrds(vendor: string): boolean {
  const isThere = existsSync(`${folder}/${vendor}`);
  if (!isThere && process.env['CI'] === 'true')
    throw new Error(`Cannot run in CI: the CRDs of ${vendor} are missing, must be in ../shared/crds`);
  return isThere;
}

/** The objects of one file. */
export function readVendorCrds(vendor: string, file: string): readonly KubeObject[] {
  return parseAllDocuments(readFileSync(`${folder}/${vendor}/${file}`, 'utf8')).map(
    (document) => document.toJS() as KubeObject,
  );
}

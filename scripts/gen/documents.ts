// Everything that is generated from the schemas: CRDs and reference pages.
import { crdFiles } from './crds.ts';
import type { Output } from './output.ts';
import { configurationPage, kindPages } from './reference.ts';

/** CRDs, and the reference pages of the kinds and of the configuration. */
export function documentFiles(root: string): readonly Output[] {
  return [...crdFiles(root), ...kindPages(), configurationPage()];
}

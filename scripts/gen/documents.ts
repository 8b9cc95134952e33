// Everything that is generated from the schemas: CRDs and reference pages.
import { cliPage } from './cli-page.ts';
import { crdFiles } from './crds.ts';
import type { Output } from './output.ts';
import { configurationPage, kindPages } from './reference.ts';
import { stateMachinePage } from './state-machine.ts';

/** CRDs, and the reference pages of the kinds, of the configuration and of the commands. */
export function documentFiles(root: string): readonly Output[] {
  return [...crdFiles(root), ...kindPages(), configurationPage(), cliPage(), stateMachinePage()];
}

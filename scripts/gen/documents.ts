// Everything that is generated from lists and schemas: CRDs, reference pages, the dashboard.
import { cliPage } from './cli-page.ts';
import { crdFiles } from './crds.ts';
import { dashboardFile } from './dashboard.ts';
import type { Output } from './output.ts';
import { configurationPage, kindPages } from './reference.ts';
import { stateMachinePage } from './state-machine.ts';

/** CRDs, the reference pages of the kinds, of the configuration and of the commands, and the dashboard of the chart. */
export function documentFiles(root: string): readonly Output[] {
  return [...crdFiles(root), ...kindPages(), configurationPage(), cliPage(), stateMachinePage(), dashboardFile()];
}

// Every case for API servers, in one list.
import { APPLY_CASES } from './cases-apply.ts';
import { BUILT_IN_CASES } from './cases-built-in.ts';
import type { ApiCase } from './case-runner.ts';
import { CONTENT_CASES } from './cases-content.ts';
import { CREATION_CASES } from './cases-creation.ts';
import { CUSTOM_CASES } from './cases-custom.ts';
import { DELETION_CASES } from './cases-deletion.ts';
import { EXPIRY_CASES } from './cases-expiry.ts';
import { LIST_CASES } from './cases-lists.ts';
import { PATCH_CASES } from './cases-patch.ts';
import { PATH_CASES } from './cases-paths.ts';
import { STRATEGIC_CASES } from './cases-strategic.ts';
import { STRICT_CASES } from './cases-strict.ts';
import { TYPED_CASES } from './cases-typed.ts';
import { UPDATE_CASES } from './cases-updates.ts';
import { WATCH_CASES } from './cases-watches.ts';
import { WORKLOAD_CASES } from './cases-workloads.ts';

/** The cases, in the order in which they are run. */
export const ALL_CASES: readonly ApiCase[] = [
  ...STRICT_CASES,
  ...TYPED_CASES,
  ...CREATION_CASES,
  ...UPDATE_CASES,
  ...DELETION_CASES,
  ...PATH_CASES,
  ...PATCH_CASES,
  ...STRATEGIC_CASES,
  ...APPLY_CASES,
  ...LIST_CASES,
  ...WATCH_CASES,
  ...CUSTOM_CASES,
  ...WORKLOAD_CASES,
  ...BUILT_IN_CASES,
  ...EXPIRY_CASES,
  ...CONTENT_CASES,
];

// Which alerts pass a severity filter.
import type { Alert } from '../core/policy.ts';

const RANK: Readonly<Record<Alert['severity'], number>> = { info: 0, warn: 1, error: 2 };

/** True when an alert of `severity` passes the filter: info lets all pass, warn also error, error only itself. */
export function passesSeverity(filter: Alert['severity'], severity: Alert['severity']): boolean {
  return RANK[severity] >= RANK[filter];
}

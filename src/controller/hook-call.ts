// One call to a hook: Flagger's payload and the idempotency key of this tick.
import type { Canary } from '../api/types.ts';
import type { Hook } from '../core/policy.ts';
import { reportedPhase } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import type { HookCall } from '../gates/contract.ts';
import type { Drivers } from './drivers.ts';

/** Key `uid/run/hook/step/tick`: the same for every repetition of one call. */
export function hookCall(
  canary: Canary,
  state: State,
  hook: Hook,
  use: Drivers,
  metadata: Readonly<Record<string, string>>,
): HookCall {
  const { group, name, namespace, uid } = canary.identity;
  const run = state.run;
  return {
    hook,
    group,
    name,
    namespace,
    phase: reportedPhase(state.phase),
    checksum: use.checksum(state.trackedConfigs, state.seenRevision ?? ''),
    metadata,
    idempotencyKey: `${uid}/${run?.id ?? '0'}/${hook.type}:${hook.name}/${run?.step ?? 0}/${run?.tick ?? 0}`,
  };
}

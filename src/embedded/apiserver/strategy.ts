// Chooses what is particular to a kind when it is written.
import type { Strategy } from './strategy-types.ts';
import { crdStrategy } from './strategy-crd.ts';
import { coreStrategies } from './strategy-core.ts';
import { workloadStrategies } from './strategy-workloads.ts';
import type { ServedKind } from './types.ts';

const NONE: Strategy = {};
const CUSTOM: Strategy = { isVersionNeeded: true };

const BY_STORAGE: ReadonlyMap<string, Strategy> = new Map<string, Strategy>([
  ...coreStrategies(),
  ...workloadStrategies(),
  ['apiextensions.k8s.io/CustomResourceDefinition', crdStrategy],
]);

/** The hooks of a kind. */
export function strategyOf(kind: ServedKind): Strategy {
  if (kind.isCustom) return CUSTOM;
  return BY_STORAGE.get(kind.storageId) ?? NONE;
}

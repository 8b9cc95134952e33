// The hooks by which a kind has its say when it is written.
import type { KubeObject } from '../../kube/contract.ts';
import type { Engine } from './engine.ts';
import type { FieldProblem } from './status.ts';
import type { ServedKind } from './types.ts';

/** The hooks of one kind. None of them changes what it is given. */
export interface Strategy {
  /** Defaults that are part of reading an object: whoever wrote it owns them. */
  default?(object: KubeObject, old: KubeObject | null): KubeObject;
  /** Members that the server itself sets. `old` is null on create. */
  prepare?(engine: Engine, next: KubeObject, old: KubeObject | null, kind: ServedKind): KubeObject;
  /** What is wrong with it. */
  validate?(next: KubeObject, old: KubeObject | null, engine: Engine): FieldProblem[];
  /** Whether a PUT to a name that is not there creates it. */
  readonly isCreatedByUpdate?: boolean;
  /** Whether an update of the whole object needs no resourceVersion; built-in kinds do not need one unless told. */
  readonly isVersionNeeded?: boolean;
  /** Whether a delete answers with the object rather than with a Status. */
  readonly isReturnedByDelete?: boolean;
  /** Whether status given at creation is kept. */
  readonly isStatusKeptOnCreate?: boolean;
  /** Seconds until a deleted object may go, for kinds that end gracefully; 0 when it goes at once. */
  graceSeconds?(object: KubeObject, asked: number | null): number;
  /** What else, besides the spec, makes a new generation. */
  isNewGeneration?(next: KubeObject, old: KubeObject): boolean;
}

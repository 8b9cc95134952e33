// How objects are to be shown.
import type { Form } from './media.ts';
import type { ServedKind } from './types.ts';

/** How objects are to be shown. */
export interface Presentation {
  readonly kind: ServedKind;
  readonly form: Form;
  readonly nowMs: number;
  /** includeObject of a table request. */
  readonly includeObject: string;
}

/** metadata of a list. */
export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

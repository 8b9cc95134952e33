// One column of a Table.
import type { KubeObject } from '../../kube/contract.ts';

/** One column and how its cells are filled. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** Above 0 shows only with `-o wide`. */
  readonly priority: number;
  readonly cell: (object: KubeObject, nowMs: number) => unknown;
}

type Cell = TableColumn['cell'];

/** A column of text. */
export const text = (name: string, cell: Cell, priority = 0): TableColumn => ({
  name,
  type: 'string',
  format: '',
  description: name,
  priority,
  cell,
});

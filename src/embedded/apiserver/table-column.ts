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

const NAME_DESCRIPTION =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';

/** The column of names. */
export const NAME: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: NAME_DESCRIPTION,
  priority: 0,
  cell: (object) => object.metadata.name,
};

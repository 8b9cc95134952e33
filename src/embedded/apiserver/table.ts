// Tables for `kubectl get`: columns and cells of every kind.
import type { KubeObject } from '../../kube/contract.ts';
import { builtInColumns } from './columns.ts';
import { NAME, type TableColumn } from './table-column.ts';
import { findAll } from './json-path.ts';
import type { ListMeta, Presentation } from './presentation.ts';
import { ageOf } from './age.ts';
import type { PrinterColumn, ServedKind } from './types.ts';

/** A Table of objects. */
export function tableOf(
  how: Presentation,
  metadata: ListMeta,
  objects: readonly KubeObject[],
): Record<string, unknown> {
  const columnDefinitions = columnsOf(how.kind).map((column) => ({
    name: column.name,
    type: column.type,
    format: column.format,
    description: column.description,
    priority: column.priority,
  }));
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions, rows: rowsOf(how, objects) };
}

/** The rows of a Table. */
export function rowsOf(how: Presentation, objects: readonly KubeObject[]): unknown[] {
  const columns = columnsOf(how.kind);
  return objects.map((object) => ({
    cells: columns.map((column) => column.cell(object, how.nowMs)),
    ...rowObject(how, object),
  }));
}

function rowObject(how: Presentation, object: KubeObject): Record<string, unknown> {
  if (how.includeObject === 'None') return { object: null };
  if (how.includeObject === 'Object') return { object };
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } };
}

const known = new WeakMap<ServedKind, readonly TableColumn[]>();

function columnsOf(kind: ServedKind): readonly TableColumn[] {
  const held = known.get(kind);
  if (held !== undefined) return held;
  const columns = kind.isCustom ? [NAME, ...kind.columns.map(customColumn)] : builtInColumns(kind);
  known.set(kind, columns);
  return columns;
}

function customColumn(column: PrinterColumn): TableColumn {
  return {
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
    priority: column.priority ?? 0,
    cell: (object, nowMs) => customCell(column, object, nowMs),
  };
}

function customCell(column: PrinterColumn, object: KubeObject, nowMs: number): unknown {
  const [value] = findAll(column.jsonPath, object);
  if (value === undefined || value === null) return null;
  switch (column.type) {
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? ageOf(value, nowMs) : null;
    default:
      return null;
  }
}

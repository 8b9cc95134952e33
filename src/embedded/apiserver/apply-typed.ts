// What is wrong with the types of an applied configuration, in the words of the library that merges on the real server.
import { isObject } from '../../util/json.ts';
import { showElement } from './field-tree.ts';
import { isKeyedList, itemKey } from './field-walk.ts';
import type { Members } from './json.ts';
import { memberNode } from './schema-node.ts';
import type { SchemaNode } from './schema-types.ts';

/** The text of what is wrong; null when nothing is. Unknown members come before everything else. */
export function typedProblem(node: SchemaNode, object: Members): string | null {
  const unknown: string[] = [];
  const wrong: string[] = [];
  walk({ unknown, wrong }, node, object, '');
  if (unknown[0] !== undefined) return `${unknown[0]}: field not declared in schema`;
  if (wrong.length > 1) return `errors:\n  ${wrong.join('\n  ')}`;
  return wrong[0] ?? null;
}

interface Findings {
  readonly unknown: string[];
  readonly wrong: string[];
}

function walk(found: Findings, node: SchemaNode | null, value: unknown, path: string): void {
  if (node === null || value === null || value === undefined || node.isIntOrString) return;
  switch (node.type) {
    case 'object':
      if (isObject(value)) walkMembers(found, node, value, path);
      else found.wrong.push(`${path}: expected map, got ${showGo(value)}`);
      return;
    case 'array':
      if (Array.isArray(value)) walkItems(found, node, value, path);
      else found.wrong.push(`${path}: expected list, got ${showGo(value)}`);
      return;
    case 'integer':
    case 'number':
      if (typeof value !== 'number')
        found.wrong.push(`${path}: expected numeric (int or float), got ${goTypeName(value)}`);
      return;
    case 'boolean':
      if (typeof value !== 'boolean') found.wrong.push(`${path}: expected boolean, got ${showGo(value)}`);
      return;
    case 'string':
      if (typeof value !== 'string' && node.format !== 'quantity') {
        found.wrong.push(`${path}: expected string, got &value.valueUnstructured{Value:${showLiteral(value)}}`);
      }
      return;
    case '':
      return;
  }
}

function walkMembers(found: Findings, node: SchemaNode, value: Members, path: string): void {
  for (const [key, member] of Object.entries(value)) {
    const child = memberNode(node, key);
    if (child === undefined) found.unknown.push(`${path}.${key}`);
    else walk(found, child, member, `${path}.${key}`);
  }
}

function walkItems(found: Findings, node: SchemaNode, list: readonly unknown[], path: string): void {
  const isKeyed: boolean = isKeyedList(node);
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    if (!isKeyed) {
      walk(found, node.items, item, `${path}[${index}]`);
      continue;
    }
    const problem = keyProblem(node, item, index);
    if (problem !== null) {
      found.wrong.push(`${path}: ${problem}`);
      continue;
    }
    const key = itemKey(node, item);
    if (seen.has(key)) found.wrong.push(`${path}: duplicate entries for key ${showElement(key)}`);
    seen.add(key);
    walk(found, node.items, item, `${path}${showElement(key)}`);
  }
}

function keyProblem(node: SchemaNode, item: unknown, index: number): string | null {
  if (node.listType !== 'map') return null;
  if (!isObject(item)) return `element ${index}: associative list with keys may not have non-map elements`;
  if (itemKey(node, item) !== 'k:{}') return null;
  const keys = node.listKeys.map((key) => JSON.stringify(key)).join(' ');
  return `element ${index}: associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
}

function goTypeName(value: unknown): string {
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'object' ? 'map' : typeof value;
}

function showGo(value: unknown): string {
  if (Array.isArray(value)) return `&{[${value.join(' ')}]}`;
  if (isObject(value)) return `&{map[${Object.keys(value).join(' ')}]}`;
  return `&{${String(value)}}`;
}

function showLiteral(value: unknown): string {
  if (isObject(value)) return 'map[string]interface {}{}';
  return Array.isArray(value) ? '[]interface {}{}' : String(value);
}

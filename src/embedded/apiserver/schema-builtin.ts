// Reads the compact type tables of the built-in kinds into schema nodes.
import { makeNode } from './schema-node.ts';
import type { ObjectSchema, ScalarFormat, SchemaNode } from './schema-types.ts';
import { OTHER_TYPES } from './types-other.ts';
import { POD_TYPES } from './types-pod.ts';

const definitions = new Map<string, string>();
const nodes = new Map<string, SchemaNode>();

/** The schema of a built-in type by its name in the tables. Throws when the tables do not have it. */
export function builtInSchema(typeName: string): ObjectSchema {
  return { root: nodeOf(typeName), hasRules: false, openApi: null };
}

function nodeOf(typeName: string): SchemaNode {
  if (definitions.size === 0) readTables();
  const held = nodes.get(typeName);
  if (held !== undefined) return held;
  const text = definitions.get(typeName);
  if (text === undefined) throw new TypeError(`Cannot find type ${typeName}: it is in no table`);
  const properties = new Map<string, SchemaNode>();
  for (const member of text.split(' ')) {
    const [, name = '', mark = '', type = ''] = /^(\w+)([*^]?):(.+)$/.exec(member) ?? [];
    if (name === '') continue;
    const read = withKeyDefault(typeName, member, readType(type));
    properties.set(name, mark === '' ? read : { ...read, zero: mark === '^' ? null : zeroOf(read) });
  }
  const node = makeNode({ type: 'object', typeName, properties });
  nodes.set(typeName, node);
  return node;
}

/** What Go holds in a field that nobody has set. */
function zeroOf(node: SchemaNode): unknown {
  if (node.isIntOrString) return 0;
  if (node.format === 'quantity') return '0';
  const zeros = { '': null, object: {}, array: null, string: '', integer: 0, number: 0, boolean: false };
  return zeros[node.type];
}

/** Ports are named by number and protocol, and the protocol may be left out. */
function withKeyDefault(typeName: string, member: string, node: SchemaNode): SchemaNode {
  const isPort = typeName === 'ContainerPort' || typeName === 'ServicePort';
  return isPort && member === 'protocol:s' ? { ...node, default: 'TCP' } : node;
}

function readTables(): void {
  for (const paragraph of `${POD_TYPES}${OTHER_TYPES}`.split(/\n(?! )/)) {
    const text = paragraph.replace(/\s+/g, ' ').trim();
    const space = text.indexOf(' ');
    if (space > 0) definitions.set(text.slice(0, space), text.slice(space + 1));
    else if (text !== '') definitions.set(text, '');
  }
}

const SCALARS: Readonly<Record<string, readonly [SchemaNode['type'], ScalarFormat]>> = {
  s: ['string', ''],
  i: ['integer', 'int32'],
  l: ['integer', 'int64'],
  n: ['number', ''],
  b: ['boolean', ''],
  y: ['string', 'bytes'],
  q: ['string', 'quantity'],
  t: ['string', 'time'],
};

function readType(text: string): SchemaNode {
  if (text.startsWith('!')) return { ...readType(text.slice(1)), isAtomicMap: true };
  if (text.startsWith('?')) return { ...readType(text.slice(1)), isUnion: true };
  if (text.startsWith('{')) {
    return makeNode({ type: 'object', additional: readType(text.slice(1, -1)) });
  }
  if (text.startsWith('[')) return readList(text.slice(1, -1));
  if (text === 'o') return makeNode({ isPreservingUnknown: true, isAtomicMap: true });
  if (text === 'x') return makeNode({ isIntOrString: true });
  const scalar = SCALARS[text];
  return scalar === undefined ? nodeOf(text) : makeNode({ type: scalar[0], format: scalar[1] });
}

function readList(text: string): SchemaNode {
  const match = /^([^/~]+)(?:\/([^~]+))?(?:~(.+))?$/.exec(text);
  if (match === null) throw new TypeError(`Cannot read type [${text}]: it is not of the form [T/keys~key]`);
  const [, item = '', keys, merge] = match;
  const listKeys = keys === undefined || keys === '=' ? [] : keys.split(',');
  const listType = keys === undefined ? 'atomic' : keys === '=' ? 'set' : 'map';
  const mergeKey = merge ?? listKeys[0] ?? '';
  return makeNode({
    type: 'array',
    items: readType(item),
    listType,
    listKeys,
    mergeKey: mergeKey === '-' ? '' : mergeKey,
  });
}

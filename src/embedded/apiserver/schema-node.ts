// A schema node with the properties that most nodes have.
import type { SchemaNode } from './schema-types.ts';

/** A node that says nothing; `more` says what is known. */
export function makeNode(more: Partial<SchemaNode>): SchemaNode {
  return {
    type: '',
    format: '',
    typeName: '',
    properties: null,
    additional: null,
    items: null,
    listType: 'atomic',
    listKeys: [],
    mergeKey: '',
    isAtomicMap: false,
    isUnion: false,
    isPreservingUnknown: false,
    isIntOrString: false,
    isNullable: false,
    isEmbedded: false,
    default: undefined,
    zero: undefined,
    hasDefaults: false,
    source: null,
    ...more,
  };
}

/** The schema of a member; undefined when it is not known, null when anything goes. */
export function memberNode(node: SchemaNode, key: string): SchemaNode | null | undefined {
  const known = node.properties?.get(key);
  if (known !== undefined) return known;
  if (node.additional === true || (node.properties === null && node.additional === null)) return null;
  if (node.additional !== null) return node.additional;
  return node.isPreservingUnknown ? null : undefined;
}

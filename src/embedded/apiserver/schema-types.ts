// The shape of a kind as the server needs it: to prune, default, validate, merge and say who owns what.

/** What a scalar of a built-in kind is, beyond its JSON type. */
export type ScalarFormat = '' | 'int32' | 'int64' | 'bytes' | 'quantity' | 'time';

/** One node of a schema. Built-in kinds and CRDs are brought into this one form. */
export interface SchemaNode {
  /** Empty when the schema does not say. */
  readonly type: '' | 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly format: ScalarFormat;
  /** The Go type, for the messages of built-in kinds; empty for custom ones. */
  readonly typeName: string;
  readonly properties: ReadonlyMap<string, SchemaNode> | null;
  /** Values of a map; `true` when anything goes. */
  readonly additional: SchemaNode | true | null;
  readonly items: SchemaNode | null;
  readonly listType: 'atomic' | 'set' | 'map';
  /** Members that name an item of a list of type map. */
  readonly listKeys: readonly string[];
  /** The member by which strategic merge joins items; empty when the list is replaced; `=` for scalars joined by value. */
  readonly mergeKey: string;
  readonly isAtomicMap: boolean;
  /** Whether strategic merge honours `$retainKeys` here. */
  readonly isUnion: boolean;
  readonly isPreservingUnknown: boolean;
  readonly isIntOrString: boolean;
  readonly isNullable: boolean;
  readonly isEmbedded: boolean;
  readonly default: unknown;
  /** What stands for it where nobody has set it; undefined when it is then absent. */
  readonly zero: unknown;
  /** Whether there is a default at or below this node. */
  readonly hasDefaults: boolean;
  /** The JSON schema that this node was read from, for the validator; null for built-in kinds. */
  readonly source: JsonSchema | null;
}

/** The schema of a whole kind. */
export interface ObjectSchema {
  readonly root: SchemaNode;
  /** Whether any rule in CEL is in it. */
  readonly hasRules: boolean;
  /** The JSON schema as OpenAPI shows it; null when it is derived from `root`. */
  readonly openApi: JsonSchema | null;
}

/** JSONSchemaProps of apiextensions.k8s.io/v1. */
export interface JsonSchema {
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  nullable?: boolean;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  required?: string[];
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  allOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  not?: JsonSchema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'granular' | 'atomic';
  'x-kubernetes-validations'?: CelRule[];
}

/** One rule of x-kubernetes-validations. */
export interface CelRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

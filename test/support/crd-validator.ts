// Validates objects against vendors' CRDs as strictly as can be: unknown fields forbidden, defaults applied, CEL rules on.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { evaluate } from '@marcbachmann/cel-js';
import { Ajv } from 'ajv';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/kube/contract.ts';
import { isObject } from '../../src/util/json.ts';

const CRDS = fileURLToPath(new URL('../../../shared/crds/', import.meta.url));

/** True when the vendors' CRDs are beside the project. In CI their absence is an error. */
export function hasVendorCrds(): boolean {
  const isThere = existsSync(CRDS);
  if (!isThere && process.env['CI'] === 'true')
    throw new Error('Cannot find ../shared/crds, which must be there in CI');
  return isThere;
}

/** What a check found. `rules` counts CEL rules that were evaluated, `skipped` those that the evaluator cannot do. */
export interface CheckResult {
  readonly problems: readonly string[];
  readonly rules: number;
  readonly skipped: number;
}

/** Checks objects of the kinds that some CRDs define. */
export interface CrdValidator {
  /** Throws when no CRD defines the object's kind at its version. */
  check(object: KubeObject): CheckResult;
  /** The CRD documents as they are. */
  readonly documents: readonly KubeObject[];
}

type Schema = Record<string, unknown>;
interface Rule {
  readonly rule: string;
  readonly message?: string;
}

const loaded = new Map<string, CrdValidator>();

/** Loads CRDs from files below ../shared/crds. Schemas of apiextensions v1beta1 are read too, and completed where they are not structural. */
export function loadCrds(files: readonly string[]): CrdValidator {
  const known = loaded.get(files.join());
  if (known !== undefined) return known;
  const validator = readCrds(files);
  loaded.set(files.join(), validator);
  return validator;
}

function readCrds(files: readonly string[]): CrdValidator {
  const documents = files.flatMap((file) =>
    parseAllDocuments(readFileSync(CRDS + file, 'utf8'))
      .map((document) => document.toJS() as KubeObject | null)
      .filter((document) => document?.kind === 'CustomResourceDefinition'),
  ) as KubeObject[];
  const schemas = new Map<string, Schema>(documents.flatMap(schemasOf));
  const ajv = new Ajv({ strict: false, allErrors: true, useDefaults: true, validateFormats: false });
  const validators = new Map<string, ReturnType<typeof ajv.compile>>();
  const validatorOf = (key: string): ReturnType<typeof ajv.compile> => {
    const schema = schemas.get(key);
    if (schema === undefined) throw new Error(`Cannot check ${key}: no CRD defines it`);
    const validate = validators.get(key) ?? ajv.compile(close(schema) as Schema);
    validators.set(key, validate);
    return validate;
  };
  return {
    documents,
    check(object) {
      const key = `${object.apiVersion}/${object.kind}`;
      const validate = validatorOf(key);
      const filled = structuredClone(object);
      const isValid = validate(filled);
      const problems = isValid
        ? []
        : (validate.errors ?? []).map(
            ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
          );
      const tally = { problems: [...problems], rules: 0, skipped: 0 };
      runRules(schemas.get(key)!, filled, '', tally);
      return tally;
    },
  };
}

/** A CRD as servers of today take it: those of apiextensions v1beta1 are brought into the form of v1, structural and closed. */
export function servableCrd(crd: KubeObject): KubeObject {
  if (crd.apiVersion === 'apiextensions.k8s.io/v1') return crd;
  const {
    validation,
    version,
    subresources,
    additionalPrinterColumns: _columns,
    ...spec
  } = crd['spec'] as Schema & {
    validation?: { openAPIV3Schema: Schema };
    names: { kind: string };
    versions?: Schema[];
  };
  const common = validation?.openAPIV3Schema ?? { 'x-kubernetes-preserve-unknown-fields': true };
  const versions = (spec.versions ?? [{ name: version, served: true, storage: true }]).map((one) => {
    const { additionalPrinterColumns: _own, ...rest } = one;
    const own = one['schema'] as { openAPIV3Schema: Schema } | undefined;
    const schema = { type: 'object', ...legacy(own?.openAPIV3Schema ?? common, spec.names.kind) };
    return { ...(subresources === undefined ? {} : { subresources }), ...rest, schema: { openAPIV3Schema: schema } };
  });
  const { name, annotations } = crd.metadata;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
    spec: { ...spec, preserveUnknownFields: false, versions },
  };
}

function schemasOf(crd: KubeObject): [string, Schema][] {
  const spec = crd['spec'] as {
    group: string;
    names: { kind: string };
    versions: Schema[];
    validation?: { openAPIV3Schema: Schema };
  };
  return spec.versions.map((version) => {
    const own = version['schema'] as { openAPIV3Schema: Schema } | undefined;
    const schema = own?.openAPIV3Schema ?? legacy(spec.validation!.openAPIV3Schema, spec.names.kind);
    const top = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };
    const whole = { ...schema, properties: { ...top, ...(schema['properties'] as Schema) } };
    return [`${spec.group}/${String(version['name'])}/${spec.names.kind}`, whole];
  });
}

/** Makes a schema of apiextensions v1beta1 structural (every properties has a type) and adds what App Mesh's schema leaves out. */
function legacy(schema: Schema, kind: string): Schema {
  const complete = completed(schema) as Schema;
  const spec = (complete as { properties: { spec: { properties: Record<string, { items?: Schema }> } } }).properties
    .spec.properties;
  // Members that the types of controller 0.x have and its CRD forgets: the name of a route, and the virtual service of a backend.
  if (kind === 'VirtualService')
    Object.assign(spec['routes']!.items!['properties'] as Schema, { name: { type: 'string' } });
  if (kind === 'VirtualNode') {
    const backend = {
      type: 'object',
      properties: { virtualServiceName: { type: 'string' } },
      required: ['virtualServiceName'],
    };
    spec['backends']!.items = { type: 'object', properties: { virtualService: backend }, required: ['virtualService'] };
  }
  return complete;
}

function completed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(completed);
  if (!isObject(schema)) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, completed(value)]);
  const next = Object.fromEntries(entries) as Schema;
  return isObject(next['properties']) && next['type'] === undefined ? { ...next, type: 'object' } : next;
}

/** Forbids unknown members wherever the API server would prune them, and brings OpenAPI's own words into JSON Schema. */
function close(schema: unknown, isJunction = false): unknown {
  if (!isObject(schema)) return schema;
  const next: Schema = { ...schema };
  for (const key of ['properties', 'patternProperties'] as const) {
    if (isObject(next[key])) next[key] = mapValues(next[key], (value) => close(value, isJunction));
  }
  if (next['items'] !== undefined) next['items'] = close(next['items'], isJunction);
  if (isObject(next['additionalProperties']))
    next['additionalProperties'] = close(next['additionalProperties'], isJunction);
  // Junctions repeat members of the schema around them: what they do not name is not unknown.
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) {
    if (Array.isArray(next[key])) next[key] = next[key].map((value) => close(value, true));
  }
  if (isObject(next['not'])) next['not'] = close(next['not'], true);
  if (next['x-kubernetes-int-or-string'] === true) {
    delete next['type'];
    return { ...next, anyOf: [{ type: 'integer' }, { type: 'string' }] };
  }
  const isOpen = next['x-kubernetes-preserve-unknown-fields'] === true || next['additionalProperties'] !== undefined;
  if (!isJunction && isObject(next['properties']) && !isOpen) next['additionalProperties'] = false;
  if (next['nullable'] === true && typeof next['type'] === 'string') next['type'] = [next['type'], 'null'];
  return next;
}

function mapValues(object: Record<string, unknown>, change: (value: unknown) => unknown): Schema {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function runRules(
  schema: Schema,
  value: unknown,
  path: string,
  tally: { problems: string[]; rules: number; skipped: number },
): void {
  if (value === undefined || value === null) return;
  for (const { rule, message } of (schema['x-kubernetes-validations'] ?? []) as Rule[]) {
    // A transition rule compares with the object before.
    if (rule.includes('oldSelf')) continue;
    try {
      const holds: unknown = evaluate(rule, { self: celValue(value) });
      tally.rules += 1;
      if (holds !== true) tally.problems.push(`${path} ${message ?? rule}`);
    } catch {
      tally.skipped += 1;
    }
  }
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      const inner = properties[key] ?? schema['additionalProperties'];
      if (isObject(inner)) runRules(inner, member, `${path}/${key}`, tally);
    }
  }
  if (Array.isArray(value) && isObject(schema['items'])) {
    for (const [index, item] of value.entries()) runRules(schema['items'], item, `${path}/${index}`, tally);
  }
}

/** Integers as CEL has them, and `namespace`, a reserved word, also under its escaped name. */
function celValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (!isObject(value)) return value;
  const members = mapValues(value, celValue);
  return 'namespace' in members ? { ...members, __namespace__: members['namespace'] } : members;
}

// Metadata: names, the members that only the server sets, and what is checked of the others.
import type { KubeObject, ObjectMeta } from '../../kube/contract.ts';
import type { Random } from '../../util/random.ts';
import { isObject } from '../../util/json.ts';
import { type FieldProblem, forbiddenField, invalidValue, required } from './status.ts';
import type { ServedKind } from './types.ts';

/** A time in the form of the API: whole seconds, UTC. */
export function timeText(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== lastTime.second) lastTime = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
  return lastTime.text;
}

/** Most times that are asked for are the same second. */
let lastTime = { second: 0, text: '1970-01-01T00:00:00Z' };

/** A version 4 UUID from the injected randomness. */
export function makeUid(random: Random): string {
  const hex = `${random.id()}${random.id()}`.padEnd(32, '0').slice(0, 32);
  const variant = ((parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const GENERATED_LENGTH_MAX = 63;

/** A name from generateName: five random characters at the end, as the real server makes them. */
export function generateName(random: Random, base: string): string {
  let suffix = '';
  for (let index = 0; index < 5; index += 1) {
    suffix += SUFFIX_ALPHABET[Math.floor(random.next() * SUFFIX_ALPHABET.length)];
  }
  return `${base.slice(0, GENERATED_LENGTH_MAX - 5)}${suffix}`;
}

type NameForm = { readonly pattern: RegExp; readonly lengthMax: number; readonly message: string };

const SUBDOMAIN: NameForm = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  lengthMax: 253,
  message:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
};

const LABEL: NameForm = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  lengthMax: 63,
  message:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
};

const FORMS: Readonly<Record<string, NameForm>> = { '/Namespace': LABEL, '/Service': LABEL };
const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** What is wrong with a name. */
function checkName(kind: ServedKind, name: string, field = 'metadata.name'): FieldProblem[] {
  if (kind.group === RBAC_GROUP) {
    return /[/%]/.test(name) ? [invalidValue(field, name, "may not contain '/' or '%'")] : [];
  }
  return checkForm(FORMS[kind.storageId] ?? SUBDOMAIN, name, field, kind.storageId === '/Service');
}

/** What is wrong with a DNS label. */
export function checkDnsLabel(name: string, field: string): FieldProblem[] {
  return checkForm(LABEL, name, field);
}

function checkForm(form: NameForm, name: string, field: string, isService = false): FieldProblem[] {
  if (isService && name.includes('.')) return [invalidValue(field, name, 'must not contain dots')];
  const problems: FieldProblem[] = [];
  if (name.length > form.lengthMax) {
    problems.push(invalidValue(field, name, `must be no more than ${form.lengthMax} characters`));
  }
  if (!form.pattern.test(name)) problems.push(invalidValue(field, name, form.message));
  return problems;
}

const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const NAME_PART =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_PART =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const ANNOTATIONS_BYTES_MAX = 256 * 1024;

/** What is wrong with the metadata of an object that is about to be stored. */
export function checkMetadata(kind: ServedKind, meta: ObjectMeta, old: ObjectMeta | null): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (meta.name === '') problems.push(required('metadata.name', 'name or generateName is required'));
  else if (old === null) problems.push(...checkName(kind, meta.name));
  if (meta.labels !== old?.labels) problems.push(...checkLabels(meta.labels, 'metadata.labels'));
  if (meta.annotations !== old?.annotations) problems.push(...checkAnnotations(meta.annotations));
  if (meta.ownerReferences !== old?.ownerReferences) problems.push(...checkOwners(meta));
  if (meta.finalizers !== old?.finalizers) problems.push(...checkFinalizers(kind, meta, old));
  return problems;
}

/** What is wrong with labels. */
export function checkLabels(labels: unknown, field: string): FieldProblem[] {
  if (!isObject(labels)) return [];
  const problems: FieldProblem[] = [];
  for (const [key, value] of Object.entries(labels)) {
    problems.push(...checkQualifiedName(key, field));
    if (typeof value !== 'string') continue;
    if (value.length > 63) problems.push(invalidValue(field, value, 'must be no more than 63 bytes'));
    if (!LABEL_VALUE.test(value)) problems.push(invalidValue(field, value, VALUE_PART));
  }
  return problems;
}

function checkQualifiedName(key: string, field: string): FieldProblem[] {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  if (slash >= 0) {
    const prefix = key.slice(0, slash);
    if (prefix === '') return [invalidValue(field, key, 'prefix part must be non-empty')];
    if (!SUBDOMAIN.pattern.test(prefix)) return [invalidValue(field, key, `prefix part ${SUBDOMAIN.message}`)];
  }
  if (name === '') return [invalidValue(field, key, 'name part must be non-empty')];
  if (name.length > 63) return [invalidValue(field, key, 'name part must be no more than 63 bytes')];
  return QUALIFIED_NAME.test(name) ? [] : [invalidValue(field, key, NAME_PART)];
}

function checkAnnotations(annotations: unknown): FieldProblem[] {
  if (!isObject(annotations)) return [];
  const problems: FieldProblem[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    problems.push(...checkQualifiedName(key.toLowerCase(), 'metadata.annotations'));
    bytes += Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) {
    const message = `Too long: may not be more than ${ANNOTATIONS_BYTES_MAX} bytes`;
    problems.push({ reason: 'FieldValueTooLong', field: 'metadata.annotations', message });
  }
  return problems;
}

function checkOwners(meta: ObjectMeta): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const owners = meta.ownerReferences ?? [];
  const field = 'metadata.ownerReferences';
  for (const owner of owners) {
    if (!owner.apiVersion) problems.push(invalidValue(`${field}.apiVersion`, '', 'version must not be empty'));
    if (!owner.kind) problems.push(invalidValue(`${field}.kind`, '', 'must not be empty'));
    if (!owner.name) problems.push(invalidValue(`${field}.name`, '', 'must not be empty'));
    if (!owner.uid) problems.push(invalidValue(`${field}.uid`, '', 'must not be empty'));
  }
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    const text = controllers.map((owner) => `${owner.kind}/${owner.name}`).join(' and ');
    const detail = `Only one reference can have Controller set to true. Found "true" in references for ${text}`;
    problems.push(invalidValue('metadata.ownerReferences', owners, detail));
  }
  return problems;
}

const PLAIN_FINALIZERS = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

/** True for a finalizer that has no domain and is none of Kubernetes' own. */
export function isPlainFinalizer(name: string): boolean {
  return !name.includes('/') && !PLAIN_FINALIZERS.has(name);
}

function checkFinalizers(kind: ServedKind, meta: ObjectMeta, old: ObjectMeta | null): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const finalizers = meta.finalizers ?? [];
  for (const [index, finalizer] of finalizers.entries()) {
    problems.push(...checkQualifiedName(finalizer, 'metadata.finalizers'));
    const detail = 'name is neither a standard finalizer name nor is it fully qualified';
    if (isPlainFinalizer(finalizer) && !kind.isCustom) {
      problems.push(invalidValue(`metadata.finalizers[${index}]`, finalizer, detail));
    }
  }
  if (old?.deletionTimestamp !== undefined) {
    const known = new Set(old.finalizers ?? []);
    const added = finalizers.filter((finalizer) => !known.has(finalizer));
    if (added.length > 0) {
      const shown = `[]string{${added.map((item) => JSON.stringify(item)).join(', ')}}`;
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`;
      // What an update may not change is looked at twice on the real server.
      problems.push(forbiddenField('metadata.finalizers', detail), forbiddenField('metadata.finalizers', detail));
    }
  }
  return problems;
}

/** The metadata of an object, with members that are not of the right type dropped to what is safe. */
export function readMeta(object: unknown): ObjectMeta {
  const meta = isObject(object) ? object['metadata'] : undefined;
  const members = isObject(meta) ? meta : {};
  return { ...members, name: typeof members['name'] === 'string' ? members['name'] : '' };
}

/** `object` with other metadata. */
export function withMeta(object: KubeObject, meta: ObjectMeta): KubeObject {
  const cleaned: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(meta)) if (value !== undefined) cleaned[key] = value;
  return { ...object, metadata: cleaned as ObjectMeta };
}

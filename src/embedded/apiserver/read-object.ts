// Reads what a client sent as an object of the kind that its path names.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { textAt } from './json.ts';
import { groupVersion } from './served-kind.ts';
import { badRequest, invalid, invalidValue } from './status.ts';
import type { ServedKind } from './types.ts';
import { asObject } from './write.ts';

/** The object, of the kind of the path. Built-in kinds may leave their type out. Throws StatusFailure 400, 422. */
export function asTyped(kind: ServedKind, body: unknown): KubeObject {
  const wanted = groupVersion(kind);
  const [apiVersion, name] = [textAt(body, 'apiVersion'), textAt(body, 'kind')];
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind})`);
  if (kind.isCustom && name === '') {
    const text = JSON.stringify(body);
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): Object 'Kind' is missing in '${text}' (${text})`,
    );
  }
  const isOther = (name !== '' && name !== kind.kind) || (apiVersion !== '' && apiVersion !== wanted);
  if (isOther && kind.isCustom) throw otherCustom(kind, body, apiVersion, name);
  if (isOther) throw otherBuiltIn(kind, apiVersion, name);
  return { ...asObject(body), apiVersion: wanted, kind: kind.kind };
}

function otherCustom(kind: ServedKind, body: unknown, apiVersion: string, name: string): Error {
  const wanted = groupVersion(kind);
  if (apiVersion !== wanted) {
    return badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`,
    );
  }
  const problem = invalidValue('kind', name, `must be ${kind.kind}`);
  return invalid({ group: kind.group, kind: name }, asObject(body).metadata.name, [problem]);
}

function otherBuiltIn(kind: ServedKind, apiVersion: string, name: string): Error {
  const version = (apiVersion === '' ? kind.version : apiVersion).split('/').at(-1) ?? '';
  const head = `${name || kind.kind} in version "${version}" cannot be handled as a ${kind.kind}`;
  const isOtherVersion = apiVersion !== '' && apiVersion !== groupVersion(kind);
  if (!isOtherVersion) return badRequest(`${head}: the object is of another kind`);
  return badRequest(
    `${head}: no kind "${name || kind.kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:111"`,
  );
}

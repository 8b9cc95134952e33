// PATCH: chooses the form by content type and runs it through the write path.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { applyObject } from './apply.ts';
import { toServed, toStored } from './convert.ts';
import type { Engine, WriteContext } from './engine.ts';
import { mediaType, readYaml } from './media.ts';
import { applyJsonPatch, applyMergePatch } from './patch-json.ts';
import type { PatchOutcome } from './patch-outcome.ts';
import { applyStrategicPatch } from './patch-strategic.ts';
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, patchTypes, STRATEGIC_PATCH } from './patch-types.ts';
import { badRequest, plainUnsupported, type StatusFailure, unsupportedMediaType } from './status.ts';
import type { ApiRequest, ServedKind } from './types.ts';
import { asObject, updateObject } from './write.ts';

/** Decodes the body of a PATCH. Throws StatusFailure 400, 415. */
export function readPatchBody(kind: ServedKind, request: ApiRequest): unknown {
  const type = mediaType(request);
  const types = patchTypes(kind);
  // The real server says nothing more when a built-in kind is patched with another type.
  if (!types.includes(type) && !kind.isCustom) throw plainUnsupported();
  if (!types.includes(type)) throw unsupportedMediaType(types);
  if (type === APPLY_PATCH) return readYaml(request.body ?? '');
  try {
    return JSON.parse(request.body ?? '') as unknown;
  } catch {
    throw badRequest('error decoding patch: unexpected end of JSON input');
  }
}

/** True when the request is a server-side apply. */
export function isApply(request: ApiRequest): boolean {
  return mediaType(request) === APPLY_PATCH;
}

/** True when the request is a strategic merge patch. */
export function isStrategic(request: ApiRequest): boolean {
  return mediaType(request) === STRATEGIC_PATCH;
}

/** Patches an object in its stored form. Throws StatusFailure 400, 404, 409, 415, 422. */
export function patchObject(
  engine: Engine,
  context: WriteContext,
  request: ApiRequest,
  isForced: boolean,
): PatchOutcome {
  if (isApply(request)) return applyObject(engine, context, context.body, isForced);
  const type = mediaType(request);
  const object = updateObject(engine, context, (current) => patched(context, type, current));
  return { object, isCreated: false };
}

function patched(context: WriteContext, type: string, current: KubeObject): KubeObject {
  const { kind, body } = context;
  const served = toServed(kind, current);
  const result = asObject(patchDocument(kind, type, served, body));
  if (result.apiVersion !== served.apiVersion || result.kind !== served.kind) {
    throw badRequest(
      `the API version in the data (${result.apiVersion}) does not match the expected API version (${served.apiVersion})`,
    );
  }
  return toStored(kind, result);
}

/** The document after a patch of the given content type. */
export function patchDocument(kind: ServedKind, type: string, document: unknown, body: unknown): unknown {
  if (type === JSON_PATCH) return applyJsonPatch(document, body);
  if (!isObject(body)) throw notAnObject(type, body);
  if (type === MERGE_PATCH) return applyMergePatch(document, body);
  return applyStrategicPatch(kind.schema?.root ?? null, document, body);
}

function notAnObject(type: string, body: unknown): StatusFailure {
  const found = Array.isArray(body) ? 'array' : typeof body;
  const why = `json: cannot unmarshal ${found} into Go value of type map[string]interface {}`;
  return badRequest(type === MERGE_PATCH ? `error decoding patch: ${why}` : why);
}

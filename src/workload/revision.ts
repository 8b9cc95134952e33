// Digests: what makes a revision, and what makes a tracked config the same as before.
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../util/json.ts';
import { canonicalJson, isObject } from '../util/json.ts';
import { fieldOf, objectOf } from './fields.ts';

/** Version of the algorithm below. A new one rebases what is stored and never starts a run. */
export const REVISION_ALGORITHM = 'v1';

/**
 * `v1-<16 hex digits>`: the first 64 bits of SHA-256 over the canonical JSON of the pod template (metadata and spec)
 * and of the digests of the tracked configs. Taken of the live template, raw, with all members, known or not: a field
 * that a user sets changes it whichever version of Kubernetes introduced it. Members that are null count as absent
 * (API servers up to 1.33 send `creationTimestamp: null` in templates, later ones nothing), the order of keys does not
 * matter. A default that a newer API server adds to stored templates does change it; status.observedTarget.generation
 * tells such a change, which moves no generation, from one that a user made.
 */
export function revisionOf(template: JsonObject, digests: Readonly<Record<string, string>>): string {
  const content = {
    template: { metadata: template['metadata'] ?? {}, spec: template['spec'] ?? {} },
    configs: digests,
  };
  return `${REVISION_ALGORITHM}-${hexOf(canonicalJson(dropNulls(content)))}`;
}

/** 16 hex digits over `data` and `binaryData` of a ConfigMap, or `data` of a Secret. Absent and empty are the same. */
export function digestConfig(object: unknown): string {
  return hexOf(canonicalJson({ data: objectOf(object, 'data'), binaryData: objectOf(object, 'binaryData') }));
}

/** The member under which a projected ConfigMap keeps its digest instead of its data. */
export const DIGEST_MEMBER = 'serinDigest';

/** The digest of a config, whether it is whole or projected. */
export function digestOf(object: unknown): string {
  const kept = fieldOf(object, DIGEST_MEMBER);
  return typeof kept === 'string' ? kept : digestConfig(object);
}

/** A copy without members that are null, which to the API server are the same as absent ones. */
export function dropNulls(value: unknown): Json {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (!isObject(value)) return (value ?? null) as Json;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([key, member]) => [key, dropNulls(member)]),
  );
}

function hexOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

// Config tracking: which ConfigMaps and Secrets of a pod template count, and the digests of their content.
import type { Canary } from '../api/types.ts';
import { messageOf } from '../errors.ts';
import type { CallOptions, Kube, KubeObject } from '../kube/contract.ts';
import { CONFIG_MAP, SECRET, refOf } from '../kube/kinds.ts';
import type { JsonObject } from '../util/json.ts';
import type { TrackedConfigs, WorkloadContext, WorkloadSettings } from './contract.ts';
import { fieldOf, textOf } from './fields.ts';
import type { ConfigReference } from './references.ts';
import { referencesOf } from './references.ts';
import { digestOf } from './revision.ts';

/** Annotations by which a user takes a ConfigMap or Secret out of tracking, with a value that begins with `disable`. */
export const TRACKING_ANNOTATIONS = ['flagger.app/config-tracking', 'serin.dev/config-tracking'] as const;

/** Secrets of other types (service account tokens, registry credentials…) belong to the cluster, not to a release. */
const SECRET_TYPES: readonly string[] = [
  '',
  'Opaque',
  'kubernetes.io/basic-auth',
  'kubernetes.io/ssh-auth',
  'kubernetes.io/tls',
];

export const NO_CONFIGS: TrackedConfigs = { digests: {}, missing: null, objects: [] };

/** What is remembered of Secrets between looks, because they are not watched. Losing it costs requests, never truth. */
export interface SecretMemory {
  /** Keys that were read and found not to be tracked. */
  readonly untracked: Set<string>;
  /** Names of copies that were seen to exist; they are immutable. */
  readonly copies: Set<string>;
  /** What is known of `<name>-primary` Secrets, without their data; null for one that does not exist. */
  readonly primaryCopies: Map<string, KubeObject | null>;
}

export const newSecretMemory = (): SecretMemory => ({
  untracked: new Set(),
  copies: new Set(),
  primaryCopies: new Map(),
});

/** During a run copies are looked at again only before a promotion: that they exist costs a request each. */
function forgetSecrets(memory: SecretMemory, isActive: boolean): void {
  memory.untracked.clear();
  memory.primaryCopies.clear();
  if (!isActive) memory.copies.clear();
}

/** What came of one reference: tracked with a digest, not tracked, or a reason why it cannot be read. */
type Answer =
  | { readonly kind: 'tracked'; readonly digest: string; readonly object: KubeObject | null }
  | { readonly kind: 'untracked' }
  | { readonly kind: 'missing'; readonly why: string };

/**
 * Reads what the template refers to. ConfigMaps come from the watch cache. Secrets are read live when the context says
 * so or when nothing is known of one; otherwise the known digest is taken. What cannot be read is `missing`, never
 * "unchanged"; an error does not end the look, because a rollback must not wait for a Secret.
 */
export async function trackConfigs(
  kube: Kube,
  settings: WorkloadSettings,
  canary: Canary,
  template: JsonObject,
  context: Pick<WorkloadContext, 'shouldReadSecrets' | 'knownDigests' | 'isActive'>,
  memory: SecretMemory,
  options?: CallOptions,
): Promise<TrackedConfigs> {
  if (!settings.isConfigTrackingOn) return NO_CONFIGS;
  if (context.shouldReadSecrets) forgetSecrets(memory, context.isActive);
  const references = referencesOf(template).filter(
    (reference) => reference.kind === 'configmap' || canary.secretTracking !== 'off',
  );
  const namespace = canary.identity.namespace;
  const answers = await Promise.all(
    references.map(async (reference): Promise<Answer> => {
      try {
        return reference.kind === 'configmap'
          ? judgeConfigMap(reference, await kube.cache.read(refOf(CONFIG_MAP, namespace, reference.name), options))
          : await answerSecret(kube, namespace, reference, context, memory, options);
      } catch (error) {
        if (options?.signal?.aborted === true) throw error;
        return { kind: 'missing', why: `cannot be read: ${messageOf(error)}` };
      }
    }),
  );
  return gather(references, answers);
}

function gather(references: readonly ConfigReference[], answers: readonly Answer[]): TrackedConfigs {
  const digests: Record<string, string> = {};
  const objects: KubeObject[] = [];
  let missing: string | null = null;
  for (const [index, answer] of answers.entries()) {
    const key = references[index]!.key;
    if (answer.kind === 'missing') missing ??= `${key} ${answer.why}`;
    if (answer.kind !== 'tracked') continue;
    digests[key] = answer.digest;
    if (answer.object !== null) objects.push(answer.object);
  }
  return { digests, missing, objects };
}

async function answerSecret(
  kube: Kube,
  namespace: string,
  reference: ConfigReference,
  context: Pick<WorkloadContext, 'shouldReadSecrets' | 'knownDigests'>,
  memory: SecretMemory,
  options?: CallOptions,
): Promise<Answer> {
  const { key } = reference;
  if (!context.shouldReadSecrets) {
    const known = Object.hasOwn(context.knownDigests, key) ? context.knownDigests[key] : undefined;
    if (known !== undefined) return { kind: 'tracked', digest: known, object: null };
    if (memory.untracked.has(key)) return { kind: 'untracked' };
  }
  const object = await kube.client.get(refOf(SECRET, namespace, reference.name), options);
  if (object === null) {
    if (reference.isOptional) memory.untracked.add(key);
    return absent(reference);
  }
  if (isOptedOut(object) || !SECRET_TYPES.includes(textOf(object, 'type'))) {
    memory.untracked.add(key);
    return { kind: 'untracked' };
  }
  return { kind: 'tracked', digest: digestOf(object), object };
}

function judgeConfigMap(reference: ConfigReference, object: KubeObject | null): Answer {
  if (object === null) return absent(reference);
  if (isOptedOut(object)) return { kind: 'untracked' };
  return { kind: 'tracked', digest: digestOf(object), object };
}

function absent(reference: ConfigReference): Answer {
  return reference.isOptional ? { kind: 'untracked' } : { kind: 'missing', why: 'does not exist' };
}

function isOptedOut(object: KubeObject): boolean {
  return TRACKING_ANNOTATIONS.some((key) => textOf(object, 'metadata', 'annotations', key).startsWith('disable'));
}

/** True when the object holds its content, not only the digest that a projection keeps. */
export function hasContent(object: KubeObject): boolean {
  return fieldOf(object, 'serinDigest') === undefined;
}

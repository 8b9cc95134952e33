// The members of built-in objects that the actors read and write, with the API's defaults filled in.
import { createHash } from 'node:crypto';
import type { KubeObject, OwnerReference } from '../../kube/contract.ts';
import { canonicalJson } from '../../util/json.ts';

/** A condition of a built-in status. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly lastUpdateTime?: string;
}

/** A port of a container. */
export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly ports?: readonly ContainerPort[];
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly containers: readonly Container[];
  readonly [member: string]: unknown;
}

export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}

export interface PodView extends KubeObject {
  spec: PodSpec;
  status?: { phase?: string; podIP?: string; conditions?: readonly Condition[] };
}

export interface ReplicaSetView extends KubeObject {
  spec: {
    replicas?: number;
    minReadySeconds?: number;
    selector: { matchLabels: Record<string, string> };
    template: PodTemplate;
  };
  status?: {
    replicas?: number;
    fullyLabeledReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    observedGeneration?: number;
  };
}

export interface DeploymentView extends KubeObject {
  spec: {
    replicas?: number;
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
    progressDeadlineSeconds?: number;
    paused?: boolean;
    selector: { matchLabels: Record<string, string> };
    strategy?: { type?: string; rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string } };
    template: PodTemplate;
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    conditions?: readonly Condition[];
  };
}

export const asPod = (object: KubeObject): PodView => object as PodView;
export const asReplicaSet = (object: KubeObject): ReplicaSetView => object as ReplicaSetView;
export const asDeployment = (object: KubeObject): DeploymentView => object as DeploymentView;

/** The characters that Kubernetes uses in generated names: no vowels, so no words. */
const SAFE_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` safe characters that depend only on `text`. */
export function hashOf(text: string, length: number): string {
  const digest = createHash('sha256').update(text).digest();
  return Array.from({ length }, (_, index) => SAFE_CHARACTERS[(digest[index] ?? 0) % SAFE_CHARACTERS.length]).join('');
}

/** The value of the label pod-template-hash for a template. */
export const templateHashOf = (template: PodTemplate): string => hashOf(canonicalJson(template), 10);

/** An instant as the API server writes it: whole seconds. */
export const timeText = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');

/** A time of the API in milliseconds; 0 when there is none. */
export const timeOf = (text: string | undefined): number => (text === undefined ? 0 : Date.parse(text));

/** `namespace/name` of an object. */
export const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

/** Namespace and name of a key. */
export function splitKey(key: string): [string, string] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}

/** The reference by which `owner` controls an object. */
export function controlledBy(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** A number or a percentage of `total`, rounded up or down as the field demands. */
export function intOrPercent(value: number | string, total: number, isRoundedUp: boolean): number {
  if (typeof value === 'number') return value;
  const share = (Number.parseFloat(value) / 100) * total;
  return isRoundedUp ? Math.ceil(share) : Math.floor(share);
}

/** Whether a pod is ready, and since when. */
export function readySince(pod: KubeObject): number | null {
  const ready = asPod(pod).status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? timeOf(ready.lastTransitionTime) : null;
}

/** True for a pod that counts: neither ended nor being deleted. */
export function isActivePod(pod: KubeObject): boolean {
  const phase = asPod(pod).status?.phase;
  return pod.metadata.deletionTimestamp === undefined && phase !== 'Succeeded' && phase !== 'Failed';
}

/** True when every label of `selector` is on the object; an empty selector selects nothing. */
export function isSelected(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** The object without the members whose value is undefined or zero, as Go's omitempty writes counts. */
export function withoutZeros<T extends Record<string, unknown>>(status: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(status).filter(([, value]) => value !== undefined && value !== 0),
  ) as Partial<T>;
}

// Builds the primary Deployment from a pinned revision and the target: pure, and every rewrite of the template is in one list.
import type { Canary } from '../api/types.ts';
import type { KubeObject } from '../kube/contract.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { copyJson, isObject, sameJson } from '../util/json.ts';
import type { PinnedRevision } from './contract.ts';
import { fieldOf, listOf, objectOf, textsOf } from './fields.ts';
import { REVISION_ANNOTATION, copiedKeys, ownerOf, primaryNameOf, withPrimary } from './names.ts';
import { renameReferences } from './references.ts';
import { dropNulls } from './revision.ts';
import type { PodLabel } from './selector.ts';

/** What the build depends on besides the pinned revision. */
export interface PrimaryContext {
  readonly canary: Canary;
  readonly label: PodLabel;
  /** Keys that count as pod labels in affinity and spread rules. */
  readonly selectorLabels: readonly string[];
  readonly includeLabelPrefixes: readonly string[];
  /** By `configmap/<name>` or `secret/<name>`: what the primary mounts instead. */
  readonly configNames: Readonly<Record<string, string>>;
}

/** Members of a Deployment's spec that are the primary's own; all others, known or not, are the target's. */
const OWN_MEMBERS: readonly string[] = ['replicas', 'selector', 'template', 'paused'];

/** Flagger's marker of a restart, on templates of primaries that it made. */
const FLAGGER_ID = 'flagger-id';

/**
 * The primary's pod template: the canary's, member for member, except that (1) the selector label has the primary's
 * value, (2) tracked configs go by the names of their copies, (3) anti-affinity and topology spread rules that meant the
 * target's pods mean the primary's, (4) the annotation serin.dev/revision names the revision. (4) is in the template so
 * that a promotion rolls the pods even when only the content behind an unchanged config name is new (group flagger.app
 * mounts `<name>-primary`); it takes the part of Flagger's random flagger-id, without restarting pods when repeated.
 */
export function buildTemplate(pinned: PinnedRevision, context: PrimaryContext): JsonObject {
  const template = renameReferences(pinned.template, context.configNames) as Record<string, Json>;
  const metadata = objectOf(template, 'metadata') as JsonObject;
  const { [FLAGGER_ID]: _, ...annotations } = textsOf(metadata, 'annotations');
  rewriteSpread(template, context);
  return {
    ...template,
    metadata: {
      ...metadata,
      labels: { ...textsOf(metadata, 'labels'), [context.label.label]: context.label.primaryValue },
      annotations: { ...annotations, [REVISION_ANNOTATION]: pinned.revision },
    },
  };
}

/** The members of spec that follow the target: strategy, minReadySeconds, revisionHistoryLimit, progressDeadlineSeconds and what later versions add. */
export function followedMembers(target: KubeObject | null): JsonObject {
  const entries = Object.entries(objectOf(target, 'spec')).filter(([member]) => !OWN_MEMBERS.includes(member));
  return Object.fromEntries(entries) as JsonObject;
}

/** Labels and annotations of the Deployment itself. */
export function primaryMetadata(
  target: KubeObject | null,
  revision: string,
  context: PrimaryContext,
): { labels: Record<string, string>; annotations: Record<string, string> } {
  const prefixes = context.includeLabelPrefixes;
  return {
    labels: {
      ...copiedKeys(target?.metadata.labels ?? {}, prefixes),
      [context.label.label]: context.label.primaryValue,
    },
    annotations: { ...copiedKeys(target?.metadata.annotations ?? {}, prefixes), [REVISION_ANNOTATION]: revision },
  };
}

/** The whole Deployment, for its creation. */
export function buildPrimary(
  pinned: PinnedRevision,
  target: KubeObject | null,
  replicas: number,
  context: PrimaryContext,
): KubeObject {
  const { canary, label } = context;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: primaryNameOf(canary),
      namespace: canary.identity.namespace,
      ...primaryMetadata(target, pinned.revision, context),
      ownerReferences: [ownerOf(canary, true)],
    },
    spec: {
      ...copyJson(followedMembers(target)),
      replicas,
      selector: { matchLabels: { [label.label]: label.primaryValue } },
      template: buildTemplate(pinned, context),
    },
  };
}

/**
 * True when a primary without our annotation (one that Flagger made) runs exactly this content: its template is the one
 * we would write, the marks of both controllers apart, with Flagger's names for tracked configs. Whether the configs
 * hold the same data is for the caller to compare.
 */
export function runsTemplate(primary: KubeObject, pinned: PinnedRevision, context: PrimaryContext): boolean {
  return sameJson(withoutMarks(objectOf(primary, 'spec', 'template')), withoutMarks(buildTemplate(pinned, context)));
}

function withoutMarks(template: unknown): Json {
  const copy = dropNulls(template) as Record<string, Json>;
  const { [FLAGGER_ID]: _, [REVISION_ANNOTATION]: __, ...annotations } = textsOf(copy, 'metadata', 'annotations');
  return { ...copy, metadata: { ...(objectOf(copy, 'metadata') as JsonObject), annotations } };
}

/** Names in `template` that meant the target's pods get the primary's value, in place. */
function rewriteSpread(template: unknown, context: PrimaryContext): void {
  const spec = objectOf(template, 'spec');
  const antiAffinity = objectOf(spec, 'affinity', 'podAntiAffinity');
  for (const term of listOf(antiAffinity, 'requiredDuringSchedulingIgnoredDuringExecution'))
    rewriteSelector(term['labelSelector'], context);
  for (const weighted of listOf(antiAffinity, 'preferredDuringSchedulingIgnoredDuringExecution')) {
    rewriteSelector(fieldOf(weighted, 'podAffinityTerm', 'labelSelector'), context);
  }
  for (const constraint of listOf(spec, 'topologySpreadConstraints'))
    rewriteSelector(constraint['labelSelector'], context);
}

function rewriteSelector(selector: unknown, context: PrimaryContext): void {
  if (!isObject(selector)) return;
  const labels = selector['matchLabels'];
  if (isObject(labels))
    for (const [key, value] of Object.entries(labels)) labels[key] = rewriteValue(key, value, context);
  for (const expression of listOf(selector, 'matchExpressions')) {
    const { key, values } = expression;
    if (typeof key === 'string' && Array.isArray(values))
      expression['values'] = values.map((value) => rewriteValue(key, value, context));
  }
}

/** The value of our pod label; and, as Flagger has it, the target's name under any label that can be a selector label. */
function rewriteValue(key: string, value: unknown, context: PrimaryContext): unknown {
  const { label, selectorLabels, canary } = context;
  if (key === label.label && value === label.targetValue) return label.primaryValue;
  if (selectorLabels.includes(key) && value === canary.targetRef.name) return withPrimary(canary.targetRef.name);
  return value;
}

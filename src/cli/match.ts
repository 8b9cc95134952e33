// Which revision is meant: matches what a pipeline knows of its release with what runs or ran.
import { fieldOf, listOf, textOf, textsOf } from '../workload/fields.ts';
import { revisionOf } from '../workload/revision.ts';
import type { JsonObject } from '../util/json.ts';
import type { KubeObject } from '../kube/contract.ts';

/** The release that a step waits for. `template` is a pod template as it is now, whatever configs go with it. */
export type Wanted =
  | { readonly kind: 'image'; readonly image: string }
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'revision'; readonly revision: string }
  | { readonly kind: 'template'; readonly digest: string };

/** What is remembered of a run. */
export interface RunFacts {
  readonly revision: string;
  readonly version: string;
  readonly images: readonly string[];
}

/** What is known of the target as it is now. */
export interface TargetFacts extends RunFacts {
  /** Digest of the pod template alone. */
  readonly template: string;
  /** Everything that counts as its version: labels, image tags, VERSION in the environment. */
  readonly versions: readonly string[];
  /** Values of the labels `chart` and `helm.sh/chart`, which end with the version. */
  readonly charts: readonly string[];
}

const VERSION_LABEL = 'app.kubernetes.io/version';
const CHART_LABELS = ['chart', 'helm.sh/chart'];

/** Reads a Deployment. `trackedConfigs` are the digests that the controller last wrote down: with them the revision is the controller's own. */
export function factsOfTarget(deployment: KubeObject, trackedConfigs: Readonly<Record<string, string>>): TargetFacts {
  const template = (fieldOf(deployment, 'spec', 'template') ?? {}) as JsonObject;
  const containers = [...listOf(template, 'spec', 'containers'), ...listOf(template, 'spec', 'initContainers')];
  const images = listOf(template, 'spec', 'containers').map((container) => textOf(container, 'image'));
  const labels = { ...textsOf(deployment, 'metadata', 'labels'), ...textsOf(template, 'metadata', 'labels') };
  const variables = containers
    .flatMap((container) => listOf(container, 'env'))
    .filter((variable) => variable['name'] === 'VERSION')
    .map((variable) => textOf(variable, 'value'));
  const tags = images.map((image) => parseImage(image).tag ?? '');
  const label = labels[VERSION_LABEL] ?? '';
  return {
    revision: revisionOf(template, trackedConfigs),
    template: revisionOf(template, {}),
    version: label === '' ? (tags[0] ?? '') : label,
    images,
    versions: [label, ...tags, ...variables].filter((version) => version !== ''),
    charts: CHART_LABELS.map((name) => labels[name] ?? '').filter((chart) => chart !== ''),
  };
}

/** True when the target as it is now is the release that is wanted. */
export function isTargetWanted(wanted: Wanted, target: TargetFacts): boolean {
  switch (wanted.kind) {
    case 'template':
      return target.template === wanted.digest;
    case 'revision':
      return target.revision === wanted.revision;
    case 'image':
      return target.images.some((image) => isSameImage(image, wanted.image));
    case 'version':
      return (
        target.versions.some((version) => isSameVersion(version, wanted.version)) ||
        target.charts.some((chart) => isChartOf(chart, wanted.version))
      );
  }
}

/** True when a run was about the release that is wanted, as far as its record tells. */
export function isRunWanted(wanted: Wanted, run: RunFacts): boolean {
  switch (wanted.kind) {
    case 'template':
      return false;
    case 'revision':
      return run.revision === wanted.revision;
    case 'image':
      return run.images.some((image) => isSameImage(image, wanted.image));
    case 'version':
      return [run.version, ...run.images.map((image) => parseImage(image).tag ?? '')].some((version) =>
        isSameVersion(version, wanted.version),
      );
  }
}

/** What is waited for, in words. */
export function describeWanted(wanted: Wanted): string {
  switch (wanted.kind) {
    case 'image':
      return `image ${wanted.image}`;
    case 'version':
      return `version ${wanted.version}`;
    case 'revision':
      return `revision ${wanted.revision}`;
    case 'template':
      return 'the revision that the target has now';
  }
}

/** Labels and tags cannot hold a plus sign; Helm writes an underscore for it. */
function isSameVersion(seen: string, wanted: string): boolean {
  return seen !== '' && (seen === wanted || seen === wanted.replaceAll('+', '_'));
}

function isChartOf(chart: string, version: string): boolean {
  return [version, version.replaceAll('+', '_')].some(
    (one) => chart.length > one.length + 1 && chart.endsWith(`-${one}`),
  );
}

/** An image reference in its parts. */
export interface ImageParts {
  /** Without the registry and folder that Docker adds by itself. */
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: string | null;
}

/** Takes an image reference apart: `[registry[:port]/]repository[:tag][@digest]`. */
export function parseImage(image: string): ImageParts {
  const [name = '', digest = null] = image.split('@', 2);
  const tag = /:([\w][\w.-]{0,127})$/.exec(name)?.[1] ?? null;
  const repository = tag === null ? name : name.slice(0, -tag.length - 1);
  return { repository: repository.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, ''), tag, digest };
}

/** True when both name one image. A digest counts where both have one; without a tag and a digest the tag is `latest`. */
export function isSameImage(seen: string, wanted: string): boolean {
  const a = parseImage(seen);
  const b = parseImage(wanted);
  if (a.repository !== b.repository || a.repository === '') return false;
  if (a.digest !== null && b.digest !== null) return a.digest === b.digest;
  const tagOf = (parts: ImageParts): string | null => parts.tag ?? (parts.digest === null ? 'latest' : null);
  return tagOf(a) !== null && tagOf(a) === tagOf(b);
}

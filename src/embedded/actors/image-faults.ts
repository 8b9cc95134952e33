// Faults that a pod is asked for by the tag of its image, the same for pods that are real and for those that are not.

/** What is wrong with a pod's container. */
export interface ImageFaults {
  /** The tag, as version; `latest` without one. */
  readonly version: string;
  /** Share of requests answered with `status`, 0 to 1. */
  readonly failure: { readonly status: number; readonly share: number } | null;
  /** Added to each answer. */
  readonly latencyMs: number;
  /** Added before the pod is ready. */
  readonly startDelayMs: number;
  /** The container ends soon after each start. */
  readonly isCrashing: boolean;
  /** The image cannot be pulled. */
  readonly isMissing: boolean;
}

const LATENCY_DEFAULT_MS = 800;
const START_DELAY_DEFAULT_MS = 10_000;

/**
 * Reads the faults off an image name: `app:slow`, `app:slow@900ms`, `app:500@20%`, `app:slow-start`,
 * `app:slow-start@5s`, `app:crashloop`, `app:imagepull`; several after a version, joined by `_`: `app:1.2.0_slow_500@5%`.
 */
export function readImageFaults(image: string): ImageFaults {
  const version = tagOf(image);
  let faults: ImageFaults = {
    version,
    failure: null,
    latencyMs: 0,
    startDelayMs: 0,
    isCrashing: false,
    isMissing: false,
  };
  for (const word of version.split('_')) faults = { ...faults, ...faultOf(word) };
  return faults;
}

function faultOf(word: string): Partial<ImageFaults> {
  const [name = '', amount = ''] = word.split('@');
  if (/^[1-5]\d\d$/.test(name) && amount.endsWith('%')) {
    return { failure: { status: Number(name), share: Number.parseFloat(amount) / 100 } };
  }
  switch (name) {
    case 'slow':
      return { latencyMs: amount === '' ? LATENCY_DEFAULT_MS : durationOf(amount) };
    case 'slow-start':
      return { startDelayMs: amount === '' ? START_DELAY_DEFAULT_MS : durationOf(amount) };
    case 'crashloop':
      return { isCrashing: true };
    case 'imagepull':
      return { isMissing: true };
    default:
      return {};
  }
}

function durationOf(text: string): number {
  return text.endsWith('ms') ? Number.parseFloat(text) : Number.parseFloat(text) * 1000;
}

function tagOf(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  // A digest is no tag: `app@sha256:…`; but `app:500@20%` is one.
  const plain = name.replace(/@sha256:[0-9a-f]+$/, '');
  const colon = plain.indexOf(':');
  return colon < 0 ? 'latest' : plain.slice(colon + 1);
}

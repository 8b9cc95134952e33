// The scenarios: what the cluster holds at the start, what people do, how metrics answer, and how it must end.
import type { KubeObject } from '../../src/kube/contract.ts';
import type { MetricAnswer } from './outgoing.ts';

/** Something that people or the cluster do at a moment. */
export interface Happening {
  /** Milliseconds after the Canary was first Initialized. */
  readonly atMs: number;
  readonly what: 'image' | 'delete' | 'delete-primary' | 'move-weight';
  readonly value?: string;
}

export interface Scenario {
  readonly name: string;
  /** An existing VirtualService of the user's is there, with routes of his own. */
  readonly hasForeignRoute: boolean;
  readonly happenings: readonly Happening[];
  /** The answer of the success-rate query while the target runs this image. */
  metric(image: string, random: () => number): MetricAnswer;
  /** Status.phase in the end, and the image that the primary must run then. */
  readonly end: { readonly phase: string; readonly primaryImage: string } | null;
}

/** Images whose name says bad answer with errors. */
export const isBad = (image: string): boolean => image.includes('bad');

const value = (text: string): MetricAnswer => ({ kind: 'value', text });
const byImage = (image: string): MetricAnswer => value(isBad(image) ? '50' : '100');

export const PROMOTE: Scenario = {
  name: 'promote',
  hasForeignRoute: true,
  happenings: [{ atMs: 5_000, what: 'image', value: 'app:2-good' }],
  metric: byImage,
  end: { phase: 'Succeeded', primaryImage: 'app:2-good' },
};

export const ROLL_BACK: Scenario = {
  name: 'roll-back',
  hasForeignRoute: false,
  happenings: [{ atMs: 5_000, what: 'image', value: 'app:2-bad' }],
  metric: byImage,
  end: { phase: 'Failed', primaryImage: 'app:1' },
};

/** A scenario drawn from a seed: revisions good and bad at random moments, sometimes back to the first, and moody metrics. */
export function drawScenario(random: () => number): Scenario {
  const count = 1 + Math.floor(random() * 3);
  const happenings: Happening[] = [];
  let atMs = 3_000;
  for (let i = 0; i < count; i += 1) {
    atMs += random() * 60_000;
    const draw = random();
    const image = draw < 0.15 ? 'app:1' : `app:${i + 2}-${draw < 0.55 ? 'good' : 'bad'}`;
    happenings.push({ atMs, what: 'image', value: image });
  }
  if (random() < 0.2) happenings.push({ atMs: random() * 120_000, what: 'delete-primary' });
  if (random() < 0.2) happenings.push({ atMs: random() * 120_000, what: 'move-weight' });
  if (random() < 0.1) happenings.push({ atMs: atMs + random() * 60_000, what: 'delete' });
  const mood = random();
  return {
    name: 'drawn',
    hasForeignRoute: random() < 0.5,
    happenings,
    metric(image, next) {
      const draw = next();
      if (mood < 0.3 && draw < 0.1) return value('NaN');
      if (mood < 0.3 && draw < 0.2) return { kind: 'none' };
      if (mood < 0.3 && draw < 0.3) return { kind: 'down' };
      return byImage(image);
    },
    end: null,
  };
}

/** A scenario whose metric is NaN for a bad revision: it must never be promoted. */
export const NAN: Scenario = {
  ...ROLL_BACK,
  name: 'nan',
  metric: (image) => value(isBad(image) ? 'NaN' : '100'),
};

/** A newer, good revision replaces a bad one while that is judged: the old verdict must not count for the new revision, nor the other way round. */
export const SUPERSEDE: Scenario = {
  name: 'supersede',
  hasForeignRoute: false,
  happenings: [
    { atMs: 5_000, what: 'image', value: 'app:2-good' },
    { atMs: 40_000, what: 'image', value: 'app:3-bad' },
  ],
  metric: byImage,
  end: null,
};

const KUSTOMIZE = { 'example.com/owner': 'platform' };

/** The VirtualService that the user wrote, with a route of his own that must never change. */
export function foreignVirtualService(): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'shop', namespace: 'web', annotations: { ...KUSTOMIZE } },
    spec: {
      hosts: ['shop.example.com'],
      gateways: ['public/gw'],
      http: [
        {
          name: 'admin',
          match: [{ uri: { prefix: '/admin' } }],
          route: [{ destination: { host: 'admin', port: { number: 9000 } }, weight: 100 }],
        },
        { name: 'shop', timeout: '7s', route: [{ destination: { host: 'shop' } }] },
      ],
    },
  };
}

export function targetDeployment(image: string): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', namespace: 'web' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'shop' } },
      template: {
        metadata: { labels: { app: 'shop' } },
        spec: { containers: [{ name: 'app', image, ports: [{ containerPort: 8080 }], 'x-future': { kept: true } }] },
      },
    },
  };
}

export function canaryObject(group = 'serin.dev'): KubeObject {
  return {
    apiVersion: `${group}/v1beta1`,
    kind: 'Canary',
    metadata: { name: 'shop', namespace: 'web' },
    spec: {
      provider: 'istio',
      metricsServer: 'http://prometheus.sim:9090',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
      service: { port: 80, targetPort: 8080 },
      progressDeadlineSeconds: 120,
      analysis: {
        interval: '10s',
        threshold: 3,
        stepWeight: 20,
        maxWeight: 60,
        metrics: [{ name: 'request-success-rate', interval: '30s', thresholdRange: { min: 99 } }],
        webhooks: [{ name: 'tell', type: 'event', url: 'http://sink.sim/' }],
      },
    },
  };
}

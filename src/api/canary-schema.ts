// The schema of the kind Canary: source of its types, its CRD and its reference page.
import type { z } from 'zod';
import { analysisSchema } from './analysis-schema.ts';
import { FLAGGER_PROVIDER_NAMES, OWN_PROVIDER_NAMES } from './provider-names.ts';
import { choice, flag, map, object, objectRef, text, URL_MAX, whole, type CelRule } from './schema-kit.ts';
import { serviceSchema } from './service-schema.ts';

const apexOf = (self: string): string =>
  `(has(${self}.service) && has(${self}.service.name) && ${self}.service.name != '' ? ${self}.service.name : ${self}.targetRef.name)`;

const RULES: readonly CelRule[] = [
  {
    rule: 'self.targetRef == oldSelf.targetRef',
    message: 'cannot be changed; create another Canary instead',
    fieldPath: '.targetRef',
  },
  {
    rule: `${apexOf('self')} == ${apexOf('oldSelf')}`,
    message: 'service.name cannot be changed; create another Canary instead',
    fieldPath: '.service',
  },
];

const autoscalerRef = objectRef('The autoscaler of the target; the primary gets a copy of it.', [
  'HorizontalPodAutoscaler',
  'ScaledObject',
]).extend({
  primaryScalerQueries: map('ScaledObject: query of each trigger for the primary.', text('A query.', 4096)).optional(),
  primaryScalerReplicas: object('Replicas of the copy, where they differ.', {
    minReplicas: whole('Fewest replicas of the primary.', { min: 1 }).optional(),
    maxReplicas: whole('Most replicas of the primary.', { min: 1 }).optional(),
  }).optional(),
});

/** spec of a Canary. */
export const canarySpecSchema = object(
  'What to deliver, how to judge it, and how it is reached.',
  {
    provider: text(
      'Mesh or ingress that shifts the traffic; the one of the controller (--mesh-provider) when unset.',
      63,
      {
        byGroup: { 'serin.dev': { enum: OWN_PROVIDER_NAMES }, 'flagger.app': { enum: FLAGGER_PROVIDER_NAMES } },
      },
    ).optional(),
    metricsServer: text(
      'Where built-in checks and inline queries are asked: URL of a Prometheus, or scrape for the proxies themselves; the one of the controller (--metrics-server) when unset.',
      URL_MAX,
    ).optional(),
    targetRef: objectRef('The workload that is delivered. Cannot be changed later.', [
      'DaemonSet',
      'Deployment',
      'Service',
      'StatefulSet',
    ]),
    autoscalerRef: autoscalerRef
      .meta({ description: 'The autoscaler of the target; the primary gets a copy of it.' })
      .optional(),
    ingressRef: objectRef('NGINX, Skipper: the Ingress of the workload. Comes in a later release.', [
      'Ingress',
    ]).optional(),
    routeRef: objectRef('APISIX: the route of the workload. Comes in a later release.', ['ApisixRoute']).optional(),
    upstreamRef: objectRef('Gloo: the Upstream whose settings are copied. Comes in a later release.', ['Upstream'])
      .extend({ namespace: text('Namespace of the Upstream.', 63).optional() })
      .meta({ description: 'Gloo: the Upstream whose settings are copied. Comes in a later release.' })
      .optional(),
    service: serviceSchema.optional(),
    analysis: analysisSchema,
    progressDeadlineSeconds: whole(
      'Seconds within which a workload must become ready before the run is rolled back.',
      { min: 1 },
      { preset: 600 },
    ).optional(),
    skipAnalysis: flag('Promotes a new revision as soon as it is ready, without checks or traffic steps.', {
      preset: false,
    }).optional(),
    revertOnDeletion: flag(
      'Restores adopted routes and Services to what they were when the Canary is deleted. Capacity is handed back to the target in any case.',
      { preset: false },
    ).optional(),
    suspend: flag('Stops all work on this Canary; traffic stays where it is.', { preset: false }).optional(),
    configTracking: object('serin: how ConfigMaps and Secrets of the target are followed.', {
      secrets: choice(
        'poll reads tracked Secrets every five minutes while idle; off follows ConfigMaps only.',
        ['poll', 'off'],
        { preset: 'poll' },
      ).optional(),
    }).optional(),
  },
  { rules: RULES },
);

/** spec of a Canary as users write it. */
export type CanarySpecInput = z.input<typeof canarySpecSchema>;

// The schema of spec.analysis: steps, checks, webhooks and alerts of a run.
import { HOOK_TYPES } from '../core/policy.ts';
import {
  choice,
  decimal,
  duration,
  flag,
  list,
  map,
  object,
  stringMatch,
  text,
  TEXT_MAX,
  URL_MAX,
  whole,
  type FieldNotes,
} from './schema-kit.ts';

/** Bounds that serin.dev holds its Canaries to and Flagger does not. */
const own = (schema: { minimum?: number; maximum?: number }): FieldNotes => ({ byGroup: { 'serin.dev': schema } });
const percent = own({ minimum: 1, maximum: 100 });

/** Names are unique in serin.dev, so that server-side apply merges by name; Flagger's users may have duplicates. */
const keyedByName: FieldNotes = {
  byGroup: { 'serin.dev': { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] } },
};

const headerCondition = object(
  'How the header must match.',
  {
    exact: text('The whole value, letter for letter.', 1024).optional(),
    prefix: text('How the value begins.', 1024).optional(),
    suffix: text('How the value ends.', 1024).optional(),
    regex: text('RE2 expression that the whole value must match.', 1024).optional(),
  },
  { kube: { minProperties: 1, maxProperties: 1 } },
);

const abMatch = object('One set of conditions; all of them must hold.', {
  headers: map('Request headers by name.', headerCondition).optional(),
  queryParams: map('Query parameters by name.', stringMatch('How the parameter must match.')).optional(),
  sourceLabels: map('Labels of the calling workload.', text('Value of the label.')).optional(),
});

const metric = object('One check.', {
  name: text(
    'Name of the check. request-success-rate (percent) and request-duration (milliseconds, 99th percentile) are built in.',
    253,
    {
      byGroup: { 'serin.dev': { minLength: 1 } },
    },
  ),
  interval: duration('Window that the value covers.', { preset: '1m' }).optional(),
  thresholdRange: object('Bounds of the value; a value on a bound passes.', {
    min: decimal('Smallest value that passes.').optional(),
    max: decimal('Largest value that passes.').optional(),
  }).optional(),
  threshold: decimal(
    'Older form of thresholdRange, read when that is unset: the smallest value for request-success-rate, the largest for every other check.',
  ).optional(),
  query: text('PromQL asked of the metrics server; older than templateRef.', TEXT_MAX).optional(),
  templateRef: object('The MetricTemplate that holds the query.', {
    name: text('Name of the MetricTemplate.'),
    namespace: text(
      'Its namespace; that of the Canary when unset. Another one must grant it with the annotation serin.dev/allow-from.',
      63,
    ).optional(),
  }).optional(),
  templateVariables: map('Variables of the template.', text('Value of the variable.', TEXT_MAX)).optional(),
});

const webhook = object('One webhook.', {
  name: text('Name of the webhook, for messages.', 253, { byGroup: { 'serin.dev': { minLength: 1 } } }),
  type: choice('When it is called; rollout when unset or empty.', ['', ...HOOK_TYPES], {
    preset: 'rollout',
  }).optional(),
  url: text('Where it is called, http or https.', URL_MAX),
  timeout: duration('How long one attempt may take.', { preset: '10s' }).optional(),
  retries: whole(
    'Extra attempts after a connection error, 429 or 5xx.',
    { min: 0 },
    { preset: 0, ...own({ maximum: 10 }) },
  ).optional(),
  disableTLS: flag('Does not verify the certificate of the server.').optional(),
  muteAlert: flag('Sends no alert while this gate is closed.').optional(),
  metadata: map('Sent along in the body.', text('Value.', TEXT_MAX)).optional(),
});

const alert = object('One alert.', {
  name: text('Name of the alert, for messages.', 253, { byGroup: { 'serin.dev': { minLength: 1 } } }),
  severity: choice(
    'Least severity that is sent; info, which sends all, when unset or empty.',
    ['', 'info', 'warn', 'error'],
    { preset: 'info' },
  ).optional(),
  providerRef: object('The AlertProvider that sends it.', {
    name: text('Name of the AlertProvider.'),
    namespace: text(
      'Its namespace; that of the Canary when unset. Another one must grant it with the annotation serin.dev/allow-from.',
      63,
    ).optional(),
  }),
});

const sessionAffinity = object('Keeps a user on the revision first seen, by a cookie. Comes in a later release.', {
  cookieName: text('Name of the cookie of the canary.'),
  primaryCookieName: text('Name of the cookie of the primary; must differ from cookieName.').optional(),
  maxAge: whole('Lifetime of the cookie in seconds.', { min: 0 }, { kube: { default: 86_400 } }).optional(),
  domain: text('Host to which the cookie is sent.').optional(),
  path: text('Path to which the cookie is sent.', 1024).optional(),
  httpOnly: flag('Hides the cookie from scripts.').optional(),
  partitioned: flag('Keeps the cookie apart for each top-level site.').optional(),
  sameSite: choice('Whether the cookie goes with requests from other sites.', ['Strict', 'Lax', 'None']).optional(),
  secure: flag('Sends the cookie over https only.').optional(),
});

const countOf = (field: string): string => `(has(self.${field}) ? 1 : 0)`;

/** spec.analysis. */
export const analysisSchema = object(
  'How a new revision is judged. Exactly one of stepWeight, stepWeights and iterations is set.',
  {
    interval: duration('Time between two checks; at least 1s in serin.dev, raised to 10s in flagger.app.'),
    threshold: whole(
      'Failed checks that end the run with a rollback; counted over the whole run and never reset.',
      {},
      own({ minimum: 1 }),
    ),
    stepWeight: whole('Share in percent that each step adds to the canary.', {}, percent).optional(),
    maxWeight: whole(
      'Share in percent at which the steps end and promotion begins; 100 when unset. Read with stepWeight only.',
      {},
      percent,
    ).optional(),
    stepWeights: list(
      'The share of the canary in percent at each step, rising.',
      whole('Share in percent.', {}, percent),
      100,
    ).optional(),
    stepWeightPromotion: whole(
      'Share in percent that each interval hands back to the primary after promotion; all at once when unset or 0.',
      {},
      own({ minimum: 0, maximum: 100 }),
    ).optional(),
    iterations: whole(
      'Checks that must pass before promotion, without shifting traffic in between (blue/green).',
      {},
      own({ minimum: 1, maximum: 10_000 }),
    ).optional(),
    match: list('A/B testing: requests that go to the canary. Comes in a later release.', abMatch, 64).optional(),
    mirror: flag('Copies requests to the canary before it gets traffic. Comes in a later release.').optional(),
    mirrorWeight: whole('Share of requests that is copied, in percent. Comes in a later release.').optional(),
    primaryReadyThreshold: whole(
      'Share of the pods of the primary that must be ready, in percent.',
      { min: 0, max: 100 },
      { preset: 100, ...own({ minimum: 1 }) },
    ).optional(),
    canaryReadyThreshold: whole(
      'Share of the pods of the canary that must be ready, in percent.',
      { min: 0, max: 100 },
      { preset: 100, ...own({ minimum: 1 }) },
    ).optional(),
    insufficientLimit: whole(
      'serin: intervals in a row without enough data that end the run with reason NoData; the threshold when unset, 0 for no limit.',
      { min: 0 },
    ).optional(),
    errorLimit: whole(
      'serin: intervals in a row in which a metric source failed that end the run with reason MetricSourceError; the threshold when unset, 0 for no limit.',
      { min: 0 },
    ).optional(),
    gateTimeout: duration('serin: how long a gate may stay closed before the run is rolled back.', {
      preset: '168h',
    }).optional(),
    drainTime: duration(
      'serin: how long to wait after traffic was taken away from the canary where the mesh cannot tell what is live; one interval when unset.',
    ).optional(),
    metrics: list('The checks of an interval.', metric, 64, keyedByName).optional(),
    webhooks: list('Webhooks called during a run, in this order.', webhook, 64, keyedByName).optional(),
    alerts: list('Alerts of this Canary; they replace those of the controller.', alert, 32, keyedByName).optional(),
    sessionAffinity: sessionAffinity.optional(),
  },
  {
    rules: [
      {
        rule: `${countOf('iterations')} + ${countOf('stepWeight')} + ${countOf('stepWeights')} == 1`,
        message: 'must have exactly one of stepWeight, stepWeights and iterations',
      },
    ],
    rulesByGroup: {
      'serin.dev': [
        {
          rule: '!has(self.stepWeights) || (self.stepWeights.size() > 0 && self.stepWeights.isSorted() && self.stepWeights.all(a, self.stepWeights.exists_one(b, a == b)))',
          message: 'must name at least one weight, and each must be larger than the one before it',
          fieldPath: '.stepWeights',
        },
        { rule: "!self.interval.matches('^(0+[hms])+$')", message: 'must be at least 1s', fieldPath: '.interval' },
      ],
    },
  },
);

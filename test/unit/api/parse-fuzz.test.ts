// The parsers on anything at all: they never throw, and what they let through holds what the machine relies on.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAlertProvider } from '../../../src/api/alert-provider-schema.ts';
import { parseMetricTemplate } from '../../../src/api/metric-template-schema.ts';
import { parseCanary } from '../../../src/api/parse-canary.ts';
import { compileSteps } from '../../../src/core/steps.ts';
import { aCanaryObject } from '../../support/canary-fixtures.ts';

const metadata = { name: 'web', namespace: 'shop' };
const group = fc.constantFrom('serin.dev' as const, 'flagger.app' as const);

/** Values as people mistype them, beside arbitrary JSON. */
const value = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('10s', '0s', '', 'istio', 0, -1, 100, 1e9, 1.5, null, [], {}, [50, 10], [{ name: 'x' }]),
);

describe('the parsers', () => {
  it('never throw for arbitrary JSON', () => {
    fc.assert(
      fc.property(group, fc.jsonValue(), (api, spec) => {
        const object = { apiVersion: `${api}/v1beta1`, kind: 'Canary', metadata, spec };
        expect(['valid', 'invalid']).toContain(parseCanary(object, { defaultProvider: 'istio' }).kind);
        expect(['valid', 'invalid']).toContain(parseMetricTemplate(object).kind);
        expect(['valid', 'invalid']).toContain(parseAlertProvider(object).kind);
      }),
      { numRuns: 300 },
    );
  });

  it('let through only Canaries with finite times, rising weights and steps to take', () => {
    const names =
      'interval threshold stepWeight stepWeights maxWeight iterations metrics webhooks alerts drainTime gateTimeout insufficientLimit stepWeightPromotion';
    const fields = fc.constantFrom(...names.split(' '));
    fc.assert(
      fc.property(
        group,
        fc.dictionary(fields, value, { maxKeys: 3 }),
        fc.constantFrom('istio', 'kubernetes'),
        (api, analysis, provider) => {
          const parsed = parseCanary(aCanaryObject({ group: api, spec: { provider, analysis } }), {
            defaultProvider: null,
          });
          if (parsed.kind === 'invalid') return;
          const { policy } = parsed.canary;
          for (const time of [policy.intervalMs, policy.progressDeadlineMs, policy.gateDeadlineMs])
            expect(time).toBeGreaterThanOrEqual(1000);
          expect(policy.drainMs).toBeGreaterThanOrEqual(0);
          expect(policy.threshold).toBeGreaterThanOrEqual(1);
          const steps = compileSteps(policy.plan);
          const weights = steps.flatMap((step) => (step.kind === 'weight' ? [step.weightPercent] : []));
          expect(weights.every((weight, index) => weight > (weights[index - 1] ?? 0) && weight <= 100)).toBe(true);
          expect(steps.some((step) => step.kind === 'analysis' && step.judgesMetrics && step.ticks >= 1)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('are not overthrown by members nested without end', () => {
    let nested: unknown = {};
    for (let depth = 0; depth < 100_000; depth += 1) nested = { nested };
    const object = aCanaryObject({ spec: { service: { trafficPolicy: { nested } } } });
    expect(parseCanary(object, { defaultProvider: null }).kind).toBe('valid');
  });
});

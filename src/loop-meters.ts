// What the loop reports, brought to the metrics of the process.
import type { LoopMeters } from './controller/drivers.ts';
import type { Meters } from './telemetry/metrics.ts';

/** The loop's meters over the registry of the process. */
export function loopMeters(meters: Meters): LoopMeters {
  const targets = new Map<string, string>();
  return {
    looked: (outcome, durationMs) => meters.countLook(outcome, durationMs / 1_000),
    decided(canary) {
      const { namespace, name, target, provider } = canary;
      targets.set(`${namespace}/${name}`, target);
      meters.showCanary({
        namespace,
        name,
        target,
        provider,
        kind: 'Deployment',
        phase: canary.phase,
        canaryWeight: canary.weightPercent,
      });
      if (canary.isChange) meters.countDecision(canary.signal);
    },
    followed: (namespace, name, phase, weightPercent) => meters.followCanary({ namespace, name }, phase, weightPercent),
    checked(namespace, name, check, verdict, value) {
      meters.countCheck(
        { namespace, name, target: targets.get(`${namespace}/${name}`) ?? name },
        check,
        verdict,
        value,
      );
    },
    ended(canary, outcome, durationMs) {
      const { namespace, name, target } = canary;
      const hasSucceeded = outcome === 'promoted' || outcome === 'skipped';
      const strategy = canary.strategy === 'blue-green' ? 'blue-green' : 'canary';
      meters.countRunEnd({
        namespace,
        name,
        target,
        hasSucceeded,
        strategy,
        analysis: canary.isSkipped ? 'skipped' : 'completed',
        durationSeconds: durationMs / 1_000,
      });
    },
    delivered: (sink, outcome) => meters.countDelivery(sink.split('/')[0] ?? sink, outcome),
    hooked: (type, outcome) => meters.countHook(type, outcome),
    measured: (source, durationMs) => meters.countMetricQuery(source, durationMs / 1_000),
    overdue: (count) => meters.setOverdueChecks(count),
    gone(namespace, name) {
      targets.delete(`${namespace}/${name}`);
      meters.forgetCanary({ namespace, name });
    },
  };
}

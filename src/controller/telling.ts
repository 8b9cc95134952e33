// What a decision tells people: announcements as facts, committed to the outbox together with the transition.
import type { Announced, AnnouncementType, Facts } from '../core/announcements.ts';
import type { Judged } from '../core/analysis/verdict.ts';
import type { Observation, TickSeen } from '../core/observation.ts';
import { isRunning } from '../core/phase.ts';
import { hasHook, type HookType } from '../core/policy.ts';
import { reasonOf } from '../core/reasons.ts';
import type { SignalName } from '../core/signals.ts';
import type { State } from '../core/state.ts';

/** The announcements of going from `before` to `after` because of `signal`. Nothing changed: nothing said. */
export function tell(before: State, after: State, signal: SignalName, seen: Observation): readonly Announced[] {
  return [
    ...tellRequest(before, after, seen),
    ...tellTick(before, after, seen),
    ...tellProgress(before, after, seen),
    ...tellPhase(before, after, signal, seen),
  ];
}

const say = (type: AnnouncementType, facts: Facts = {}): Announced => ({ type, facts });

function tellRequest(before: State, after: State, seen: Observation): readonly Announced[] {
  const request = after.lastRequest;
  if (request === null || request.id === before.lastRequest?.id) return [];
  const by = seen.request?.by ?? '';
  if (request.outcome !== 'done') return [say('RequestRefused', { by, detail: request.outcome })];
  const types = { pause: 'Paused', resume: 'Resumed', abort: 'Aborted' } as const;
  return [say(types[request.verb as keyof typeof types] ?? 'RequestRefused', { by })];
}

function tellTick(before: State, after: State, seen: Observation): readonly Announced[] {
  const { tick } = seen;
  if (tick === null || before.run === null) return [];
  const hooks = tick.hooks.map((hook) =>
    say(hook.verdict === 'pass' ? 'HookPassed' : 'HookFailed', {
      hook: hook.name,
      hookType: hook.type,
      detail: hook.detail,
    }),
  );
  const checks = tick.checks.filter((check) => check.verdict !== 'Pass').map((check) => tellCheck(check, seen));
  return [...hooks, ...checks, ...tellGates(before, after, tick, seen)];
}

function tellCheck(check: Judged, seen: Observation): Announced {
  const type = check.verdict === 'Fail' ? 'MetricFailed' : check.verdict === 'Error' ? 'MetricSourceError' : 'NoData';
  const checkKind = seen.policy.checks.find((candidate) => candidate.name === check.name)?.source.kind ?? 'query';
  const { value, min, max } = check;
  const isBelow = value !== null && min !== null && !(value >= min);
  const bound = isBelow ? min : max;
  const broken = value === null ? {} : { value, side: isBelow ? 'min' : 'max', ...(bound === null ? {} : { bound }) };
  return say(type, { check: check.name, checkKind, detail: check.detail, ...broken });
}

/** A gate that opens is announced; a closed one once, not at every tick. */
function tellGates(before: State, after: State, tick: TickSeen, seen: Observation): readonly Announced[] {
  return Object.entries(tick.gates).flatMap(([gate, answer]) => {
    const isConfigured = hasHook(seen.policy, gate as HookType);
    const facts = { hookType: gate, hook: answer.hook, detail: answer.detail, isMuted: isMuted(answer.hook, seen) };
    if (answer.verdict === 'pass') return isConfigured ? [say('GatePassed', facts)] : [];
    return before.run?.closedGate !== gate && after.run?.closedGate === gate ? [say('GateWaiting', facts)] : [];
  });
}

function isMuted(hook: string, seen: Observation): boolean {
  return seen.policy.hooks.find((candidate) => candidate.name === hook)?.muteAlert ?? false;
}

function tellProgress(before: State, after: State, seen: Observation): readonly Announced[] {
  const [was, is] = [before.run, after.run];
  if (is !== null && is.id !== was?.id) {
    return [say(isRunning(before.phase) ? 'AnalysisRestarted' : 'RevisionDetected', { revision: is.revision })];
  }
  const said: Announced[] = [];
  if (was?.step === 0 && is !== null && is.step > 0) said.push(say('AnalysisStarted'));
  if (after.phase === before.phase || after.phase === 'WaitingPromotion') {
    if (after.weightPercent > before.weightPercent)
      said.push(say('WeightAdvanced', { weightPercent: after.weightPercent }));
    if (after.phase === 'Promoting' && after.weightPercent < before.weightPercent) {
      said.push(say('PrimaryWeightAdvanced', { weightPercent: 100 - after.weightPercent }));
    }
  }
  if (was !== null && is !== null && is.passes > was.passes && seen.policy.plan.strategy === 'blue-green') {
    said.push(say('IterationAdvanced', { iteration: is.passes, iterations: seen.policy.plan.iterations }));
  }
  return said;
}

function tellPhase(before: State, after: State, signal: SignalName, seen: Observation): readonly Announced[] {
  if (after.phase === before.phase) return [];
  const facts: Facts = {
    reason: reasonOf(signal),
    detail: after.run?.ending?.message ?? '',
    failedChecks: after.run?.failedChecks ?? 0,
  };
  switch (after.phase) {
    case 'Initialized':
      return [say('Initialized'), ...undrained(after)];
    case 'Promoting':
      return [say('Promoting')];
    case 'Finalising':
      return [say('RoutingToPrimary')];
    case 'Succeeded': {
      const isReturn = after.run?.ending?.outcome === 'returned';
      return [
        say(isReturn ? 'ReturnedToPrimary' : seen.policy.skipAnalysis ? 'PromotedSkipped' : 'Promoted'),
        ...undrained(after),
      ];
    }
    case 'RollingBack':
      return [say('RollingBack', facts)];
    case 'Failed':
      if (after.failure === 'neverInitialized')
        return [say('DeadlineExceeded', { detail: seen.primary?.notReady ?? 'the primary does not exist' })];
      return after.failure === 'primaryBroken'
        ? [say('PromotionFailed', facts)]
        : [say('RolledBack', facts), ...undrained(after)];
    case 'Terminating':
      return [say('Terminating')];
    default:
      return [];
  }
}

function undrained(after: State): readonly Announced[] {
  return after.isDrainPending ? [say('NotDrained')] : [];
}

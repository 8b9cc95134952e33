// From outbox entries to announcements, and to whom they go.
import type { AlertTarget, Drivers } from './drivers.ts';
import type { Canary } from '../api/types.ts';
import type { Alert } from '../core/policy.ts';
import type { OutboxEntry } from '../core/announcements.ts';
import type { Decision } from '../core/decide.ts';
import { reportedPhase } from '../core/phase.ts';
import { weightsOf } from '../core/steps.ts';
import type { State } from '../core/state.ts';
import { messageOf } from '../errors.ts';
import { alertProviderKind, refOf, SECRET } from '../kube/kinds.ts';
import type { Announcement } from '../notify/contract.ts';
import type { CanaryKey } from '../queue/contract.ts';
import type { Memory } from './memory.ts';
import type { Found } from './found.ts';
import { secretValues } from './secrets.ts';

/** Hands what the outbox holds to the announcer, and moves the gauges. Never waits and never throws. */
export function announce(key: CanaryKey, found: Found, decision: Decision, use: Drivers, memory: Memory): void {
  moveGauges(found, decision, use);
  const { canary } = found;
  const tell = memory.announcer.prepare(canary.identity.uid);
  if (decision.next.outbox.length === 0) return tell(null);
  const facts = canaryFacts(canary, found.mesh.provider.name, decision.next, use);
  void alertTargets(canary, use)
    .then((alerts) => {
      const { notifiers, problems } = use.notifiersFor(canary, alerts);
      for (const problem of problems) use.log.warn('Alert cannot be sent', { canary: key, reason: problem });
      const render = (entry: OutboxEntry): Announcement => announcementOf(entry, canary.identity.uid, facts, use);
      tell({ key, uid: canary.identity.uid, state: decision.next, notifiers, render });
    })
    .catch((error: unknown) => {
      use.log.error('Announcing failed', { canary: key, err: messageOf(error) });
      tell(null);
    });
}

function moveGauges(found: Found, decision: Decision, use: Drivers): void {
  const { canary, state } = found;
  const { next } = decision;
  const gauge = {
    namespace: canary.identity.namespace,
    name: canary.identity.name,
    target: canary.targetRef.name,
    phase: reportedPhase(next.phase),
    signal: decision.because,
    isChange: decision.isChanged,
    weightPercent: next.weightPercent,
    strategy: canary.policy.plan.strategy,
    isSkipped: canary.policy.skipAnalysis,
    provider: found.mesh.provider.name,
    version: next.targetFacts?.version ?? '',
  };
  use.meters.decided(gauge);
  const ended = next.history.at(-1);
  if (ended !== undefined && ended.id !== state.history.at(-1)?.id)
    use.meters.ended(gauge, ended.outcome, ended.endedAtMs - ended.startedAtMs);
}

/** The same entry always gives the same announcement: everything in it comes from the entry and the Canary's spec. */
function announcementOf(entry: OutboxEntry, uid: string, facts: CanaryFacts, use: Drivers): Announcement {
  const { phase, weightPercent, failedChecks, checksum } = entry;
  const run = facts.runs.find(({ id }) => id === entry.runId);
  const { runs: _runs, ...constant } = facts;
  const canary = {
    ...constant,
    phase,
    weightPercent,
    failedChecks,
    checksum,
    images: run?.images ?? [],
    version: run?.version ?? '',
  };
  return {
    key: `${uid}/${entry.runId}/${entry.seq}`,
    seq: entry.seq,
    runId: entry.runId,
    atMs: entry.atMs,
    type: entry.type,
    canary,
    ...use.render(entry, canary),
  };
}

/** What is constant for a Canary, and the runs that entries may speak of. */
type CanaryFacts = Omit<
  Announcement['canary'],
  'phase' | 'weightPercent' | 'failedChecks' | 'checksum' | 'images' | 'version'
> & {
  readonly runs: readonly { readonly id: string; readonly images: readonly string[]; readonly version: string }[];
};

function canaryFacts(canary: Canary, provider: string, state: State, use: Drivers): CanaryFacts {
  const { group, apiVersion, namespace, name, uid } = canary.identity;
  return {
    group,
    apiVersion,
    namespace,
    name,
    uid,
    targetKind: canary.targetRef.kind,
    targetName: canary.targetRef.name,
    provider,
    threshold: canary.policy.threshold,
    runs: [...state.history, ...(state.run === null ? [] : [state.run])],
    trafficRouting: trafficRouting(canary),
    progressDeadlineSeconds: Math.round(canary.policy.progressDeadlineMs / 1_000),
    clusterName: use.settings.clusterName,
  };
}

/** Flagger's fact `Traffic routing`. */
function trafficRouting(canary: Canary): string {
  const { plan } = canary.policy;
  if (plan.strategy === 'blue-green') return 'Blue/Green';
  if (plan.stepWeightPercent > 0) return `Weight step: ${plan.stepWeightPercent} max: ${plan.maxWeightPercent}`;
  return `Weight steps: ${plan.stepWeightsPercent.join(',')} max: ${Math.max(0, ...weightsOf(plan))}`;
}

/** The alert providers of a Canary with the values of their Secrets; what cannot be read is null, and the log says so. */
function alertTargets(canary: Canary, use: Drivers): Promise<readonly AlertTarget[]> {
  return Promise.all(canary.policy.alerts.map((alert) => alertTarget(canary, alert, use)));
}

async function alertTarget(canary: Canary, alert: Alert, use: Drivers): Promise<AlertTarget> {
  const namespace = alert.provider.namespace ?? canary.identity.namespace;
  try {
    const object = await use.kube.cache.read(
      refOf(alertProviderKind(canary.identity.group), namespace, alert.provider.name),
    );
    if (object === null) return { alert, provider: null, secret: null };
    if (namespace !== canary.identity.namespace && !use.isGranted(object, canary.identity.namespace))
      return { alert, provider: null, secret: null };
    const provider = use.parseAlertProvider(object);
    const secret =
      provider.secretName === null
        ? null
        : await secretValues(refOf(SECRET, namespace, provider.secretName), use, undefined);
    return { alert, provider, secret };
  } catch (error) {
    use.log.warn('Alert provider cannot be read', {
      canary: canary.identity.name,
      alert: alert.name,
      err: messageOf(error),
    });
    return { alert, provider: null, secret: null };
  }
}

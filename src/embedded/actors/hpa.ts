// A horizontal autoscaler without metrics: holds replicas within minimum and maximum, and follows a wish written on it.
import type { KubeObject } from '../../kube/contract.ts';
import { DEPLOYMENT, HPA } from '../../kube/kinds.ts';
import { sameJson } from '../../util/json.ts';
import type { Actor, ActorOptions } from './actor.ts';
import { startLoop } from './loop.ts';
import type { Condition } from './shapes.ts';
import { asDeployment, keyOf, splitKey, timeText } from './shapes.ts';

/** Annotation on an autoscaler with the number that its metrics would ask for. */
export const DESIRED_ANNOTATION = 'serin.embedded/desired';
const WRITE = { user: 'horizontal-pod-autoscaler' } as const;

interface ScalerSpec {
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  readonly scaleTargetRef: { readonly kind: string; readonly name: string };
}

const specOf = (scaler: KubeObject): ScalerSpec => scaler['spec'] as ScalerSpec;

/** Starts the autoscaler for Deployments. */
export function startHpa(options: ActorOptions): Actor {
  const { store, clock, delayMs } = options;
  const loop = startLoop({ clock, delayMs, look: (key) => lookAt(options, key) });
  const stops = [
    store.watch(HPA, (_, after) => {
      if (after !== null) loop.enqueue(keyOf(after));
    }),
    store.watch(DEPLOYMENT, (before, after) => {
      if (after === null || replicasOf(before) === replicasOf(after)) return;
      for (const scaler of store.list(HPA, after.metadata.namespace ?? '')) {
        if (specOf(scaler).scaleTargetRef.name === after.metadata.name) loop.enqueue(keyOf(scaler));
      }
    }),
  ];
  for (const scaler of store.list(HPA, null)) loop.enqueue(keyOf(scaler));
  return {
    stop() {
      loop.stop();
      for (const stop of stops) stop();
    },
  };
}

const replicasOf = (deployment: KubeObject | null): number | null =>
  deployment === null ? null : (asDeployment(deployment).spec.replicas ?? 1);

function lookAt(options: ActorOptions, key: string): void {
  const { store } = options;
  const [namespace, name] = splitKey(key);
  const scaler = store.get(HPA, namespace, name);
  if (scaler === null || specOf(scaler).scaleTargetRef.kind !== 'Deployment') return;
  const target = specOf(scaler).scaleTargetRef.name;
  const current = replicasOf(store.get(DEPLOYMENT, namespace, target));
  // Replicas 0 switch an autoscaler off, as in the real one: nothing is scaled from zero.
  const desired = current === null || current === 0 ? (current ?? 0) : desiredOf(scaler, current);
  if (current !== null && desired !== current) {
    store.mutate(
      DEPLOYMENT,
      namespace,
      target,
      (draft) => {
        asDeployment(draft).spec.replicas = desired;
      },
      WRITE,
    );
  }
  writeStatus(options, scaler, current, desired);
}

function desiredOf(scaler: KubeObject, current: number): number {
  const { minReplicas = 1, maxReplicas } = specOf(scaler);
  const wish = Number(scaler.metadata.annotations?.[DESIRED_ANNOTATION] ?? Number.NaN);
  return Math.min(Math.max(Number.isInteger(wish) ? wish : current, minReplicas), maxReplicas);
}

function writeStatus(options: ActorOptions, scaler: KubeObject, current: number | null, desired: number): void {
  const held = scaler['status'] as { conditions?: readonly Condition[] } | undefined;
  const now = timeText(options.clock.nowMs());
  const condition = (type: string, isTrue: boolean, reason: string, message: string): Condition => {
    const before = held?.conditions?.find((item) => item.type === type);
    const status = isTrue ? 'True' : 'False';
    if (before?.status === status && before.reason === reason) return before;
    return { type, status, reason, message, lastTransitionTime: now };
  };
  const isActive = current !== null && current > 0;
  const status = {
    observedGeneration: scaler.metadata.generation ?? 1,
    currentReplicas: current ?? 0,
    desiredReplicas: desired,
    conditions: [
      current === null
        ? condition('AbleToScale', false, 'FailedGetScale', 'the scale target was not found')
        : condition('AbleToScale', true, 'ReadyForNewScale', 'recommended size matches current size'),
      isActive
        ? condition('ScalingActive', true, 'ValidMetricFound', 'the number of replicas could be calculated')
        : condition(
            'ScalingActive',
            false,
            'ScalingDisabled',
            'scaling is disabled since the replica count of the target is zero',
          ),
    ],
  };
  if (sameJson(scaler['status'], status)) return;
  const change = (draft: KubeObject): void => {
    draft['status'] = status;
  };
  options.store.mutate(HPA, scaler.metadata.namespace ?? '', scaler.metadata.name, change, {
    ...WRITE,
    subresource: 'status',
  });
}

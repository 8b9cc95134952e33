// The columns of pods, whose status is read from their containers.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { ageOf } from './age.ts';
import { listAt, objectAt, textAt } from './json.ts';
import { type TableColumn, text } from './table-column.ts';

/** The columns of pods after their name. */
export function podColumns(): readonly TableColumn[] {
  return [
    text('Ready', readyText),
    text('Status', statusText),
    text('Restarts', (pod) =>
      String(
        statuses(pod).reduce((sum: number, item) => sum + Number(objectAt({ item }, 'item')['restartCount'] ?? 0), 0),
      ),
    ),
    text('Age', (pod, nowMs) => ageOf(textAt(pod.metadata, 'creationTimestamp'), nowMs)),
    text('IP', (pod) => textAt(pod['status'], 'podIP') || '<none>', 1),
    text('Node', (pod) => textAt(pod['spec'], 'nodeName') || '<none>', 1),
    text('Nominated Node', () => '<none>', 1),
    text('Readiness Gates', () => '<none>', 1),
  ];
}

function statuses(pod: KubeObject): readonly unknown[] {
  return listAt(pod['status'], 'containerStatuses');
}

function readyText(pod: KubeObject): string {
  const ready = statuses(pod).filter((item) => isObject(item) && item['ready'] === true).length;
  return `${ready}/${listAt(pod['spec'], 'containers').length}`;
}

function statusText(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  for (const item of statuses(pod)) {
    const state = objectAt(item, 'state');
    const reason = textAt(objectAt(state, 'waiting'), 'reason') || textAt(objectAt(state, 'terminated'), 'reason');
    if (reason !== '') return reason;
  }
  return textAt(pod['status'], 'reason') || textAt(pod['status'], 'phase') || 'Unknown';
}

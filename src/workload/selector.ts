// The one label by which the pods of target and primary are told apart, and what makes a target unfit for it.
import type { Canary } from '../api/types.ts';
import type { KubeObject } from '../kube/contract.ts';
import { sameJson } from '../util/json.ts';
import { fieldOf, objectOf, textsOf } from './fields.ts';
import {
  LABEL_MAX,
  REVISION_ANNOTATION,
  controllerOf,
  isOwnedBy,
  primaryNameOf,
  serviceNamesOf,
  withPrimary,
} from './names.ts';

/** Why a workload cannot be worked with. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

/** The selector label with its two values. */
export interface PodLabel {
  readonly label: string;
  readonly targetValue: string;
  readonly primaryValue: string;
}

/** The first of `selectorLabels` in the target's selector; null when none is there. */
export function podLabelOf(target: KubeObject, selectorLabels: readonly string[]): PodLabel | null {
  const selector = textsOf(target, 'spec', 'selector', 'matchLabels');
  const label = selectorLabels.find((candidate) => Object.hasOwn(selector, candidate));
  if (label === undefined) return null;
  return { label, targetValue: selector[label]!, primaryValue: withPrimary(selector[label]!) };
}

/** The label as the primary has it, for looks that find no target; null when it cannot be told. */
export function podLabelOfPrimary(primary: KubeObject): PodLabel | null {
  const entries = Object.entries(textsOf(primary, 'spec', 'selector', 'matchLabels'));
  const [label, primaryValue] = entries[0] ?? [];
  if (entries.length !== 1 || label === undefined || primaryValue === undefined || !primaryValue.endsWith('-primary'))
    return null;
  return { label, targetValue: primaryValue.slice(0, -'-primary'.length), primaryValue };
}

/** The first thing that keeps serin from working with these two Deployments; null when nothing does. */
export function findProblem(
  canary: Canary,
  target: KubeObject | null,
  primary: KubeObject | null,
  neighbours: readonly KubeObject[],
  selectorLabels: readonly string[],
): Problem | null {
  const name = `${canary.identity.namespace}/${canary.targetRef.name}`;
  const names = nameProblem(canary);
  if (names !== null) return names;
  if (primary !== null && !isOwnedBy(primary, canary)) return takenProblem(canary, primary);
  if (target === null) return null;
  if (target.metadata.annotations?.[REVISION_ANNOTATION] !== undefined || controllerOf(target)?.kind === 'Canary') {
    return {
      reason: 'TargetIsPrimary',
      message: `Cannot work on Deployment ${name}: it is the primary of a Canary; name the workload that users edit`,
    };
  }
  const label = podLabelOf(target, selectorLabels);
  if (label === null) {
    const have = Object.keys(textsOf(target, 'spec', 'selector', 'matchLabels')).join(', ') || 'none';
    const message = `Cannot tell the pods of Deployment ${name}: its selector has the labels ${have}, one of ${selectorLabels.join(', ')} must be there (setting --selector-labels)`;
    return { reason: 'SelectorLabelMissing', message };
  }
  if (label.primaryValue.length > LABEL_MAX) {
    return {
      reason: 'NameTooLong',
      message: `Cannot label the primary of Deployment ${name}: ${label.label} "${label.primaryValue}" has more than ${LABEL_MAX} characters`,
    };
  }
  return sharedLabelProblem(name, target, label, neighbours) ?? selectorProblem(name, primary, label);
}

function nameProblem(canary: Canary): Problem | null {
  const services = serviceNamesOf(canary);
  for (const [what, name] of [
    ['Deployment', primaryNameOf(canary)],
    ['Service', services.primary],
    ['Service', services.canary],
  ] as const) {
    if (name.length > LABEL_MAX) {
      return {
        reason: 'NameTooLong',
        message: `Cannot make ${what} "${name}": the name has ${name.length} characters, ${LABEL_MAX} are allowed; shorten the name of the target or of spec.service`,
      };
    }
  }
  return null;
}

function takenProblem(canary: Canary, primary: KubeObject): Problem {
  const owner = controllerOf(primary);
  const whose = owner === undefined ? 'nobody' : `${owner.kind} ${owner.name} (uid ${owner.uid})`;
  const name = `${canary.identity.namespace}/${primary.metadata.name}`;
  return {
    reason: 'PrimaryTaken',
    message: `Cannot use Deployment ${name} as the primary: it belongs to ${whose}, not to this Canary; delete or rename it`,
  };
}

/**
 * A selector of several labels is fine, as Flagger has it, as long as the one label by which the Services will select
 * is not also on the pods of another Deployment: those would be given traffic.
 */
function sharedLabelProblem(
  name: string,
  target: KubeObject,
  label: PodLabel,
  neighbours: readonly KubeObject[],
): Problem | null {
  const other = neighbours.find((neighbour) => {
    if (neighbour.metadata.name === target.metadata.name) return false;
    return fieldOf(neighbour, 'spec', 'template', 'metadata', 'labels', label.label) === label.targetValue;
  });
  if (other === undefined) return null;
  return {
    reason: 'SelectorAmbiguous',
    message: `Cannot select the pods of Deployment ${name} by one label: ${label.label}=${label.targetValue} is also on the pods of Deployment ${other.metadata.name}; give its selector a label of its own`,
  };
}

function selectorProblem(name: string, primary: KubeObject | null, label: PodLabel): Problem | null {
  if (primary === null) return null;
  const have = objectOf(primary, 'spec', 'selector', 'matchLabels');
  if (sameJson(have, { [label.label]: label.primaryValue })) return null;
  return {
    reason: 'PrimarySelectorDiffers',
    message: `Cannot update the primary of Deployment ${name}: it selects ${JSON.stringify(have)}, must select ${label.label}=${label.primaryValue}, and a selector cannot be changed; delete the primary so that it is made anew`,
  };
}

// Where the embedded API server answers otherwise than a real one: each has a row, with its reason, in docs/embedded.md.
import type { Difference } from './likeness.ts';

/** One known difference. */
export interface KnownDifference {
  /** Its name in docs/embedded.md. */
  readonly name: string;
  /** The cases that show it. */
  readonly cases: readonly string[] | 'any';
  /** Where in an answer it may be. */
  readonly path: RegExp;
}

const MESSAGES = /^\.(message|details\.causes\.\d+\.message)$/;

/** The rows. A difference that no row explains fails the suite, and so does a row that explains none. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  { name: 'column-descriptions', cases: 'any', path: /^(\.\d+\.object)?\.columnDefinitions\.\d+\.description$/ },
  {
    name: 'texts-of-go',
    cases: ['create another kind', 'the node of a pod may not', 'a port twice', 'the role of a binding cannot change'],
    path: MESSAGES,
  },
  {
    name: 'texts-of-parsers',
    cases: ['a continue token that is none', 'a label selector that cannot be read', 'apply that is no YAML'],
    path: MESSAGES,
  },
  { name: 'fewer-kinds', cases: ['the list of groups', 'aggregated discovery'], path: /^\.(groups|items)$/ },
  { name: 'reviews-have-no-managers', cases: ['reviewing access'], path: /^\.metadata\.managedFields$/ },
  { name: 'users-are-names', cases: ['who am I'], path: /^\.status\.userInfo\.(groups|uid)$/ },
  {
    name: 'crds-at-once',
    cases: ['a CRD is defaulted'],
    path: /^\.(status\.(conditions|acceptedNames\..+)|metadata\.managedFields\.0\.fieldsV1\.f:spec.*)$/,
  },
];

/** The row that explains a difference; undefined when there is none. */
export function explain(caseName: string, { path }: Difference): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find(
    (known) => (known.cases === 'any' || known.cases.includes(caseName)) && known.path.test(path),
  );
}

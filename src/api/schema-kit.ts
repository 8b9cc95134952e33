// Building blocks of the schemas: every field says what it is for, how large it may be, and where the two API groups differ.
import { z } from 'zod';
import type { CanaryGroup } from '../kube/kinds.ts';
import type { Json, JsonObject } from '../util/json.ts';

/** A CEL rule that the API server checks. `fieldPath` is relative to the schema that carries the rule. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** What a field carries into the CRDs and the reference besides its type. zod itself checks none of this: parse-canary.ts does, with better messages. */
export interface FieldNotes {
  /** Default that the controller applies. serin.dev's CRD shows it; flagger.app's does not, because Flagger's has none. */
  readonly preset?: Json;
  /** JSON schema members for both groups. */
  readonly kube?: JsonObject;
  /** JSON schema members for one group. */
  readonly byGroup?: Readonly<Partial<Record<CanaryGroup, JsonObject>>>;
  /** Rules for both groups, and for one group. */
  readonly rules?: readonly CelRule[];
  readonly rulesByGroup?: Readonly<Partial<Record<CanaryGroup, readonly CelRule[]>>>;
}

/** Longest free text in a spec, such as a query, an annotation or a script for a webhook. */
export const TEXT_MAX = 65_536;
/** Longest name, host or label value that is not limited further. */
const NAME_MAX = 253;
/** Longest URL. */
export const URL_MAX = 2048;

/** A string of at most `max` characters. */
export const text = (description: string, max: number = NAME_MAX, notes: FieldNotes = {}) =>
  z.string().max(max).meta({ description, notes });

/** An integer. Bounds given here hold in both groups. */
export function whole(description: string, bounds: { min?: number; max?: number } = {}, notes: FieldNotes = {}) {
  let schema = z.number().int();
  if (bounds.min !== undefined) schema = schema.min(bounds.min);
  if (bounds.max !== undefined) schema = schema.max(bounds.max);
  return schema.meta({ description, notes });
}

/** A number that may have a fraction. */
export const decimal = (description: string, notes: FieldNotes = {}) => z.number().meta({ description, notes });

/** True or false. */
export const flag = (description: string, notes: FieldNotes = {}) => z.boolean().meta({ description, notes });

/** One of `values`. */
export const choice = <const V extends readonly [string, ...string[]]>(
  description: string,
  values: V,
  notes: FieldNotes = {},
) => z.enum(values).meta({ description, notes });

/** A list of at most `max` items. */
export const list = <T extends z.ZodType>(description: string, item: T, max: number, notes: FieldNotes = {}) =>
  z.array(item).max(max).meta({ description, notes });

/** A map from names to `value`, at most `max` entries. */
export const map = <T extends z.ZodType>(description: string, value: T, max = 64, notes: FieldNotes = {}) =>
  z
    .record(z.string(), value)
    .refine((entries) => Object.keys(entries).length <= max, `has too many entries, must have at most ${max}`)
    .meta({ description, notes: { ...notes, kube: { maxProperties: max, ...notes.kube } } });

/** An object. Members that the schema does not know are kept: the CRD of another version may have let them through. */
export const object = <T extends z.ZodRawShape>(description: string, shape: T, notes: FieldNotes = {}) =>
  z.looseObject(shape).meta({ description, notes });

/** A port or the name of one. */
export const portOrName = (description: string) =>
  z
    .union([z.number().int(), z.string().max(63)])
    .meta({ description, notes: { kube: { 'x-kubernetes-int-or-string': true } } });

/** An object whose members are not ours to list. */
export const freeForm = (description: string) =>
  z.looseObject({}).meta({ description, notes: { kube: { 'x-kubernetes-preserve-unknown-fields': true } } });

/**
 * A duration. Flagger's pattern has no end anchor and knows no hours; flagger.app keeps the first, because stored objects
 * may rely on it, and both groups take hours.
 */
export const duration = (description: string, notes: FieldNotes = {}) =>
  text(description, 32, {
    ...notes,
    byGroup: {
      'serin.dev': { pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$', ...notes.byGroup?.['serin.dev'] },
      'flagger.app': { pattern: '^[0-9]+(h|m|s)', ...notes.byGroup?.['flagger.app'] },
    },
  });

/** How a string may match: exactly one of the members. Istio's StringMatch. `isRequired` refuses an empty one. */
export const stringMatch = (description: string, isRequired = false) =>
  object(
    description,
    {
      exact: text('The whole value, letter for letter.', 1024).optional(),
      prefix: text('How the value begins.', 1024).optional(),
      regex: text('RE2 expression that the whole value must match.', 1024).optional(),
    },
    { kube: { maxProperties: 1, ...(isRequired ? { minProperties: 1 } : {}) } },
  ).refine((match) => {
    const count = [match.exact, match.prefix, match.regex].filter((one) => one !== undefined).length;
    return isRequired ? count === 1 : count <= 1;
  }, 'must have exactly one of exact, prefix and regex');

/** Reference to an object by name; `kinds` is the enum of its kind. */
export const objectRef = (description: string, kinds: readonly string[]) =>
  object(description, {
    apiVersion: text('Group and version of the object.'),
    kind: text('Kind of the object.', 63, { kube: { enum: kinds } }),
    name: text('Name of the object, in the namespace of the Canary.'),
  });

// Comparing JSON values says what comparing their canonical texts says.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, sameJson } from '../../../src/util/json.ts';

/** Small alphabets, so that equal values turn up often. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, 0, 1, '', 'a', undefined),
    fc.array(tie('any'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('any'), { maxKeys: 2 }),
  ),
})).any;

describe('sameJson', () => {
  it('agrees with the canonical text', () => {
    fc.assert(
      fc.property(value, value, (a, b) => sameJson(a ?? null, b ?? null) === (canonicalJson(a) === canonicalJson(b))),
      { numRuns: 3_000 },
    );
  });

  it('takes no order of members for a difference, nor an undefined one', () => {
    expect(sameJson({ a: 1, b: { c: [2], d: undefined } }, { b: { c: [2] }, a: 1 })).toBe(true);
    expect(sameJson({ a: undefined }, { b: 1 })).toBe(false);
    expect(sameJson([1, 2], [2, 1])).toBe(false);
  });
});

// Label patterns: the same answers as an anchored regular expression, in time that cannot blow up.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidSpecError } from '../../../src/errors.ts';
import { compilePattern } from '../../../src/metrics/pattern.ts';

describe('compilePattern()', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['5.*', ['500', '5', '5xx'], ['4', '1500', '']],
    ['5..', ['500', '599'], ['50', '5000', '']],
    ['', [''], ['a']],
    ['web|api', ['web', 'api'], ['we', 'webapi', 'apis']],
    ['OK|Canceled|NotFound', ['OK', 'NotFound'], ['', 'Unknown', 'OKCanceled']],
    ['0|1|3|10', ['0', '10'], ['', '2', '01']],
    [
      'web-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)?',
      ['web-5d4f', 'web-5d4f-x7z'],
      ['web', 'web-', 'web-primary-5d4f-x7z', 'xweb-1'],
    ],
    ['cds_ingress_.*', ['cds_ingress_a', 'cds_ingress_'], ['cds_egress_a']],
    ['[^5].+', ['404', '200'], ['500', '4']],
    ['a\\.b\\-c', ['a.b-c'], ['axb-c']],
    ['\\d+\\w*\\s?', ['1', '12ab ', '3_'], ['a', '', '1  ']],
    ['(?:a|b)*c', ['c', 'abbac'], ['ab', 'abcd']],
    ['^web$', ['web'], ['webs']],
    ['[a-c-]+', ['a-c', '-'], ['d']],
    ['[]a]+', [']a'], ['b']],
    ['[\\]\\\\]', [']', '\\'], ['a']],
    ['a+?b*?', ['ab', 'a'], ['b']],
    ['ü.😀', ['üx😀', 'ü😀😀'], ['u']],
    ['.', ['x'], ['\n', '']],
    ['()', [''], ['x']],
    ['(a|)b', ['ab', 'b'], ['a']],
  ])('%s', (pattern, matching, others) => {
    const matches = compilePattern(pattern);
    for (const text of matching) expect(matches(text), text).toBe(true);
    for (const text of others) expect(matches(text), text).toBe(false);
  });

  test.each([
    '(',
    ')',
    '[',
    '[a',
    'a)',
    '*',
    '+a',
    'a{2}',
    '\\',
    '\\b',
    '\\1',
    'a^b',
    'a$b',
    '(?=a)',
    '(?i)a',
    '[b-a]',
    'a**',
    'x'.repeat(2_000),
    '('.repeat(100) + ')'.repeat(100),
  ])('refuses %s', (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(InvalidSpecError);
  });

  test('agrees with the regular expressions of the language', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      '(a|b)',
      '(ab)',
      '(?:a|)',
      'a*',
      'b+',
      'a?',
      '(a|b)*',
      '|',
    );
    fc.assert(
      fc.property(fc.array(atom, { maxLength: 8 }), fc.stringMatching(/^[abc]{0,8}$/), (atoms, text) => {
        const pattern = atoms.join('');
        expect(compilePattern(pattern)(text)).toBe(new RegExp(`^(?:${pattern})$`, 'u').test(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('does not blow up where a backtracking engine hangs for seconds', () => {
    expect(compilePattern('(a+)+')(`${'a'.repeat(5_000)}b`)).toBe(false);
    expect(compilePattern('(a|a)*b')('a'.repeat(5_000))).toBe(false);
    expect(compilePattern(`${'a?'.repeat(200)}${'a'.repeat(200)}`)('a'.repeat(200))).toBe(true);
  });
});

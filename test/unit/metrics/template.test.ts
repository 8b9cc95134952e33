// MetricTemplate queries: what Flagger's users write renders as in Flagger, and no variable changes the shape of a query.
import { describe, expect, test } from 'vitest';
import { InvalidSpecError } from '../../../src/errors.ts';
import { renderQuery, type TemplateValues } from '../../../src/metrics/template.ts';

const values: TemplateValues = {
  subject: {
    name: 'web',
    namespace: 'shop',
    target: 'web-app',
    service: 'web-svc',
    ingress: 'web-ing',
    route: 'web-route',
  },
  interval: '1m',
  variables: {
    direction: 'inbound',
    empty: '',
    odd: 'a "b" \\ c',
    lines: 'one\ntwo',
    metric: 'istio_requests_total',
    'with-dash': 'dashed',
    percent: '99.5',
  },
};

const render = (
  template: string,
  more: Partial<TemplateValues> = {},
  outsideQuotes: 'token' | 'any' = 'token',
): string => renderQuery(template, { ...values, ...more }, { outsideQuotes });

describe('renderQuery()', () => {
  test.each([
    [
      'names',
      '{{ name }} {{ namespace }} {{ target }} {{ service }} {{ ingress }} {{ route }} [{{ interval }}]',
      'web shop web-app web-svc web-ing web-route [1m]',
    ],
    ['no spaces', 'x{namespace="{{namespace}}"}', 'x{namespace="shop"}'],
    ['a variable', 'x{direction="{{ variables.direction }}"}', 'x{direction="inbound"}'],
    ['index', 'x{a="{{ index variables "with-dash" }}"}', 'x{a="dashed"}'],
    ['index of what is absent', 'x{a="{{ index variables "none" }}"}', 'x{a=""}'],
    ['white space collapsed and trimmed', '\n  sum(\n\t rate(x[{{ interval }}])\n  )\n', 'sum( rate(x[1m]) )'],
    ['trims', 'a   {{- name -}}   b', 'awebb'],
    ['a trim on one side', 'a  {{- name }}  b', 'aweb b'],
    ['a comment', 'a{{/* }} not the end */}}b', 'ab'],
    ['a comment that trims', 'a {{- /* nothing */ -}} b', 'ab'],
    ['if', '{{ if variables.direction }}yes{{ end }}', 'yes'],
    ['if not', '{{ if variables.empty }}yes{{ end }}', ''],
    ['else', '{{ if variables.empty }}yes{{ else }}no{{ end }}', 'no'],
    ['else if', '{{ if eq name "api" }}1{{ else if eq name "web" "other" }}2{{ else }}3{{ end }}', '2'],
    ['eq with several', '{{ if eq name "x" "y" "web" }}yes{{ end }}', 'yes'],
    ['ne', '{{ if ne namespace "prod" }}yes{{ end }}', 'yes'],
    ['and', '{{ if and variables.direction (eq name "web") }}yes{{ end }}', 'yes'],
    ['or gives the first that holds', '{{ or variables.empty variables.direction }}', 'inbound'],
    ['and gives the first that does not', 'x{{ and variables.empty variables.direction }}', 'x'],
    ['not', '{{ if not (index variables "none") }}yes{{ end }}', 'yes'],
    ['nested ifs', '{{ if true }}a{{ if false }}b{{ else }}c{{ end }}d{{ end }}', 'acd'],
    [
      'what is skipped is not evaluated',
      '{{ if false }}{{ variables.none }}{{ if variables.none }}{{ end }}{{ end }}x',
      'x',
    ],
    ['printf', '{{ printf "%s-%s" namespace target }}', 'shop-web-app'],
    ['printf of a number', '{{ printf "%d%%" 5 }}', '5%'],
    ['printf %q', '{{ printf "%q" variables.odd }}', '"a \\"b\\" \\\\ c"'],
    ['a pipe', '{{ name | printf "%s-canary" }}', 'web-canary'],
    ['print', '{{ print name "-" target }}', 'web-web-app'],
    ['len', '{{ len name }}', '3'],
    ['texts', '{{ "a}}b" }}{{ `c"d` }}', 'a}}bc"d'],
    ['brackets', '{{ (variables).direction }}', 'inbound'],
    [
      'a metric name from a variable',
      'sum(rate({{ variables.metric }}[{{ interval }}]))',
      'sum(rate(istio_requests_total[1m]))',
    ],
    ['a number from a variable', '{{ variables.percent }} > 5', '99.5 > 5'],
    ['no interval', 'x[{{ interval }}]', 'x[]'],
    ['text without actions', 'vector(1)', 'vector(1)'],
    ['single braces', 'x{a="b"}', 'x{a="b"}'],
  ])('%s', (what, template, expected) => {
    expect(render(template, what === 'no interval' ? { interval: '' } : {})).toBe(expected);
  });

  test.each([
    [
      'an unknown name',
      '{{ foo }}',
      /"foo" is not known, must be one of name, namespace, target, service, ingress, route, interval, variables/,
    ],
    ['a name of the prototype', '{{ constructor }}', /"constructor" is not known/],
    [
      'a variable that is not set',
      '{{ variables.nope }}',
      /variable "nope" is not set, must be one of direction, empty, /,
    ],
    ['a variable of the prototype', '{{ variables.__proto__ }}', /variable "__proto__" is not set/],
    ['a field of a name', '{{ name.foo }}', /no fields/],
    ['a field of nothing', '{{ .foo }}', /must be of variables, such as variables\.foo/],
    ['the whole map', '{{ variables }}', /variables is a map/],
    ['range', '{{ range variables }}{{ end }}', /"range" is not known/],
    ['an assignment', '{{ $x := name }}', /cannot be read/],
    ['an open action', 'a {{ name', /not closed/],
    ['an open comment', 'a {{/* name }}', /comment is not closed/],
    ['an open if', '{{ if name }}', /must end in \{\{ end \}\}/],
    ['a stray end', '{{ end }}', /outside an if/],
    ['a stray else', 'x{{ else }}', /outside an if/],
    ['two elses', '{{ if name }}{{ else }}{{ else }}{{ end }}', /two elses/],
    ['else with', '{{ if name }}{{ else with }}{{ end }}', /only "if" may follow/],
    ['an empty action', '{{ }}', /action is empty/],
    ['a name with arguments', '{{ name "x" }}', /takes no arguments/],
    ['a stray bracket', '{{ name ) }}', /closes nothing/],
    ['an open bracket', '{{ (name }}', /not closed/],
    ['unequal types', '{{ if eq name 1 }}{{ end }}', /different types/],
    ['too few arguments', '{{ if eq name }}{{ end }}', /two arguments/],
    ['an unknown verb', '{{ printf "%x" name }}', /verb %x/],
    ['too few for printf', '{{ printf "%s" }}', /more verbs/],
    ['too many for printf', '{{ printf "x" name }}', /more arguments/],
    ['an unknown escape', '{{ "\\z" }}', /escape/],
  ])('refuses %s', (_, template, message) => {
    expect(() => render(template)).toThrow(message);
    expect(() => render(template)).toThrow(InvalidSpecError);
    expect(() => render(template)).toThrow(/^Cannot render the query: /);
  });

  test('is bounded: length, depth, and hostile text in linear time', () => {
    expect(() => render('x'.repeat(70_000))).toThrow(/at most 65536/);
    expect(() => render('{{ if true }}'.repeat(40) + '{{ end }}'.repeat(40))).toThrow(/deeper than 32/);
    expect(() => render(`{{ ${'('.repeat(40)}name${')'.repeat(40)} }}`)).toThrow(/deeper than 32/);
    expect(() => render('{{ variables.big }}'.repeat(3_000), { variables: { big: 'x'.repeat(200) } })).toThrow(
      /longer than 65536/,
    );
    for (const template of [
      '{{'.repeat(32_000),
      `{{ ${'"\\'.repeat(20_000)}`,
      `{{ ${'name '.repeat(12_000)} }}`,
      `{{/*${'*/'.repeat(30_000)}`,
      '{{ - }}'.repeat(9_000),
    ]) {
      try {
        render(template);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidSpecError);
      }
    }
  });
});

describe('escaping', () => {
  test.each([
    ['double quotes', 'x{a="{{ variables.v }}"}', 'a"b\\c\nd', 'x{a="a\\"b\\\\c\\nd"}'],
    ['double quotes leave single ones', 'x{a="{{ variables.v }}"}', "it's", 'x{a="it\'s"}'],
    ['single quotes', "x{a='{{ variables.v }}'}", `it's "so"`, `x{a='it\\'s "so"'}`],
    ['backquotes', 'x{a=`{{ variables.v }}`}', 'a"b\\c', 'x{a=`a"b\\c`}'],
    [
      'within printf',
      '{{ printf "x{a=\\"%s\\"}" variables.v }}',
      '"} or vector(100) #',
      'x{a="\\"} or vector(100) #"}',
    ],
    ['after a quote that is escaped', 'x{a="\\"{{ variables.v }}"}', '"', 'x{a="\\"\\""}'],
    ['the interval too', 'x{a="{{ interval }}"}', '', 'x{a="1m"}'],
  ])('%s', (_, template, v, expected) => {
    expect(render(template, { variables: { v } })).toBe(expected);
  });

  const ATTACKS = [
    '"} or vector(100) #',
    "'} or vector(100) #",
    '`} or vector(1)',
    '1m])) or vector(100) #',
    '\\',
    '\\"',
    '"',
    ') or (',
    '{',
    '}',
    'a b',
    'a-b',
    'x[5m]',
    '0x10',
    'x{a="b"}',
    '\u0000',
    '‮',
    '#',
    '1m or 1',
    'a\nb',
    ';',
    '$(id)',
    '${x}',
    '{{ name }}',
  ];

  test.each(ATTACKS)('outside quotes, %j is refused unless asked otherwise', (v) => {
    expect(() => render('x[{{ variables.v }}]', { variables: { v } })).toThrow(
      /stands outside quotes, must be a name, a number or a duration there/,
    );
    expect(() => render('x[{{ interval }}]', { interval: v })).toThrow(/stands outside quotes/);
    expect(render('x[{{ variables.v }}]', { variables: { v } }, 'any')).toBe(`x[${v}]`.replace(/\s+/g, ' '));
  });

  test.each(ATTACKS)('inside quotes, %j stays one string', (v) => {
    for (const quote of ['"', "'"]) {
      const query = render(`sum(x{a=${quote}{{ variables.v }}${quote},b=${quote}{{ variables.v }}${quote}})`, {
        variables: { v },
      });
      const text = `${quote}((?:[^${quote}\\\\\n]|\\\\.)*)${quote}`;
      const whole = new RegExp(`^sum\\(x\\{a=${text},b=${text}\\}\\)$`, 'u').exec(query);
      expect(whole, query).not.toBeNull();
      const unescaped = whole?.[1]?.replace(/\\(.)/g, (__, letter: string) => (letter === 'n' ? '\n' : letter));
      expect(unescaped).toBe(v.replace(/ +/g, ' '));
    }
  });

  test('a backquote between backquotes is refused', () => {
    expect(() => render('x{a=`{{ variables.v }}`}', { variables: { v: '`' } })).toThrow(
      /must stand between double quotes/,
    );
  });

  test('a variable that looks like a template stays text', () => {
    expect(render('x{a="{{ variables.v }}"}', { variables: { v: '{{ name }}' } })).toBe('x{a="{{ name }}"}');
  });
});

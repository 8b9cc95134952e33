// The weight of the canary is read off every mesh's route, and shares are held against it without the moments in between.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import type { Answer } from '../../../../src/embedded/demo/load.ts';
import { canaryWeightOf, judgeShares, type RouteStep } from '../../../../src/embedded/demo/route-log.ts';

const route = (name: string, spec: unknown): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Route',
  metadata: { name },
  spec,
});
const targets = [
  { virtualNodeName: 'web-primary', weight: 70 },
  { virtualNodeName: 'web-canary', weight: 30 },
];

describe('canaryWeightOf', () => {
  it.each<[string, KubeObject]>([
    [
      'Istio',
      route('web', {
        http: [
          {
            route: [
              { destination: { host: 'web-primary' }, weight: 70 },
              { destination: { host: 'web-canary' }, weight: 30 },
            ],
          },
        ],
      }),
    ],
    [
      'Gateway API',
      route('web', {
        rules: [
          {
            backendRefs: [
              { name: 'web-primary', weight: 70 },
              { name: 'web-canary', port: 80, weight: 30 },
            ],
          },
        ],
      }),
    ],
    ['SMI', route('web', { service: 'web', backends: [{ service: 'web-canary', weight: 30 }] })],
    [
      'App Mesh v1beta1',
      route('web.shop', { routes: [{ name: 'web', grpc: { action: { weightedTargets: targets } } }] }),
    ],
    [
      'App Mesh v1beta2',
      route('web', {
        routes: [
          { httpRoute: { action: { weightedTargets: [{ virtualNodeRef: { name: 'web-canary' }, weight: 30 }] } } },
        ],
      }),
    ],
  ])('reads %s', (_, object) => {
    expect(canaryWeightOf(object, 'web')).toBe(30);
  });

  it('passes over what is no route of the app', () => {
    expect(canaryWeightOf(null, 'web')).toBeNull();
    expect(canaryWeightOf(route('web-canary.shop', { routes: targets }), 'web')).toBeNull();
    expect(canaryWeightOf(route('web', { weight: 100, host: 'web-primary' }), 'web')).toBeNull();
    expect(canaryWeightOf(route('web', { weight: 100, host: 'web-canary-2' }), 'web')).toBeNull();
  });
});

describe('judgeShares', () => {
  const answer = (startMs: number, endMs: number, role: Answer['role']): Answer => {
    const reply = { isOk: true, role, version: '1', isNewConnection: true, problem: '' };
    return { ...reply, host: 'web', startMs, endMs };
  };
  /** One request every 10 ms; every n-th is the canary's. */
  const stream = (fromMs: number, untilMs: number, every: number): Answer[] =>
    Array.from({ length: (untilMs - fromMs) / 10 }, (_, index) =>
      answer(fromMs + index * 10, fromMs + index * 10 + 5, every > 0 && index % every === 0 ? 'canary' : 'primary'),
    );
  const steps: readonly RouteStep[] = [
    { weightPercent: 0, committedMs: 0, followedMs: 100 },
    { weightPercent: 20, committedMs: 10_000, followedMs: 10_150 },
    { weightPercent: 0, committedMs: 20_000, followedMs: 20_150 },
  ];

  it('finds shares that fit', () => {
    const answers = [...stream(0, 10_000, 0), ...stream(10_000, 20_000, 5), ...stream(20_200, 25_000, 0)];
    const shares = judgeShares(steps, answers, 25_000);
    expect(shares.map(({ weightPercent, canary }) => [weightPercent, canary > 0])).toEqual([
      [0, false],
      [20, true],
      [0, false],
    ]);
    expect(Math.min(...shares.map(({ pValue }) => pValue))).toBeGreaterThan(0.5);
  });

  it('finds a share that does not, and one request too many at weight 0', () => {
    const answers = [
      ...stream(0, 10_000, 0),
      ...stream(10_000, 20_000, 2),
      ...stream(20_200, 25_000, 0),
      answer(22_000, 22_005, 'canary'),
    ];
    const [before, during, after] = judgeShares(steps, answers, 25_000);
    expect(before?.pValue).toBe(1);
    expect(during?.pValue).toBeLessThan(1e-6);
    expect(after).toMatchObject({ canary: 1, pValue: 0 });
  });

  it('leaves out what was sent between two weights', () => {
    const answers = [
      ...stream(0, 9_900, 0),
      // Sent at weight 0, but chosen after the next weight was followed.
      answer(9_990, 10_400, 'canary'),
      ...stream(10_150, 19_800, 5),
      // Sent before the data plane had followed the way back.
      answer(20_100, 20_110, 'canary'),
      ...stream(20_200, 25_000, 0),
    ];
    expect(judgeShares(steps, answers, 25_000).map(({ weightPercent, canary }) => [weightPercent, canary])).toEqual([
      [0, 0],
      [20, 193],
      [0, 0],
    ]);
  });

  it('counts slow answers to their own step, so that a slow canary does not hide', () => {
    const slow = stream(10_150, 19_800, 5).map((one) => ({
      ...one,
      endMs: one.role === 'canary' ? 30_000 : one.endMs,
    }));
    expect(judgeShares(steps, slow, 25_000)).toMatchObject([{ weightPercent: 20, canary: 193 }]);
  });

  it('judges nothing that the data plane never followed', () => {
    expect(judgeShares([{ weightPercent: 10, committedMs: 0, followedMs: null }], stream(0, 1_000, 2), 1_000)).toEqual(
      [],
    );
  });
});

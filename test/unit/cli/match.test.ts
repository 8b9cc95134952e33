// Matching of images and versions: what a pipeline knows of its release against what runs.
import { describe, expect, it } from 'vitest';
import { factsOfTarget, isRunWanted, isSameImage, isTargetWanted, parseImage } from '../../../src/cli/match.ts';
import { aRun, aTarget } from './canaries.ts';

describe('isSameImage()', () => {
  const DIGEST = `sha256:${'a'.repeat(64)}`;
  const OTHER = `sha256:${'b'.repeat(64)}`;
  it.each([
    ['the same text', 'reg.example:5000/shop/web:1.2', 'reg.example:5000/shop/web:1.2', true],
    ['another tag', 'shop/web:1.2', 'shop/web:1.3', false],
    ['another repository with the same tag', 'shop/web:1.2', 'shop/api:1.2', false],
    ['another registry', 'a.example/web:1', 'b.example/web:1', false],
    ['wanted without the digest that runs', `shop/web:1.2@${DIGEST}`, 'shop/web:1.2', true],
    ['wanted with a digest where none runs', 'shop/web:1.2', `shop/web:1.2@${DIGEST}`, true],
    ['another digest under the same tag', `shop/web:1.2@${DIGEST}`, `shop/web:1.2@${OTHER}`, false],
    ['the same digest under another tag', `shop/web:1.2@${DIGEST}`, `shop/web:1.3@${DIGEST}`, true],
    ['the same digest of another repository', `shop/web@${DIGEST}`, `shop/api@${DIGEST}`, false],
    ['only a digest against only a tag', 'shop/web:1.2', `shop/web@${DIGEST}`, false],
    ['no tag is latest', 'shop/web', 'shop/web:latest', true],
    ['what Docker adds', 'docker.io/library/nginx:1', 'nginx:1', true],
    ['a port is no tag', 'reg.example:5000/web', 'reg.example:5000/web:5000', false],
    ['nothing', '', '', false],
  ])('%s', (_, seen, wanted, isSame) => {
    expect(isSameImage(seen, wanted)).toBe(isSame);
  });

  it('parseImage() keeps the port of a registry apart from a tag', () => {
    expect(parseImage('reg.example:5000/web:1.0@sha256:ab')).toEqual({
      repository: 'reg.example:5000/web',
      tag: '1.0',
      digest: 'sha256:ab',
    });
  });
});

describe('isTargetWanted() by version', () => {
  it.each([
    ['an image tag', aTarget('1.2.3'), '1.2.3', true],
    ['the tag of a second container', aTarget('x', { images: ['app:7', 'side:1.2.3'] }), '1.2.3', true],
    ['the pod label', aTarget('x', { podLabels: { 'app.kubernetes.io/version': '1.2.3' } }), '1.2.3', true],
    ['the label of the Deployment', aTarget('x', { labels: { 'app.kubernetes.io/version': '1.2.3' } }), '1.2.3', true],
    ['VERSION of a container', aTarget('x', { env: [{ name: 'VERSION', value: '1.2.3' }] }), '1.2.3', true],
    ['another variable', aTarget('x', { env: [{ name: 'RELEASE', value: '1.2.3' }] }), '1.2.3', false],
    ['the chart label', aTarget('x', { labels: { chart: 'web-1.2.3' } }), '1.2.3', true],
    ['the end of another chart version', aTarget('x', { labels: { chart: 'web-11.2.3' } }), '1.2.3', false],
    ['a plus sign as Helm writes it', aTarget('1.2.3_5'), '1.2.3+5', true],
    ['a part of the tag', aTarget('1.2.34'), '1.2.3', false],
    ['no tag at all', aTarget('x', { images: ['web@sha256:ab'] }), '', false],
  ])('%s', (_, target, version, isWanted) => {
    expect(isTargetWanted({ kind: 'version', version }, factsOfTarget(target, {}))).toBe(isWanted);
  });
});

describe('revisions', () => {
  it('change with the pod template and with the digests of its configs, not with the Deployment around it', () => {
    const revision = (target = aTarget('1'), configs = {}): string => factsOfTarget(target, configs).revision;
    expect(revision()).toMatch(/^v1-[0-9a-f]{16}$/);
    expect(revision(aTarget('1', { labels: { team: 'shop' } }))).toBe(revision());
    expect(revision(aTarget('1', { podAnnotations: { restarted: 'now' } }))).not.toBe(revision());
    expect(revision(aTarget('1'), { 'configmap/web': 'ab' })).not.toBe(revision());
  });

  it('of a run match by version, tag, image and revision', () => {
    const run = aRun(3, aTarget('1.2.3', { podLabels: { 'app.kubernetes.io/version': '9.9' } }));
    expect(isRunWanted({ kind: 'version', version: '9.9' }, run)).toBe(true);
    expect(isRunWanted({ kind: 'version', version: '1.2.3' }, run)).toBe(true);
    expect(isRunWanted({ kind: 'version', version: '1.2' }, run)).toBe(false);
    expect(isRunWanted({ kind: 'image', image: 'registry.example/web:1.2.3' }, run)).toBe(true);
    expect(isRunWanted({ kind: 'revision', revision: run.revision }, run)).toBe(true);
    expect(isRunWanted({ kind: 'template', digest: run.revision }, run)).toBe(false);
  });
});
